"""What the queue forgot is sent again, what is enriched is taken off the list, old polls and texts are dropped.

PostgreSQL knows what waits for enrichment (`article_queue`); Redis only carries ids, and may lose them. One replica
sweeps at a time, whoever holds the advisory lock. An id is sent again when the lanes are empty and it was sent a
while ago (it cannot be waiting, so it is lost or being worked on), or when it was sent so long ago that even the
message of a dead worker would have come back. Enriching twice is harmless, so the sweep errs on that side.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import psycopg
import redis

from services.ingest import store
from services.ingest.past import store as past
from services.ingest.resources import Resources
from services.ingest.runner import AWAY_S, DATABASE_AWAY
from services.ingest.sender import LANES, room
from services.ingest.twins import store as titles
from shared.articles import Lane
from shared.locks import Lock
from shared.queue import VISIBILITY_TIMEOUT_S

EVERY_S = 2.0
SOON = timedelta(seconds=15)
LATE = timedelta(seconds=VISIBILITY_TIMEOUT_S + 30)
MOST = 2_048  # ids in one round
TRIM_EVERY_S = 60.0
KEEP_POLLS = 200  # of each feed
TRIM_ONE_IN = 20
PAST = 500  # articles emptied in one round
FORGET = 4_096  # of what was sent, looked at at once
KEEP_TITLES = timedelta(days=30)  # of articles found longer ago nothing new can be a second copy (`twins.titles`)
TITLES, TITLES_ROUNDS = 1_000, 20  # dropped at once, and how often in a minute at most

_log = logging.getLogger(__name__)


class Sweep:
    """Sweeps while it holds the lock; `run` until cancelled."""

    def __init__(self, res: Resources) -> None:
        self._res = res
        self._started_at = datetime.now(UTC)
        self._first = True
        self._trimmed_at = 0.0
        self._trimmed_until: int | None = None
        self._emptied_until = 0
        self._looked_until: tuple[datetime, int] | None = None

    async def run(self) -> None:
        """Take the lock, sweep every two seconds; start over when the database was away."""
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self._res.settings.database_url, autocommit=True, application_name="wiredesk-ingest-sweep"
                ) as conn:
                    while not await store.try_sweeping(conn, Lock.SWEEP):
                        await asyncio.sleep(EVERY_S)
                    while True:
                        await self.round(conn, datetime.now(UTC))
                        await asyncio.sleep(EVERY_S)
            except DATABASE_AWAY as error:
                _log.warning("the database cannot be reached", extra={"reason": str(error)})
                await asyncio.sleep(AWAY_S)

    async def round(self, conn: store.Conn, now: datetime) -> None:
        """One sweep. Redis away: nothing is sent, the rest is done."""
        await self._forget(conn)
        with suppress(redis.RedisError):
            waiting, _ = await self._res.sender.depth()
            self._res.metrics.queue_messages.set(waiting)
            await self._send(conn, now, waiting)
        await self._trim(conn, now)
        await self._empty(conn, now)

    async def _forget(self, conn: store.Conn) -> None:
        """Enrichment takes the oldest first, so what is done mostly stands together: on while all of a piece is."""
        gone = FORGET
        while gone == FORGET:
            gone, self._looked_until = await store.forget_enriched(conn, self._looked_until, FORGET)

    async def _send(self, conn: store.Conn, now: datetime, waiting: int) -> None:
        soon = self._started_at if self._first else now - SOON
        before = now - LATE if waiting else soon
        self._first = False
        limit = min(MOST, room(waiting))
        taken = await store.take_to_send(conn, before, now, limit) if limit else []
        by_lane: dict[Lane, list[int]] = defaultdict(list)
        for article_id, lane in taken:
            by_lane[lane].append(article_id)
        for lane in LANES:
            ids = by_lane[lane]
            if ids and not await self._res.sender.send(ids, lane):
                await store.unsend(conn, ids)
        if taken:
            self._res.metrics.queued.labels("sweep").inc(len(taken))

    async def _trim(self, conn: store.Conn, now: datetime) -> None:
        now_s = asyncio.get_running_loop().time()
        if now_s - self._trimmed_at < TRIM_EVERY_S:
            return
        self._trimmed_at = now_s
        newest = await store.newest_poll(conn)
        if self._trimmed_until is not None and newest > self._trimmed_until:
            await store.trim_polls(conn, self._trimmed_until, newest, KEEP_POLLS, TRIM_ONE_IN)
        self._trimmed_until = newest
        for _ in range(TITLES_ROUNDS):
            if await titles.forget_titles(conn, now - KEEP_TITLES, TITLES) < TITLES:
                break

    async def _empty(self, conn: store.Conn, now: datetime) -> None:
        """What is past keeps its names and hashes, or it would come back as news from a feed that still carries it."""
        days = self._res.settings.retention_days
        if not days:
            return
        ids = await past.after(conn, self._emptied_until, now - timedelta(days=days), PAST)
        if ids:
            async with conn.transaction():
                await past.drop_pages(conn, ids)
                await past.empty_versions(conn, ids)
                await past.empty_articles(conn, ids)
            self._emptied_until = ids[-1]
