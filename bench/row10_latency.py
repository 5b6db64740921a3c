"""Row 10: from the byte's arrival at ingest to the SSE client, on an idle system, 500 words."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime
from functools import partial

import httpx
import httpx_sse

from bench.machine import machine, publisher, until
from bench.report import Row, spread

ITEMS = 150
WORDS = 500


class Client(threading.Thread):
    """An SSE client that notes, for every event, the wall clock at its arrival."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._url = url
        self.arrived: list[tuple[datetime, dict[str, object]]] = []
        self.connected = threading.Event()

    def run(self) -> None:
        """Follow until the server goes."""
        try:
            with (
                httpx.Client(timeout=None) as client,
                httpx_sse.connect_sse(
                    client, "GET", self._url + "/v1/events?after=0&type=wiredesk.article.enriched.v1"
                ) as source,
            ):
                self.connected.set()
                for message in source.iter_sse():
                    if message.data:
                        self.arrived.append((datetime.now(UTC), json.loads(message.data)["data"]))
        except httpx.TransportError:
            return


def _arrived(client: Client, count: int) -> bool:
    return len(client.arrived) >= count


def run() -> Row:
    """One new item at a time, each waited for; polls are asked for: the scheduler's interval is not measured here."""
    with publisher(1, 1, WORDS) as base, machine() as one:
        one.start()
        client = Client(one.url)
        client.start()
        feed = one.add_feed(base + "/f/0")
        until(lambda: len(client.arrived) >= 1, 60)
        asked: list[float] = []
        for n in range(ITEMS):
            httpx.get(f"{base}/bump?feed=0", timeout=10)
            begun = time.monotonic()
            httpx.post(f"{one.url}/v1/feeds/{feed}/poll", timeout=10)
            until(partial(_arrived, client, n + 2), 30, every_s=0.001)
            asked.append((time.monotonic() - begun) * 1000)
            time.sleep(0.1)
        times = []
        for at, card in client.arrived[1:]:
            fetched = datetime.fromisoformat(str(card["fetched_at"]))
            times.append((at - fetched).total_seconds() * 1000)
    figures: dict[str, float | int | str] = {f"arrival to client {k} ms": v for k, v in spread(times).items()}
    figures |= {f"poll asked to client {k} ms": v for k, v in spread(asked).items()}
    measured = spread(times)
    reached = measured["p50"] <= 80 and measured["p99"] <= 250
    return Row(
        10,
        f"new item to SSE client, idle, {WORDS} words, {len(times)} items",
        "p50 <= 80 ms, p99 <= 250 ms",
        figures,
        reached,
    )
