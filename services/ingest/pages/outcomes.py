"""How a page's fetch may end: the closed list, and what each means for the next try. Pure."""

from __future__ import annotations

from collections.abc import Mapping

KEPT = ("article", "paywall")  # the page is stored; enrichment judges how good its text is
OUTCOMES: Mapping[str, str] = {
    "article": "The page was stored.",
    "paywall": "The page was stored; it says that it is not free to read.",
    # the page is none, or not for us: the feed's text is kept
    "consent": "A consent page stands before the article.",
    "blocked": "A page against robots, or for people who are to log in, stands before the article.",
    "front_page": "The address leads to the site's front page.",
    "reserved": "The publisher asks that no copy is kept (noarchive, tdm-reservation).",
    "robots": "The publisher's robots.txt asks robots to stay away from the page.",
    "robots_unreachable": "The publisher's robots.txt could not be read, so the page is left alone for now.",
    "not_html": "What is there is no HTML page.",
    "empty": "The page is empty.",
    "not_found": "The page is not there.",
    "gone": "The publisher took the page away.",
    "unauthorised": "The page asks for a name and a password.",
    "forbidden": "The publisher refuses this reader.",
    "rate_limited": "The publisher asked for fewer requests.",
    "server_error": "The publisher's server is at fault.",
    "http_error": "The publisher answered with a status that means no page.",
    # reaching it: codes of shared.http
    "address_refused": "The address is private, or none that may be fetched.",
    "dns": "The host's name has no address.",
    "connect": "The host does not answer.",
    "tls": "No secure connection could be made.",
    "timeout": "The page did not come in time.",
    "too_big": "The page is too big.",
    "redirects": "The address redirects too often, or to nowhere.",
    "protocol": "The answer could not be read.",
}
# What may mend itself: tried again this many seconds later, once for each.
_SOON = (120.0, 900.0, 7200.0)
_LATE = (900.0, 14400.0)
RETRIES_S: Mapping[str, tuple[float, ...]] = {
    **dict.fromkeys(("dns", "connect", "timeout", "server_error", "rate_limited", "robots_unreachable"), _SOON),
    **dict.fromkeys(("not_found", "protocol", "tls", "empty"), _LATE),
}


def retry_in_s(outcome: str, attempts: int) -> float | None:
    """Seconds until the next try after `attempts` of them; None: no more."""
    waits = RETRIES_S.get(outcome, ())
    return waits[attempts - 1] if 0 < attempts <= len(waits) else None


def of_status(status: int) -> str | None:
    """The outcome that an HTTP status means; None where there is a page to look at."""
    if 200 <= status < 300:
        return None
    codes = {
        401: "unauthorised",
        402: "blocked",
        403: "forbidden",
        404: "not_found",
        410: "gone",
        429: "rate_limited",
        451: "forbidden",
    }
    return codes.get(status) or ("server_error" if status >= 500 else "http_error")
