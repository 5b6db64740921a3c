"""Many pages visited at once: claim what is due, visit it, stop cleanly.

A lease outlives the longest visit, so none is renewed; a killed process's pages are free when it ends.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from services.ingest.pages import store
from services.ingest.pages.store import Claimed
from services.ingest.pages.visit import LIMITS, visit
from services.ingest.resources import Resources
from services.ingest.runner import AWAY_S, DATABASE_AWAY, IDLE_S
from shared.db import async_transaction

CONCURRENCY = 32  # visits at once
LEASE = timedelta(seconds=LIMITS.total_s + 10)
STOP_S = 2.0

_log = logging.getLogger(__name__)


class Pages:
    """Claims and visits until told to stop. Several may run, here and on other machines."""

    def __init__(self, res: Resources, concurrency: int = CONCURRENCY) -> None:
        self._res = res
        self._concurrency = concurrency
        self._running: dict[asyncio.Task[None], Claimed] = {}
        self._stopping = False

    async def run(self) -> None:
        """Visit what is due, until `stop`."""
        while not self._stopping:
            try:
                wait_s = 0.0 if await self._claim() else await self._idle_s()
            except DATABASE_AWAY as error:
                _log.warning("the database cannot be reached", extra={"reason": str(error)})
                wait_s = AWAY_S
            if wait_s > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._res.wanted.wait(), wait_s)
            self._res.wanted.clear()

    async def stop(self) -> None:
        """No new visits; those under way get a moment, the rest are given back."""
        self._stopping = True
        self._res.wanted.set()
        if self._running:
            await asyncio.wait(self._running, timeout=STOP_S)
        left = dict(self._running)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        with suppress(*DATABASE_AWAY):
            async with self._res.db.connection(timeout=STOP_S) as conn:
                await store.release(conn, [(p.article_id, p.token) for p in left.values()], datetime.now(UTC))

    async def _claim(self) -> bool:
        """Claim and start what there is room for; whether more may be due at once."""
        if not self._res.settings.fetch_pages:  # what was wanted before it was turned off is left where it is
            return False
        room = self._concurrency - len(self._running)
        if room <= 0:
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
            return True
        now = datetime.now(UTC)
        settings = self._res.settings
        async with async_transaction(self._res.db) as conn:
            locked = await store.lock_due(conn, now, room)
            if not locked:
                return False
            claimed = await store.claim(
                conn, locked, now, now + LEASE, settings.host_concurrency, settings.host_gap_s, settings.samplewire
            )
        for page in claimed:
            task = asyncio.create_task(self._visit(page), name=f"page-{page.article_id}")
            self._running[task] = page
            task.add_done_callback(self._ended)
        return bool(claimed)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self._res.wanted.set()  # its host may have room for the next

    async def _visit(self, page: Claimed) -> None:
        try:
            outcome = await visit(self._res, page)
        except DATABASE_AWAY as error:
            _log.warning("a page could not be saved", extra={"article": page.article_id, "reason": str(error)})
            return
        except Exception:  # noqa: BLE001 - the border of a visit: one page must not end the others
            _log.exception("a visit failed inside", extra={"article": page.article_id, "url": page.fetch_url})
            return
        self._res.metrics.pages.labels(outcome).inc()

    async def _idle_s(self) -> float:
        """How long nothing is due."""
        if not self._res.settings.fetch_pages:
            return IDLE_S
        async with self._res.db.connection() as conn:
            at = await store.next_due_at(conn)
        return IDLE_S if at is None else min(IDLE_S, max(0.02, (at - datetime.now(UTC)).total_seconds()))
