"""How soon news is found for the same number of requests: `python -m bench.simulate_schedule [requests a day ...]`.

Traces: the dated items of the real feeds in shared/data, four weeks of each. A feed whose dates span four weeks gives
the last four as they were. Of a shorter one, every simulated day is one of the whole days that its dates span, drawn
among those of its kind (weekday, weekend): each of its items comes 0, 1, 2 ... times (Poisson, 1), each time a little
off (normal, sd 30 min; what is dated to a quarter of an hour stays on one). Feeds whose dates bear days, not times, are
left out. All is drawn four times. The first two weeks teach, the last two are measured. Every policy polls between 5
minutes and a day apart and has one knob, which is turned until all spend the same number of requests; how they are
shared among the feeds is up to the policy:

    fixed        its interval
    miniflux     entry_frequency: a week / (items of the last week x factor); the knob is the factor
    media cloud  two polls with >= 67 % known items: 10 minutes longer (60 if all are); < 33 %: an hour shorter; starts
                 at six hours; the knob stretches it all
    wiredesk     services.ingest.schedule.plan; the knob is the price of a request
    optimum      the same rule against the rates that the traces were drawn from: what a learner can come to at best.
                 (Who knew each arrival itself would find everything at once: there are more requests than items.)
"""

from __future__ import annotations

import math
import random
import statistics
import sys
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from bench.report import percentile
from services.ingest.dates import read_date
from services.ingest.encoding import to_utf8
from services.ingest.parse import read
from services.ingest.refusals import NotAFeed
from services.ingest.rhythm import Rhythm
from services.ingest.schedule import Bounds, Facts, plan
from services.ingest.worth import Waiting

FEEDS = Path(__file__).resolve().parents[2] / "shared/data/feeds/kagi-captures/bodies"
CAPTURED = datetime(2026, 3, 2, tzinfo=UTC)
DAY_S, WEEK_S, BIN_S = 86_400, 604_800, 300
START = 1_767_571_200  # a Monday, 00:00 UTC
TAUGHT, END = START + 2 * WEEK_S, START + 4 * WEEK_S
JITTER_S = 1800.0
QUARTER_S = 900
FLOOR_S, CEILING_S = 300.0, 86_400.0
CEILING_BINS = 289
BUDGETS = (3.0, 6.0, 12.0)
DRAWS = (11, 12, 13, 14)  # seeds


@dataclass(frozen=True)
class Trace:
    """When a feed's items come, rising; how many it shows; the rate they were drawn from, items a second by bin."""

    arrivals: list[float]
    depth: int
    rates: list[float]


class Policy(Protocol):
    """Decides one feed's next poll."""

    def wait_s(self, trace: Trace, now: float, known: int, seen: int) -> float:
        """Seconds from a poll at `now` to the next. It saw arrivals[known:seen] for the first time."""


@dataclass
class Fixed:
    interval_s: float

    def wait_s(self, trace: Trace, now: float, known: int, seen: int) -> float:
        return self.interval_s


@dataclass
class Miniflux:
    factor: float

    def wait_s(self, trace: Trace, now: float, known: int, seen: int) -> float:
        weekly = seen - bisect_right(trace.arrivals, now - WEEK_S)
        return WEEK_S / (weekly * self.factor) if weekly else CEILING_S


@dataclass
class MediaCloud:
    stretch: float
    minutes: float = 360.0
    before: float | None = None

    def wait_s(self, trace: Trace, now: float, known: int, seen: int) -> float:
        shown = min(trace.depth, seen)
        share = 1 - min(seen - known, shown) / shown if shown else 1.0
        if self.before is not None:
            if share >= 0.67 <= self.before:
                recent = seen > bisect_right(trace.arrivals, now - 31 * DAY_S)
                self.minutes = min(1440.0, self.minutes + (10 if recent or share < 1 else 60))
            elif share < 0.33 > self.before:
                self.minutes = max(10.0, min(360.0, self.minutes - 60))
        self.before = share
        return self.minutes * 60 * self.stretch


