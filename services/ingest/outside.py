"""A change to a document's markup that leaves CDATA sections and comments, which are somebody's text, alone. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

_OPENING = re.compile(rb"<!(?:\[CDATA\[|--)")


def in_markup(document: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """The document with what stands outside of its CDATA sections and comments changed, piece by piece. Linear."""
    parts: list[bytes] = []
    at = 0
    while (opening := _OPENING.search(document, at)) is not None:
        closing = b"-->" if opening.group() == b"<!--" else b"]]>"
        ends = document.find(closing, opening.end())
        if ends < 0:
            break  # it does not end: nobody knows what it is
        ends += len(closing)
        parts += (change(document[at : opening.start()]), document[opening.start() : ends])
        at = ends
    return b"".join((*parts, change(document[at:])))
