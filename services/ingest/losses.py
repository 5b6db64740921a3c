"""Lost articles noticed: two successful polls of a feed that share no item. Pure.

Between the two the feed turned over whole, so what came and went in between was never seen. From then on the feed is
polled within half the time that was too long; every body that overlaps again lengthens that by an eighth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

TOLD_FOR = timedelta(days=7)  # after the last loss
SOONEST_S = 60.0
RELAX = 1.125


def is_lost(had: int, shared: int, fresh: int) -> bool:
    """Whether articles may be lost: the poll before held `had` items, this one `shared` of them and `fresh` others."""
    return had > 0 and shared == 0 and fresh > 0


@dataclass(frozen=True, slots=True)
class Losses:
    """How often it happened, and within how many seconds the next poll must come."""

    count: int = 0
    since: datetime | None = None
    last_at: datetime | None = None
    within_s: float | None = None

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Losses:
        """From what `feed_states.rhythm` keeps; empty where nothing was ever lost."""
        if not stored:
            return cls()
        since, last_at = (datetime.fromisoformat(stored[name]) for name in ("since", "last_at"))
        return cls(stored["count"], since, last_at, stored["within_s"])

    def stored(self) -> dict[str, Any] | None:
        """For `feed_states.rhythm`."""
        if not self.count:
            return None
        return {"count": self.count, "since": self.since, "last_at": self.last_at, "within_s": self.within_s}

    def after(self, lost: bool, overlapped: bool, waited_s: float | None, at: datetime) -> Losses:
        """After a successful poll, `waited_s` after the one before. `overlapped`: its body held known and new items."""
        if lost:
            known = [s for s in (waited_s, self.within_s) if s is not None]
            within_s = max(SOONEST_S, min(known, default=SOONEST_S) / 2)
            return Losses(self.count + 1, self.since or at, at, within_s)
        if self.last_at is not None and at - self.last_at > TOLD_FOR:
            return Losses()
        if overlapped and self.within_s is not None:
            return replace(self, within_s=self.within_s * RELAX)
        return self

    def message(self) -> str:
        """For the operator. Only where something was lost."""
        times = "once" if self.count == 1 else f"{self.count} times"
        return (
            f"It happened {times} that a poll shared no item with the poll before, the last time at"
            f" {self.last_at:%Y-%m-%dT%H:%M:%SZ}: articles in between may be lost. It is polled faster now."
        )
