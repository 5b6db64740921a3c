"""Row 3: rounds in which every feed answers 200 with the same body and no validators."""

from __future__ import annotations

from statistics import median

from bench.ingest_alone import ingest_alone
from bench.machine import publisher
from bench.report import Row
from bench.rival import reader_rounds

FEEDS, ITEMS, WORDS = 1500, 30, 120
RIVAL_FEEDS = 100
ROUNDS = 3


def run() -> Row:
    """Both sides on the same publisher, one after the other; the median round of ours."""
    with publisher(FEEDS, ITEMS, WORDS, validators=False) as base:
        rival, _ = reader_rounds(base, RIVAL_FEEDS, 2)
        with ingest_alone() as ingest:
            ingest.subscribe([f"{base}/f/{n}" for n in range(FEEDS)])
            rounds = [ingest.poll_all() for _ in range(ROUNDS)]
    quick, their_quick = FEEDS / median(rounds), RIVAL_FEEDS / rival[1]
    return Row(
        3,
        f"rounds of {FEEDS} feeds, 200 with the same body",
        ">= 50 x reader's feeds/s",
        {"feeds/s": round(quick), "reader feeds/s": round(their_quick, 1), "ratio": round(quick / their_quick, 1)},
        quick >= 50 * their_quick,
    )
