"""Many feeds polled at once: claim what is due, poll it, keep the leases, stop cleanly.

┌─▶ due? ─ claim a batch (hosts have room, SKIP LOCKED, lease) ─▶ a task each: poll ─┐
└── sleep until something is due, a request came in, or a poll ended ◀───────────────┘
every few seconds: the leases of running polls are prolonged, so that a killed process's are free soon
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import psycopg
from psycopg_pool import PoolTimeout

from services.ingest import store
from services.ingest.poll import give_up, poll
from services.ingest.requests import CHANNEL, answer_requests
from services.ingest.resources import Resources
from services.ingest.saver import LeaseLost, RaceLost
from services.ingest.states import Claimed
from services.ingest.turns import Crowded
from shared.db import async_transaction
from shared.urls import shown

CONCURRENCY = 256  # polls at once, most of them waiting for others to be saved with (see `Resources.bodies`)
BATCH = 100  # feeds claimed at once
LEASE = timedelta(seconds=30)
RENEW_S = 10.0
IDLE_S = 1.0  # longest look away from the clock and from requests
PUT_OFF_S = (30.0, 300.0)  # where a redirect leads to a host that many ask
STOP_S = 2.5  # for polls under way when told to stop
AWAY_S = 1.0  # before the database is tried again
DATABASE_AWAY = (psycopg.OperationalError, PoolTimeout)

_log = logging.getLogger(__name__)


class Runner:
    """Claims and polls until told to stop. Several may run, here and on other machines."""

    def __init__(self, res: Resources, concurrency: int = CONCURRENCY) -> None:
        self._res = res
        self._concurrency = concurrency
        self._running: dict[asyncio.Task[None], Claimed] = {}
        self._wake = res.due
        self._room = asyncio.Event()  # enough polls ended for another claim to be worth it
        self._stopping = False

    def wake(self) -> None:
        """Look for due feeds now."""
        self._wake.set()

    async def run(self) -> None:
        """Poll what is due, until `stop`."""
        while not self._stopping:
            try:
                wait_s = 0.0 if await self._claim() else await self._idle_s()
            except DATABASE_AWAY as error:
                _log.warning("the database cannot be reached", extra={"reason": str(error)})
                wait_s = AWAY_S
            if wait_s > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), wait_s)
            self._wake.clear()

    async def stop(self) -> None:
        """No new polls; those under way get a moment, the rest are given back."""
        self._stopping = True
        self.wake()
        if self._running:
            await asyncio.wait(self._running, timeout=STOP_S)
        left = dict(self._running)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        with suppress(*DATABASE_AWAY):
            async with self._res.db.connection(timeout=STOP_S) as conn:
                await store.release(conn, [(f.feed_id, f.token) for f in left.values()], datetime.now(UTC))

    async def keep_leases(self) -> None:
        """Prolong the leases of running polls, until cancelled."""
        while True:
            await asyncio.sleep(RENEW_S)
            held = [(feed.feed_id, feed.token) for feed in self._running.values()]
            if held:
                with suppress(*DATABASE_AWAY):
                    async with self._res.db.connection() as conn:
                        await store.renew_leases(conn, held, datetime.now(UTC) + LEASE)

    async def listen(self) -> None:
        """Answer requests: at once when notified, and by looking now and then, until cancelled."""
        while True:
            try:
                await self._answer()
                async with await psycopg.AsyncConnection.connect(
                    self._res.settings.database_url, autocommit=True, application_name="wiredesk-ingest-listen"
                ) as conn:
                    await store.listen(conn, CHANNEL)
                    while True:
                        await self._answer()
                        async for _ in conn.notifies(timeout=IDLE_S, stop_after=1):
                            pass
            except DATABASE_AWAY as error:
                _log.warning("the database cannot be reached", extra={"reason": str(error)})
                await asyncio.sleep(AWAY_S)

    async def _answer(self) -> None:
        if await answer_requests(self._res.db):
            self.wake()

    async def _claim(self) -> bool:
        """Claim and start what there is room for; whether more may be due at once."""
        room = min(self._concurrency - len(self._running), BATCH)
        if room <= self._concurrency // 4 and self._running:
            self._room.clear()
            await self._room.wait()
            return True
        now = datetime.now(UTC)
        settings = self._res.settings
        async with async_transaction(self._res.db) as conn:
            await store.plan_once(conn)
            locked = await store.lock_due(conn, now, room)
            if not locked:
                return False
            feeds = await store.claim(
                conn, locked, now, now + LEASE, settings.host_concurrency, settings.host_gap_s, settings.samplewire
            )
        self._start(feeds)
        return True

    def _start(self, feeds: Sequence[Claimed]) -> None:
        for feed in feeds:
            task = asyncio.create_task(self._poll(feed), name=f"poll-{feed.feed_id}")
            self._running[task] = feed
            task.add_done_callback(self._ended)
        self._res.metrics.running.set(len(self._running))

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        if self._concurrency - len(self._running) > self._concurrency // 4 or not self._running:
            self._room.set()
        self._res.metrics.running.set(len(self._running))

    async def _poll(self, feed: Claimed) -> None:
        metrics = self._res.metrics
        try:
            result = await poll(self._res, feed)
        except Crowded as error:
            _log.info("a poll is put off", extra={"feed": feed.feed_id, "reason": str(error)})
            await self._put_off(feed)
            return
        except LeaseLost as error:
            metrics.leases_lost.inc()
            _log.info("nothing of a poll was kept", extra={"feed": feed.feed_id, "reason": error.message})
            return
        except (*DATABASE_AWAY, RaceLost) as error:
            _log.warning(
                "a poll could not be saved, its feed is due again when the lease ends",
                extra={"feed": feed.feed_id, "reason": str(error)},
            )
            return
        except Exception as error:  # noqa: BLE001 - the border of a poll: one feed must not end the others
            _log.exception("a poll failed inside", extra={"feed": feed.feed_id, "url": shown(feed.url)})
            metrics.polls.labels("internal").inc()
            with suppress(*DATABASE_AWAY, LeaseLost):
                await give_up(self._res, feed, error)
            return
        metrics.polls.labels(result.outcome).inc()
        metrics.fetched_bytes.inc(result.size)
        if result.lost:
            metrics.losses.inc()
            _log.warning("two polls share no item: articles may be lost", extra={"feed": feed.feed_id})
        metrics.poll_seconds.observe((datetime.now(UTC) - result.started_at).total_seconds())
        for outcome, count in result.counts.items():
            if count:
                metrics.items.labels(outcome).inc(count)

    async def _put_off(self, feed: Claimed) -> None:
        """Let a feed be due a little later, each at another moment."""
        later = datetime.now(UTC) + timedelta(seconds=random.uniform(*PUT_OFF_S))
        with suppress(*DATABASE_AWAY):
            async with self._res.db.connection() as conn:
                await store.release(conn, [(feed.feed_id, feed.token)], later)

    async def _idle_s(self) -> float:
        """How long nothing is due."""
        async with self._res.db.connection() as conn:
            at = await store.next_due_at(conn)
        return IDLE_S if at is None else min(IDLE_S, max(0.02, (at - datetime.now(UTC)).total_seconds()))
