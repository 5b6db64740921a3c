"""The beat of a pool process: a thread that tells every few seconds what the process does and has done.

It asks nothing of the work but a note before and after each message, and where the store is away it just tries again.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import psutil
import psycopg
from psycopg_pool import PoolTimeout

from services.enrich.workers import store
from services.enrich.workers.store import Told
from shared.db import Pool

EVERY_S = 5.0
WAIT_S = 3.0  # for the connection, which the work has most of the time: a process that ends waits no longer

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Tally:
    """What a process did. Written by the work, read by the beat."""

    busy_since: datetime | None = None
    busy_articles: int = 0
    messages: int = 0
    articles: int = 0
    failures: int = 0


class Beat:
    """Tells of this process from `start` to `stop`. Made after the fork."""

    def __init__(self, pool: Pool, worker_pid: int, revision: str, now: Callable[[], datetime]) -> None:
        self._pool = pool
        self._worker_pid = worker_pid
        self._revision = revision
        self._now = now
        self._began = now()
        self._host, self._pid = socket.gethostname(), os.getpid()
        self._process = psutil.Process()
        self._tally = Tally()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="beat", daemon=True)

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def stop(self) -> None:
        """Tell no more, and be forgotten."""
        self._over.set()
        self._thread.join()
        try:
            with self._pool.connection(timeout=WAIT_S) as conn, conn.transaction():
                store.leave(conn, self._host, self._pid)
        except (psycopg.OperationalError, PoolTimeout):
            logger.info("the store is away: this process stays listed until it is found silent")

    def begun(self, articles: int) -> None:
        """A message with so many articles was taken."""
        self._tally.busy_articles, self._tally.busy_since = articles, self._now()

    def done(self, *, failed: bool) -> None:
        """The message was worked off, or ended in an error."""
        self._tally.messages += 1
        self._tally.articles += self._tally.busy_articles
        self._tally.failures += failed
        self._tally.busy_articles, self._tally.busy_since = 0, None

    def _run(self) -> None:
        while True:
            try:
                self._tell()
            except (psycopg.OperationalError, PoolTimeout) as error:
                logger.warning("this process could not tell of itself", extra={"reason": str(error)})
            if self._over.wait(EVERY_S):
                return

    def _tell(self) -> None:
        tally, now = self._tally, self._now()
        told = Told(
            host=self._host,
            pid=self._pid,
            worker_pid=self._worker_pid,
            revision=self._revision,
            started_at=self._began,
            seen_at=now,
            busy_since=tally.busy_since,
            busy_articles=tally.busy_articles,
            messages=tally.messages,
            articles=tally.articles,
            failures=tally.failures,
            rss_bytes=self._process.memory_info().rss,
        )
        with self._pool.connection(timeout=WAIT_S) as conn, conn.transaction():
            store.tell(conn, told)
            store.forget_silent(conn, now)
