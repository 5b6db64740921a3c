"""What a row of the benchmark says, printed as a table and written to bench/results/."""

from __future__ import annotations

import json
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Row:
    """One row: its number in the targets, what was measured, and whether the target is reached (None: none set yet)."""

    number: int
    title: str
    target: str
    figures: dict[str, float | int | str]
    reached: bool | None = None
    notes: list[str] = field(default_factory=list)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the sorted values lie, nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def spread(values: Sequence[float]) -> dict[str, float]:
    """p50, p95, p99 and worst, rounded to a tenth."""
    return {
        "p50": round(statistics.median(values), 1),
        "p95": round(percentile(values, 0.95), 1),
        "p99": round(percentile(values, 0.99), 1),
        "max": round(max(values), 1),
    }


def show(row: Row) -> None:
    """Print a row and write it to bench/results/row-NN.json."""
    verdict = {True: "reached", False: "NOT reached", None: "measured"}[row.reached]
    print(f"\nrow {row.number}: {row.title}\n  target: {row.target} -> {verdict}")
    width = max(len(name) for name in row.figures)
    for name, value in row.figures.items():
        print(f"  {name:<{width}}  {value:,}" if not isinstance(value, str) else f"  {name:<{width}}  {value}")
    for note in row.notes:
        print(f"  - {note}")
    RESULTS.mkdir(exist_ok=True)
    record = asdict(row) | {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cpus": len_cpus(), "python": platform.python_version(), "system": platform.platform()},
    }
    (RESULTS / f"row-{row.number:02}.json").write_text(json.dumps(record, indent=2) + "\n")


def len_cpus() -> int:
    """Cores this process may use."""
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
