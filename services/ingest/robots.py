"""What a robots.txt says of an address (RFC 9309), read by Protego. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

from protego import Protego

AGENT = "Wiredesk"
MOST_BYTES = 512_000  # RFC 9309, 2.5 asks for 500 KiB at least


def robots_url(url: str) -> str:
    """Where the rules for an address stand (RFC 9309, 2.3)."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/robots.txt"


def allows(text: bytes, url: str) -> bool:
    """Whether these rules let a robot of our name fetch the address."""
    return bool(Protego.parse(text[:MOST_BYTES].decode("utf-8", "replace")).can_fetch(url, AGENT))
