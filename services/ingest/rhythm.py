"""What is remembered of when a feed brings news, and what that says of the hours to come. Pure and small.

Remembered are the newest 40 arrivals to the second, how many came in each half hour of the week (one character each,
halved together when one of them is full, which forgets slowly), and the longest gap. An arrival is the date that an
item bears, or where items bear none the poll that found it.

    expected items a second, at t  =  (recent + long-run rate) x how busy this half hour of the week is
                                      x how busy these five minutes of the hour are

Both rates are taken over a span that ends now, so a silence lowers them and a burst raises them by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from itertools import accumulate, pairwise
from operator import sub
from typing import Any

import numpy as np

REMEMBERED = 40  # arrivals
RECENT = 4  # of them, for bursts
RECENT_SHARE = 0.2
HOUR_S = 3600
SLOT_S = 1800
DAY_SLOTS, WEEK_SLOTS = 48, 336
EPOCH_SLOT = 144  # slots from Monday 00:00 to Thursday 00:00, when Unix time began
MIDNIGHT_S = 86_400
CODES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUES = {code: value for value, code in enumerate(CODES)}
KERNEL = ((-3, 0.01), (-2, 0.07), (-1, 0.24), (0, 0.36), (1, 0.24), (2, 0.07), (3, 0.01))  # normal, sd 33 minutes
DAY_PRIOR = 12.0  # arrivals that all slots being alike weighs as much as, after many days
DAYS_S = 3 * 86_400.0  # a history this long weighs half of that: a burst of an hour tells nothing of hours
WEEK_PRIOR = 60.0  # arrivals that all days being alike weighs as much as, after many weeks
WEEKS_S = 21 * 86_400.0
PHASES = 12  # of an hour, five minutes each
PHASE_S = 300
PHASE_PRIOR = 20.0  # arrivals that all phases being alike weighs as much as
LEAST_SHARE = 0.05  # of the mean: no hour is ruled out
FEWEST = 3  # arrivals that have a median gap
FORGET = 0.99  # of the longest gap, with each poll that brought news


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What is remembered of a feed between polls. Seconds; arrivals in Unix time, newest first, no two alike."""

    arrivals: tuple[int, ...] = ()
    slots: str = ""
    longest_gap_s: float = 0.0
    history_s: float = 0.0  # between the first arrival ever counted and the last
    ttl_s: float | None = None
    quiet_polls: int = 0  # polls in a row that brought nothing

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Rhythm:
        """From `feed_states.rhythm`; whatever an older release did not store is empty."""
        return cls(
            arrivals=tuple(accumulate(stored.get("arrivals", ()), sub)),
            slots=stored.get("slots") or _halved(stored.get("hours", "")),
            longest_gap_s=stored.get("longest_gap_s", 0.0),
            history_s=stored.get("history_s", 0.0),
            ttl_s=stored.get("ttl_s"),
            quiet_polls=stored.get("quiet_polls", 0),
        )

    def stored(self) -> dict[str, Any]:
        """As `feed_states.rhythm` keeps it: some 600 bytes. `arrivals`: the newest, then the gaps before it."""
        gaps = [newer - older for newer, older in pairwise(self.arrivals)]
        return {
            "newest_at": self.newest_at,
            "gap_s": self.gap_s,
            "longest_gap_s": round(self.longest_gap_s),
            "history_s": self.history_s,
            "ttl_s": self.ttl_s,
            "quiet_polls": self.quiet_polls,
            "arrivals": [*self.arrivals[:1], *gaps],
            "slots": self.slots,
        }

    def after(self, dates: Sequence[datetime], ttl_s: float | None, news: bool, now: datetime) -> Rhythm:
        """The rhythm after a body was read. `dates`: of its newest items, newest first. `news`: it held new items.

        Dates count only with news: a feed may stamp the same items anew each time.
        """
        kept = replace(self, ttl_s=ttl_s, quiet_polls=0 if news else self.quiet_polls + 1)
        fresh = self._fresh(dates, news, now)
        return kept._with(fresh) if fresh else kept

    def _fresh(self, dates: Sequence[datetime], news: bool, now: datetime) -> list[int]:
        if not self.arrivals:
            return sorted({int(date.timestamp()) for date in dates}, reverse=True)
        if not news:
            return []
        newest = self.arrivals[0]
        if not dates:
            return [int(now.timestamp())] if now.timestamp() > newest else []
        return sorted({at for date in dates if (at := int(date.timestamp())) > newest}, reverse=True)

    def _with(self, fresh: Sequence[int]) -> Rhythm:
        arrivals = (*fresh, *self.arrivals)
        longest = max((newer - older for newer, older in pairwise(arrivals)), default=0)
        return replace(
            self,
            arrivals=arrivals[:REMEMBERED],
            slots=_counted(self.slots, fresh),
            longest_gap_s=max(float(longest), self.longest_gap_s * FORGET),
            history_s=self.history_s + arrivals[0] - (self.arrivals[0] if self.arrivals else arrivals[-1]),
        )

    @property
    def newest_at(self) -> datetime | None:
        """When the newest item came."""
        return datetime.fromtimestamp(self.arrivals[0], UTC) if self.arrivals else None

    @property
    def known(self) -> bool:
        """Whether it is known when items came: one tells by how long ago it did."""
        return bool(self.arrivals)

    @property
    def gap_s(self) -> float | None:
        """The median distance of the newest 20 arrivals; None with fewer than three."""
        if len(self.arrivals) < FEWEST:
            return None
        gaps = sorted([newer - older for newer, older in pairwise(self.arrivals[:20])])
        return float(gaps[len(gaps) // 2])

    @property
    def mean_gap_s(self) -> float:
        """The mean distance of all arrivals remembered; only with a rhythm."""
        return (self.arrivals[0] - self.arrivals[-1]) / (len(self.arrivals) - 1)

    def rate(self, now: float) -> float:
        """Expected items a second in a slot of the week as busy as the mean. Only with a rhythm."""
        oldest, recent = self.arrivals[-1], self.arrivals[min(RECENT, len(self.arrivals)) - 1]
        long_run = len(self.arrivals) / max(float(HOUR_S), now - oldest)
        burst = min(RECENT, len(self.arrivals)) / max(float(HOUR_S), self.busy_s(recent, now))
        return (1 - RECENT_SHARE) * long_run + RECENT_SHARE * burst

    def busy_s(self, start: float, end: float) -> float:
        """Seconds from `start` to `end`, each weighed by how busy its slot is: a silent night is no silence."""
        return max(0.0, self._busy_until(end) - self._busy_until(start))

    def _busy_until(self, at: float) -> float:
        shares, sums = _profile(self.slots, self.history_s)
        weeks, rest_s = divmod(at + EPOCH_SLOT * SLOT_S, WEEK_SLOTS * SLOT_S)
        slot, second = divmod(rest_s, SLOT_S)
        return weeks * sums[WEEK_SLOTS] * SLOT_S + sums[int(slot)] * SLOT_S + second * shares[int(slot)]

    def phases(self) -> tuple[float, ...]:
        """How busy each five minutes of an hour are; 1 is the mean. Many publishers publish by the clock."""
        counts = [0] * PHASES
        for at in self.arrivals:
            counts[at % HOUR_S // PHASE_S] += 1
        total = len(self.arrivals) + PHASE_PRIOR
        return tuple((count * PHASES + PHASE_PRIOR) / total for count in counts)

    def week(self) -> list[float]:
        """How busy each half hour of the week is, as `share`."""
        return _profile(self.slots, self.history_s)[0]

    def share(self, at: float) -> float:
        """How busy the half hour of the week is that holds `at`; 1 is the mean."""
        return _profile(self.slots, self.history_s)[0][slot_of_week(at)]


@lru_cache(maxsize=1024)
def _profile(slots: str, history_s: float) -> tuple[list[float], list[float]]:
    """The share of each slot of the week, smoothed over slots and towards all days, and their running sums.

    Few arrivals make all slots alike, more of them tell slots apart, many tell the days apart as well.
    """
    if not slots:
        return [1.0] * WEEK_SLOTS, [float(slot) for slot in range(WEEK_SLOTS + 1)]
    counts = np.array(_counts(slots), np.float64)
    near = sum((np.roll(counts, -k) * weight for k, weight in KERNEL), np.zeros(WEEK_SLOTS))
    history_s = max(float(HOUR_S), history_s)
    alike = DAY_PRIOR * (1 + DAYS_S / history_s)
    by_day = (near.reshape(7, DAY_SLOTS).sum(0) * DAY_SLOTS + alike) / (counts.sum() + alike)
    alike = WEEK_PRIOR * (1 + WEEKS_S / history_s)
    by_week = (near * WEEK_SLOTS + alike * np.tile(by_day, 7)) / (counts.sum() + alike)
    shares: list[float] = np.maximum(LEAST_SHARE, by_week).tolist()
    return shares, list(accumulate(shares, initial=0.0))


def slot_of_week(at: float) -> int:
    """0 is Monday, 00:00 to 00:30 UTC."""
    return (int(at) // SLOT_S + EPOCH_SLOT) % WEEK_SLOTS


def _counts(slots: str) -> list[int]:
    return [_VALUES[code] for code in slots]


def _halved(hours: str) -> str:
    """Slots of what an older release counted by the hour."""
    return "".join(CODES[count - count // 2] + CODES[count // 2] for count in _counts(hours))


def _counted(slots: str, fresh: Sequence[int]) -> str:
    """The slots with these arrivals added. Midnights are left out: they are days, not hours."""
    counts = _counts(slots) if slots else [0] * WEEK_SLOTS
    for at in fresh:
        if at % MIDNIGHT_S:
            counts[slot_of_week(at)] += 1
    while max(counts) >= len(CODES):
        counts = [count // 2 for count in counts]
    return "".join(CODES[count] for count in counts) if any(counts) else ""
