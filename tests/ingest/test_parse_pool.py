"""The parse pool: a hostile body costs its own poll, and nobody else's."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from services.ingest.parse import Job
from services.ingest.pool import ParsePool
from services.ingest.refusals import NotAFeed, ParserKilled
from tests.ingest.publisher import item, rss

JOB = Job(1, "https://news.example/feed", None, datetime(2026, 11, 23, tzinfo=UTC))
GOOD = rss([item(1)]).encode()
# feedparser's loose path looks at each of a million bare ampersands.
SLOW = rss([item(1, description="TEXT")]).replace("TEXT", "&" * 1_000_000).encode()


async def test_a_hostile_body_is_ended_and_its_neighbours_are_served() -> None:
    async with ParsePool(2, time_limit_s=1.0) as pool:
        assert (await pool.parse(GOOD, JOB)).entries == 1
        slow = asyncio.create_task(pool.parse(SLOW, JOB))
        neighbours = [await pool.parse(GOOD, JOB) for _ in range(20)]
        assert all(feed.entries == 1 for feed in neighbours)
        with pytest.raises(ParserKilled) as raised:
            await slow
        assert raised.value.code == "parse_timeout"
        results = await asyncio.gather(*(pool.parse(GOOD, JOB) for _ in range(4)))
        assert [feed.entries for feed in results] == [1] * 4


async def test_bodies_that_take_long_on_every_core_keep_no_other_waiting() -> None:
    cores = os.cpu_count() or 1
    async with ParsePool(cores + 1, time_limit_s=2.0) as pool:
        slow = [asyncio.create_task(pool.parse(SLOW, JOB)) for _ in range(cores)]
        good = [await pool.parse(GOOD, JOB) for _ in range(10)]
        assert [feed.entries for feed in good] == [1] * 10
        assert not any(task.done() for task in slow)
        assert await asyncio.gather(*slow, return_exceptions=True)
        assert len(await asyncio.gather(*(pool.parse(GOOD, JOB) for _ in range(3 * cores)))) == 3 * cores


async def test_a_killed_worker_is_replaced() -> None:
    async with ParsePool(1) as pool:
        await pool.parse(GOOD, JOB)
        (pid,) = pool.pids()
        os.kill(pid, signal.SIGKILL)
        while pool.pids() == [pid]:  # the kernel may take a moment; a job it falls on fails, none other does
            with suppress(ParserKilled):
                await pool.parse(GOOD, JOB)
        assert (await pool.parse(GOOD, JOB)).entries == 1


async def test_a_body_that_wants_too_much_memory_fails_alone() -> None:
    bomb = b'<!DOCTYPE r [<!ENTITY a "' + b"x" * 50_000 + b'">]><rss version="2.0"><channel><item><title>'
    bomb += b"&a;" * 20_000 + b"</title></item></channel></rss>"
    async with ParsePool(1, time_limit_s=8.0, memory_limit=700 * 1024 * 1024) as pool:
        try:
            feed = await pool.parse(bomb, JOB)
        except (ParserKilled, NotAFeed):
            pass
        else:
            assert all(len(found.title) <= 1000 for found in feed.items)
        assert (await pool.parse(GOOD, JOB)).entries == 1


async def test_external_entities_and_paths_are_never_opened() -> None:
    body = b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]><rss version="2.0"><channel><item>'
    body += b"<title>before &x; after</title></item></channel></rss>"
    with open("/etc/hostname") as file:
        secret = file.read().strip()
    async with ParsePool(1) as pool:
        feed = await pool.parse(body, JOB)
        assert all(secret not in found.title for found in feed.items)
        for text in (b"/etc/hostname", b"file:///etc/hostname"):
            with pytest.raises(NotAFeed):
                await pool.parse(text, JOB)


async def test_a_refusal_crosses_the_pipe_with_its_candidates() -> None:
    page = b'<html><link rel="alternate" type="application/rss+xml" href="/rss"></html>'
    async with ParsePool(1) as pool:
        with pytest.raises(NotAFeed) as raised:
            await pool.parse(page, JOB)
    assert (raised.value.code, raised.value.candidates) == ("not_a_feed", ("https://news.example/rss",))


async def test_a_cancelled_poll_gives_its_worker_back() -> None:
    async with ParsePool(1, time_limit_s=1.0) as pool:
        task = asyncio.create_task(pool.parse(SLOW, JOB))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await pool.parse(GOOD, JOB)).entries == 1
