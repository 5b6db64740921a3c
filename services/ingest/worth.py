"""When what may be waiting at a feed is worth a request, by its rhythm. Pure.

What n items are worth that have waited w seconds in sum is n^MIX w^(1 - MIX): of one item, the seconds it waits to the
power 1 - MIX, since the first minutes of a delay cost a newsroom more than the last. For a steady rate r that is an
interval that falls with r^(1 / (2 - MIX)); it comes later in hours in which nothing is expected, earlier in a burst,
and just after the minutes at which a publisher publishes.

With MIX = 0 a poll would come when the sum of waits is reached, which finds news soonest in the mean but leaves the
busy feeds, whose items are most of all items, late; with MIX = 1 it would come with the number expected, which forgets
the slow ones (decisions/0120 has the figures).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from services.ingest.rhythm import HOUR_S, PHASE_S, PHASES, SLOT_S, WEEK_SLOTS, Rhythm, slot_of_week

MIX = 0.8  # of number and waits, in what the waiting items are worth
PRICE = 1.55  # of a request: some six a feed and day for feeds with two items a day in the mean
HALF = PHASES // 2
NEAR_S = 1.0  # as exact as a moment is wanted


class Waiting(NamedTuple):
    """Items expected to wait for a poll, and the seconds they have waited in sum."""

    items: float = 0.0
    waited_s: float = 0.0

    def worth(self) -> float:
        """What a poll that finds them is worth."""
        return float(self.items**MIX * self.waited_s ** (1 - MIX))

    def after(self, rate: float, span_s: float) -> Waiting:
        """After a time in which `rate` items a second are expected."""
        return Waiting(self.items + rate * span_s, self.waited_s + self.items * span_s + rate * span_s * span_s / 2)

    def until_s(self, rate: float, span_s: float, price: float) -> float:
        """When within `span_s`, at whose end they are worth the price, they first are."""
        low, high = 0.0, span_s
        while high - low > NEAR_S:
            middle = (low + high) / 2
            low, high = (low, middle) if self.after(rate, middle).worth() >= price else (middle, high)
        return high


def worth_after_s(rhythm: Rhythm, now: float, price: float, rate: float | None = None) -> float:
    """Seconds until what may wait by then is worth `price`; at most a week. Only with a known rhythm.

    `rate`: what `rhythm.rate(now)` says, where it was asked already.
    """
    rate, phases, week = rhythm.rate(now) if rate is None else rate, rhythm.phases(), rhythm.week()
    halves = (_whole(phases[:HALF]), _whole(phases[HALF:]))
    slot = slot_of_week(now)
    # Who publishes by the clock has done so when an item came in these five minutes.
    used_until = (rhythm.arrivals[0] // PHASE_S + 1) * PHASE_S
    items = waited_s = 0.0
    at = now
    for n in range(WEEK_SLOTS):
        here = rate * week[(slot + n) % WEEK_SLOTS]
        if n:  # a whole half hour at once
            more, by_its_end_s = halves[(slot + n) % 2]
            after_items, after_s = items + here * more, waited_s + items * SLOT_S + here * by_its_end_s
            if after_items**MIX * after_s ** (1 - MIX) < price:
                items, waited_s, at = after_items, after_s, at + SLOT_S
                continue
        waiting, ends = Waiting(items, waited_s), (at // SLOT_S + 1) * SLOT_S
        while at < ends:
            span_s = (at // PHASE_S + 1) * PHASE_S - at
            busy = phases[int(at % HOUR_S // PHASE_S)]
            expected = here * (min(1.0, busy) if at < used_until else busy)
            after = waiting.after(expected, span_s)
            if after.worth() >= price:
                return at + waiting.until_s(expected, span_s, price) - now
            waiting, at = after, at + span_s
        items, waited_s = waiting
    return at - now


def _whole(phases: Sequence[float]) -> tuple[float, float]:
    """Of half an hour with one item a second, in the mean: its items, and the seconds they have waited by its end."""
    items = [share * PHASE_S for share in phases]
    return sum(items), sum(share * (SLOT_S - (n + 0.5) * PHASE_S) for n, share in enumerate(items))
