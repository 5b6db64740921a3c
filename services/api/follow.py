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
from services.api.stream import STORE_AWAY, Follower, Hub
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

    At the end the follower has joined the hub; whoever reads this has it leave afterwards.
    """
    hub = source.hub
    told_at = time.monotonic()
    while follower.after < hub.head and hub.closing is None and follower.ended is None:
        events = await _read(source, follower.after)
        if events and events[0].position != follower.after + 1:
            yield Reset(events[0].position, max(hub.head, events[-1].position), follower.after)
        batch = await _tell(source, follower.view, events) if events else []
        if events and batch is not None:
            follower.after = events[-1].position
        del events  # not held while a slow reader takes what is shown of them: they may be a hundred times as large
        if batch or time.monotonic() - told_at > HEARTBEAT_S:
            told_at = time.monotonic()
            yield batch or None
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
            live = follower.ended is None
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


async def _read(source: Log, after: int) -> list[Seen]:
    """The next events; none where the store is away, after a pause."""
    try:
        events = await source.reads.after(after)
    except STORE_AWAY:
        events = []
    if not events:
        await asyncio.sleep(STORE_RETRY_S)
    return events


async def _tell(source: Log, view: View, events: list[Seen]) -> list[Told] | None:
    """What the view shows of them; None where the store is away, after a pause: the same events come again."""
    try:
        return (await tell(source.pool, events, [view]))[view]
    except STORE_AWAY:
        await asyncio.sleep(STORE_RETRY_S)
        return None


def _seen(source: Log, events: list[LoggedEvent]) -> list[Seen]:
    return [Seen.of(e.position, envelope(e, source.source)) for e in events]
