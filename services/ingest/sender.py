"""Ids on their way to the queue: sent after the commit that stored their articles, a bounded number at a time.

Sending runs in a thread of its own, one batch after the other: while one is under way the next gathers, so an idle
system sends at once and a busy one sends full messages. Redis away stops nothing: the ids wait in PostgreSQL.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime

import psycopg
import redis
from celery import Celery
from kombu.exceptions import OperationalError

from services.ingest import store
from shared.articles import Lane
from shared.db import AsyncPool
from shared.queue import BATCH, reserved, send, waiting

MAX_WAITING = 2_000  # messages in the lanes; above that ids wait in PostgreSQL
LANES: tuple[Lane, ...] = ("breaking", "normal", "backfill")
_LOOK_EVERY_S = 1.0
_log = logging.getLogger(__name__)


class Sender:
    """The way to the queue. `run` does the work; `put` and `queued_at` are for whoever stores articles."""

    def __init__(self, app: Celery, client: redis.Redis, pool: AsyncPool) -> None:
        self._app, self._redis, self._pool = app, client, pool
        self._ids: dict[Lane, list[int]] = defaultdict(list)
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="send")
        self._open = True
        self._looked_at = 0.0
        self.waiting = 0  # messages, when last looked

    def queued_at(self, now: datetime) -> datetime | None:
        """What to store with new ids: the time they are sent, or None where they must wait for the sweep."""
        return now if self._open else None

    def put(self, ids: Sequence[int], lane: Lane, queued_at: datetime | None) -> None:
        """Ids whose transaction is committed. Those stored with None are the sweep's."""
        if queued_at is not None and ids:
            self._ids[lane] += ids
            self._wake.set()

    async def depth(self) -> tuple[int, int]:
        """(messages waiting, messages taken by workers). Raises `redis.RedisError`."""
        loop = asyncio.get_running_loop()
        self.waiting = await loop.run_in_executor(self._thread, waiting, self._redis)
        taken = await loop.run_in_executor(self._thread, reserved, self._redis)
        self._open = self.waiting < MAX_WAITING
        return self.waiting, taken

    async def run(self) -> None:
        """Send what comes, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._flush()

    async def close(self) -> None:
        """Send what is left; what cannot be sent is the sweep's."""
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await self._flush()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _flush(self) -> None:
        gathered, self._ids = self._ids, defaultdict(list)
        for lane in LANES:
            if gathered[lane] and not await self.send(gathered[lane], lane):
                with suppress(psycopg.Error):
                    async with self._pool.connection() as conn:
                        await store.unsend(conn, gathered[lane])
        loop = asyncio.get_running_loop()
        if loop.time() - self._looked_at > _LOOK_EVERY_S:
            self._looked_at = loop.time()
            with suppress(redis.RedisError):
                await self.depth()

    async def send(self, ids: Sequence[int], lane: Lane) -> bool:
        """Send ids now; False if Redis cannot be reached."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, send, self._app, ids, lane)
        except (OperationalError, redis.RedisError, OSError) as error:
            if self._open:
                _log.warning("the queue cannot be reached; ids wait in PostgreSQL", extra={"reason": str(error)})
            self._open = False
            return False
        return True


def room(waiting_now: int) -> int:
    """How many ids may be sent before the lanes are full."""
    return max(0, MAX_WAITING - waiting_now) * BATCH
