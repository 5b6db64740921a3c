"""The permissive development sets beside the checkout (`../shared/data/enrich`): entities, language, summary.

Whole documents go through the product's own steps, so that a row says what a reader of the API gets. Nothing here was
trained on; the sets that are held out for acceptance are not looked at.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench import quality_feeds, quality_languages, quality_places, quality_real
from bench.pages import FOLDER, declared, pages, score
from bench.quality_marked import articles, topic_names
from bench.quality_rows import Counts, Row
from services.enrich.document import Document, Language
from services.enrich.ner.spans import LABELS, Span
from services.enrich.resources import Resources
from services.enrich.steps.folding import Folding
from services.enrich.steps.mentions import Mentions
from services.enrich.steps.page import extract
from services.enrich.steps.summary import Summary
from training.ner.data import Sentence, cased, read
from training.ner.evaluate import Score, Tag, alone, joined

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "enrich"
SETS = {
    "gum_nonnews_devtest_ccby": "GUM dev+test, academic, court, interview",
    "gum_nonnews_devtest_ccbysa": "GUM dev+test, biography, voyage",
    "uner_pud_wikipedia_ccbysa": "UNER PUD, Wikipedia half",
}
RECASED = "uner_pud_wikipedia_ccbysa"
MASAKHANE = {
    "business": "04000000", "entertainment": "01000000", "health": "07000000", "politics": "11000000",
    "religion": "12000000", "sports": "15000000", "technology": "13000000",
}  # fmt: skip
_TOKEN = re.compile(r"[^\W_]+")


def rows(resources: Resources, folder: Path = DATA) -> Iterator[Row]:
    """Every row of the development sets. Raises FileNotFoundError where they are not."""
    yield from entities(resources, folder)
    yield from quality_places.links(resources, folder / "linking")
    yield _topics(resources, folder / "lang" / "masakhanews_dev_headlines.jsonl.gz")
    yield _pairs(resources, folder / "clustering" / "ecbplus_odd_topics.jsonl.gz")
    if FOLDER.is_dir():
        yield _pages()
        yield Row("page facts", "mostly de", "trafilatura's Creative Commons pages", "64 pages", declared())
    yield from quality_languages.headlines(resources, folder / "lang" / "masakhanews_dev_headlines.jsonl.gz")
    yield from quality_feeds.rows(resources)
    yield _summaries(resources, folder / "summaries" / "gum_train_news.jsonl.gz")


def tagging(resources: Resources) -> Tag:
    """Names by the tagger of these resources and the steps behind it, as a function of English texts."""
    blank = next(iter(articles().values()))

    def tag(texts: Sequence[str]) -> list[list[Span]]:
        docs = [
            Document(replace(blank, id=n), body_text=text, language=Language("en", 1.0)) for n, text in enumerate(texts)
        ]
        for step in (Mentions(), Folding()):
            step.run(docs, resources)
        return [_spans(doc) for doc in docs]

    return tag


def entities(resources: Resources, folder: Path = DATA, tier: str = "") -> Iterator[Row]:
    """Names by the tagger of these resources; `tier` says in the rows which one it is."""
    tag = tagging(resources)
    for name, title in SETS.items():
        sentences = [whole(one) for one in read(folder / "ner" / "eval" / f"{name}.jsonl.gz")]
        yield from _scored(joined(tag, sentences), title + tier)
        if name == RECASED:
            for how, told in (("title", "in Title Case"), ("upper", "IN CAPITALS")):
                recased = alone(tag, [cased(sentence, how) for sentence in sentences])
                yield list(_scored(recased, f"{title}, sentences {told}{tier}"))[-1]
    if quality_real.available():
        yield from quality_real.rows(resources, tier)


def whole(sentence: Sentence) -> Sentence:
    """A sentence whose names have the word back that GUM's flattening cut off: (United) States Congress."""
    text = sentence.text
    names = tuple(
        (
            start - len("United ")
            if text[start:end].split(" ")[0] in ("States", "Kingdom") and text.endswith("United ", 0, start)
            else start,
            end,
            kind,
        )
        for start, end, kind in sentence.names
    )
    return replace(sentence, names=names)


