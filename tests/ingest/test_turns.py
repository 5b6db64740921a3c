"""Turns beside claims, of a host and of the domain that hosts share: for redirects, the doctor and discovery."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import psycopg
import pytest
from aiohttp import web

from services.ingest import store
from services.ingest.hosts import domain_of
from shared.settings import Settings
from tests.ingest.desk import Desk, ingesting
from tests.ingest.publisher import Publisher, item, publishing, rss

GAP_S = 0.4
NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


async def test_hosts_of_one_domain_share_a_clock(database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as conn:

        async def turn(host: str) -> float:
            at = await store.take_turn(conn, host, domain_of(host), NOW, 4.0)
            assert at is not None
            return (at - NOW) / timedelta(seconds=1)

        assert await turn("news.wire.org:443") == 0
        assert await turn("news.wire.org:443") == 4  # the host's own gap
        assert await turn("sport.wire.org:443") == 4  # after two turns of its domain, half a gap each
        assert await turn("other.org:443") == 0
        assert await turn("192.0.2.1:443") == 0  # an address has no domain


async def test_a_turn_that_would_come_too_late_is_not_taken(database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as conn:

        async def turn(host: str, within_s: float) -> float | None:
            most = NOW + timedelta(seconds=within_s)
            at = await store.take_turn(conn, host, domain_of(host), NOW, 4.0, most)
            return None if at is None else (at - NOW) / timedelta(seconds=1)

        assert [await turn("news.wire.org:443", 9) for _ in range(5)] == [0, 4, 8, None, None]
        assert await turn("news.wire.org:443", 12) == 12  # what was refused took nothing
        assert await turn("sport.wire.org:443", 7) is None  # its domain has given four
        assert [await turn("192.0.2.1:443", 4) for _ in range(3)] == [0, 4, None]


@pytest.fixture
async def movers(publisher: Publisher) -> AsyncIterator[list[str]]:
    """Feeds on three hosts, each of which sends on to the publisher's one."""
    async with AsyncExitStack() as stack:
        urls = []
        for number in (2, 3, 4):
            mover = await stack.enter_async_context(publishing(f"127.0.0.{number}"))

            async def moved(_request: web.Request, path: str = f"/{number}") -> web.StreamResponse:
                return web.Response(status=302, headers={"Location": publisher.url(path)})

            mover.answers["/feed"] = moved
            urls.append(mover.url("/feed", f"127.0.0.{number}"))
        yield urls


async def test_feeds_sent_on_to_one_host_ask_it_in_turns(
    desk: Desk, settings: Settings, publisher: Publisher, movers: list[str]
) -> None:
    asked: list[float] = []

    async def timed(_request: web.Request) -> web.StreamResponse:
        asked.append(asyncio.get_running_loop().time())
        return web.Response(text=rss([item(len(asked))]))

    publisher.answers |= dict.fromkeys(["/2", "/3", "/4"], timed)
    async with ingesting(settings.model_copy(update={"host_gap_s": GAP_S})):
        feeds = [await desk.subscribe(url) for url in movers]
        outcomes = [(await desk.first_poll(feed))["outcome"] for feed in feeds]
    assert outcomes == ["updated"] * 3
    assert min(later - earlier for earlier, later in pairwise(asked)) > GAP_S / 2


async def test_a_poll_sent_on_to_a_crowded_host_is_put_off(
    desk: Desk, settings: Settings, publisher: Publisher, movers: list[str]
) -> None:
    publisher.serve("/2", rss([item(1)]))
    await desk.rows(
        "INSERT INTO hosts (host, next_start_at) VALUES (%s, now() + interval '1 hour') RETURNING 1",
        f"127.0.0.1:{publisher.port}",
    )
    async with ingesting(settings.model_copy(update={"host_gap_s": GAP_S})):
        feed = await desk.subscribe(movers[0])
        put_off = "SELECT 1 FROM feed_clocks WHERE feed_id = %s AND lease_token > 0 AND lease_until IS NULL"
        await desk.until(lambda: desk.rows(put_off + " AND next_poll_at > now() + interval '20 s'", feed))
        assert publisher.asked == []
        assert await desk.rows("SELECT 1 FROM polls WHERE feed_id = %s", feed) == []
