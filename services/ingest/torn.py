"""A document that broke off on its way: what is whole of it. Pure.

The item in which it broke off is no item yet: its text, its address or its guid may be half of what they are.
"""

from __future__ import annotations

import re

_ITEM_ENDS = re.compile(rb"</(?:[\w.\-]{1,30}:)?(?:item|entry|url)\s*>", re.IGNORECASE)
_CLOSERS = {"rss": b"</channel></rss>", "feed": b"</feed>", "urlset": b"</urlset>"}


def is_torn(document: bytes, root: str) -> bool:
    """Whether the root, whose name this is without its prefix, never ends."""
    named = rb"(?:[\w.\-]{1,30}:)?" + re.escape(root.encode())
    if re.search(rb"</" + named + rb"\s*(?:>|\Z)", document, re.IGNORECASE):
        return False
    return re.search(rb"<" + named + rb"(?:\s[^<>]*)?/>", document[:65536], re.IGNORECASE) is None


def whole_part(document: bytes, root: str) -> bytes | None:
    """The document with its whole items alone, ended; None where not one is whole."""
    ends = max((found.end() for found in _ITEM_ENDS.finditer(document)), default=None)
    return None if ends is None else document[:ends] + _CLOSERS.get(root, b"")
