"""Row 23: what a poll costs among 100,000 feeds and more and more articles, up to ten million.

First ingest itself, as a process, polls 200 feeds in four ways: what it and PostgreSQL use is measured, and what tables
were read in full. Then the same code polls in this process, each statement explained: how many there are, and what
each reads. `WIREDESK_BENCH_SIZES` names the sizes ("200000,1000000" unless it is set), `WIREDESK_BENCH_STORES` a folder
to keep filled stores in (`bench.many_feeds`).
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence

from bench.explained import Told
from bench.report import Row
from bench.scale_polls import BIG, KINDS, POLLED, WORDS, Size, measure


def run() -> Row:
    """Each size in a store of its own, the least first."""
    kept = os.environ.get("WIREDESK_BENCH_STORES")
    sizes = [int(n) for n in os.environ.get("WIREDESK_BENCH_SIZES", "200000,1000000").split(",")]
    found = {size: measure(size, kept) for size in sorted(sizes)}
    least, most = found[min(sizes)], found[max(sizes)]
    figures: dict[str, float | int | str] = {}
    for kind in KINDS:
        figures[f"{kind}: CPU ms"] = " | ".join(
            f"{one.cpu_ms[kind]:.2f} + {one.database_ms[kind]:.2f}" for one in found.values()
        )
        figures[f"{kind}: statements, buffers"] = " | ".join(
            f"{_calls(one, kind)}, {_buffers(one, kind):.0f}" for one in found.values()
        )
    growth = {kind: _cost(most, kind) / _cost(least, kind) for kind in KINDS}
    read = {kind: _buffers(most, kind) / _buffers(least, kind) for kind in KINDS}
    for name, before, after in _statements(least, most):
        figures[f"buffers of {name}"] = f"{before:.0f} -> {after:.0f}"
    scans = sorted({f"{t} {n} times" for one in found.values() for t, n in one.scans.items()})
    scans += sorted({f"{t.name}: {', '.join(t.scanned)}" for one in found.values() for t in _all(one) if _big(t)})
    constant = len({_calls(one, kind) for one in found.values() for kind in KINDS[2:]}) == 1
    figures |= {
        "big tables read end to end": "; ".join(scans) or "none",
        "a poll's CPU, most articles / least": f"{max(growth.values()):.2f} x at worst ({max(growth, key=growth.get)})",  # type: ignore[arg-type]
        "a poll's buffers, most articles / least": f"{max(read.values()):.2f} x at worst",
    }
    return Row(
        23,
        f"a poll among 100,000 feeds and {' | '.join(f'{size:,}' for size in found)} articles",
        "the same statements, no table scanned, CPU at most 1.5 x from the least to the most",
        figures,
        constant and not scans and max(growth.values()) <= 1.5,
        [f"CPU is ingest's + PostgreSQL's a poll, of {POLLED} feeds; unpacked texts of {WORDS} words"],
    )


def _all(one: Size) -> Iterator[Told]:
    return (told for some in one.told.values() for each in some for told in each)


def _big(told: Told) -> bool:
    return told.name != "load" and not told.scanned.isdisjoint(BIG)


def _calls(one: Size, kind: str) -> str:
    return "/".join(str(n) for n in sorted({len(told) for told in one.told[kind]}))


def _buffers(one: Size, kind: str) -> float:
    return sum(t.buffers for told in one.told[kind] for t in told) / len(one.told[kind])


def _cost(one: Size, kind: str) -> float:
    return one.cpu_ms[kind] + one.database_ms[kind]


def _statements(least: Size, most: Size) -> Iterator[tuple[str, float, float]]:
    """(kind and function, buffers with the least articles, with the most) a poll, the dearest first."""
    rows = []
    for kind in most.told:
        before, after = _by_name(least.told[kind]), _by_name(most.told[kind])
        rows += [(f"{name} ({kind})", before.get(name, 0.0), n) for name, n in after.items() if n >= 20]
    yield from sorted(rows, key=lambda row: -row[2])


def _by_name(some: Sequence[Sequence[Told]]) -> dict[str, float]:
    found: dict[str, float] = defaultdict(float)
    for told in some:
        for one in told:
            found[one.name] += one.buffers / len(some)
    return found
