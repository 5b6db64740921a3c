"""How publishers take an article back: marks in titles and statuses, and Atom's tombstones. Pure.

Wire practice is a word in capitals before or after the headline (AP "KILL", AFP "ANNULATION", dpa "ZURÜCKGEZOGEN",
EFE "ANULADA"); IPTC's `pubStatus` says "canceled"; RFC 6721 has `<at:deleted-entry ref="…">` beside the entries.
"""

from __future__ import annotations

import re
from html import unescape

from shared.changes import words

MOST = 2_000  # tombstones of one body

_WORDS = (
    r"(?:(?:MANDATORY|ADVISORY|CORRECTIVE)[ -])?KILL(?:ED)?|(?:STORY |ARTICLE )?(?:WITHDRAWN|RETRACTED|REMOVED)"
    r"|WITHDRAWAL|ANNULATION|ANNULÉE?|ANULAD[AO]|ANULACIÓN|ZURÜCKGEZOGEN|RITIRAT[AO]|ANNULLAT[AO]|RETIRAD[AO]|INGETROKKEN"
)
_BEFORE = re.compile(rf"\A[\W_]*(?:{_WORDS})\s*(?:[:\])]|[-–—]+\s|\Z)[\s\])]*")
_BEFORE_SOFT = re.compile(r"\A\W*(?:withdrawn|retracted)\s*(?::|\])\s*", re.IGNORECASE)
_AFTER = re.compile(rf"\s*(?:[(\[]\s*(?:{_WORDS})\s*[)\]]|\s[-–—]+\s*(?:{_WORDS}))\s*\Z")
_IN_FRONT = (_BEFORE, _BEFORE_SOFT)
_ALL = (*_IN_FRONT, _AFTER)
_STATUSES = frozenset({"canceled", "cancelled", "killed", "withdrawn", "retracted"})
_TOMBSTONE = re.compile(rb"<(?:[\w.\-]{1,30}:)?deleted-entry\b([^>]{0,4000})>")
_REF = re.compile(rb"""\bref\s*=\s*(?:"([^"]*)"|'([^']*)')""")


def is_withdrawn(title: str, pubstatus: str | None = None) -> bool:
    """Whether the title or the status says that the article is taken back."""
    if pubstatus and pubstatus.strip().lower().removeprefix("stat:") in _STATUSES:
        return True
    return any(mark.search(title) for mark in _marks(title))


def bare(title: str) -> str:
    """The headline without such a mark."""
    for mark in _marks(title):
        title = mark.sub("", title)
    return title.strip()


def headline(title: str) -> str:
    """What tells one headline from another: its words in one case, without such a mark; empty where it has none."""
    return "\0".join(words(bare(title) or title))


def _marks(title: str) -> tuple[re.Pattern[str], ...]:
    """The patterns that may be in a title: one that ends in a bracket or a capital may have its mark behind."""
    end = title.rstrip()[-1:]
    return _ALL if end in ")]" or end.isupper() else _IN_FRONT


def tombstones(document: bytes) -> list[str]:
    """The ids of entries that a UTF-8 Atom document says are deleted (RFC 6721, 3)."""
    if b"deleted-entry" not in document:
        return []
    refs: list[str] = []
    for attributes in _TOMBSTONE.findall(document)[:MOST]:
        found = _REF.search(attributes)
        if found:
            refs.append(unescape((found.group(1) or found.group(2) or b"").decode("utf-8", "replace")).strip())
    return [ref for ref in refs if ref]
