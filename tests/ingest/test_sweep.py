"""What the queue loses is sent again; what is enriched is forgotten."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import redis

from services.ingest import store
from services.ingest.poll import poll
from services.ingest.requests import answer_requests
from services.ingest.resources import Resources
from services.ingest.sender import MAX_WAITING
from services.ingest.service import open_resources
from services.ingest.sweep import KEEP_TITLES, LATE, SOON, Sweep
from shared.db import async_transaction
from shared.queue import QUEUES
from shared.settings import Settings
from tests.ingest.desk import Desk, ingesting
from tests.ingest.publisher import Publisher, item, rss


def queued_ids(client: redis.Redis, lane: Any = "normal") -> list[int]:
    """The ids that lie in a lane, read from the messages as kombu writes them."""
    import base64

    messages: Any = client.lrange(QUEUES[lane], 0, -1)
    bodies = (json.loads(base64.b64decode(json.loads(message)["body"])) for message in messages)
    return sorted(article_id for body in bodies for article_id in body[0][0])


async def stored(desk: Desk, res: Resources, publisher: Publisher, count: int, **columns: Any) -> list[int]:
    """Poll a feed of `count` items once; the ids of its articles."""
    publisher.serve("/feed", rss([item(n) for n in range(count)]))
    await desk.subscribe(publisher.url("/feed"), **columns)
    await answer_requests(res.db)
    now = datetime.now(UTC)
    async with async_transaction(res.db) as conn:
        locked = await store.lock_due(conn, now, 10)
        (feed,) = await store.claim(conn, locked, now, now + timedelta(seconds=30), 50, 0.0, "")
    saving = asyncio.create_task(res.saver.run())
    await poll(res, feed)
    saving.cancel()
    return [row[0] for row in await desk.rows("SELECT article_id FROM article_queue ORDER BY article_id")]


async def sweep(res: Resources, now: datetime, sweeper: Sweep | None = None) -> None:
    async with res.db.connection() as conn:
        await (sweeper or seasoned(res)).round(conn, now)


def seasoned(res: Resources) -> Sweep:
    """A sweep that is past its first round."""
    sweeper = Sweep(res)
    sweeper._first = False
    return sweeper


async def test_new_articles_are_sent_in_their_lane_after_the_commit(
    desk: Desk, settings: Settings, publisher: Publisher
) -> None:
    publisher.serve("/feed", rss([item(n) for n in range(70)]))
    with redis.Redis.from_url(settings.redis_url) as client:
        async with ingesting(settings):
            await desk.subscribe(publisher.url("/feed"), priority="breaking")
            await desk.until(lambda: asyncio.to_thread(lambda: len(queued_ids(client, "breaking")) == 70))
        assert client.llen(QUEUES["breaking"]) == 3


async def test_a_wiped_queue_is_filled_again_once_its_ids_are_overdue(
    desk: Desk, settings: Settings, publisher: Publisher
) -> None:
    with redis.Redis.from_url(settings.redis_url) as client:
        async with open_resources(settings) as res:
            ids = await stored(desk, res, publisher, 40)
            assert queued_ids(client) == []  # nobody sent: as if the process died right after the commit
            now = datetime.now(UTC)
            await sweep(res, now)
            assert queued_ids(client) == []
            await sweep(res, now + SOON + timedelta(seconds=1))
            assert queued_ids(client) == ids
            client.flushall()
            await sweep(res, now + SOON * 3)
            assert queued_ids(client) == ids
            # While something waits, the rest may be in a worker's hands: only what is long overdue is sent again.
            await sweep(res, now + SOON * 5)
            assert queued_ids(client) == ids
            await sweep(res, now + SOON * 5 + LATE)
            assert queued_ids(client) == sorted(ids * 2)


async def test_a_fresh_process_looks_at_once_at_what_was_sent_before_it(
    desk: Desk, settings: Settings, publisher: Publisher
) -> None:
    with redis.Redis.from_url(settings.redis_url) as client:
        async with open_resources(settings) as res:
            ids = await stored(desk, res, publisher, 3)
        async with open_resources(settings) as res:
            await sweep(res, datetime.now(UTC), Sweep(res))
            assert queued_ids(client) == ids


async def test_enriched_articles_leave_the_list_and_older_versions_do_not(
    desk: Desk, settings: Settings, publisher: Publisher
) -> None:
    async with open_resources(settings) as res:
        first, second, third = await stored(desk, res, publisher, 3)
        for article_id, version in ((first, 1), (second, 1)):
            await desk.conn.execute(
                "INSERT INTO enriched_articles (article_id, version, revision, enriched_at, sort_at, source_id, status,"
                " card, rest) VALUES (%s, %s, 'r', now(), now(), 's', 'usable', '{}', '{}')",
                (article_id, version),
            )
        await desk.conn.execute("UPDATE article_queue SET version = 2 WHERE article_id = %s", (second,))
        await sweep(res, datetime.now(UTC))
        assert await desk.rows("SELECT article_id FROM article_queue ORDER BY 1") == [(second,), (third,)]


async def test_what_is_enriched_is_found_piece_by_piece_whatever_stands_before_it(
    desk: Desk, settings: Settings, publisher: Publisher
) -> None:
    async with open_resources(settings) as res:
        ids = await stored(desk, res, publisher, 9)
        await desk.conn.execute("UPDATE article_queue SET queued_at = now() + article_id / 3 * interval '1 s'")
        await desk.conn.execute(
            "INSERT INTO enriched_articles (article_id, version, revision, enriched_at, sort_at, source_id, status,"
            " card, rest) SELECT id, 1, 'r', now(), now(), 's', 'usable', '', '' FROM articles WHERE id <> ALL(%s)",
            (ids[:4],),
        )
        async with res.db.connection() as conn:
            gone, after, rounds = [], None, 0
            while rounds == 0 or after is not None:
                found, after = await store.forget_enriched(conn, after, 2)
                gone.append(found)
                rounds += 1
        assert (sum(gone), rounds) == (5, 5)
        assert [row[0] for row in await desk.rows("SELECT article_id FROM article_queue ORDER BY 1")] == ids[:4]


async def test_titles_of_articles_found_long_ago_are_dropped(
    desk: Desk, settings: Settings, publisher: Publisher
) -> None:
    async with open_resources(settings) as res:
        first, *others = await stored(desk, res, publisher, 5)
        await desk.conn.execute("UPDATE articles SET discovered_at = now() - interval '2 days' WHERE id > %s", (first,))
        now = datetime.now(UTC)
        titled = "SELECT article_id FROM article_titles ORDER BY 1"
        await sweep(res, now + KEEP_TITLES - timedelta(days=3))
        assert await desk.rows(titled) == [(n,) for n in (first, *others)]
        await sweep(res, now + KEEP_TITLES - timedelta(days=1))
        assert await desk.rows(titled) == [(first,)]
        assert await desk.one("SELECT count(*) FROM articles") == 5


async def test_full_lanes_leave_ids_in_the_database(desk: Desk, settings: Settings, publisher: Publisher) -> None:
    with redis.Redis.from_url(settings.redis_url) as client:
        client.rpush(QUEUES["normal"], *["x"] * MAX_WAITING)
        async with open_resources(settings) as res:
            await res.sender.depth()
            await stored(desk, res, publisher, 5)
            assert await desk.one("SELECT count(*) FROM article_queue WHERE queued_at IS NULL") == 5
            await sweep(res, datetime.now(UTC))
            assert client.llen(QUEUES["normal"]) == MAX_WAITING
            client.ltrim(QUEUES["normal"], 0, 9)
            await sweep(res, datetime.now(UTC))
            assert client.llen(QUEUES["normal"]) == 11
            assert await desk.one("SELECT count(*) FROM article_queue WHERE queued_at IS NULL") == 0


async def test_polling_goes_on_without_redis_and_the_sweep_sends_later(
    desk: Desk, settings: Settings, publisher: Publisher
) -> None:
    publisher.serve("/feed", rss([item(1), item(2)]))
    away = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    async with ingesting(away):
        feed = await desk.subscribe(publisher.url("/feed"))
        assert (await desk.first_poll(feed))["outcome"] == "updated"
        await desk.until(lambda: desk.rows("SELECT 1 FROM article_queue WHERE queued_at IS NULL HAVING count(*) = 2"))
        assert (await desk.poll_and_wait(feed))["outcome"] == "unchanged"
    with redis.Redis.from_url(settings.redis_url) as client:
        async with open_resources(settings) as res:
            await sweep(res, datetime.now(UTC))
            assert len(queued_ids(client)) == 2


async def test_only_one_replica_sweeps(desk: Desk, settings: Settings) -> None:
    async with open_resources(settings) as res, res.db.connection() as first, res.db.connection() as second:
        assert await store.try_sweeping(first, 1)
        assert not await store.try_sweeping(second, 1)


async def test_old_polls_are_dropped_and_the_newest_kept(desk: Desk, settings: Settings) -> None:
    await desk.conn.execute(
        "INSERT INTO polls (feed_id, at, took_ms, outcome, counts)"
        " SELECT n %% 2, now(), 1, 'unchanged', '{}' FROM generate_series(1, 600) n".replace("%%", "%")
    )
    async with open_resources(settings) as res, res.db.connection() as conn:
        newest = await store.newest_poll(conn)
        assert await store.trim_polls(conn, 0, newest, 200, 1) == 200
    assert await desk.rows("SELECT feed_id, count(*), min(id) FROM polls GROUP BY 1 ORDER BY 1") == [
        (0, 200, 202),
        (1, 200, 201),
    ]


async def test_what_is_past_is_emptied_and_does_not_come_back_as_news(
    desk: Desk, settings: Settings, publisher: Publisher
) -> None:
    keeping = settings.model_copy(update={"retention_days": 5})
    async with open_resources(keeping) as res:
        ids = await stored(desk, res, publisher, 3)
        now = datetime.now(UTC)
        texts = "SELECT count(*) FROM articles WHERE coalesce(description, body_html, body_packed::text) IS NOT NULL"
        await sweep(res, now + timedelta(days=4))
        assert await desk.rows(texts) == [(3,)]
        await sweep(res, now + timedelta(days=6))
        assert await desk.rows(texts) == [(0,)]
        assert await desk.rows("SELECT count(*) FROM pages") == [(0,)]
        assert await desk.rows("SELECT count(*) FROM article_versions WHERE title <> ''") == [(0,)]
    publisher.serve("/feed", rss([item(n) for n in range(4)]))
    async with ingesting(keeping):
        counts = (await desk.poll_and_wait(await desk.one("SELECT id FROM feeds")))["counts"]
    assert (counts["new"], counts["corrected"], counts["unchanged"]) == (1, 0, 3)
    assert (await desk.rows("SELECT id, version FROM articles ORDER BY id"))[:3] == [(i, 1) for i in ids]
