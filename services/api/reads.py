"""The past of the log, read once for all who stand at the same place.

When a replica dies, all its readers come to the others at once, and nearly all of them from the same position. Where
they fall apart each needs a piece of its own: it is held by whoever has a turn, of which there are few, and never by
one that waits for its client.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import OrderedDict

from services.api.views import POOL_WAIT_S, Seen
from shared import log
from shared.db import AsyncPool
from shared.events import envelope

CATCH_UP = 200  # events read at once
PIECE_BYTES = 1_000_000  # that a piece has at most, or one event: where events are big fewer are read
TURNS = 8  # readers that hold a piece, at most
KEPT_S = 0.5  # for whoever comes a little later, and after those who are further on in it
KEPT = 16  # pieces, at most; those used last


class Reads:
    """Pieces of the log by the position before them, under way or just read."""

    def __init__(self, pool: AsyncPool, source: str) -> None:
        self._pool, self._source = pool, source
        self._count = CATCH_UP
        self._pieces: OrderedDict[int, asyncio.Task[list[Seen]]] = OrderedDict()
        self._used: dict[int, float] = {}  # when somebody further on took from a piece last
        self.turns = asyncio.Semaphore(TURNS)

    async def after(self, position: int) -> list[Seen]:
        """The next events. Raises `psycopg.OperationalError` or `PoolTimeout` where the store is away."""
        piece = self._pieces.get(position)
        if piece is None and (shared := self._within(position)):
            return shared
        if piece is None:
            piece = asyncio.create_task(self._read(position))
            self._pieces[position] = piece
            piece.add_done_callback(lambda done: self._keep(position, done))
            if len(self._pieces) > KEPT:
                self._used.pop(self._pieces.popitem(last=False)[0], None)
        return await asyncio.shield(piece)  # one reader that leaves takes it from nobody

    def _within(self, position: int) -> list[Seen]:
        """The rest of a piece that was read from an earlier place and holds the next event: readers fall apart."""
        for start, piece in self._pieces.items():
            events = piece.result() if piece.done() and not piece.cancelled() and piece.exception() is None else []
            if events and events[0].position <= position < events[-1].position:
                self._pieces.move_to_end(start)
                self._used[start] = asyncio.get_running_loop().time()
                return events[position + 1 - events[0].position :]
        return []

    async def _read(self, position: int) -> list[Seen]:
        async with self._pool.connection(timeout=POOL_WAIT_S) as conn:
            events = await log.read_within_async(conn, position, self._count, PIECE_BYTES)
        if size := sum(len(e.data) for e in events):  # cards are unpacked only now
            self._count = max(1, min(CATCH_UP, PIECE_BYTES * len(events) // size))
        return [Seen.of(e.position, envelope(e, self._source)) for e in events]

    def _keep(self, position: int, done: asyncio.Task[list[Seen]]) -> None:
        failed = done.cancelled() or done.exception() is not None
        # A timer that held the piece would hold what was put aside for others, too.
        asyncio.get_running_loop().call_later(0 if failed else KEPT_S, self._forget, position, weakref.ref(done))

    def _forget(self, position: int, known: weakref.ref[asyncio.Task[list[Seen]]]) -> None:
        piece = known()
        if piece is None or self._pieces.get(position) is not piece:
            return
        loop = asyncio.get_running_loop()
        left_s = self._used.pop(position, 0.0) + KEPT_S - loop.time()
        if left_s > 0:
            loop.call_later(left_s, self._forget, position, known)
        else:
            del self._pieces[position]