@dataclass
class Wiredesk:
    price: float
    rhythm: Rhythm = field(default_factory=Rhythm)

    def wait_s(self, trace: Trace, now: float, known: int, seen: int) -> float:
        at = datetime.fromtimestamp(now, UTC)
        if seen > known or not self.rhythm.arrivals:
            shown = trace.arrivals[max(0, seen - trace.depth) : seen]
            dates = [datetime.fromtimestamp(arrival, UTC) for arrival in reversed(shown)][:50]
            self.rhythm = self.rhythm.after(dates, None, seen > known, at)
        facts = Facts(self.rhythm, price=self.price)
        return (plan(facts, Bounds(FLOOR_S, CEILING_S), at, 0.5).next_poll_at - at).total_seconds()


@dataclass
class Optimum:
    price: float

    def wait_s(self, trace: Trace, now: float, known: int, seen: int) -> float:
        waiting, at = Waiting(), now
        first = int(now - START) // BIN_S
        for rate in trace.rates[first : first + CEILING_BINS]:
            span_s = BIN_S - (at - START) % BIN_S
            after = waiting.after(rate, span_s)
            if after.worth() >= self.price:
                return at + waiting.until_s(rate, span_s, self.price) - now
            waiting, at = after, at + span_s
        return CEILING_S


def traces(folder: Path, chance: random.Random) -> list[Trace]:
    """One for each feed with at least three dates to the minute."""
    found = []
    for file in sorted(folder.iterdir()):
        try:
            entries = read(to_utf8(file.read_bytes(), None)[0], "https://feed.example/").entries
        except NotAFeed:
            continue
        dated = (read_date(entry.published or entry.updated, CAPTURED) for entry in entries)
        dates = sorted(
            {moment.timestamp() for moment, precision in dated if moment and precision in ("second", "minute")}
        )
        if len(dates) >= 3 and not _bear_days(dates):
            found.append(_trace(dates, len(entries), chance))
    return found


def _trace(dates: Sequence[float], depth: int, chance: random.Random) -> Trace:
    bins = (END - START) // BIN_S
    span_s = dates[-1] - dates[0]
    # Moved by whole weeks, so that hours of the week stay what they were.
    if span_s >= END - START:
        moved = START + (dates[-1] - START) % WEEK_S + 3 * WEEK_S - dates[-1]
        arrivals = [date + moved for date in dates]
        return Trace(arrivals, depth, [sum(at >= START for at in arrivals) / (END - START)] * bins)
    days = _days(dates)
    arrivals, rates = [], [0.0] * bins
    for day in range(START - DAY_S, END + DAY_S, DAY_S):
        alike = [items for weekend, items in days if weekend == _weekend(day)] or [items for _, items in days]
        arrivals += [chance.gauss(day + at, JITTER_S) for at in chance.choice(alike) for _ in range(_poisson(chance))]
        for items in alike:
            for at in items:
                _spread(rates, day + at, 1 / len(alike))
    return Trace(sorted(at for at in arrivals if START <= at < END), depth, rates)


def _days(dates: Sequence[float]) -> list[tuple[bool, list[float]]]:
    """The last whole days that the dates span, counted back from the last: (is a weekend, seconds since midnight)."""
    span_s = dates[-1] - dates[0]
    count = max(1, round((span_s + span_s / (len(dates) - 1)) / DAY_S))
    days: list[tuple[bool, list[float]]] = []
    for n in range(count):
        end = dates[-1] - n * DAY_S
        days.append((_weekend(end - DAY_S / 2), [at % DAY_S for at in dates if end - DAY_S < at <= end]))
    return days


def _bear_days(dates: Sequence[float]) -> bool:
    """Whether most of them stand at one time of day: then they tell a day, not when the item came."""
    times = [date % DAY_S for date in dates]
    return max(map(times.count, times)) > len(times) / 2


def _weekend(at: float) -> bool:
    return (at - START) % WEEK_S >= 5 * DAY_S


def _moved(at: float, chance: random.Random) -> float:
    """A little off. What came by the clock still does: an item dated to a quarter of an hour stays on one."""
    if at % QUARTER_S:
        return chance.gauss(at, JITTER_S)
    return QUARTER_S * round(chance.gauss(at, JITTER_S) / QUARTER_S)


