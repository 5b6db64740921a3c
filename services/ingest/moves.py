"""Whether a feed moved for good: a permanent redirect is believed once it was seen often and long enough. Pure.

Redirects by mistake (a parked domain, a consent page, a bad deployment) are common and mostly mended within a day, so
301 and 308 count only when seen in five good polls over at least a day, always to the same address; 302, 303 and 307
never do. A feed polled at its new address that fails there goes back to the old one: it may have been mended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.urls import shown

PROOFS = 5  # good polls
PROVEN_OVER = timedelta(days=1)
BACK_AFTER = 3  # failures in a row at the new address


@dataclass(frozen=True, slots=True)
class Moves:
    """The permanent redirect seen of late: where to, how often, since when."""

    to: str | None = None
    seen: int = 0
    since: datetime | None = None
    last_at: datetime | None = None

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Moves:
        """From what `feed_states.rhythm` keeps; empty without a redirect."""
        if not stored:
            return cls()
        since, last_at = (datetime.fromisoformat(stored[name]) for name in ("since", "last_at"))
        return cls(stored["to"], stored["seen"], since, last_at)

    def stored(self) -> dict[str, Any] | None:
        """For `feed_states.rhythm`."""
        if self.to is None:
            return None
        return {"to": self.to, "seen": self.seen, "since": self.since, "last_at": self.last_at}

    def after(self, permanent_url: str | None, at: datetime) -> Moves:
        """After a good poll that was led to `permanent_url` by permanent redirects alone; None: it was not."""
        if permanent_url is None:
            return Moves()
        if permanent_url != self.to:
            return Moves(permanent_url, 1, at, at)
        return Moves(self.to, self.seen + 1, self.since, at)

    @property
    def proven(self) -> bool:
        """Whether the new address may be taken for the feed's own."""
        if self.since is None or self.last_at is None:
            return False
        return self.seen >= PROOFS and self.last_at - self.since >= PROVEN_OVER

    def message(self) -> str:
        """For the operator. Only where there is a redirect."""
        return (
            f"The publisher redirects permanently to {shown(self.to or '')}; seen {self.seen} times since"
            f" {self.since:%Y-%m-%dT%H:%M:%SZ}. It is taken for the feed's address once seen {PROOFS} times over a day."
        )


def goes_back(moved_to: str | None, failures: int, permanent: bool) -> bool:
    """Whether a feed that moved is polled at its old address again."""
    return moved_to is not None and failures > 0 and (permanent or failures >= BACK_AFTER)
