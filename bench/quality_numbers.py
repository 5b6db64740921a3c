"""Casualties and sums of money in sentences of our own (`tests/enrich/marked/numbers.txt`) and in the sample wire."""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bench.quality_marked import MARKS as ARTICLES
from bench.quality_marked import SET, Marked, MarkError
from bench.quality_rows import Counts, Row
from bench.quality_things import article
from services.enrich.document import Document
from services.enrich.pipeline import Resources, enrich

MARKS = Path(__file__).resolve().parents[1] / "tests" / "enrich" / "marked" / "numbers.txt"
TASKS = {"casualties": ("killed", "injured", "missing"), "money": ("money",)}
_MARK = re.compile(r"\[(killed|injured|missing|money) ([^|\]]+)\|([^\]]+)\]")

Number = tuple[str, int, str, str]  # kind, start, value as marks write it, words


def read(path: Path = MARKS) -> list[tuple[str, frozenset[Number]]]:
    """Each sentence with the numbers marked in it."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [unmark(line) for line in lines if line and not line.startswith("#")]


def unmark(line: str) -> tuple[str, frozenset[Number]]:
    """A sentence without its marks, and they."""
    text, found, at = "", set(), 0
    for match in _MARK.finditer(line):
        text += line[at : match.start()]
        found.add((match[1], len(text), match[2], match[3]))
        text += match[3]
        at = match.end()
    return text + line[at:], frozenset(found)


def told(doc: Document) -> set[Number]:
    """What the step found, as marks write it."""
    return {
        (one.kind, one.start, value(one.low, one.high, one.approximate, one.kind, one.currency), one.text)
        for one in doc.numbers
    }


def value(low: float | None, high: float | None, approximate: bool, kind: str, currency: str | None) -> str:
    """7, 7.., ..7, ~7 or 7..9; the currency before it."""
    span = f"{'~' if approximate else ''}{low}" if low == high else f"{_or(low)}..{_or(high)}"
    return f"{currency or '?'} {span}" if kind == "money" else span


def _or(number: float | None) -> str:
    return "" if number is None else str(number)


def rows(resources: Resources, pairs: Sequence[tuple[Marked, Document]]) -> list[Row]:
    """A row for casualties and one for money, on the sentences and on marked articles with what was found in them."""
    sentences = read()
    docs = enrich([article(n, text) for n, (text, _) in enumerate(sentences, 1)], resources, clock=time.perf_counter)
    own = [(set(wanted), told(doc)) for (_, wanted), doc in zip(sentences, docs, strict=True)]
    marks = tomllib.loads(ARTICLES.read_text(encoding="utf-8"))
    wire = [_of_article(marks, mark.slug, doc) for mark, doc in pairs]
    return [_row(task, name, found) for name, found in (("own sentences", own), (SET, wire)) for task in TASKS]


def _of_article(marks: dict[str, dict[str, Any]], slug: str, doc: Document) -> tuple[set[Number], set[Number]]:
    """What is marked in an article, a copy's original included as far as the copy kept it, and what was found."""
    mine = marks[slug].get("numbers", [])
    wanted = set()
    for row in (*marks.get(marks[slug].get("like", ""), {}).get("numbers", ()), *mine):
        ((kind, _, amount, words),) = unmark(f"[{row}]")[1]
        at = re.search(rf"(?<![\w.,]){re.escape(words)}(?![\w])", doc.body_text)
        if at:
            wanted.add((kind, at.start(), amount, words))
        elif row in mine:
            raise MarkError(f"{slug}: no number there reads {words!r}")
    return wanted, told(doc)


def _row(task: str, name: str, pairs: Iterable[tuple[set[Number], set[Number]]]) -> Row:
    total = Counts()
    for want, found in pairs:
        wanted, given = ({one for one in some if one[0] in TASKS[task]} for some in (want, found))
        hits = len(wanted & given)
        total += Counts(len(given), hits, len(wanted), hits)
    return Row(task, "en", name, f"{total.wanted} numbers", total.figures())
