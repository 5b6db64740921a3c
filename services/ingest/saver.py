"""Polls saved together: what is ready while a save is under way goes into the next, in one transaction.

A poll alone is saved at once. Under load there is a pause between two saves, and one set of statements carries many
polls, which is what makes polling cheap.
Should one of them not be storable as decided (another feed brought its article meanwhile, its lease is lost), the
transaction is rolled back and each is saved in one of its own, so that it alone hears of it. The events they raise come
last, since the log's lock is held until the end.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg

from services.ingest import store
from services.ingest.finishing import Polled, finish_all
from services.ingest.hosts import domain_of
from services.ingest.lookups import pause
from services.ingest.pages import store as pages
from services.ingest.twins import saving
from services.ingest.websub import store as hubs
from shared.db import AsyncPool, async_transaction
from shared.errors import WiredeskError
from shared.log import append_async

MOST_POLLS = 200  # in one transaction
MOST_ARTICLES = 1_000
PAUSE_S = 0.025  # between the beginnings of two saves


class LeaseLost(WiredeskError):
    """Another replica holds the feed, or it was paused, moved or removed meanwhile."""

    code = "lease_lost"


class RaceLost(WiredeskError):
    """Another feed brought or corrected one of the articles between looking and storing."""

    code = "race_lost"


@dataclass(slots=True)
class Writing:
    """All that a poll stores; rows as the functions of `store` name them."""

    polled: Polled
    new: list[dict[str, Any]] = field(default_factory=list)
    new_keys: list[list[str]] = field(default_factory=list)
    aliases: list[tuple[str, int]] = field(default_factory=list)
    corrections: list[dict[str, Any]] = field(default_factory=list)
    carried: list[dict[str, Any]] = field(default_factory=list)
    new_pages: dict[int, dict[str, Any]] = field(default_factory=dict)  # wanted by the nth of `new`
    pages: list[dict[str, Any]] = field(default_factory=list)  # wanted by known articles
    hub: dict[str, Any] | None = None  # newly named by the feed: what `websub.store.found` takes
    hub_active: bool = False
    pushes: list[int] = field(default_factory=list)  # stored by this
    twins: saving.Found = field(default_factory=saving.Found)

    @property
    def feed_id(self) -> int:
        """The feed polled."""
        return self.polled.feed.feed_id


class Saver:
    """Saves polls. `run` does the work; `save` waits until the poll is stored."""

    def __init__(self, pool: AsyncPool) -> None:
        self._pool = pool
        self._waiting: list[tuple[Writing, asyncio.Future[list[int]]]] = []
        self._wake = asyncio.Event()

    async def save(self, writing: Writing) -> list[int]:
        """Store a poll; the ids of its new articles. Raises `LeaseLost`, `RaceLost` and psycopg's errors."""
        future: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
        self._waiting.append((writing, future))
        self._wake.set()
        return await future

    async def run(self) -> None:
        """Save what comes, until cancelled."""
        loop, begun_at = asyncio.get_running_loop(), 0.0
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await pause(begun_at + PAUSE_S - loop.time())
                begun_at = loop.time()
                batch = self._next()
                if len(batch) == 1 or not await self._together(batch):
                    for one in batch:
                        await self._alone(*one)

    def _next(self) -> list[tuple[Writing, asyncio.Future[list[int]]]]:
        count = articles = 0
        for writing, _ in self._waiting[:MOST_POLLS]:
            articles += len(writing.new) + len(writing.corrections)
            if count and articles > MOST_ARTICLES:
                break
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    async def _together(self, batch: Sequence[tuple[Writing, asyncio.Future[list[int]]]]) -> bool:
        try:
            ids = await self._write([writing for writing, _ in batch])
        except (LeaseLost, RaceLost, psycopg.DataError, psycopg.IntegrityError):
            return False
        except Exception as error:  # noqa: BLE001 - each poll of the batch hears of it and decides
            for _, future in batch:
                _fail(future, error)
            return True
        start = 0
        for writing, future in batch:
            end = start + len(writing.new)
            if not future.done():
                future.set_result(ids[start:end])
            start = end
        return True

    async def _alone(self, writing: Writing, future: asyncio.Future[list[int]]) -> None:
        try:
            ids = await self._write([writing])
        except Exception as error:  # noqa: BLE001 - its poll hears of it and decides
            _fail(future, error)
            return
        if not future.done():
            future.set_result(ids)

    async def _write(self, batch: Sequence[Writing]) -> list[int]:
        """One transaction for all of them, each kind of row in one statement."""
        new = [row for writing in batch for row in writing.new]
        new_keys = [keys for writing in batch for keys in writing.new_keys]
        aliases = [alias for writing in batch for alias in writing.aliases]
        corrections = [row for writing in batch for row in writing.corrections]
        carried = [row for writing in batch for row in writing.carried]
        finished = finish_all([writing.polled for writing in batch], random.random)
        changed = [one.row for one in finished if one.row is not None]
        ids: list[int] = []
        async with async_transaction(self._pool) as conn:
            if new or aliases:
                ids, free = await store.take_keys(conn, new_keys, aliases)
                if not free:
                    raise RaceLost("another feed brought the same article")
            if new:
                await store.insert_articles(conn, ids, new)
            wanted = [row for writing in batch for row in writing.pages]
            start = 0
            for writing in batch:
                wanted += [row | {"article_id": ids[start + n]} for n, row in writing.new_pages.items()]
                start += len(writing.new)
            if corrections:
                _each_once([row["id"] for row in corrections])
                if await store.correct_articles(conn, corrections) != len(corrections):
                    raise RaceLost("another feed corrected the same article")
            if carried:
                _each_once([(row["article_id"], row["feed_id"]) for row in carried])
                await store.carry(conn, carried)
            if wanted:
                await pages.want(conn, wanted, datetime.now(UTC))
            moved = {row["host"] for row in changed if row["moved_to"] is not None}
            if moved:
                await store.add_hosts(conn, {host: domain_of(host) for host in moved}, datetime.now(UTC))
            if not await saving.save(conn, _with_ids(batch, ids), datetime.now(UTC)):
                raise RaceLost("another feed brought the same title, or made the same articles one")
            kept = await store.finish_polls(conn, [one.clock for one in finished])
            if len(kept) != len(batch):
                raise LeaseLost("the feed is polled by another replica, or was paused, moved or removed")
            if changed:
                await store.keep_states(conn, changed)
            for writing in batch:
                if writing.hub is not None:
                    await hubs.found(conn, **writing.hub, now=datetime.now(UTC))
            if told := [writing for writing in batch if writing.hub_active or writing.pushes]:
                pushes = [push for writing in told for push in writing.pushes]
                await hubs.settle(conn, pushes, [writing.feed_id for writing in told])
            await append_async(conn, [e for one in finished for e in one.events], datetime.now(UTC))
        return ids


def _with_ids(batch: Sequence[Writing], ids: Sequence[int]) -> list[tuple[saving.Found, Sequence[int]]]:
    found: list[tuple[saving.Found, Sequence[int]]] = []
    start = 0
    for writing in batch:
        found.append((writing.twins, ids[start : start + len(writing.new)]))
        start += len(writing.new)
    return found


def _each_once(names: Sequence[Any]) -> None:
    if len(set(names)) != len(names):
        raise RaceLost("two feeds changed the same article in one moment")


def _fail(future: asyncio.Future[list[int]], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
