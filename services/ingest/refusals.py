"""Why a body is no feed: one error with a code from a closed list, and what an operator can do next. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from shared.errors import Unreadable


class NotAFeed(Unreadable):
    """A body that holds no feed. Codes: not_a_feed, empty, unreadable, rss_in_json, plain_sitemap, too_big.

    `candidates` are addresses of feeds that the body itself names.
    """

    code = "not_a_feed"

    def __init__(self, message: str, *, code: str | None = None, candidates: Sequence[str] = ()) -> None:
        super().__init__(message, code=code)
        self.candidates = tuple(candidates)


class ParserKilled(Unreadable):
    """Parsing took too long or too much memory, and its process was ended. Codes: parse_timeout, parse_crash."""

    code = "parse_crash"
