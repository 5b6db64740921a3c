"""Row 11: a steady load on the whole product: does the backlog stay flat, how old is an event when it is read?

`WIREDESK_BENCH_STEADY_S` sets the seconds (default 600). Items appear at an even rate on twenty feeds, which are asked
to be polled twice a second in turn; a subscriber follows the stream.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from datetime import UTC, datetime

import httpx
import httpx_sse
import orjson

from bench.machine import Machine, machine, publisher, until
from bench.report import Row, percentile

RATE = 40  # articles a second
POLLS = 2  # a second
FEEDS, WORDS = 20, 120
SAMPLE_S = 2.0
TAIL_S = 60.0  # for what is left at the end


class Subscriber(threading.Thread):
    """Follows the stream and notes how old each event is when it is read."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._url = url
        self.ages_ms: list[float] = []

    def run(self) -> None:
        """Follow until the server goes."""
        path = self._url + "/v1/events?after=0&type=wiredesk.article.enriched.v1"
        try:
            with httpx.Client(timeout=None) as client, httpx_sse.connect_sse(client, "GET", path) as source:
                for message in source.iter_sse():
                    if message.data:
                        told = datetime.fromisoformat(orjson.loads(message.data)["time"])
                        self.ages_ms.append((datetime.now(UTC) - told).total_seconds() * 1000)
        except httpx.TransportError:
            return


def _load(base: str, one: Machine, feeds: list[int], seconds: float, subscriber: Subscriber) -> list[int]:
    """Publish evenly for so long; the backlog (published and not yet heard of), every `SAMPLE_S`."""
    backlog: list[int] = []
    published, begun, before = 0, time.monotonic(), len(subscriber.ages_ms)
    with httpx.Client(timeout=30) as client:
        for turn in range(int(seconds * POLLS)):
            time.sleep(max(0.0, begun + turn / POLLS - time.monotonic()))
            place = turn % FEEDS
            for _ in range(RATE // POLLS):
                client.get(f"{base}/bump?feed={place}")
            published += RATE // POLLS
            client.post(f"{one.url}/v1/feeds/{feeds[place]}/poll")
            if turn % int(SAMPLE_S * POLLS) == 0:
                backlog.append(published - (len(subscriber.ages_ms) - before))
    return backlog


def run() -> Row:
    """One machine, one publisher, one subscriber."""
    seconds = float(os.environ.get("WIREDESK_BENCH_STEADY_S", "600"))
    with publisher(FEEDS, 1, WORDS) as base, machine() as one:
        one.start()
        subscriber = Subscriber(one.url)
        subscriber.start()
        feeds = [one.add_feed(f"{base}/f/{n}") for n in range(FEEDS)]
        until(lambda: len(subscriber.ages_ms) >= FEEDS, 120)
        backlog = _load(base, one, feeds, seconds, subscriber)
        sent = int(seconds * POLLS) * (RATE // POLLS)
        end = time.monotonic() + TAIL_S
        while len(subscriber.ages_ms) < FEEDS + sent and time.monotonic() < end:
            time.sleep(0.1)
        heard, ages = len(subscriber.ages_ms) - FEEDS, subscriber.ages_ms[FEEDS:]
    third = max(1, len(backlog) // 3)
    middle, last = statistics.mean(backlog[third : 2 * third]), statistics.mean(backlog[-third:])
    flat = last <= middle + RATE * SAMPLE_S
    p99 = percentile(ages, 0.99)
    return Row(
        11,
        f"{RATE} articles/s for {seconds:.0f} s, {WORDS} words",
        "backlog flat, event to subscriber p99 <= 1 s",
        {
            "published": sent,
            "heard of": heard,
            "backlog, middle third": round(middle),
            "backlog, last third": round(last),
            "event to subscriber p50 ms": round(percentile(ages, 0.5), 1),
            "event to subscriber p99 ms": round(p99, 1),
        },
        flat and heard == sent and p99 <= 1000,
    )
