"""Whether a hub is believed: what it pushes is held against what polling finds. Pure.

A hub that told of news at three moments is trusted: its feed is polled more rarely then. When a poll finds news that
the hub should have told of, it is demoted: the feed is polled by its rhythm again, with the warning `hub_misses`,
until the hub tells of three more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

PROOFS = 3  # moments at which it told of news
GRACE = timedelta(minutes=10)  # news so young may be on its way; a ping so young may have told of them
SLOWER = 6  # times the rhythm's interval, while it is trusted
SLOWEST_S = 21_600.0  # a hub that falls silent is found out after six hours at the latest


@dataclass(frozen=True, slots=True)
class Trust:
    """What is remembered of a feed's hub."""

    hits: int = 0  # since it missed something
    missed: int = 0  # articles, since it was trusted last
    missed_at: datetime | None = None

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Trust:
        """From what `feed_states.rhythm` keeps."""
        at = stored.get("missed_at")
        return cls(stored.get("hits", 0), stored.get("missed", 0), datetime.fromisoformat(at) if at else None)

    def stored(self) -> dict[str, Any]:
        """For `feed_states.rhythm`."""
        return {"hits": self.hits, "missed": self.missed, "missed_at": self.missed_at}

    @property
    def trusted(self) -> bool:
        """Whether polling may be rare."""
        return self.hits >= PROOFS

    def told(self) -> Trust:
        """After news that the hub told of."""
        hits = min(self.hits + 1, PROOFS)
        return Trust(hits) if hits == PROOFS else replace(self, hits=hits)

    def after_poll(self, new: int, newest_at: datetime | None, pinged_at: datetime | None, now: datetime) -> Trust:
        """After a poll nobody pushed, which found `new` articles, the newest published at `newest_at`."""
        if not new:
            return self
        if pinged_at is not None and now - pinged_at < GRACE:
            return self.told()
        if newest_at is not None and now - newest_at < GRACE:
            return self
        return Trust(0, self.missed + new, self.missed_at or now)

    def message(self) -> str:
        """For the operator. Only after it missed something."""
        return (
            f"Its WebSub hub did not tell of {self.missed} articles that polling found since"
            f" {self.missed_at:%Y-%m-%dT%H:%M:%SZ}; the feed is polled by its own rhythm until the hub proves itself."
        )
