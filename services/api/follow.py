"""Following the log from any position: what is past from PostgreSQL, then live, with neither gap nor double.

    after ... head                head ...
    read the log, page by page -> join the hub at exactly the position reached -> whatever comes

A reader whose position is no longer retained is told so (`Reset`), and goes on from the oldest there is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from services.api.problems import Problem, not_ahead
from services.api.query import EventQuery
from services.api.reads import Reads
from services.api.stream import STORE_AWAY, Follower, Hub, within
from services.api.views import EVERYTHING, POOL_WAIT_S, Seen, Told, View, tell
from shared import log
from shared.db import AsyncPool
from shared.events import STREAM_RESET, LoggedEvent, envelope

SCAN = 5000  # events one page looks at, at most
HEARTBEAT_S = 10.0
STORE_RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class Reset:
    """Events up to `oldest` are gone; the stream goes on from there."""

    oldest: int
    latest: int
    lost_after: int

    def as_json(self) -> dict[str, object]:
        """The members of the notice."""
        return {"type": STREAM_RESET} | gone(self.lost_after, self.oldest, self.latest)


@dataclass(frozen=True, slots=True)
class EventsPage:
    """A page of events; `position` is the last one looked at, `more` whether the log goes on after it."""

    items: list[Told]
    position: int
    more: bool


@dataclass(frozen=True, slots=True)
class Past:
    """A stretch of the log as a view shows it: `first` is the event it begins with, `upto` the last one looked at."""

    first: int
    upto: int
    batch: list[Told]


@dataclass(frozen=True, slots=True)
class Log:
    """What following needs: the store, the live hub, and who we are in a CloudEvent."""

    pool: AsyncPool
    hub: Hub
    source: str
    reads: Reads


def gone(after: int, oldest: int, latest: int) -> dict[str, object]:
    """What a reader needs who asks for what is no longer retained."""
    return {"oldest": oldest, "latest": latest, "catch_up": f"/v1/articles?since={after}"}


async def check(source: Log, after: int) -> None:
    """Raises `Problem` where a position lies beyond the head of the log."""
    if after > source.hub.head:
        async with source.pool.connection(timeout=POOL_WAIT_S) as conn:
            head = await log.head_async(conn)
        not_ahead(after, head)


async def catch_up(source: Log, follower: Follower) -> AsyncGenerator[list[Told] | Reset | None]:
    """Batches of what is past, from the follower's position on; None for a sign of life.

    Each is of `BATCH_BYTES` at most, or one event, and all that is held for a reader while it takes it. At the end the
    follower has joined the hub; whoever reads this has it leave afterwards.
    """
    hub = source.hub
    told_at = time.monotonic()
    while follower.after < hub.head and hub.closing is None and follower.ended is None:
        past = await _past(source, follower)
        if past is not None and past.first != follower.after + 1:
            yield Reset(past.first, max(hub.head, past.upto), follower.after)
        given: list[list[Told] | None] = [None]  # emptied: nothing here holds what a slow reader has taken
        if past is not None:
            follower.after, given = past.upto, [past.batch or None]
        del past
        if given[0] or time.monotonic() - told_at > HEARTBEAT_S:
            told_at = time.monotonic()
            yield given.pop()
    if follower.ended is None:
        hub.join(follower)  # nothing waited since the loop's last look at the head


async def follow(source: Log, follower: Follower) -> AsyncGenerator[list[Told] | Reset | None]:
    """Batches from the follower's position on; None for a sign of life. Ends when `follower.ended` says why."""
    try:
        async with aclosing(catch_up(source, follower)) as past:
            async for step in past:
                yield step
        live = True
        while live:
            batch = await follower.take()
            live = follower.ended is None or follower.waiting > 0
            if batch or live:
                yield batch or None
    finally:
        source.hub.leave(follower)


async def page(source: Log, query: EventQuery) -> EventsPage:
    """At most `limit` events after a position that pass, waiting up to `wait_s` for the first.

    Raises `Problem` for a position beyond the head or no longer retained.
    """
    hub, view = source.hub, View(query.filter, query.form)
    if query.after is None:
        async with source.pool.connection(timeout=POOL_WAIT_S) as conn:
            at = await log.head_async(conn)
    else:
        at = query.after
        await check(source, at)
    until = time.monotonic() + query.wait_s
    while True:
        found = await _scan(source, view, at, query.limit)
        at = found.position
        left = until - time.monotonic()
        if found.items or left <= 0 or hub.closing is not None:
            return found
        if not found.more:
            await hub.beyond(at, left)


async def _scan(source: Log, view: View, after: int, limit: int) -> EventsPage:
    """Look at up to `SCAN` events; the position is that of the last one taken or looked at."""
    size = limit if view.filter == EVERYTHING.filter else max(limit, 500)
    items: list[Told] = []
    at = after
    while at - after < SCAN:
        async with source.pool.connection(timeout=POOL_WAIT_S) as conn:
            rows = await log.read_async(conn, at, size + 1)  # one more, to know whether the log goes on
        events = rows[:size]
        if events and events[0].position != at + 1:
            members = gone(at, events[0].position, max(source.hub.head, rows[-1].position))
            raise Problem("position_gone", f"events up to {events[0].position - 1} are gone", members=members)
        shown = (await tell(source.pool, _seen(source, events), [view]))[view] if events else []
        if len(items) + len(shown) >= limit:
            items += shown[: limit - len(items)]
            last = items[-1].position
            return EventsPage(items, last, more=last < rows[-1].position)
        items += shown
        at = events[-1].position if events else at
        if len(rows) <= size:
            return EventsPage(items, at, more=False)
    return EventsPage(items, at, more=True)


async def _past(source: Log, follower: Follower) -> Past | None:
    """What comes next for the follower; None, after a pause, where the store is away or everybody else has a turn."""
    turns = source.reads.turns
    try:
        async with asyncio.timeout(HEARTBEAT_S):
            await turns.acquire()
    except TimeoutError:
        return None
    try:
        events = await source.reads.after(follower.after)
        if not follower.view.form.plain:
            events = within(events, lambda one: len(one.raw))  # whole articles are put together for this reader alone
        shown = (await tell(source.pool, events, [follower.view]))[follower.view] if events else []
    except STORE_AWAY:
        events, shown = [], []
    finally:
        turns.release()
    if not events:
        await asyncio.sleep(STORE_RETRY_S)
        return None
    batch = within(shown, lambda one: len(one.chunk))
    return Past(events[0].position, batch[-1].position if len(batch) < len(shown) else events[-1].position, batch)


def _seen(source: Log, events: list[LoggedEvent]) -> list[Seen]:
    return [Seen.of(e.position, envelope(e, source.source)) for e in events]
