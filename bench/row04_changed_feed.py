"""Row 4: a feed polled again with one new item of thirty, against `feedparser.parse` of the same body alone."""

from __future__ import annotations

import time

import feedparser
import httpx

from bench.ingest_alone import ingest_alone
from bench.machine import publisher
from bench.report import Row

FEEDS, ITEMS, WORDS = 300, 30, 120
ROUNDS = 4


def run() -> Row:
    """CPU of ingest, its parsers and PostgreSQL for a whole poll, and of the parse alone, round by round in turn."""
    polling = storing = alone = 0.0
    with publisher(FEEDS, ITEMS, WORDS) as base, ingest_alone() as ingest, httpx.Client() as client:
        ingest.subscribe([f"{base}/f/{n}" for n in range(FEEDS)])
        time.sleep(3)  # what the first polls found is queued and vacuumed
        stored = ingest.one("SELECT count(*) FROM articles")
        for _ in range(ROUNDS):
            for n in range(FEEDS):
                client.get(f"{base}/bump?feed={n}")
            bodies = [client.get(f"{base}/f/{n}").content for n in range(0, FEEDS, 10)]
            before = ingest.cpu_s(), ingest.database_cpu_s()
            ingest.poll_all()
            polling, storing = polling + ingest.cpu_s() - before[0], storing + ingest.database_cpu_s() - before[1]
            begun = time.process_time()
            for body in bodies:
                feedparser.parse(body)
            alone += (time.process_time() - begun) / len(bodies)
        new = ingest.one("SELECT count(*) FROM articles") - stored
    polls = FEEDS * ROUNDS
    polling, storing, alone = polling / polls * 1000, storing / polls * 1000, alone / ROUNDS * 1000
    ours = polling + storing
    return Row(
        4,
        f"changed feed, 1 new of {ITEMS}, {ROUNDS} rounds of {FEEDS} feeds",
        "<= 0.25 x the CPU of a bare feedparser.parse",
        {
            "new articles": new,
            "ingest CPU ms a poll": round(polling, 2),
            "PostgreSQL CPU ms a poll": round(storing, 2),
            "feedparser CPU ms": round(alone, 2),
            "ratio": round(ours / alone, 3),
        },
        ours <= 0.25 * alone,
    )
