"""Other spellings of namespaces that publishers use, each put right in the tree that was read. Pure.

Only names of elements change: what a text says of such an address is the author's.
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

_MEDIA = "http://search.yahoo.com/mrss/"
_ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
_SPELLINGS = {
    "http://www.rssboard.org/media-rss": _MEDIA,
    "https://www.rssboard.org/media-rss": _MEDIA,
    "http://search.yahoo.com/mrss": _MEDIA,
    "https://search.yahoo.com/mrss": _MEDIA,
    "https://search.yahoo.com/mrss/": _MEDIA,
    "http://www.itunes.com/DTDs/PodCast-1.0.dtd": _ITUNES,
    "http://www.itunes.com/DTDs/Podcast-1.0.dtd": _ITUNES,
    "https://www.itunes.com/dtds/podcast-1.0.dtd": _ITUNES,
    "https://www.w3.org/2005/Atom": "http://www.w3.org/2005/Atom",
}
_PURL = "https://purl.org/"  # of Dublin Core and the RSS modules

_DECLARED = re.compile(rb"""xmlns[\w:.\-]{0,60}\s{0,9}=\s{0,9}["']([^"']{1,60})""")

Element = Any


def put_right(root: Element, document: bytes) -> None:
    """Give every element of a document's tree the usual spelling of its namespace."""
    if not (any(map(_usual, root.nsmap.values())) or _declares_later(document)):
        return
    usual: dict[str, str | None] = {}
    for element in root.iter(etree.Element):
        space, _, name = element.tag.rpartition("}")
        if not space:
            continue
        if space not in usual:
            usual[space] = _usual(space[1:])
        if (meant := usual[space]) is not None:
            element.tag = f"{{{meant}}}{name}"


def _usual(space: str) -> str | None:
    """How a namespace is usually spelled; None where it is."""
    return _SPELLINGS.get(space) or (f"http{space[5:]}" if space.startswith(_PURL) else None)


def _declares_later(document: bytes) -> bool:
    """Whether an element below the root may declare such a spelling."""
    below = document.find(b">")
    if document.find(b"xmlns", below) < 0:
        return False
    return any(map(_usual, {space.decode("utf-8", "replace") for space in _DECLARED.findall(document, below)}))
