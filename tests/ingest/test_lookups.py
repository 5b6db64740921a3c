"""Questions of many polls in one statement: each gets its own answer, and hears of an error."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import psycopg
import pytest

from services.ingest import store
from services.ingest.lookups import Gathered
from services.ingest.resources import Resources
from tests.ingest.desk import Desk
from tests.ingest.publisher import Publisher, item, rss


async def test_many_polls_are_answered_together_and_each_its_own(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    feeds = []
    for n in range(3):
        publisher.serve(f"/{n}", rss([item(10 * n + i, link=f"https://news.example/{n}/{i}") for i in range(n + 1)]))
        feeds.append(await desk.subscribe(publisher.url(f"/{n}")))
    for feed in feeds:
        await desk.first_poll(feed)
    rows = await desk.rows(
        "SELECT f.feed_id, encode(key, 'hex'), article_id FROM article_keys JOIN article_feeds f USING (article_id)"
    )
    sent = 0

    async def counting(conn: store.Conn, asked: Sequence[tuple[int, int]]) -> list[bytes]:
        nonlocal sent
        sent += 1
        return await store.item_hashes(conn, asked)

    hashes = Gathered(ingest.db, counting)
    found = await asyncio.gather(*(hashes.ask((feed, 100)) for _ in range(20) for feed in (*feeds, 10**9)))
    assert [len(one) // 16 for one in found] == [1, 2, 3, 0] * 20
    assert sent <= 4
    assert len(await hashes.ask((feeds[2], 2))) == 2 * 16

    every = [key for _, key, _ in rows]
    known = await asyncio.gather(*(ingest.lookups.known(feed, every) for feed in feeds))
    for feed, articles in zip(feeds, known, strict=True):
        assert {key: one.article_id for key, one in articles.items()} == {key: article for _, key, article in rows}
        carried = {key for key, one in articles.items() if one.carried}
        assert carried == {key for of, key, _ in rows if of == feed}
    assert await ingest.lookups.known(feeds[0], []) == {}


async def test_all_that_asked_hear_of_an_error_and_the_next_is_answered(ingest: Resources) -> None:
    async def answer(conn: store.Conn, asked: Sequence[int]) -> list[int]:
        cursor = await conn.execute("SELECT 1 / n FROM unnest(%s::bigint[]) AS n", (list(asked),))
        return [row[0] for row in await cursor.fetchall()]

    ones: Gathered[int, int] = Gathered(ingest.db, answer)
    told = await asyncio.gather(*(ones.ask(0) for _ in range(5)), return_exceptions=True)
    assert {type(one) for one in told} == {psycopg.errors.DivisionByZero}
    assert await ones.ask(1) == 1
    with pytest.raises(psycopg.errors.DivisionByZero):
        await ones.ask(0)