def _spread(rates: list[float], centre: float, weight: float) -> None:
    step_s = BIN_S if centre % QUARTER_S else QUARTER_S
    reach = int(4 * JITTER_S / step_s)
    for n in range(-reach, reach + 1):
        at = centre + n * step_s
        bin_ = int(at - START) // BIN_S
        if 0 <= bin_ < len(rates):
            here = math.exp(-((n * step_s / JITTER_S) ** 2) / 2) / (JITTER_S * math.sqrt(2 * math.pi))
            rates[bin_] += weight * here * step_s / BIN_S


def _poisson(chance: random.Random) -> int:
    count, product, least = 0, chance.random(), math.exp(-1)
    while product > least:
        count, product = count + 1, product * chance.random()
    return count


def follow(trace: Trace, policy: Policy, phase: float) -> tuple[int, list[float]]:
    """The requests of the measured weeks, and how late each item of theirs was found."""
    requests, late, known, at = 0, [], 0, START + phase * 3600
    while at < END:
        seen = bisect_right(trace.arrivals, at)
        late += [at - arrival for arrival in trace.arrivals[known:seen] if arrival >= TAUGHT]
        requests += at >= TAUGHT
        wait_s = policy.wait_s(trace, at, known, seen)
        known, at = seen, at + min(CEILING_S, max(FLOOR_S, wait_s))
    return requests, late + [at - arrival for arrival in trace.arrivals[known:] if arrival >= TAUGHT]


def spend(all_traces: Sequence[Trace], make: Callable[[float], Policy], knob: float) -> tuple[float, list[float]]:
    """Requests a feed and day, and all delays."""
    chance = random.Random(7)
    done = [follow(trace, make(knob), chance.random()) for trace in all_traces]
    days = (END - TAUGHT) / DAY_S
    return sum(requests for requests, _ in done) / len(done) / days, [s for _, late in done for s in late]


def tuned(
    all_traces: Sequence[Trace], make: Callable[[float], Policy], start: float, budget: float
) -> tuple[float, float, list[float]]:
    """(knob, requests, delays) where the requests are nearest to the budget. More of the knob spends less."""
    low, high, knob = 0.0, math.inf, start
    for _ in range(12):
        requests, late = spend(all_traces, make, knob)
        if abs(requests / budget - 1) < 0.01:
            break
        low, high = (knob, high) if requests > budget else (low, knob)
        guess = knob * (requests / budget) ** 1.2
        knob = guess if low < guess < high else (low + high) / 2
    return knob, requests, late


# (name, how to make one, a knob that spends some 12 requests a day)
POLICIES: tuple[tuple[str, Callable[[float], Policy], float], ...] = (
    ("fixed", Fixed, 7200),
    ("media cloud", MediaCloud, 0.08),
    ("miniflux", lambda knob: Miniflux(1 / knob), 0.19),
    ("wiredesk", Wiredesk, 0.7),
    ("optimum", Optimum, 0.6),
)


def main() -> int:
    """Print the table."""
    if not FEEDS.is_dir():
        print(f"no feeds in {FEEDS}", file=sys.stderr)
        return 2
    all_traces = [trace for seed in DRAWS for trace in traces(FEEDS, random.Random(seed))]
    measured = sum(arrival >= TAUGHT for trace in all_traces for arrival in trace.arrivals)
    print(
        f"{len(all_traces) // len(DRAWS)} feeds, {measured // len(DRAWS)} items in two weeks, drawn {len(DRAWS)} times"
    )
    print("| requests a feed and day | policy | median s | mean s | p95 s | knob |\n|---|---|---|---|---|---|")
    for budget in [float(a) for a in sys.argv[1:]] or BUDGETS:
        for name, make, start in POLICIES:
            knob, requests, late = tuned(all_traces, make, start * (12 / budget) ** 1.2, budget)
            figures = f"{statistics.median(late):.0f} | {statistics.mean(late):.0f} | {percentile(late, 0.95):.0f}"
            print(f"| {requests:.1f} | {name} | {figures} | {knob:.4g} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
