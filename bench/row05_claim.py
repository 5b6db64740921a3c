"""Row 5: claim and reschedule feeds that fall due over a day, by ingest's own statements and its own plan.

Every feed answers 304, nothing is fetched: what is timed is claiming (`lock_due`, `claim`), planning (`states.finish`)
and saving (`finish_polls`), as the runner and the saver do them, by two replicas side by side.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from bench.report import Row
from deploy.local.engines import Postgres
from services.ingest import store
from services.ingest.rhythm import Rhythm
from services.ingest.runner import BATCH, LEASE
from services.ingest.schedule import Bounds
from services.ingest.signs import Signs
from services.ingest.states import Result, finish
from shared.migrate import migrate

SIZES = (1_000, 100_000, 1_000_000)
MOST = 30_000  # polls timed at each size; where all feeds were polled, the next day begins
REPLICAS = 2
TARGET = 15_000
NOW = datetime(2026, 11, 24, tzinfo=UTC)
BOUNDS = Bounds(300, 86_400)


def run() -> Row:
    """All sizes, one after the other, each in a database of its own."""
    with _postgres() as postgres:
        rates = {size: _rate(postgres, size) for size in SIZES}
    figures: dict[str, float | int | str] = {f"feeds/s of {size:,}": round(rate) for size, (rate, _) in rates.items()}
    figures |= {f"of which planning, us a feed, of {size:,}": round(plan) for size, (_, plan) in rates.items()}
    fastest, slowest = (choose(rate for rate, _ in rates.values()) for choose in (max, min))
    figures["slowest / fastest"] = round(slowest / fastest, 2)
    reached = rates[SIZES[-1]][0] >= TARGET and slowest >= fastest / 1.2 / 1.2
    return Row(
        5, "claim and reschedule feeds due over a day", f">= {TARGET} feeds/s; alike within 20 %", figures, reached
    )


@contextlib.contextmanager
def _postgres() -> Iterator[Postgres]:
    home = Path(tempfile.mkdtemp(prefix="wiredesk-bench-"))
    postgres = Postgres(home)
    try:
        postgres.start()
        yield postgres
    finally:
        postgres.stop()
        shutil.rmtree(home, ignore_errors=True)


def _rate(postgres: Postgres, size: int) -> tuple[float, float]:
    name = f"feeds_{size}"
    postgres.create_database(name)
    url = postgres.url(name)
    migrate(url)
    with psycopg.connect(url, autocommit=True) as conn:
        _fill(conn, size)
    with ProcessPoolExecutor(REPLICAS) as replicas:
        list(replicas.map(abs, range(REPLICAS)))  # started
        begun = time.perf_counter()
        done = list(replicas.map(_replica, [(url, MOST // REPLICAS)] * REPLICAS))
        took_s = time.perf_counter() - begun
    return sum(count for count, _ in done) / took_s, sum(s for _, s in done) / sum(count for count, _ in done) * 1e6


def _replica(work: tuple[str, int]) -> tuple[int, float]:
    return asyncio.run(_work(*work))


def _fill(conn: psycopg.Connection[tuple[object, ...]], size: int) -> None:
    """`size` feeds, each polled once a day, on half as many hosts, their rhythms as after some weeks of polling."""
    arrivals = [NOW - timedelta(hours=5 * n, minutes=7 * n) for n in range(60)]
    rhythm = Rhythm().after(arrivals, None, True, NOW)
    stored = store._json(rhythm.stored() | Signs().stored() | {"rules": []})
    conn.execute(
        "INSERT INTO feeds (url, url_key) SELECT u, u FROM"
        " (SELECT 'https://h' || n %% greatest(1, %s::int / 2) || '.example/f/' || n AS u"
        "  FROM generate_series(1, %s::int) n) AS made",
        (size, size),
    )
    conn.execute(
        "INSERT INTO feed_states (feed_id, status, url, host, next_poll_at, interval_s, etag, rhythm, last_success_at)"
        " SELECT id, 'ok', url, split_part(url, '/', 3) || ':443', %s::timestamptz - make_interval(secs => 86400.0 *"
        " ((id * 7919) %% %s) / %s), 7200, '\"x\"', %s::jsonb, %s FROM feeds",
        (NOW, size, size, stored, NOW - timedelta(hours=2)),
    )
    conn.execute(
        "INSERT INTO domains SELECT DISTINCT split_part(host, ':', 1), %s::timestamptz FROM feed_states", (NOW,)
    )
    conn.execute(
        "INSERT INTO hosts (host, domain, next_start_at) SELECT domain || ':443', domain, %s FROM domains", (NOW,)
    )
    conn.execute("VACUUM ANALYZE")


async def _work(url: str, count: int) -> tuple[int, float]:
    """(feeds, seconds of planning) when about `count` were claimed and rescheduled."""
    done, plan_s, now = 0, 0.0, NOW
    async with await psycopg.AsyncConnection.connect(url) as conn:
        while done < count:
            async with conn.transaction():
                locked = await store.lock_due(conn, now, BATCH)
                claimed = await store.claim(conn, locked, now, now + LEASE, 2, 0.0, "") if locked else []
            if not claimed:
                now += timedelta(days=1)
                continue
            begun = time.perf_counter()
            rows = [finish(feed, Result(now, "not_modified", 304), BOUNDS, False, now, 0.5).row for feed in claimed]
            plan_s += time.perf_counter() - begun
            async with conn.transaction():
                done += len(await store.finish_polls(conn, rows))
    return done, plan_s
