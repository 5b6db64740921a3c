"""What a robots.txt says of an address (RFC 9309), read by Protego. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from protego import Protego

AGENT = "Wiredesk"
MOST_BYTES = 512_000  # RFC 9309, 2.5 asks for 500 KiB at least
CRAWL_DELAY_CAP_S = 3600.0
UNREACHABLE = 599  # kept as the status of a robots.txt that brought no answer


@dataclass(frozen=True, slots=True)
class Rules:
    """A robots.txt; without a text `allowed` says what holds for every address."""

    text: str | None
    allowed: bool = True


def robots_url(url: str) -> str:
    """Where the rules for an address stand (RFC 9309, 2.3)."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/robots.txt"


def allows(text: bytes, url: str) -> bool:
    """Whether these rules let a robot of our name fetch the address."""
    return bool(Protego.parse(text[:MOST_BYTES].decode("utf-8", "replace")).can_fetch(url, AGENT))


def read_rules(status: int | None, body: bytes) -> tuple[Rules, bool]:
    """(the rules that an answer means, whether it was an answer); `status` None: nobody answered.

    RFC 9309, 2.3.1: no such file allows everything, a server at fault or out of reach nothing. 429 is the latter, since
    a host that asks for fewer requests is not asked for pages.
    """
    if status is None or status >= 500 or status == 429:
        return Rules(None, False), False
    if 200 <= status < 300:
        # PostgreSQL's text takes no NUL.
        return Rules(body[:MOST_BYTES].decode("utf-8-sig", "replace").replace("\x00", "")), True
    return Rules(None, True), True


def may_fetch(rules: Rules, url: str) -> bool:
    """Whether a robot of our name may fetch the address."""
    return rules.allowed if rules.text is None else bool(_parsed(rules.text).can_fetch(url, AGENT))


def crawl_delay_s(rules: Rules) -> float:
    """The seconds between two requests that the rules ask for; 0 where they do not. At most an hour."""
    if rules.text is None:
        return 0.0
    parsed = _parsed(rules.text)
    rate = parsed.request_rate(AGENT)
    asked = [parsed.crawl_delay(AGENT) or 0.0, rate.seconds / rate.requests if rate and rate.requests else 0.0]
    return max(0.0, min(CRAWL_DELAY_CAP_S, *[max(asked)]))


@lru_cache(maxsize=512)
def _parsed(text: str) -> Protego:
    return Protego.parse(text)
