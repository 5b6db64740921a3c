"""What `worth.py` says of one feed, for many at once: one pass of numpy over all instead of a loop over each. Pure.

It comes to the same but for rounding (`tests/ingest/test_outlook.py`) at an eighth of the time: polls that are saved
together are planned together. Rows are feeds, columns half hours of the week.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from services.ingest.rhythm import (
    CODES,
    DAY_PRIOR,
    DAY_SLOTS,
    DAYS_S,
    EPOCH_SLOT,
    HOUR_S,
    KERNEL,
    LEAST_SHARE,
    PHASE_PRIOR,
    PHASE_S,
    PHASES,
    RECENT,
    RECENT_SHARE,
    SLOT_S,
    WEEK_PRIOR,
    WEEK_SLOTS,
    WEEKS_S,
    Rhythm,
)
from services.ingest.worth import HALF, MIX, NEAR_S, worth_after_s

FEW = 8  # feeds that are looked at one by one
_VALUES = np.zeros(128, np.uint8)
_VALUES[np.frombuffer(CODES.encode(), np.uint8)] = np.arange(len(CODES))
_NONE = CODES[0] * WEEK_SLOTS
STEPS = SLOT_S // PHASE_S
NEAR_SLOTS = 72  # within which most feeds are polled again
Array = Any  # of numpy, a row a feed


class Outlook(NamedTuple):
    """Items a second expected in a mean slot, how busy this slot is, and seconds until a poll is worth its price."""

    rate: float
    share: float
    wait_s: float


def outlook(rhythm: Rhythm, now: float, price: float) -> Outlook:
    """Of one feed. Only with a known rhythm."""
    rate = rhythm.rate(now)
    return Outlook(rate, rhythm.share(now), worth_after_s(rhythm, now, price, rate))


def outlooks(rhythms: Sequence[Rhythm], nows: Sequence[float], prices: Sequence[float]) -> list[Outlook]:
    """Of each feed at its moment. Only with known rhythms."""
    if len(rhythms) < FEW:
        return [outlook(*one) for one in zip(rhythms, nows, prices, strict=True)]
    now, price = np.array(nows, np.float64), np.array(prices, np.float64)
    week = _weeks(rhythms)
    slot = _slot(now)
    rate = _rates(rhythms, now, week)
    waits = _waits(rhythms, now, price, rate, week, slot)
    shares = week[np.arange(len(rhythms)), slot]
    found = list(map(Outlook, rate.tolist(), shares.tolist(), waits.tolist()))
    for row in np.flatnonzero(np.isnan(waits)).tolist():  # an item dated ahead of its time: rare
        found[row] = outlook(rhythms[row], nows[row], prices[row])
    return found


def _slot(at: Array) -> Array:
    return (at.astype(np.int64) // SLOT_S + EPOCH_SLOT) % WEEK_SLOTS


def _weeks(rhythms: Sequence[Rhythm]) -> Array:
    """As `rhythm._profile`: the share of each slot of the week. Seven digits are enough for the big tables."""
    n = len(rhythms)
    codes = np.frombuffer("".join([rhythm.slots or _NONE for rhythm in rhythms]).encode(), np.uint8)
    counts = _VALUES[codes].reshape(n, WEEK_SLOTS)
    days, total = counts.reshape(n, 7, DAY_SLOTS).sum(1, dtype=np.float32), counts.sum(1, dtype=np.float32)[:, None]
    history_s = np.array([rhythm.history_s for rhythm in rhythms], np.float32)[:, None]
    history_s = np.maximum(np.float32(HOUR_S), history_s)
    alike = DAY_PRIOR * (1 + DAYS_S / history_s)
    by_day = (_smoothed(days) * DAY_SLOTS + alike) / (total + alike)
    alike = WEEK_PRIOR * (1 + WEEKS_S / history_s)
    week = _smoothed(counts)
    week *= WEEK_SLOTS / (total + alike)
    week.reshape(n, 7, DAY_SLOTS)[...] += (by_day * (alike / (total + alike)))[:, None, :]
    return np.maximum(week, np.float32(LEAST_SHARE), out=week)


def _smoothed(counts: Array) -> Array:
    """Each slot with its neighbours, round and round."""
    reach, width = KERNEL[-1][0], counts.shape[1]
    around = np.concatenate([counts[:, -reach:], counts, counts[:, :reach]], 1, dtype=np.float32)
    near = around[:, reach : reach + width] * np.float32(KERNEL[reach][1])
    for k, weight in KERNEL[reach + 1 :]:  # the kernel is even
        pair = around[:, reach - k : reach - k + width] + around[:, reach + k : reach + k + width]
        pair *= np.float32(weight)
        near += pair
    return near


def _rates(rhythms: Sequence[Rhythm], now: Array, week: Array) -> Array:
    """As `Rhythm.rate`."""
    lengths = np.array([len(rhythm.arrivals) for rhythm in rhythms], np.float64)
    oldest = np.array([rhythm.arrivals[-1] for rhythm in rhythms], np.float64)
    recent = np.array([rhythm.arrivals[:RECENT][-1] for rhythm in rhythms], np.float64)
    long_run = lengths / np.maximum(float(HOUR_S), now - oldest)
    sums = np.cumsum(week, 1)
    busy_s = np.maximum(0.0, _busy_until(now, week, sums) - _busy_until(recent, week, sums))
    burst = np.minimum(RECENT, lengths) / np.maximum(float(HOUR_S), busy_s)
    return (1 - RECENT_SHARE) * long_run + RECENT_SHARE * burst


def _busy_until(at: Array, week: Array, sums: Array) -> Array:
    """In weeks since one that both moments share, so that seven digits are enough."""
    weeks, rest_s = np.divmod(at + EPOCH_SLOT * SLOT_S, WEEK_SLOTS * SLOT_S)
    slot, second = np.divmod(rest_s, SLOT_S)
    rows, column = np.arange(len(at)), slot.astype(np.int64)
    whole = weeks * sums[:, -1].astype(np.float64) + sums[rows, column]
    return whole * SLOT_S + (second - SLOT_S) * week[rows, column]


def _phases(rhythms: Sequence[Rhythm]) -> Array:
    """As `Rhythm.phases`."""
    lengths = [len(rhythm.arrivals) for rhythm in rhythms]
    arrivals = np.array(list(chain.from_iterable([rhythm.arrivals for rhythm in rhythms])), np.int64)
    rows = np.repeat(np.arange(len(rhythms)) * PHASES, lengths)
    counts = np.bincount(rows + arrivals % HOUR_S // PHASE_S, minlength=len(rhythms) * PHASES)
    total = np.array(lengths, np.float64)[:, None] + PHASE_PRIOR
    return (counts.reshape(len(rhythms), PHASES) * PHASES + PHASE_PRIOR) / total


def _waits(rhythms: Sequence[Rhythm], now: Array, price: Array, rate: Array, week: Array, slot: Array) -> Array:
    """As `worth_after_s`; nan where the last step did not find what the one before saw."""
    n, phases = len(rhythms), _phases(rhythms)
    newest = np.array([rhythm.arrivals[0] for rhythm in rhythms], np.float64)
    walk = _Walk(phases, (newest // PHASE_S + 1) * PHASE_S, price)
    ends = (now // SLOT_S + 1) * SLOT_S
    everybody = np.arange(n)
    items, waited_s = np.zeros(n), np.zeros(n)
    walk.slot(everybody, now, items, waited_s, rate * week[everybody, slot], ends)
    halves = _halves(phases)
    left = np.flatnonzero(np.isnan(walk.at))
    for ahead in (NEAR_SLOTS, WEEK_SLOTS - 1):
        if left.size:
            expected = _Expected(left, rate, week, slot, halves, ahead)
            found, start_items, start_s, here = expected.first(items[left], waited_s[left], price[left])
            seen = np.flatnonzero(found >= 0)
            rows, column = left[seen], found[seen]
            start = ends[rows] + column * SLOT_S
            walk.slot(rows, start, start_items[seen], start_s[seen], here[seen], start + SLOT_S)
            left = left[found < 0]
    waits = walk.until() - now
    waits[left] = ends[left] + (WEEK_SLOTS - 1) * SLOT_S - now[left]
    return waits


def _halves(phases: Array) -> Array:
    """As `worth._whole` of the first and second half of an hour: [half, 0 items or 1 seconds waited, feed]."""
    late = SLOT_S - (np.arange(HALF) + 0.5) * PHASE_S
    parts = phases.reshape(-1, 2, HALF) * PHASE_S
    return np.stack([parts.sum(2).T, (parts * late).sum(2).T], 1).astype(np.float32)


class _Expected:
    """What is expected in the whole half hours after this one, `ahead` of them."""

    def __init__(self, left: Array, rate: Array, week: Array, slot: Array, halves: Array, ahead: int) -> None:
        columns = (slot[left, None] + np.arange(1, ahead + 1)) % WEEK_SLOTS
        self._here = week[left[:, None], columns]
        self._here *= rate[left, None].astype(np.float32)
        half = (slot[left, None] + np.array([1, 2])) % 2  # of an hour; they take turns
        self._per_item = halves[half, 0, left[:, None]], halves[half, 1, left[:, None]]

    def first(self, items: Array, waited_s: Array, price: Array) -> tuple[Array, Array, Array, Array]:
        """(the first slot in which it is worth the price, -1 for none; items and seconds before it; rate in it)."""
        more, by_its_end = (self._in_turn(each) for each in self._per_item)
        after_items = np.cumsum(more, 1)
        after_items += items[:, None].astype(np.float32)
        by_its_end += (after_items - more) * np.float32(SLOT_S)
        after_s = np.cumsum(by_its_end, 1)
        after_s += waited_s[:, None].astype(np.float32)
        # n^MIX w^(1 - MIX) >= price, without a power of each: MIX is four fifths.
        worth = after_items * after_items
        worth *= worth
        worth *= after_s
        enough = worth >= (price ** (1 / (1 - MIX)))[:, None].astype(np.float32)
        rows, first = np.arange(len(items)), enough.argmax(1)
        here = self._here[rows, first].astype(np.float64)
        before = np.maximum(0, first - 1)
        start_items = np.where(first > 0, after_items[rows, before], items)
        start_s = np.where(first > 0, after_s[rows, before], waited_s)
        return np.where(enough[rows, first], first, -1), start_items, start_s, here

    def _in_turn(self, per_item: Array) -> Array:
        made = np.empty_like(self._here)
        for n in (0, 1):
            np.multiply(self._here[:, n::2], per_item[:, n, None], out=made[:, n::2])
        return made


class _Walk:
    """Through half hours by five minutes, the last of them by halving it."""

    def __init__(self, phases: Array, used_until: Array, price: Array) -> None:
        self._phases, self._used_until, self._price = phases, used_until, price
        n = len(price)
        self.at = np.full(n, np.nan)  # the five minutes in which it is worth the price
        self._items, self._waited_s, self._rate, self._span_s = np.zeros((4, n))

    def slot(self, rows: Array, start: Array, items: Array, waited_s: Array, here: Array, ends: Array) -> None:
        """Go on from `start` to `ends`; `items` and `waited_s` are brought up to date where nothing is found."""
        used_until, price = self._used_until[rows], self._price[rows]
        phase = (start % HOUR_S // PHASE_S).astype(np.int64)
        at = start.copy()
        for step in range(STEPS):
            span = np.minimum((at // PHASE_S + 1) * PHASE_S, ends) - at
            busy = self._phases[rows, (phase + step) % PHASES]
            expected = here * np.where(at < used_until, np.minimum(1.0, busy), busy)
            then_items, then_s = _after(items, waited_s, expected, span)
            hit = (_worth(then_items, then_s) >= price) & (span > 0)
            if hit.any():
                found = rows[hit]
                self.at[found], self._items[found], self._waited_s[found] = at[hit], items[hit], waited_s[hit]
                self._rate[found], self._span_s[found] = expected[hit], span[hit]
                ends = np.where(hit, at, ends)
                span = np.where(hit, 0.0, span)
                then_items, then_s = np.where(hit, items, then_items), np.where(hit, waited_s, then_s)
            items[:], waited_s[:] = then_items, then_s
            at = at + span

    def until(self) -> Array:
        """When each is worth its price, to the second."""
        low, high = np.zeros(len(self.at)), self._span_s.copy()
        while (wide := high - low > NEAR_S).any():
            middle = (low + high) / 2
            enough = _worth(*_after(self._items, self._waited_s, self._rate, middle)) >= self._price
            high, low = np.where(wide & enough, middle, high), np.where(wide & ~enough, middle, low)
        return self.at + high


def _after(items: Array, waited_s: Array, rate: Array, span_s: Array) -> tuple[Array, Array]:
    more = rate * span_s
    return items + more, waited_s + (items + more / 2) * span_s


def _worth(items: Array, waited_s: Array) -> Array:
    return items**MIX * waited_s ** (1 - MIX)
