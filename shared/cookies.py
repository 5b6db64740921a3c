"""Cookies of one request and its redirects: some sites let in only who brings back what they just handed out. Pure.

Nothing outlives the request, so nobody is followed by them; they go back to the domain they came from and nowhere else.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from shared.urls import registrable_domain

MOST = 20  # cookies of a domain
LONGEST = 4_096  # characters of one (RFC 6265, 6.1)

_NEXT = re.compile(r",\s*(?=[^\s;,=]+=)")  # between two of one line; the comma within a date is followed by a number
_COOKIE = re.compile(r"""\s*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)=([!-:<-~]*)""")


class Cookies:
    """What the answers of one request handed out."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, str]] = {}

    def take(self, url: str, set_cookie: str | None) -> None:
        """What the answer from `url` hands out: its `Set-Cookie` headers, joined by `, `."""
        if not set_cookie:
            return
        known = self._known.setdefault(_domain(url), {})
        for one in _NEXT.split(set_cookie[: MOST * LONGEST]):
            found = _COOKIE.match(one)
            if found and found.end() <= LONGEST and (len(known) < MOST or found.group(1) in known):
                known[found.group(1)] = found.group(2)

    def header(self, url: str) -> dict[str, str]:
        """The header that `url` is asked with; empty without any."""
        known = self._known.get(_domain(url), {})
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in known.items())} if known else {}


def _domain(url: str) -> str:
    host = urlsplit(url).hostname or ""
    return registrable_domain(host) or host
