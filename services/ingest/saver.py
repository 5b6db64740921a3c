"""Polls saved together: those without new words wait for the save under way and go into the next, in one transaction.

Most polls bring nothing, so one statement for many of them is what makes polling cheap. The events they raise come
last in the transaction, since the log's lock is held until its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from services.ingest import store
from services.ingest.states import Finished
from shared.db import AsyncPool, async_transaction
from shared.log import append_async

MOST = 200  # polls in one transaction


class Saver:
    """Saves finished polls. `run` does the work; `save` waits until the poll is stored."""

    def __init__(self, pool: AsyncPool) -> None:
        self._pool = pool
        self._waiting: list[tuple[Finished, asyncio.Future[bool]]] = []
        self._wake = asyncio.Event()

    async def save(self, finished: Finished) -> bool:
        """Store the poll; False where its lease was lost and nothing was kept. Raises psycopg's errors."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((finished, future))
        self._wake.set()
        return await future

    async def run(self) -> None:
        """Save what comes, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._save(batch)

    async def _save(self, batch: Sequence[tuple[Finished, asyncio.Future[bool]]]) -> None:
        try:
            async with async_transaction(self._pool) as conn:
                kept = await store.finish_polls(conn, [finished.row for finished, _ in batch])
                told = [e for finished, _ in batch if finished.row["feed_id"] in kept for e in finished.events]
                await append_async(conn, told, datetime.now(UTC))
        except Exception as error:  # noqa: BLE001 - each poll of the batch hears of it and decides
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for finished, future in batch:
            if not future.done():
                future.set_result(finished.row["feed_id"] in kept)
