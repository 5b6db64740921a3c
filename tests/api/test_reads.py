"""The past is read once for readers that stand at the same place."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from services.api import reads
from services.api.deps import Resources
from tests.api.conftest import Newsroom


async def test_readers_at_one_place_share_one_read(newsroom: Newsroom, held: Resources) -> None:
    for n in range(3):
        newsroom.article(f"n{n}")
    one, two, other = await asyncio.gather(*(held.log.reads.after(p) for p in (0, 0, 1)))
    assert one is two
    assert [[e.position for e in piece] for piece in (one, other)] == [[1, 2, 3], [2, 3]]
    assert one[0].plain is two[0].plain  # and is encoded once


async def test_one_that_leaves_takes_the_read_from_nobody(newsroom: Newsroom, held: Resources) -> None:
    newsroom.article()
    first, second = (asyncio.create_task(held.log.reads.after(0)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert [e.position for e in await second] == [1]


async def test_what_is_new_is_read_a_moment_later(newsroom: Newsroom, held: Resources) -> None:
    newsroom.article("one")
    assert len(await held.log.reads.after(0)) == 1
    newsroom.article("two")
    async with asyncio.timeout(10):
        while len(await held.log.reads.after(0)) < 2:
            await asyncio.sleep(0.05)


async def test_only_so_much_is_kept(held: Resources) -> None:
    for position in range(reads.KEPT + 5):
        await held.log.reads.after(position)
    assert len(held.log.reads._pieces) <= reads.KEPT


async def test_a_read_that_failed_is_tried_anew(newsroom: Newsroom, held: Resources) -> None:
    newsroom.article()
    newsroom.conn.execute("ALTER TABLE events RENAME TO elsewhere")
    with pytest.raises(psycopg.errors.UndefinedTable):
        await held.log.reads.after(0)
    newsroom.conn.execute("ALTER TABLE elsewhere RENAME TO events")
    await asyncio.sleep(0)  # what failed is forgotten at once
    assert [e.position for e in await held.log.reads.after(0)] == [1]


async def test_a_reader_a_little_further_on_takes_the_rest_of_what_was_read(
    newsroom: Newsroom, held: Resources
) -> None:
    for n in range(6):
        newsroom.article(f"n{n}")
    past = held.log.reads
    first = await past.after(1)
    further = await past.after(3)
    assert [one.position for one in further] == [4, 5, 6]
    assert further[0] is first[2]
    assert [one.position for one in await past.after(0)] == [1, 2, 3, 4, 5, 6]
    assert await past.after(6) == []
