"""Events, works, products and groups in sentences of our own (`tests/enrich/marked/things.txt`).

A third of the sentences holds none, but something that looks like one.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from bench.quality_rows import Counts, Row
from services.enrich.pipeline import Resources, enrich
from shared.articles import Article, FeedRef, Source

MARKS = Path(__file__).resolve().parents[1] / "tests" / "enrich" / "marked" / "things.txt"
KINDS = ("event", "work", "product", "group")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_MARK = re.compile(rf"\[({'|'.join(KINDS)}) ([^\]]+)\]")

Name = tuple[str, int, int]  # kind, start, end


def read(path: Path = MARKS) -> list[tuple[str, frozenset[Name]]]:
    """Each sentence with the names marked in it."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [_unmark(line) for line in lines if line and not line.startswith("#")]


def _unmark(line: str) -> tuple[str, frozenset[Name]]:
    text, names, at = "", set(), 0
    for match in _MARK.finditer(line):
        text += line[at : match.start()]
        names.add((match[1], len(text), len(text) + len(match[2])))
        text += match[2]
        at = match.end()
    return text + line[at:], frozenset(names)


def article(number: int, text: str) -> Article:
    """One sentence as an article without a title."""
    url = f"https://own.example/{number}"
    return Article(
        id=number,
        version=1,
        url=url,
        canonical_url=url,
        title="",
        subtitle=None,
        description=None,
        authors=(),
        language="en",
        published_at=NOW,
        published_precision="second",
        modified_at=None,
        discovered_at=NOW,
        fetched_at=NOW,
        body_html=f"<p>{escape(text)}</p>",
        page_html=None,
        source=Source("own.example", "Own", "own.example"),
        feeds=(FeedRef(1, "Own", None),),
        images=(),
        media=(),
        categories=(),
        status="usable",
        paywalled=None,
    )


def rows(resources: Resources) -> list[Row]:
    """A row a kind: exact spans and kinds."""
    marked = read()
    docs = enrich([article(n, text) for n, (text, _) in enumerate(marked, 1)], resources, clock=time.perf_counter)
    counts: dict[str, Counts] = defaultdict(Counts)
    for (_, wanted), doc in zip(marked, docs, strict=True):
        given = {(e.type, m.start, m.end) for e in doc.entities if e.type in KINDS for m in e.mentions}
        for name in given:
            counts[name[0]].given += 1
            counts[name[0]].right += name in wanted
        for mark in wanted:
            counts[mark[0]].share(mark in given)
    return [
        Row(f"{kind}s", "en", "own sentences", f"{counts[kind].wanted} names", counts[kind].figures()) for kind in KINDS
    ]
