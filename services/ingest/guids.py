"""Guids that do not hold: a feed that gives what it carried before under other guids. Pure.

Once is a move (a new system, a new address): the articles are known by their addresses and the new guids are noted.
Poll after poll it is a habit: then guids are no longer noted, or the names of each article would grow without end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

TOLD_FOR = timedelta(days=7)  # after the last change
HABIT = 3  # changes within that time


def changed(renamed: int, met: int) -> bool:
    """Whether a body's guids changed: `renamed` of the `met` items that its feed carried before have another one."""
    return renamed >= min(2, met) and renamed * 2 > met > 0


@dataclass(frozen=True, slots=True)
class Guids:
    """How often they changed."""

    count: int = 0
    since: datetime | None = None
    last_at: datetime | None = None

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Guids:
        """From what `feed_states.rhythm` keeps; empty where they always held."""
        if not stored:
            return cls()
        return cls(stored["count"], *(datetime.fromisoformat(stored[name]) for name in ("since", "last_at")))

    def stored(self) -> dict[str, Any] | None:
        """For `feed_states.rhythm`."""
        return {"count": self.count, "since": self.since, "last_at": self.last_at} if self.count else None

    def after(self, now_changed: bool, at: datetime) -> Guids:
        """After a good poll."""
        if now_changed:
            return Guids(self.count + 1, self.since or at, at)
        return Guids() if self.last_at is not None and at - self.last_at > TOLD_FOR else self

    @property
    def hold(self) -> bool:
        """Whether a guid is worth noting."""
        return self.count < HABIT

    def message(self) -> str:
        """For the operator. Only where they changed."""
        times = "once" if self.count == 1 else f"{self.count} times"
        noted = "the new ones are noted" if self.hold else "they are no longer relied on"
        return (
            f"The feed gave articles that it carried before under other guids, {times}, the last time at"
            f" {self.last_at:%Y-%m-%dT%H:%M:%SZ}. The articles are known by their addresses; {noted}."
        )
