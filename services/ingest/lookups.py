"""What polls ask the store before they decide, gathered: what is asked while a query is under way goes into the next.

poll ─ hashes, known, titled ─▶ waiting ─ nothing under way? ─▶ one statement for all that wait ─▶ each its own part

A poll alone is answered at once. Under load there is a pause between two statements, so that one answers many polls: a
round trip costs a fifth of a millisecond here, and nearly as much in PostgreSQL, whatever it asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from services.ingest import store
from services.ingest.decide import Known
from services.ingest.twins import store as twins
from services.ingest.twins.titles import Titled
from shared.db import AsyncPool

MOST = 64  # questions in one statement
PAUSE_S = 0.02  # between the beginnings of two statements of a kind

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class Lookups:
    """The questions of all polls of a process."""

    def __init__(self, pool: AsyncPool) -> None:
        self._hashes: Gathered[tuple[int, int], bytes] = Gathered(pool, store.item_hashes)
        self._known: Gathered[tuple[int, Sequence[str]], dict[str, Known]] = Gathered(pool, store.known)
        self._titled: Gathered[tuple[int, Sequence[str]], dict[str, Titled]] = Gathered(pool, twins.titled)

    async def hashes(self, feed_id: int, limit: int) -> bytes:
        """See `store.item_hashes`. Raises psycopg's errors, as all of these."""
        return await self._hashes.ask((feed_id, limit))

    async def known(self, feed_id: int, keys: Sequence[str]) -> dict[str, Known]:
        """See `store.known`."""
        return await self._known.ask((feed_id, keys))

    async def titled(self, feed_id: int, keys: Sequence[str]) -> dict[str, Titled]:
        """See `twins.store.titled`."""
        return await self._titled.ask((feed_id, keys))


class Gathered(Generic[Question, Answer]):
    """One kind of question. `answer` takes many at once and gives the answers in order."""

    def __init__(
        self, pool: AsyncPool, answer: Callable[[store.Conn, Sequence[Question]], Awaitable[Sequence[Answer]]]
    ) -> None:
        self._pool, self._answer = pool, answer
        self._waiting: list[tuple[Question, asyncio.Future[Answer]]] = []
        self._working: asyncio.Task[None] | None = None
        self._begun_at = 0.0

    async def ask(self, question: Question) -> Answer:
        """The answer to one of them."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work(), name="lookups")
        return await future

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            await pause(self._begun_at + PAUSE_S - loop.time())
            self._begun_at = loop.time()
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            try:
                async with self._pool.connection() as conn:
                    answers = await self._answer(conn, [question for question, _ in batch])
            except Exception as error:  # noqa: BLE001 - each poll that asked hears of it and decides
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():
                    future.set_result(answer)


async def pause(seconds: float) -> None:
    """Wait, unless there is nothing to wait for."""
    if seconds > 0:
        await asyncio.sleep(seconds)
