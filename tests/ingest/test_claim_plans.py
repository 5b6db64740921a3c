"""Claiming and rescheduling find their rows by index: what they read does not grow with the number of feeds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from services.ingest import store
from services.ingest.schedule import Bounds
from services.ingest.states import Result, finish
from tests.ingest.desk import Desk

NOW = datetime(2026, 11, 24, tzinfo=UTC)
FEEDS = 20_000
TABLES = {"feeds", "feed_states", "hosts", "domains", "pages", "polls", "feed_requests", "feed_answers"}


class Explained:
    """A connection that notes the plan of every statement before it runs it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.scanned: list[tuple[str, str]] = []

    async def execute(self, query: str, arguments: Any = None) -> Any:
        plan = await self._desk.conn.execute(b"EXPLAIN (FORMAT JSON) " + query.encode(), arguments)
        for node in nodes((await plan.fetchall())[0][0][0]["Plan"]):
            if node["Node Type"] == "Seq Scan" and node["Relation Name"] in TABLES:
                self.scanned.append((query.split(None, 1)[0], node["Relation Name"]))
        return await self._desk.conn.execute(query.encode(), arguments)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


@pytest.fixture
async def many(desk: Desk) -> Desk:
    """Feeds due over a day, two on a host, with their requests and polls."""
    await desk.conn.execute(
        "INSERT INTO feeds (url, url_key) SELECT u, u FROM (SELECT 'https://h' || n / 2 || '.example/' || n AS u"
        " FROM generate_series(1, %s::int) n) AS made",
        (FEEDS,),
    )
    await desk.conn.execute(
        "INSERT INTO feed_states (feed_id, status, url, host, next_poll_at)"
        " SELECT id, 'ok', url, split_part(url, '/', 3), %s::timestamptz + make_interval(secs => id * 4) FROM feeds",
        (NOW,),
    )
    await desk.conn.execute("INSERT INTO domains SELECT DISTINCT host, %s::timestamptz FROM feed_states", (NOW,))
    await desk.conn.execute(
        "INSERT INTO hosts (host, domain, next_start_at) SELECT domain, domain, %s FROM domains", (NOW,)
    )
    await desk.conn.execute(
        "INSERT INTO pages (article_id, url, fetch_url, host, lane, wanted_at)"
        " SELECT feed_id, url, url, host, 'normal', %s FROM feed_states",
        (NOW,),
    )
    await desk.conn.execute("INSERT INTO feed_requests (feed_id, kind) SELECT id, 'changed' FROM feeds")
    await desk.conn.execute("INSERT INTO feed_answers (request_id, feed_id) SELECT id, feed_id FROM feed_requests")
    await desk.conn.execute(
        "INSERT INTO polls (feed_id, at, took_ms, outcome, counts) SELECT id, %s, 1, 'unchanged', '{}' FROM feeds",
        (NOW,),
    )
    await desk.conn.execute("VACUUM ANALYZE")
    return desk


async def test_claiming_and_rescheduling_never_scan_a_table(many: Desk) -> None:
    conn: Any = Explained(many)
    at = NOW + timedelta(seconds=400)
    assert await store.next_due_at(conn) == NOW + timedelta(seconds=4)
    locked = await store.lock_due(conn, at, 100)
    feeds = await store.claim(conn, locked, at, at + timedelta(seconds=30), 2, 1.0, "")
    held = [(feed.feed_id, feed.token) for feed in feeds]
    assert await store.renew_leases(conn, held, at + timedelta(seconds=30)) == len(held) > 40
    bounds = Bounds(300, 86_400)
    rows = [finish(feed, Result(at, "not_modified", 304), bounds, False, at, 0.5).row for feed in feeds]
    assert await store.finish_polls(conn, [orjson.loads(orjson.dumps(row)) for row in rows]) == {f for f, _ in held}
    await store.make_due(conn, [feed for feed, _ in held], at)
    assert conn.scanned == []


async def test_the_check_would_see_a_scan(many: Desk) -> None:
    conn = Explained(many)
    await conn.execute("SELECT count(*) FROM feed_states WHERE failures > 3")
    assert conn.scanned == [("SELECT", "feed_states")]
