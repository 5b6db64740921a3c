"""Row 2: rounds in which every feed answers 304; `reader` beside it on the same publisher.

A round begins when feeds fall due, so it holds the tenth of a second until ingest hears of it: the feeds are many.
"""

from __future__ import annotations

import time
from statistics import median

from bench.ingest_alone import ingest_alone
from bench.machine import publisher
from bench.report import Row
from bench.rival import reader_rounds

FEEDS, ITEMS, WORDS = 3000, 3, 120  # long enough that no page is fetched
RIVAL_FEEDS = 300
ROUNDS = 3


def run() -> Row:
    """Both sides, one after the other; the median round of each."""
    with publisher(FEEDS, ITEMS, WORDS) as base:
        rival, _ = reader_rounds(base, RIVAL_FEEDS, 1 + ROUNDS)
        with ingest_alone() as ingest:
            ingest.subscribe([f"{base}/f/{n}" for n in range(FEEDS)])
            time.sleep(3)  # what the first polls found is queued and vacuumed
            cpu, database = ingest.cpu_s(), ingest.database_cpu_s()
            rounds = [ingest.poll_all() for _ in range(ROUNDS)]
            polled = FEEDS * ROUNDS
            cpu_us, database_us = (
                used / polled * 1e6 for used in (ingest.cpu_s() - cpu, ingest.database_cpu_s() - database)
            )
            not_modified = ingest.one("SELECT count(*) FROM polls WHERE outcome = 'not_modified'")
    quick, their_quick = FEEDS / median(rounds), RIVAL_FEEDS / median(rival[1:])
    return Row(
        2,
        f"rounds of {FEEDS} feeds, all 304",
        ">= 5 x reader's feeds/s",
        {
            "feeds/s": round(quick),
            "reader feeds/s": round(their_quick),
            "ratio": round(quick / their_quick, 2),
            "ingest CPU us a feed": round(cpu_us),
            "PostgreSQL CPU us a feed": round(database_us),
            "answered 304, of all": round(not_modified / polled, 3),
        },
        quick >= 5 * their_quick,
    )
