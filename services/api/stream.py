"""The one reader of the event stream in this process, and those who follow it.

    Redis Stream --XREAD--> batch -> judged and encoded once per view -> straight to the connection of each follower,
         |  away, wiped, behind or with a gap                             or into its bounded queue
         `--> PostgreSQL, until the stream goes on where we are

Positions are gapless, so continuity is seen, not hoped for: what does not follow on the last position is read from the
log instead. A follower that does not keep up is cut with a reason; it resumes by position.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TypeVar

import psycopg
import redis.asyncio
from psycopg_pool import PoolTimeout

from services.api import sse
from services.api.lines import Connection
from services.api.views import POOL_WAIT_S, Seen, Told, View, tell
from shared import log, stream
from shared.db import AsyncPool
from shared.events import envelope

Event = TypeVar("Event")

BATCH = 100
BLOCK_MS = 1000  # silence after which PostgreSQL is asked whether there really is no news
BEAT_S = 6.0  # a follower is silent for at most twice this long
AWAY_S = 0.25  # between looks at PostgreSQL while Redis does not answer
MAX_QUEUED = 5000  # events a follower may be behind
MAX_QUEUED_BYTES = 8_000_000
MAX_HELD_BYTES = 64_000_000  # of events that wait in queues, each counted once: above it the slowest are cut
BATCH_BYTES = 64_000  # given to a connection at once, or one event: beyond what it had room for no more waits in it
AT_ONCE = 250  # followers given a batch before other work of the process has its turn
ALIVE = sse.chunk(sse.comment("still here"))
STORE_AWAY = (psycopg.OperationalError, PoolTimeout)

logger = logging.getLogger(__name__)


class Batch:
    """What a view shows of some events, in order."""

    def __init__(self, told: Sequence[Told]) -> None:
        self.told = told

    @cached_property
    def chunks(self) -> bytes:
        """All of it as server-sent events: the same bytes for every client."""
        return b"".join(one.chunk for one in self.told)

    @cached_property
    def size(self) -> int:
        """Length of that."""
        return sum(len(one.chunk) for one in self.told)


class Held:
    """How much waits in all queues: an event that waits for many is held once."""

    def __init__(self) -> None:
        self.bytes = 0
        self._times: dict[int, int] = {}

    def put(self, told: Told) -> None:
        """One more queue has it."""
        times = self._times.get(id(told), 0)
        self._times[id(told)] = times + 1
        if not times:
            self.bytes += told.size

    def take(self, told: Told) -> None:
        """One queue fewer."""
        times = self._times.pop(id(told)) - 1
        if times:
            self._times[id(told)] = times
        else:
            self.bytes -= told.size


def within(events: list[Event], length: Callable[[Event], int]) -> list[Event]:
    """The first of them, of `BATCH_BYTES` at most, or one."""
    size = 0
    for n, one in enumerate(events):
        size += length(one)
        if n and size > BATCH_BYTES:
            return events[:n]
    return events


class Follower:
    """One subscriber's bounded queue. `ended` says why it gets no more, once it does.

    Everything up to `after` was queued for it, if it passed the view; once it is cut, was taken.
    """

    def __init__(self, view: View, after: int) -> None:
        self.view = view
        self.after = after
        self.ended: str | None = None
        self._queue: deque[Told] = deque()
        self.waiting = 0  # bytes
        self.held = Held()  # the hub's, once it follows
        self._news = asyncio.Event()
        self._quiet = True
        self.over = asyncio.Event()

    def offer(self, batch: Batch, upto: int) -> None:
        """Queue what lies after the position that the follower already has, and move that up. Nothing once it ended."""
        if self.ended is not None:
            return  # it was cut: what it is given now would lie behind a gap
        for one in batch.told:
            if one.position > self.after:
                self._queue.append(one)
                self.held.put(one)
                self.waiting += one.size
        self.after = max(self.after, upto)
        self.room()
        if len(self._queue) > MAX_QUEUED or self.waiting > MAX_QUEUED_BYTES:
            self.cut()
        elif self._queue:
            self._quiet = False
            self._news.set()

    def room(self) -> None:
        """Give what waits, as far as there is room for it: a queue gives when it is asked."""

    def beat(self) -> None:
        """Wake a follower that was given nothing since the last beat, so that it can show that it is alive."""
        if self._quiet:
            self._news.set()
        self._quiet = True

    def cut(self) -> None:
        """It is too slow: no more for it."""
        logger.info("a slow reader is cut", extra={"after": self.after, "bytes": self.waiting})
        self.end("reader too slow; resume from the last id")

    def end(self, reason: str) -> None:
        """No more for this follower; what waits is dropped, since it resumes by position anyway."""
        if self.ended is None:
            self.ended = reason
        if self._queue:
            self.after = self._queue[0].position - 1
        while self._queue:
            self._pop()
        self._news.set()
        self.over.set()

    def finish(self, reason: str) -> None:
        """No more for this follower, but what waits is still to be taken."""
        if self.ended is None:
            self.ended = reason
        self._news.set()

    async def take(self) -> list[Told]:
        """What waits, `BATCH_BYTES` of it or one event; an empty list after a silence or at the end (see `ended`)."""
        await self._news.wait()
        taken: list[Told] = []
        size = 0
        while self._queue and (not taken or size + len(self._queue[0].chunk) <= BATCH_BYTES):
            taken.append(self._pop())
            size += len(taken[-1].chunk)
        if self.ended is None and not self._queue:
            self._news.clear()
        return taken

    def _pop(self) -> Told:
        one = self._queue.popleft()
        self.held.take(one)
        self.waiting -= one.size
        return one


class Direct(Follower):
    """A follower whose events are written to its connection as they come; only what finds it full is queued."""

    def __init__(self, view: View, after: int, connection: Connection) -> None:
        super().__init__(view, after)
        self._connection = connection
        self.gone = asyncio.Event()
        connection.watch(self)

    def offer(self, batch: Batch, upto: int) -> None:
        """Write what lies after the position that the follower already has, and move that up."""
        if self.ended is None and not self._queue and not self._connection.full:
            if not batch.told:
                self.after = max(self.after, upto)
                return
            if batch.told[0].position > self.after and batch.size <= BATCH_BYTES:
                self.after = upto
                self._quiet = False
                self._connection.write(batch.chunks)
                return
        super().offer(batch, upto)

    def beat(self) -> None:
        """Show that the stream is alive where nothing was written since the last beat."""
        if self._quiet and self.ended is None and not self._connection.full:
            self._connection.write(ALIVE)
        self._quiet = True

    def room(self) -> None:
        """Write what waits, as far as the connection takes it."""
        while self._queue and not self._connection.full:
            self._quiet = False
            self._connection.write(self._pop().chunk)

    def lost(self) -> None:
        """The client is gone."""
        self.gone.set()
        self.end("the reader left")


class Hub:
    """Reads the stream once for everybody. `head` is the last position given out, `live` whether Redis answers."""

    def __init__(self, pool: AsyncPool, client: redis.asyncio.Redis, source: str, head: int) -> None:
        self._pool = pool
        self._redis = client
        self._source = source
        self._views: dict[View, set[Follower]] = {}
        self._moved = asyncio.Event()
        self.held = Held()
        self.head = head
        self.live = False
        self.closing: str | None = None

    @property
    def followers(self) -> int:
        """How many follow now."""
        return sum(len(group) for group in self._views.values())

    def join(self, follower: Follower) -> None:
        """Follow from now on. The follower has everything up to its `after`, which is not below `head`."""
        if self.closing is not None:
            follower.end(self.closing)
        else:
            follower.held = self.held
            self._views.setdefault(follower.view, set()).add(follower)

    def leave(self, follower: Follower) -> None:
        """Follow no more."""
        group = self._views.get(follower.view)
        if group is not None:
            group.discard(follower)
            if not group:
                del self._views[follower.view]
        follower.end("the reader left")

    def close(self, reason: str) -> None:
        """End every follower, now and to come."""
        self.closing = reason
        for group in self._views.values():
            for follower in group:
                follower.end(reason)
        self._moved.set()

    async def beyond(self, position: int, timeout_s: float) -> bool:
        """Wait until there is something after a position; False after the timeout or when closing."""
        try:
            async with asyncio.timeout(timeout_s):
                while self.head <= position and self.closing is None:
                    await self._moved.wait()
        except TimeoutError:
            return False
        return self.head > position

    async def run(self) -> None:
        """Read until closed. Survives either engine's absence, and both."""
        async with asyncio.TaskGroup() as tasks:
            beating = tasks.create_task(self._beat())
            await self._read()
            beating.cancel()

    async def _beat(self) -> None:
        # One timer for all: a timer for each wait of each follower would cost more than the event it waits for.
        while True:
            await asyncio.sleep(BEAT_S)
            for n, follower in enumerate([one for group in self._views.values() for one in group]):
                follower.beat()
                if n % AT_ONCE == AT_ONCE - 1:
                    await asyncio.sleep(0)

    async def _read(self) -> None:
        while self.closing is None:
            try:
                batch = await self._from_stream()
                self.live = True
            except (redis.RedisError, OSError) as error:
                if self.live:
                    logger.warning("the stream is away, reading the log instead", extra={"reason": str(error)})
                self.live = False
                await asyncio.sleep(AWAY_S)
                batch = []
            try:
                if not batch:
                    batch = await self._from_log()
                await self._give(batch)
                del batch  # not held while there is no news
            except STORE_AWAY as error:
                logger.warning("PostgreSQL is away", extra={"reason": str(error)})
                await asyncio.sleep(AWAY_S)

    async def _from_stream(self) -> list[Seen]:
        """What follows on the head without a gap; nothing where the stream does not go on there."""
        entries = await stream.read(self._redis, self.head, count=BATCH, block_ms=BLOCK_MS)
        if not entries:
            return []
        if entries[0][0] != self.head + 1 or entries[-1][0] != self.head + len(entries):
            await asyncio.sleep(0.05)  # wiped and being filled again, or another log's: not our turn yet
            return []
        try:
            seen = [Seen.of(position, raw) for position, raw in entries]
        except ValueError:
            seen = []
        if not seen or any(one.event["source"] != self._source for one in seen):
            logger.warning("the stream is not of this log, reading the log instead", extra={"after": self.head})
            await asyncio.sleep(AWAY_S)
            return []
        return seen

    async def _from_log(self) -> list[Seen]:
        async with self._pool.connection(timeout=POOL_WAIT_S) as conn:
            events = await log.read_async(conn, self.head, BATCH)
        return [Seen.of(e.position, envelope(e, self._source)) for e in events]

    async def _give(self, batch: list[Seen]) -> None:
        if not batch:
            return
        told: dict[View, list[Told]] = {}
        while missing := [view for view in self._views if view not in told]:  # one may join while we wait
            told |= await tell(self._pool, batch, missing)
        if batch[0].position != self.head + 1:  # we were behind what is retained, and with us whoever had no more
            for group in self._views.values():
                for follower in group:
                    if follower.after + 1 < batch[0].position:
                        follower.end("events were dropped before they were read; resume from the last id")
        # From here on nothing waits until it is settled who is given this batch: whoever joins later has the head.
        self.head = batch[-1].position
        given = [(Batch(told[view]), list(group)) for view, group in self._views.items()]
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()
        for told_now, followers in given:
            await self._offer(told_now, followers, self.head)
            self._relieve()

    def _relieve(self) -> None:
        """Cut those behind by most where too much is held for all of them."""
        if self.held.bytes > MAX_HELD_BYTES:
            behind = [one for group in self._views.values() for one in group if one.waiting]
            for follower in sorted(behind, key=lambda one: one.waiting, reverse=True):
                follower.cut()
                if self.held.bytes <= MAX_HELD_BYTES:
                    return

    async def _offer(self, shown: Batch, group: list[Follower], upto: int) -> None:
        for n, follower in enumerate(group, 1):
            follower.offer(shown, upto)
            if n % AT_ONCE == 0:
                await asyncio.sleep(0)
