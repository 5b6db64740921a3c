"""What most often keeps a feed from being XML, put right: bare `&`, entities of HTML, control characters, and what
stands behind its end. Pure.

A feed that is damaged today is read by the same reader as yesterday then, and means the same: an address with
`&copy=1` in it stays that address.
"""

from __future__ import annotations

import re
from html.entities import html5

from services.ingest.outside import in_markup

_AMPERSAND = re.compile(rb"&(?:(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});)?")
_NO_CHARACTER = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")
_CHARACTERS = ((0x20, 0xD7FF), (0xE000, 0xFFFD), (0x10000, 0x10FFFF))
_ENDS = (b"</rss>", b"</feed>")
_KEPT = frozenset((b"amp", b"lt", b"gt", b"quot", b"apos"))


def mended(document: bytes) -> bytes:
    """The UTF-8 document without these; the same where it has none."""
    document = _NO_CHARACTER.sub(b"", document)
    ends = max((document.rfind(root) + len(root) for root in _ENDS if root in document), default=len(document))
    document = document[:ends]
    return in_markup(document, lambda piece: _AMPERSAND.sub(_reference, piece) if b"&" in piece else piece)


def _reference(found: re.Match[bytes]) -> bytes:
    name: bytes | None = found.group(1)
    if name is None:
        return b"&amp;"
    if name.startswith(b"#"):
        number = int(name[2:], 16) if name[1:2] in b"xX" else int(name[1:])
        return found.group() if _is_character(number) else b""
    if name in _KEPT:
        return found.group()
    text = html5.get(f"{name.decode()};")
    if text is None:
        return b"&amp;" + found.group()[1:]
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;").encode()


def _is_character(number: int) -> bool:
    """XML 1.0, 2.2."""
    return number in (9, 10, 13) or any(first <= number <= last for first, last in _CHARACTERS)
