"""Whether a feed's ETag and Last-Modified can be believed. Pure.

Some servers answer 304 for ever, or keep one ETag while the body changes. So at the latest every 20th poll, and one a
day, asks without validators. They are caught lying when

- new items come under validators that are the same as before, or
- twice in a row an unconditional poll brings news after five or more answers of 304 in a row, and no conditional poll
  brought any in between.

From then on they are not sent for 30 days; the hash of the body still tells what is unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

MOST_CONDITIONAL = 19  # polls in a row
FULL_EVERY = timedelta(days=1)
DISTRUSTED_FOR = timedelta(days=30)
SUSPICIOUS = 5  # answers of 304 in a row
DOUBTS = 2


@dataclass(slots=True)
class Answer:
    """What a good poll showed of the validators."""

    conditional: bool  # the request carried them
    not_modified: bool  # the answer was 304
    same: bool  # the answer's are the ones known before
    news: bool  # the body holds items that are not known word for word


@dataclass(frozen=True, slots=True)
class Trust:
    """What is remembered of a feed's validators."""

    conditional: int = 0  # polls in a row that sent them
    unmodified: int = 0  # answers of 304 in a row
    doubts: int = 0
    full_at: datetime | None = None  # the last unconditional poll
    lied_at: datetime | None = None

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Trust:
        """From what `feed_states.rhythm` keeps, without what stands in `feed_clocks`."""
        return cls(doubts=stored.get("doubts", 0), lied_at=_moment(stored.get("lied_at")))

    def stored(self) -> dict[str, Any]:
        """For `feed_states.rhythm`; what changes with every poll stands in `feed_clocks`."""
        return {"doubts": self.doubts, "lied_at": self.lied_at}

    def may_ask(self, now: datetime) -> bool:
        """Whether the next poll may be conditional."""
        if self.distrusted(now) or self.full_at is None:
            return False
        return self.conditional < MOST_CONDITIONAL and now - self.full_at < FULL_EVERY

    def distrusted(self, now: datetime) -> bool:
        """Whether they were caught lying, not long ago."""
        return self.lied_at is not None and now - self.lied_at < DISTRUSTED_FOR

    def after(self, answer: Answer, at: datetime) -> Trust:
        """After a good poll."""
        doubts = self.doubts
        if answer.news:
            doubts = doubts + 1 if not answer.conditional and self.unmodified >= SUSPICIOUS else 0
        lied = (answer.news and answer.same) or doubts >= DOUBTS
        return Trust(
            conditional=self.conditional + 1 if answer.conditional else 0,
            unmodified=self.unmodified + 1 if answer.not_modified else 0,
            doubts=0 if lied else doubts,
            full_at=self.full_at if answer.conditional else at,
            lied_at=at if lied else self.lied_at if self.distrusted(at) else None,
        )


def same(before: tuple[str | None, str | None], now: tuple[str | None, str | None]) -> bool:
    """Whether (ETag, Last-Modified) say that nothing changed. Without an ETag the date speaks (RFC 9110, 13.2.2)."""
    if before[0] or now[0]:
        return before[0] == now[0]
    return before[1] is not None and before[1] == now[1]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
