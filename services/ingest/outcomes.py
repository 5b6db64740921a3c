"""How a poll may end: the closed list of outcomes, and what an operator can do about the bad ones. Pure.

A good poll is `updated`, `unchanged` or `not_modified`; every other outcome is the code of its error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

GOOD = ("updated", "unchanged", "not_modified")
ItemOutcome = Literal["new", "corrected", "unchanged", "duplicate", "refused", "capped"]
ITEM_OUTCOMES: tuple[ItemOutcome, ...] = ("new", "corrected", "unchanged", "duplicate", "refused", "capped")
NO_ITEMS: dict[ItemOutcome, int] = dict.fromkeys(ITEM_OUTCOMES, 0)

_ADVICE = {
    # reaching it
    "address_refused": "Change the address, or let its network through with WIREDESK_ALLOW_PRIVATE.",
    "dns": "Check the spelling of the host; it is tried again.",
    "connect": "The host may be down; it is tried again.",
    "tls": "The publisher's certificate or encryption is at fault; it is tried again.",
    "timeout": "The host may be overloaded; it is tried again.",
    "too_big": "Ask the publisher for a shorter feed; it is tried again.",
    "redirects": "Open the address in a browser and add the one it ends at.",
    "protocol": "The server's answer is broken; it is tried again.",
    # what it answered
    "unauthorised": "Give the name and password in the address, if the publisher gave you any.",
    "forbidden": "The publisher refuses this reader; ask them to let it in.",
    "not_found": "Look for the feed's new address on the publisher's site.",
    "gone": "The publisher took the feed away for good; it is looked at once a week, in case it comes back.",
    "rate_limited": "It is asked less often now.",
    "server_error": "The publisher's server is at fault; it is tried again.",
    "http_error": "Open the address in a browser to see what it says.",
    # what it holds
    "not_a_feed": "",
    "empty": "It is tried again.",
    "unreadable": "Ask the publisher to mend the feed; it is tried again.",
    "rss_in_json": "",
    "plain_sitemap": "",
    "parse_timeout": "It is tried again, ever less often.",
    "parse_crash": "It is tried again, ever less often.",
    # what went wrong on our side
    "internal": "It is tried again, ever less often; the log of ingest says more. Please report it.",
}
OUTCOMES: tuple[str, ...] = (*GOOD, *_ADVICE)

# What will not mend itself: told at once, tried again late.
PERMANENT = frozenset({"address_refused", "not_a_feed", "rss_in_json", "plain_sitemap", "gone"})
TOLD_AFTER = 3  # failures in a row, for all others


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a poll failed: a code of the closed list, and a sentence or two that say what to do next."""

    code: str
    message: str
    candidates: tuple[str, ...] = ()  # addresses of feeds that may be meant instead

    @classmethod
    def of(cls, code: str, what: str, candidates: Sequence[str] = ()) -> Failure:
        """The failure with this code, its advice added to what was found."""
        what = what.strip().rstrip(".")
        what = what[:1].upper() + what[1:] + "."
        if candidates and not any(url in what for url in candidates):
            what += f" These addresses of the site give feeds: {', '.join(candidates)}."
        return cls(code, f"{what} {_ADVICE[code]}".strip()[:1000], tuple(candidates))

    def stored(self) -> dict[str, Any]:
        """As `feed_states.error` and `polls.error` keep it."""
        told = {"code": self.code, "message": self.message}
        return told | {"candidates": list(self.candidates)} if self.candidates else told

    @property
    def permanent(self) -> bool:
        """Whether it will not mend itself."""
        return self.code in PERMANENT


def of_status(status: int) -> Failure | None:
    """The failure that an HTTP status means for a feed; None for 200 and its like, and for 304."""
    if 200 <= status < 300 or status == 304:
        return None
    codes = {401: "unauthorised", 403: "forbidden", 404: "not_found", 410: "gone", 429: "rate_limited"}
    code = codes.get(status) or ("server_error" if status >= 500 else "http_error")
    return Failure.of(code, f"the publisher answered with status {status}")


def is_told(failures: int, failure: Failure | None) -> bool:
    """Whether subscribers should know of a feed's trouble by now."""
    return failure is not None and (failure.permanent or failures >= TOLD_AFTER)
