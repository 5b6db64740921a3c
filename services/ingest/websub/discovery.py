"""Which hub a feed names, and under which address it knows the feed: by the Link header, else in the feed. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from services.ingest.items import ParsedFeed
from shared.urls import resolve

_LINK = re.compile(
    r"""<([^<>]{1,2000})>((?:\s{0,5};\s{0,5}[a-zA-Z*]{1,30}\s{0,5}=\s{0,5}(?:"[^"]{0,300}"|[^\s;,"]{1,300}))*)"""
)
_REL = re.compile(r"""rel\s{0,5}=\s{0,5}(?:"([^"]{0,300})"|([^\s;,"]{1,300}))""", re.I)


def hub_and_topic(headers: Mapping[str, str], parsed: ParsedFeed, url: str) -> tuple[str, str] | None:
    """(hub, topic) of a feed read at `url`; None where it names no hub. The topic defaults to that address."""
    hub, topic = _in_header(headers.get("link", ""), url)
    hub, topic = hub or parsed.hub, topic or parsed.topic or url
    if hub is None or not hub.startswith(("http://", "https://")) or max(len(hub), len(topic)) > 2048:
        return None
    return hub, topic


def _in_header(header: str, url: str) -> tuple[str | None, str | None]:
    found: dict[str, str] = {}
    for link in _LINK.finditer(header[:16_000]):
        rel = _REL.search(link[2])
        address = resolve(url, link[1].strip())
        for name in (rel[1] or rel[2] or "").lower().split() if rel and address else ():
            found.setdefault(name, address or "")
    return found.get("hub"), found.get("self")
