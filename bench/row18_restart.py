"""Row 18: kill -9 of everything under load; the first event out again, none lost, none doubled."""

from __future__ import annotations

import time
from collections import Counter
from functools import partial

import httpx

from bench.machine import Machine, machine, publisher, until
from bench.report import Row

FEEDS, ITEMS, WORDS = 60, 30, 200
ROUNDS = 3


def events(one: Machine, after: int) -> list[dict[str, object]]:
    """All events after a position."""
    found: list[dict[str, object]] = []
    while True:
        page = httpx.get(
            f"{one.url}/v1/events",
            params={"after": after, "limit": 1000},
            headers={"accept": "application/json"},
            timeout=30,
        ).json()
        if not page["items"]:
            return found
        found += page["items"]
        after = int(page["items"][-1]["id"])


def _told(one: Machine) -> Counter[object]:
    """How often each article was told of as new."""
    return Counter(e["subject"] for e in events(one, 0) if e["type"] == "wiredesk.article.enriched.v1")


def _moved(one: Machine, before: int) -> bool:
    return one.position() > before


def run() -> Row:
    """Feeds are added, and while their articles are worked off everything is killed and started again, three times."""
    ready: list[float] = []
    first: list[float] = []
    with publisher(FEEDS, ITEMS, WORDS) as base, machine() as one:
        one.start()
        for feed in range(FEEDS):
            one.add_feed(f"{base}/f/{feed}")
        for _ in range(ROUNDS):
            until(lambda: one.position() > 40, 60)
            time.sleep(1.0)
            before = one.position()
            one.kill()
            begun = time.monotonic()
            ready.append(one.start())
            until(partial(_moved, one, before), 60)
            first.append(time.monotonic() - begun)
        total = FEEDS * ITEMS
        until(lambda: len(_told(one)) >= total, 300, every_s=2)
        time.sleep(1)
        told = events(one, 0)
        ids = [int(str(e["id"])) for e in told]
        articles = _told(one)
    lost = total - len(articles)
    doubled = sum(1 for n in articles.values() if n > 1)
    figures: dict[str, float | int | str] = {
        "articles": total,
        "kills": ROUNDS,
        "first event after restart, worst s": round(max(first), 2),
        "ready after restart, worst s": round(max(ready), 2),
        "lost": lost,
        "doubled": doubled,
        "positions without gap": str(ids == list(range(1, len(ids) + 1))),
    }
    reached = max(first) <= 5 and lost == 0 and doubled == 0 and ids == list(range(1, len(ids) + 1))
    return Row(
        18,
        "kill -9 of everything under load",
        "first event <= 5 s after restart, none lost, none doubled",
        figures,
        reached,
    )
