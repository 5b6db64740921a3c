"""Carries the event log from PostgreSQL to the Redis Stream: `python -m services.enrich.relay`.

    NOTIFY (or half a second) -> read the log after the stream's end -> XADD with explicit ids N-0 -> again

One relay leads, held by an advisory lock of its session; others wait for it to fall. It keeps no state of its own: the
stream says where it ends, so a relay that dies, doubles or meets a wiped Redis goes on from what is really there.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType

import psycopg
import redis

from services.enrich import store
from services.enrich.again.run import Reenricher
from services.enrich.retention import Retention
from shared import log, stream
from shared.events import envelope, source_of
from shared.locks import Lock
from shared.observe import configure_logging, notify_ready
from shared.settings import Settings

BATCH = 500
IDLE_WAIT_S = 0.5  # a NOTIFY comes sooner; this is for one that was lost
RETRY_S = 0.5

logger = logging.getLogger(__name__)


class Stop:
    """Set by SIGTERM or SIGINT."""

    def __init__(self) -> None:
        self.asked = False
        signal.signal(signal.SIGTERM, self._ask)
        signal.signal(signal.SIGINT, self._ask)

    def _ask(self, _signal: int, _frame: FrameType | None) -> None:
        self.asked = True


def settle(conn: psycopg.Connection[tuple[object, ...]], client: redis.Redis) -> int:
    """Where the stream really ends. A stream that is ahead of the log is another log's, and is dropped."""
    end = stream.last(client)
    head = log.head(conn)
    if end > head:
        # Another database, or this one restored from a backup: positions would be refused for ever.
        logger.warning("the stream is ahead of the log; it is made anew", extra={"stream": end, "log": head})
        stream.drop(client)
        return 0
    return end


def relay_once(conn: psycopg.Connection[tuple[object, ...]], client: redis.Redis, source: str, end: int) -> int:
    """Append the next batch to a stream that ends at `end`; where it ends then.

    A stream found empty is filled with the log's newest window only. Raises `psycopg.OperationalError` or
    `redis.RedisError` when an engine is away.
    """
    after = end or max(0, log.head(conn) - stream.WINDOW)
    events = log.read(conn, after, BATCH)
    return stream.append(client, end, [(e.position, envelope(e, source)) for e in events]) if events else end


def lead(settings: Settings, client: redis.Redis, stop: Stop) -> None:
    """Hold the lock and relay until asked to stop. Raises when an engine goes away; the lock goes with the session."""
    with psycopg.connect(settings.database_url, autocommit=True, application_name="wiredesk-relay") as conn:
        while not stop.asked and not store.lead(conn, Lock.RELAY):
            time.sleep(RETRY_S)
        source = source_of(log.deployment(conn))
        log.listen(conn)
        end = settle(conn, client)
        notify_ready()
        retention = Retention(settings.stream_keep, settings.retention_days)
        with reenriching(settings, client):
            while not stop.asked:
                retention.now_and_then(conn, end)
                moved = relay_once(conn, client, source, end)
                if moved == end:
                    for _ in conn.notifies(timeout=IDLE_WAIT_S, stop_after=1):
                        break
                    else:  # quiet: a moment to notice that the stream was wiped
                        moved = settle(conn, client)
                end = moved


@contextmanager
def reenriching(settings: Settings, client: redis.Redis) -> Iterator[None]:
    """Meanwhile, in a thread, slices are read again that api asks for. Only the relay that leads does it."""

    def send_backfill(ids: Sequence[int]) -> None:
        from kombu.exceptions import OperationalError  # these not before there is something to send

        from shared.queue import make_celery, send

        try:
            send(make_celery(settings), ids, "backfill")
        except OperationalError as error:
            raise redis.ConnectionError(str(error)) from error

    ended = threading.Event()
    work = Reenricher(client, send_backfill, lambda: datetime.now(UTC))
    thread = threading.Thread(target=work.run, args=(settings.database_url, ended), name="reenrich", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=10)


def main() -> None:
    """Entry: lead for ever, waiting out engines that are away."""
    configure_logging("relay")
    settings = Settings()
    client: redis.Redis = redis.Redis.from_url(settings.redis_url, socket_timeout=10, socket_connect_timeout=5)
    stop = Stop()
    while not stop.asked:
        try:
            lead(settings, client, stop)
        except (psycopg.Error, redis.RedisError) as error:
            logger.warning("an engine is away; trying again", extra={"why": str(error)})
            time.sleep(RETRY_S)


if __name__ == "__main__":
    main()
