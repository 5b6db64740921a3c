"""Reads slices of the store again when api asks for it by a row: what another revision of a step would say otherwise.

    request ─▶ next articles of the slice ─▶ compare annotations ─▶ rereads ─▶ ids in the backfill lane ─▶ workers save
               (a run remembers how far)     (untouched: renamed)              (few at a time)              and report

Everything stands in rows, so it goes on where it was, whoever dies. The relay that leads does it, in a thread.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from threading import Event
from typing import Any

import psycopg
import redis

from services.enrich.again import store
from services.enrich.again.touched import touched
from shared.queue import BATCH, QUEUES, VISIBILITY_TIMEOUT_S

CHANNEL = "wiredesk_reenrich"
LOOK = 200  # articles compared in one transaction
OPEN = 8 * BATCH  # articles planned and not yet read: the rest waits in its slice
WAITING = 4  # messages in the backfill lane beyond which nothing is added
IDLE_S = 1.0  # a NOTIFY comes sooner; also how often the lane is looked at
AGAIN = timedelta(seconds=VISIBILITY_TIMEOUT_S + 30)  # what was sent so long ago is lost, not being worked on
KEEP = timedelta(days=30)  # of finished runs

logger = logging.getLogger(__name__)
Send = Callable[[Sequence[int]], None]


class Reenricher:
    """Works off requests, oldest first; before them what a merge of entities touches.

    `send` puts ids into the backfill lane and raises `redis.RedisError` when the queue is away.
    """

    def __init__(self, client: redis.Redis, send: Send, clock: Callable[[], datetime]) -> None:
        self._client, self._send, self._clock = client, send, clock

    def run(self, database_url: str, stop: Event) -> None:
        """Until told to stop; waits out engines that are away."""
        while not stop.is_set():
            try:
                with psycopg.connect(database_url, autocommit=True, application_name="wiredesk-reenrich") as conn:
                    store.listen(conn)
                    while not stop.is_set():
                        if not self.round(conn):
                            for _ in conn.notifies(timeout=IDLE_S, stop_after=1):
                                pass
            except (psycopg.Error, redis.RedisError) as error:
                logger.warning("an engine is away; trying again", extra={"why": str(error)})
                stop.wait(IDLE_S)

    def round(self, conn: store.Connection) -> bool:
        """One turn of the oldest request; whether there is more to do at once."""
        now = self._clock()
        own = self._identities(conn, now)
        request = store.oldest(conn)
        if request is None:
            return own
        current = store.current(conn)
        if current is None:  # no worker has ever started: nothing can be read anyway
            return False
        revision, steps = current
        with conn.transaction():
            store.start(conn, request.id, revision, now)
            open_ = store.unread(conn, request.id)
            looked = _plan(conn, request, revision, steps, now) if open_ < OPEN else 0
        sent = self._dispatch(conn, request.id, now)
        if not looked:
            store.finish(conn, request.id, now)
            store.trim(conn, now - KEEP)
        return bool(looked) or sent or own

    def _identities(self, conn: store.Connection, now: datetime) -> bool:
        """Send what names an entity whose key was merged or split; whether there was any."""
        if not store.unread(conn, store.IDENTITY):
            return False
        with conn.transaction():
            store.trim_own(conn, store.IDENTITY, now - KEEP)
        return self._dispatch(conn, store.IDENTITY, now)

    def _dispatch(self, conn: store.Connection, request_id: int, now: datetime) -> bool:
        lane: Any = self._client.llen(QUEUES["backfill"])
        if int(lane) >= WAITING:
            return False
        store.forget_gone(conn, request_id)
        ids = store.take(conn, request_id, now - AGAIN, now, BATCH)
        if ids:
            self._send(ids)
        return bool(ids)


def _plan(conn: store.Connection, request: store.Request, revision: str, steps: dict[str, Any], now: datetime) -> int:
    """Compare the next articles of the slice; how many there were."""
    rows = store.next_of(conn, request, LOOK)
    wanted: list[int] = []
    current: list[int] = []
    counts: Counter[str] = Counter()
    for row in rows:
        found = touched(row.annotations, steps, row.lang)
        if request.steps is not None:
            found = [name for name in found if name in request.steps]
        counts.update(found)
        if found or request.forced:
            wanted.append(row.article_id)
        elif request.steps is None:
            current.append(row.article_id)
    if not request.dry_run:
        store.want(conn, request.id, wanted)
        store.rename(conn, current, revision)
    last = rows[-1].article_id if rows else None
    store.advance(conn, request.id, last, len(rows), len(wanted), counts, now)
    return len(rows)
