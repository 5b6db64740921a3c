"""Row 19: installed, from the command to ready; memory of the whole idle system."""

from __future__ import annotations

import time

from bench.machine import machine
from bench.report import Row


def run() -> Row:
    """A first start on an empty home (initdb included), then starts that find their data; memory 10 s after ready."""
    with machine() as one:
        first = one.start()
        one.stop()
        again = []
        for _ in range(3):
            again.append(one.start())
            if len(again) < 3:
                one.stop()
        time.sleep(10)
        memory = one.memory_mb()
    total = round(sum(memory.values()), 1)
    figures: dict[str, float | int | str] = {
        "first start s": round(first, 2),
        "start again, median s": round(sorted(again)[1], 2),
        "whole idle system MB (PSS)": total,
    }
    for kind, size in memory.items():
        figures[f"  {kind} MB"] = size
    return Row(
        19,
        "time to ready; memory of the idle system",
        "<= 5 s; <= 700 MB resident",
        figures,
        sorted(again)[1] <= 5 and first <= 5 and total <= 700,
    )
