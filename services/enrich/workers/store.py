"""The rows in which pool processes tell of themselves. One function a statement; the caller commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

Connection = psycopg.Connection[tuple[Any, ...]]
FORGOTTEN_AFTER = timedelta(hours=1)  # of silence: until then an operator sees that it was killed


@dataclass(frozen=True, slots=True)
class Told:
    """What a process says of itself at a moment; counts are since it started."""

    host: str
    pid: int
    worker_pid: int
    revision: str
    started_at: datetime
    seen_at: datetime
    busy_since: datetime | None
    busy_articles: int
    messages: int
    articles: int
    failures: int
    rss_bytes: int


def tell(conn: Connection, told: Told) -> None:
    """Put what was told in the place of what this process told before."""
    conn.execute(
        """
        INSERT INTO enrich_workers (host, pid, worker_pid, revision, started_at, seen_at, busy_since, busy_articles,
                                    messages, articles, failures, rss_bytes)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (host, pid) DO UPDATE
        SET worker_pid = excluded.worker_pid, revision = excluded.revision, started_at = excluded.started_at,
            seen_at = excluded.seen_at, busy_since = excluded.busy_since, busy_articles = excluded.busy_articles,
            messages = excluded.messages, articles = excluded.articles, failures = excluded.failures,
            rss_bytes = excluded.rss_bytes
        """,
        (
            told.host,
            told.pid,
            told.worker_pid,
            told.revision,
            told.started_at,
            told.seen_at,
            told.busy_since,
            told.busy_articles,
            told.messages,
            told.articles,
            told.failures,
            told.rss_bytes,
        ),
    )


def leave(conn: Connection, host: str, pid: int) -> None:
    """Forget a process that ends."""
    conn.execute("DELETE FROM enrich_workers WHERE host = %s AND pid = %s", (host, pid))


def forget_silent(conn: Connection, now: datetime) -> None:
    """Forget those that were killed long ago."""
    conn.execute("DELETE FROM enrich_workers WHERE seen_at < %s", (now - FORGOTTEN_AFTER,))