def _spans(doc: Document) -> list[Span]:
    return sorted(
        Span(mention.start, mention.end, label, mention.score)
        for cluster in doc.clusters
        for label in LABELS
        if label == cluster.type
        for mention in cluster.mentions
    )


def _scored(score: Score, title: str) -> Iterator[Row]:
    names = {"person": "persons", "organisation": "organisations", "place": "places"}
    for labels in (*((label,) for label in LABELS), LABELS):
        precision, recall, exact, overlap = (round(value, 1) for value in score.row(labels))
        size = f"{sum(score.wanted[label] for label in labels)} names"
        figures = {"P": precision, "R": recall, "F1": exact, "overlap F1": overlap}
        yield Row(names[labels[0]] if len(labels) == 1 else "entities", "en", title, size, figures)


def _topics(resources: Resources, path: Path) -> Row:
    lines = [line for line in _lines(path) if line["lang"] == "en"]
    every, few = Counts(), Counts()
    names = topic_names()
    wanted = {topic: names[number] for topic, number in MASAKHANE.items()}
    for line in lines:
        shares = resources.topic_model.shares(line["headline"], "")
        right = wanted[line["topic"]]
        every.share(max(shares, key=shares.__getitem__) == right)
        few.share(max(wanted.values(), key=shares.__getitem__) == right)
    figures = {"right of 17": every.recall, "right of its own": few.recall}
    return Row("topics from the text alone", "en", "MasakhaNEWS dev, headlines", f"{len(lines)} headlines", figures)


def _pairs(resources: Resources, path: Path) -> Row:
    lines = _lines(path)
    texts = [" ".join(" ".join(line["sents"]).split()[:80]) for line in lines]
    vectors = resources.embedding.unit(texts)
    one, other = np.triu_indices(len(lines), 1)
    clusters = np.array([line["cluster"] for line in lines])
    same = (clusters[one] == clusters[other])[np.argsort(-(vectors @ vectors.T)[one, other])]
    precision = np.cumsum(same) / np.arange(1, len(same) + 1)
    figures = {"average precision": round(100 * float(precision[same].mean()), 1)}
    return Row("embedding", "en", "ECB+, odd topics", f"{len(same)} pairs of {len(lines)} texts", figures)


def _pages() -> Row:
    found = pages()

    def read(html: str) -> str:
        made = extract(html)
        return made.body_text if made else ""

    languages = "mostly en"
    return Row("page text", languages, "article-extraction-benchmark, half", f"{len(found)} pages", score(found, read))


def _summaries(resources: Resources, path: Path) -> Row:
    lines = _lines(path)
    blank = next(iter(articles().values()))
    one = two = 0.0
    for line in lines:
        doc = Document(blank, title=line["sents"][0], body_text="\n\n".join(line["sents"][1:]))
        Summary().run([doc], resources)
        made = " ".join(doc.summary)
        one += max(rouge(made, wanted, 1) for wanted in line["summaries"])
        two += max(rouge(made, wanted, 2) for wanted in line["summaries"])
    figures = {"ROUGE-1": round(100 * one / len(lines), 1), "ROUGE-2": round(100 * two / len(lines), 1)}
    return Row("summary", "en", "GUM train, Wikinews", f"{len(lines)} articles", figures)


def rouge(made: str, wanted: str, n: int) -> float:
    """ROUGE-N F1 (Lin 2004) of two texts, 0 to 1: shared runs of n words, lower case, no stemming."""
    one, other = _grams(made, n), _grams(wanted, n)
    shared = sum((one & other).values())
    return 2 * shared / max(1, sum(one.values()) + sum(other.values()))


def _grams(text: str, n: int) -> Counter[tuple[str, ...]]:
    words = _TOKEN.findall(text.lower())
    return Counter(tuple(words[at : at + n]) for at in range(len(words) - n + 1))


def _lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]
