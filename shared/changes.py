"""What a publisher changed between two tellings of an article: field by field, and whether it matters. Pure.

Only settled words count (see `shared.settled`), so that a counter or a box of links makes no change and does not make
another one look bigger than it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.settled import settled, settled_html

SIGNIFICANT_CHARACTERS = 50  # Feedbin's threshold for an update worth telling
EXCERPT = 400  # characters of a long text kept in a diff, around what changed
CONTEXT = 60

_WORD = re.compile(r"\w+")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Telling:
    """An article's words at one version: `description` is plain text, `body_html` sanitised."""

    title: str
    description: str | None
    body_html: str | None
    authors: Sequence[str]
    status: str = "usable"


def compare(old: Telling, new: Telling, *, whole: bool = False) -> list[dict[str, Any]]:
    """`[{field, old, new}]` of what differs; long texts around the place that does, unless `whole` is wanted."""
    limit = None if whole else EXCERPT
    body = (settled_html(old.body_html or ""), settled_html(new.body_html or ""))
    return [
        *_change("title", old.title, new.title, limit),
        *_change("description", settled(old.description or ""), settled(new.description or ""), limit),
        *_change("body_text", *body, limit),
        *_other("authors", list(old.authors), list(new.authors)),
        *(_other("status", old.status, new.status) if "withdrawn" in (old.status, new.status) else ()),
    ]


def significant(changes: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a reader of the old telling should know: other words in the title, other figures, much other text."""
    return any(_matters(change) for change in changes)


def words(text: str) -> list[str]:
    """The words of a text, in one case."""
    return _WORD.findall(text.casefold())


def _other(name: str, old: Any, new: Any) -> list[dict[str, Any]]:
    return [] if old == new else [{"field": name, "old": old, "new": new}]


def _change(name: str, old: str, new: str, limit: int | None) -> list[dict[str, Any]]:
    if old.split() == new.split():
        return []
    start, old_end, new_end = _span(old, new)
    return [{"field": name, "old": _excerpt(old, start, old_end, limit), "new": _excerpt(new, start, new_end, limit)}]


def _span(old: str, new: str) -> tuple[int, int, int]:
    """Where two texts begin to differ, and where that ends in each."""
    shorter = min(len(old), len(new))
    start = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    left = shorter - start
    tail = next((i for i in range(left) if old[-1 - i] != new[-1 - i]), left)
    return start, len(old) - tail, len(new) - tail


def _excerpt(text: str, start: int, end: int, limit: int | None) -> str:
    if limit is None or len(text) <= limit:
        return text
    first, last = max(0, start - CONTEXT), min(len(text), max(end + CONTEXT, start - CONTEXT + limit))
    last = min(last, first + limit)
    return ("…" if first else "") + text[first:last] + ("…" if last < len(text) else "")


def _matters(change: Mapping[str, Any]) -> bool:
    old, new = change["old"], change["new"]
    if change["field"] in ("authors", "status"):
        return bool(change["field"] == "status")
    if change["field"] == "title":
        return words(old) != words(new)
    start, old_end, new_end = _span(old, new)
    if max(old_end, new_end) - start >= SIGNIFICANT_CHARACTERS:
        return True
    return bool(_DIGIT.search(old[start:old_end]) or _DIGIT.search(new[start:new_end]))
