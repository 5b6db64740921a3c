"""Row 8: the whole chain of steps on one core, against the NER model called alone, one article at a time.

Called alone means as a model is called that knows nothing of its task: every word of every sentence goes through all
its layers. What the product leaves out (sentences without a name, words far from one) is a saving of the product's.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from bench.report import Row
from bench.text import article, headline
from services.enrich.ner import NerModel
from services.enrich.ner.reading import cut
from services.enrich.ner.windows import parts, windows
from services.enrich.pipeline import enrich, load_resources
from shared.articles import Article, FeedRef, Source

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LENGTHS = {30: 96, 500: 48, 2000: 12}  # words -> articles


def articles(words: int, count: int) -> list[Article]:
    """News-like articles of about so many words."""
    source = Source("bench.example", "Bench", "bench.example")
    return [
        Article(
            id=n,
            version=1,
            url=f"https://bench.example/{n}",
            canonical_url=f"https://bench.example/{n}",
            title=headline(n),
            subtitle=None,
            description=None,
            authors=(),
            language="en",
            published_at=NOW,
            published_precision="second",
            modified_at=None,
            discovered_at=NOW,
            fetched_at=NOW,
            body_html="".join(f"<p>{p}</p>" for p in article(words, n)),
            page_html=None,
            source=source,
            feeds=(FeedRef(1, "Bench", None),),
            images=(),
            media=(),
            categories=(),
            status="usable",
            paywalled=None,
        )
        for n in range(count)
    ]


def plain(model: NerModel, text: str) -> None:
    """Run the model over every word of a text, in windows of whole sentences, and read no names out of it."""
    sentences = cut(text)
    known = model._look_up({word.text for sentence in sentences for word in sentence})
    every = (
        part
        for number, sentence in enumerate(sentences)
        for part in parts(number, [known[word.text] for word in sentence], range(len(sentence)))
    )
    for window in windows(list(every)):
        model._run(window)


def run() -> Row:
    """CPU seconds of this process per article, chain in batches of 16 against model alone."""
    resources = load_resources("default")
    model = NerModel.load()
    fast = load_resources("rules")
    figures: dict[str, float | int | str] = {}
    reached = True
    for words, count in LENGTHS.items():
        *batch, one, other = articles(words, count + 2)
        enrich([one, other], resources, clock=time.perf_counter)
        begun = time.process_time()
        for start in range(0, count, 16):
            enrich(batch[start : start + 16], resources, clock=time.perf_counter)
        chain = (time.process_time() - begun) / count * 1000
        begun = time.process_time()
        for one in batch:
            plain(model, "\n\n".join((one.title, *article(words, one.id))))
        alone = (time.process_time() - begun) / count * 1000
        begun = time.process_time()
        for start in range(0, count, 16):
            enrich(batch[start : start + 16], fast, clock=time.perf_counter)
        rules = (time.process_time() - begun) / count * 1000
        figures |= {
            f"{words} words: chain ms": round(chain, 1),
            f"{words} words: articles/s per core": round(1000 / chain, 1),
            f"{words} words: model alone ms": round(alone, 1),
            f"{words} words: ratio": round(chain / alone, 2),
            f"{words} words: rules tier articles/s per core": round(1000 / rules),
        }
        reached = reached and chain <= 0.35 * alone and (words != 500 or (chain <= 25 and rules <= 5))
    return Row(
        8,
        "enrichment, whole chain, one core",
        "<= 0.35 x the model alone, on every word; 500 words <= 25 ms; fast >= 200/s",
        figures,
        reached,
    )
