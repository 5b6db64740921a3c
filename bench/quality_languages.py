"""Languages: of MasakhaNEWS headlines one by one, of our own lines in 29 more, and of texts mixed from two of them."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from bench.quality_rows import Row
from bench.quality_things import article
from services.enrich.document import Document
from services.enrich.pipeline import Resources
from services.enrich.steps.language import DetectLanguage

MARKS = Path(__file__).resolve().parents[1] / "tests" / "enrich" / "marked" / "languages.txt"
HEADLINES = "MasakhaNEWS dev, headlines"
OWN = "own lines"
PIDGIN = "pcm"  # no model tells Nigerian Pidgin from English
#: Languages that stand beside each other in real news, the article's own first.
MIXED = (
    "en fr, fr en, en es, es en, de it, it de, nl fr, fr nl, sv fi, fi sv, ru uk, uk ru, fr ar, ar fr, en hi, hi en,"
    " en zh, ja en, pt en, en he, tr de, de tr, pl en, ro hu, el en, id en, vi fr, ko en, da de, en rw"
)

Line = tuple[str, str]  # language, text


def read(path: Path = MARKS) -> list[Line]:
    """Our own lines: language and text."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [(line.partition("\t")[0], line.partition("\t")[2]) for line in lines if line and not line.startswith("#")]


def own(resources: Resources) -> list[Row]:
    """A row for our own lines and one for the texts mixed from them."""
    lines = read()
    right = _right(resources, lines, lambda _: None)
    return [
        _row("language", f"{len(right)} languages", OWN, right, "lines"),
        _mixed(resources, lines),
    ]


def headlines(resources: Resources, path: Path) -> Iterator[Row]:
    """MasakhaNEWS: all of them, with what a feed declares, rightly or not; and each language by itself."""
    with gzip.open(path, "rt", encoding="utf-8") as rows:
        found = [json.loads(row) for row in rows]
    lines = [(row["lang"], row["headline"]) for row in found if row["lang"] != PIDGIN]
    right = _right(resources, lines, lambda _: None)
    name = f"{len(right)} languages"
    yield _row("language", name, HEADLINES, right, "headlines")
    declared: Iterable[tuple[str, Callable[[str], str]]] = (
        ("the feed declares it", lambda code: code),
        ("the feed declares English", lambda _: "en"),
    )
    for how, told in declared:
        yield _row("language", name, f"{HEADLINES}, {how}", _right(resources, lines, told), "headlines")
    for code, hits in sorted(right.items()):
        share = round(100 * sum(hits) / len(hits), 1)
        yield Row("language", code, f"{HEADLINES} in {code}", f"{len(hits)} headlines", {"right": share})


def _right(resources: Resources, lines: Iterable[Line], declared: Callable[[str], str | None]) -> dict[str, list[bool]]:
    """By language: of which of its lines it was told."""
    right: dict[str, list[bool]] = defaultdict(list)
    for code, text in lines:
        one = resources.language_model.detect(text, declared(code))
        right[code].append(one is not None and one.code == code)
    return right


def _row(task: str, languages: str, name: str, right: dict[str, list[bool]], unit: str) -> Row:
    shares = {code: 100 * sum(hits) / len(hits) for code, hits in right.items()}
    every = [hit for hits in right.values() for hit in hits]
    figures = {"right": round(100 * sum(every) / len(every), 1), "worst": round(min(shares.values()), 1)}
    return Row(task, languages, name, f"{len(every)} {unit}", figures)


def _mixed(resources: Resources, lines: list[Line]) -> Row:
    """Six paragraphs in one language with three in another between: both are to be told, and which is the main one."""
    texts: dict[str, list[str]] = defaultdict(list)
    for code, text in lines:
        texts[code].append(text)
    docs, wanted = [], []
    for number, pair in enumerate(MIXED.split(", "), 1):
        main, other = pair.split()
        body = "\n\n".join([*_paragraphs(texts[main], 3), *_paragraphs(texts[other], 3), *_paragraphs(texts[main], 3)])
        docs.append(Document(replace(article(number, ""), language=None), body_text=body))
        wanted.append((main, (other,)))
    DetectLanguage().run(docs, resources)
    told = [(doc.language.code, doc.language.others) if doc.language else ("", ()) for doc in docs]
    first = [one[0] == want[0] for one, want in zip(told, wanted, strict=True)]
    both = [one == want for one, want in zip(told, wanted, strict=True)]
    figures = {"main right": _share(first), "both right": _share(both)}
    return Row("language of mixed texts", f"{len(docs)} pairs", OWN, f"{len(docs)} texts", figures)


def _paragraphs(texts: list[str], count: int) -> list[str]:
    """Paragraphs of all the texts, each beginning with another one."""
    return [
        " ".join(text if text.endswith(".") else f"{text}." for text in texts[n:] + texts[:n]) for n in range(count)
    ]


def _share(hits: list[bool]) -> float:
    return round(100 * sum(hits) / len(hits), 1)
