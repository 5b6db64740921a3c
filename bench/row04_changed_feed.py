"""Row 4: a feed polled again with one new item of thirty, against `feedparser.parse` of the same body alone."""

from __future__ import annotations

import time

import feedparser
import httpx

from bench.ingest_alone import ingest_alone
from bench.machine import publisher
from bench.report import Row

FEEDS, ITEMS, WORDS = 300, 30, 120


def run() -> Row:
    """CPU of ingest, its parsers and PostgreSQL for a whole poll, and of the parse alone."""
    with publisher(FEEDS, ITEMS, WORDS) as base, ingest_alone() as ingest:
        ingest.subscribe([f"{base}/f/{n}" for n in range(FEEDS)])
        with httpx.Client() as client:
            for n in range(FEEDS):
                client.get(f"{base}/bump?feed={n}")
            bodies = [client.get(f"{base}/f/{n}").content for n in range(0, FEEDS, 10)]
        stored = ingest.one("SELECT count(*) FROM articles")
        polling, storing = ingest.cpu_s(), ingest.database_cpu_s()
        ingest.poll_all()
        polling, storing = ingest.cpu_s() - polling, ingest.database_cpu_s() - storing
        new = ingest.one("SELECT count(*) FROM articles") - stored
    begun = time.process_time()
    for body in bodies:
        feedparser.parse(body)
    alone = (time.process_time() - begun) / len(bodies) * 1000
    ours = (polling + storing) / FEEDS * 1000
    return Row(
        4,
        f"changed feed, 1 new of {ITEMS}, {FEEDS} feeds",
        "<= 0.25 x the CPU of a bare feedparser.parse",
        {
            "new articles": new,
            "ingest CPU ms a poll": round(polling / FEEDS * 1000, 2),
            "PostgreSQL CPU ms a poll": round(storing / FEEDS * 1000, 2),
            "feedparser CPU ms": round(alone, 2),
            "ratio": round(ours / alone, 3),
        },
        ours <= 0.25 * alone,
    )
