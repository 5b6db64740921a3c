"""Row 1: the first poll of many feeds, all entries new; `reader` beside it."""

from __future__ import annotations

from bench.ingest_alone import ingest_alone
from bench.machine import publisher
from bench.report import Row
from bench.rival import reader_rounds

FEEDS, ITEMS, WORDS = 1000, 30, 120
RIVAL_FEEDS = 200  # a fifth is enough to know its rate


def run() -> Row:
    """Both sides on the same publisher, one after the other."""
    with publisher(FEEDS, ITEMS, WORDS) as base:
        rival, rival_entries = reader_rounds(base, RIVAL_FEEDS, 1)
        with ingest_alone() as ingest:
            first = ingest.subscribe([f"{base}/f/{n}" for n in range(FEEDS)])
            cpu = ingest.cpu_s()
            stored = ingest.one("SELECT count(*) FROM articles")
    ours, theirs = stored / first, rival_entries / rival[0]
    figures: dict[str, float | int | str] = {
        "articles stored": stored,
        "feeds/s": round(FEEDS / first, 1),
        "entries/s": round(ours),
        "ingest CPU ms per entry": round(cpu / stored * 1000, 3),
        "reader entries/s": round(theirs),
        "ratio": round(ours / theirs, 2),
    }
    return Row(
        1,
        f"first poll of {FEEDS} feeds x {ITEMS} new entries",
        ">= 10 x reader's entries/s",
        figures,
        ours >= 10 * theirs,
    )
