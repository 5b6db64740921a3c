"""A document that broke off on its way: what is whole of it. Pure.

The item in which it broke off is no item yet: its text, its address or its guid may be half of what they are.
"""

from __future__ import annotations

import re

_NAME = rb"(?:[\w.\-]{1,30}:)?"
_ITEMS = {"rss": b"item", "RDF": b"item", "feed": b"entry", "urlset": b"url"}  # by the root of what holds them
ROOTS = tuple(_ITEMS)
_ENDS = {root: re.compile(rb"</" + _NAME + item + rb"\s*>", re.IGNORECASE) for root, item in _ITEMS.items()}
_CLOSERS = {"rss": b"</channel></rss>", "feed": b"</feed>", "urlset": b"</urlset>"}


def is_torn(document: bytes, root: str) -> bool:
    """Whether the root, whose name this is without its prefix, never ends."""
    named = _NAME + re.escape(root.encode())
    if re.search(rb"</" + named + rb"\s*(?:>|\Z)", document, re.IGNORECASE):
        return False
    return re.search(rb"<" + named + rb"(?:\s[^<>]*)?/>", document[:65536], re.IGNORECASE) is None


def whole_part(document: bytes, root: str) -> bytes | None:
    """The document with its whole items alone, ended; None where not one is whole."""
    ends = max((found.end() for found in _ENDS[root].finditer(document)), default=None)
    return None if ends is None else document[:ends] + _CLOSERS.get(root, b"")
