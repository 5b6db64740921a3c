"""Several replicas on one store: nobody polls twice, hosts are spared, the dead lose nothing."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from services.ingest import store
from services.ingest.pages import store as pages
from services.ingest.pages.runner import Pages
from services.ingest.poll import poll
from services.ingest.resources import Resources
from services.ingest.runner import Runner
from services.ingest.saver import LeaseLost
from services.ingest.service import CONNECTIONS, open_resources
from services.ingest.states import Claimed
from shared.db import async_transaction
from shared.settings import Settings
from tests.ingest.desk import Desk, ingesting
from tests.ingest.publisher import Publisher, item, rss


async def claim_all(res: Resources, now: datetime, **bounds: float) -> list[Claimed]:
    async with async_transaction(res.db) as conn:
        locked = await store.lock_due(conn, now, 100)
        return await store.claim(
            conn,
            locked,
            now,
            now + timedelta(seconds=30),
            int(bounds.get("concurrency", 50)),
            bounds.get("gap", 0.0),
            str(bounds.get("exempt", "")),
        )


async def subscribed(desk: Desk, res: Resources, urls: list[str]) -> list[int]:
    from services.ingest.requests import answer_requests

    feeds = [await desk.subscribe(url) for url in urls]
    await answer_requests(res.db)
    return feeds


async def test_replicas_poll_every_feed_once_and_never_more_than_allowed_at_one_host(
    desk: Desk, settings: Settings, publisher: Publisher
) -> None:
    running: dict[str, int] = defaultdict(int)
    most: dict[str, int] = defaultdict(int)

    async def slow(request: web.Request) -> web.StreamResponse:
        host = request.host
        running[host] += 1
        most[host] = max(most[host], running[host])
        await asyncio.sleep(0.05)
        running[host] -= 1
        return web.Response(text=rss([item(1, link=f"http://news.example{request.path}")]))

    paths = [f"/{n}" for n in range(24)]
    publisher.answers |= dict.fromkeys(paths, slow)
    polite = settings.model_copy(update={"host_concurrency": 2})
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(ingesting(polite))
        for path in paths:
            await desk.subscribe(publisher.url(path, "127.0.0.1" if int(path[1:]) % 2 else "localhost"))
        await desk.until(lambda: desk.rows("SELECT 1 FROM polls HAVING count(*) >= 24"), 60)
    assert [publisher.times(path) for path in paths] == [1] * 24
    assert len(most) == 2
    assert max(most.values()) <= 2


async def test_the_gap_between_requests_to_one_host_holds_across_replicas(
    desk: Desk, settings: Settings, publisher: Publisher
) -> None:
    async with open_resources(settings) as one, open_resources(settings) as other:
        await subscribed(desk, one, [publisher.url(f"/{n}") for n in range(5)])
        now = datetime.now(UTC)
        assert len(await claim_all(one, now, gap=2.0)) == 1
        assert await claim_all(other, now + timedelta(seconds=1), gap=2.0) == []
        later = [now + timedelta(seconds=2 * n) for n in range(1, 12)]
        claims = [await claim_all(other, at, gap=2.0) for at in later]
        assert max(len(claimed) for claimed in claims) == 1
        assert len({feed.feed_id for claimed in claims for feed in claimed}) == 4


async def test_the_exempt_host_is_asked_without_gap(desk: Desk, settings: Settings, publisher: Publisher) -> None:
    async with open_resources(settings) as res:
        await subscribed(desk, res, [publisher.url(f"/{n}") for n in range(5)])
        exempt = f"127.0.0.1:{publisher.port}"
        async with async_transaction(res.db) as conn:
            now = datetime.now(UTC)
            locked = await store.lock_due(conn, now, 100)
            claimed = await store.claim(conn, locked, now, now + timedelta(seconds=30), 1, 60.0, exempt)
        assert len(claimed) == 5


async def test_a_busy_host_does_not_keep_others_waiting(desk: Desk, settings: Settings) -> None:
    async with open_resources(settings) as res:
        await subscribed(desk, res, [f"http://127.0.0.1/{n}" for n in range(40)] + ["http://127.0.0.2/x"])
        now = datetime.now(UTC)
        hosts = []
        for n in range(3):
            async with async_transaction(res.db) as conn:
                locked = await store.lock_due(conn, now + timedelta(milliseconds=n), 20)
                claimed = await store.claim(conn, locked, now, now + timedelta(seconds=30), 2, 1.0, "")
            hosts += [feed.host for feed in claimed]
        assert sorted(hosts) == ["127.0.0.1:80", "127.0.0.2:80"]


async def test_a_poll_that_lost_its_lease_saves_nothing(desk: Desk, settings: Settings, publisher: Publisher) -> None:
    publisher.serve("/feed", rss([item(1)]))
    publisher.serve("/empty", rss([]))
    async with open_resources(settings) as res:
        save = asyncio.create_task(res.saver.run())
        await subscribed(desk, res, [publisher.url("/feed"), publisher.url("/empty")])
        now = datetime.now(UTC)
        stale = await claim_all(res, now)
        assert len(stale) == 2
        fresh = await claim_all(res, now + timedelta(seconds=31))  # as another replica does when the first is dead
        assert {feed.token for feed in fresh} == {2}
        for feed in stale:
            with pytest.raises(LeaseLost):
                await poll(res, feed)
        assert await desk.one("SELECT count(*) FROM articles") == 0
        assert await desk.one("SELECT count(*) FROM polls") == 0
        for feed in fresh:
            await poll(res, feed)
        assert await desk.one("SELECT count(*) FROM articles") == 1
        save.cancel()


async def test_a_renewed_lease_holds_and_a_released_feed_is_due_at_once(
    desk: Desk, settings: Settings, publisher: Publisher
) -> None:
    async with open_resources(settings) as res:
        await subscribed(desk, res, [publisher.url("/feed")])
        now = datetime.now(UTC)
        (feed,) = await claim_all(res, now)
        held = [(feed.feed_id, feed.token)]
        async with res.db.connection() as conn:
            assert await store.renew_leases(conn, held, now + timedelta(seconds=60)) == 1
        assert await claim_all(res, now + timedelta(seconds=31)) == []
        async with res.db.connection() as conn:
            assert await store.release(conn, held, now) == 1
            assert await store.renew_leases(conn, held, now + timedelta(seconds=60)) == 0
        assert len(await claim_all(res, now)) == 1


async def test_stopping_gives_unfinished_polls_back(desk: Desk, settings: Settings, publisher: Publisher) -> None:
    begun = asyncio.Event()

    async def never(_: web.Request) -> web.StreamResponse:
        begun.set()
        await asyncio.sleep(60)
        return web.Response()

    publisher.answers["/feed"] = never
    async with ingesting(settings):
        feed = await desk.subscribe(publisher.url("/feed"))
        await asyncio.wait_for(begun.wait(), 30)
    state = await desk.state(feed)
    assert (state["lease_until"], state["status"]) == (None, "new")
    assert state["next_poll_at"] <= datetime.now(UTC)


async def test_a_domain_takes_twice_what_a_host_takes_polls_and_pages_together(desk: Desk, settings: Settings) -> None:
    hosts = [f"http://{name}.news.com/feed" for name in "abc"]
    async with open_resources(settings) as res:
        await subscribed(desk, res, [*hosts, "http://lone.other.org/feed"])
        now = datetime.now(UTC)
        claimed = await claim_all(res, now, concurrency=1)
        assert sorted(feed.host for feed in claimed)[-1] == "lone.other.org:80"
        assert len(claimed) == 3  # of the three hosts of one domain, two
        row = {"article_id": 1, "url": "http://d.news.com/1", "host": "d.news.com:80", "domain": "news.com"}
        async with async_transaction(res.db) as conn:
            await pages.want(conn, [row | {"lane": "normal"}], now)
            assert await pages.claim(conn, [1], now, now + timedelta(seconds=30), 1, 0.0, "") == []
            done = [(feed.feed_id, feed.token) for feed in claimed]
            assert await store.release(conn, done, now + timedelta(hours=1)) == 3
            (page,) = await pages.claim(conn, [1], now, now + timedelta(seconds=30), 1, 0.0, "")
            assert (page.host, page.robots_due) == ("d.news.com:80", True)


async def test_the_gap_of_a_domain_is_half_that_of_a_host(desk: Desk, settings: Settings) -> None:
    async with open_resources(settings) as res:
        await subscribed(desk, res, ["http://a.news.com/feed", "http://b.news.com/feed", "http://a.news.com/other"])
        now = datetime.now(UTC)
        await desk.rows("UPDATE feed_clocks SET next_poll_at = %s RETURNING 1", now - timedelta(seconds=1))
        claims = []
        for later_s in (0, 25, 31, 55, 61):
            moment = now + timedelta(seconds=later_s)
            claims.append([feed.url for feed in await claim_all(res, moment, gap=60.0, concurrency=9)])
            await desk.rows("UPDATE feed_clocks SET next_poll_at = %s WHERE lease_token = 0 RETURNING 1", now)
        assert [len(claim) for claim in claims] == [1, 0, 1, 0, 1]
        assert len({url for claim in claims for url in claim}) == 3


async def test_what_stops_does_not_wait_for_a_store_that_is_away(settings: Settings) -> None:
    async with open_resources(settings) as res, AsyncExitStack() as taken:
        for _ in range(CONNECTIONS):
            await taken.enter_async_context(res.db.connection())
        # The pool alone would wait for half a minute, longer than what stops containers does.
        await asyncio.wait_for(asyncio.gather(Runner(res).stop(), Pages(res).stop()), 20)
