"""Row 5: claim and reschedule feeds that fall due over a day, by ingest's own statements and its own plan.

Every feed answers 304, nothing is fetched: what is timed is claiming (`lock_due`, `claim`), planning (`finish_all`)
and saving (`finish_polls`, and `keep_states` for those that fell silent), as the runner and the saver do them, by two
replicas side by side. No two feeds have the same rhythm, so that nothing remembered of one serves another.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psycopg

from bench.report import Row
from deploy.local.engines import Postgres
from services.ingest import store
from services.ingest.finishing import Polled, finish_all
from services.ingest.rhythm import Rhythm
from services.ingest.runner import BATCH, LEASE
from services.ingest.schedule import Bounds
from services.ingest.signs import Signs
from services.ingest.states import Result
from shared.migrate import migrate

SIZES = (1_000, 100_000, 1_000_000)
MOST = 30_000  # polls timed at each size; where all feeds were polled, the next day begins
REPLICAS = 2
TARGET = 15_000
ALIKE = 0.8  # the slowest size's rate of the fastest's
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
BOUNDS = Bounds(300, 86_400)
RHYTHMS = 5_000  # drawn; each feed has one of them, moved by seconds of its own
PARTS = ("claiming", "planning", "saving")


def run() -> Row:
    """All sizes, one after the other, each in a database of its own."""
    with _postgres() as postgres:
        rates = {size: _rate(postgres, size) for size in SIZES}
    figures: dict[str, float | int | str] = {f"feeds/s of {size:,}": round(rate) for size, (rate, _) in rates.items()}
    for size, (_, parts) in rates.items():
        figures |= {f"{part}, us a feed, of {size:,}": round(us) for part, us in zip(PARTS, parts, strict=True)}
    fastest, slowest = (choose(rate for rate, _ in rates.values()) for choose in (max, min))
    figures["slowest / fastest"] = round(slowest / fastest, 2)
    reached = rates[SIZES[-1]][0] >= TARGET and slowest >= ALIKE * fastest
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


def _rate(postgres: Postgres, size: int) -> tuple[float, list[float]]:
    """(feeds a second of both replicas, microseconds that a feed takes one of them by part)."""
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
    polled = sum(count for count, _ in done)
    return polled / took_s, [sum(spent) / polled * 1e6 for spent in zip(*(parts for _, parts in done), strict=True)]


def _replica(work: tuple[str, int]) -> tuple[int, list[float]]:
    return asyncio.run(_work(*work))


def _rhythms() -> list[str]:
    """Rhythms as after some weeks: from an item a week to hundreds a day, by day or round the clock, by the clock."""
    luck, drawn = random.Random(5), []
    for _ in range(RHYTHMS):
        gap_s = 86_400 / min(400.0, max(0.15, math.exp(luck.gauss(math.log(5), 1.4))))
        opens, by_day, on_the_hour = luck.randrange(24), luck.random() < 0.7, luck.random() < 0.2
        at, arrivals = NOW.timestamp() - luck.expovariate(1 / gap_s), []
        for _ in range(luck.randrange(4, 160)):
            at -= luck.expovariate(1 / gap_s)
            while by_day and (at / 3600 - opens) % 24 > 14:
                at -= 1800
            arrivals.append(datetime.fromtimestamp(at - at % 3600 + 60 if on_the_hour else at, UTC))
        rhythm = Rhythm().after(arrivals, luck.choice((None, None, 900.0, 3600.0)), True, NOW)
        drawn.append(store._json(rhythm.stored() | Signs().stored()))
    return drawn


def _fill(conn: psycopg.Connection[tuple[object, ...]], size: int) -> None:
    """`size` feeds, each polled once a day, on half as many hosts, each with a rhythm of its own."""
    conn.execute(
        "INSERT INTO feeds (url, url_key) SELECT u, u FROM"
        " (SELECT 'https://h' || n %% greatest(1, %s::int / 2) || '.example/f/' || n AS u"
        "  FROM generate_series(1, %s::int) n) AS made",
        (size, size),
    )
    conn.execute(
        "CREATE TEMP TABLE rhythms AS SELECT n, r::jsonb FROM unnest(%s::text[]) WITH ORDINALITY AS d(r, n)",
        (_rhythms(),),
    )
    conn.execute("CREATE UNIQUE INDEX ON rhythms (n)")
    conn.execute(
        "INSERT INTO feed_states (feed_id, status, url, etag, rhythm)"
        " SELECT id, 'ok', url, '\"x\"', jsonb_set(jsonb_set(r, '{arrivals,0}',"
        " to_jsonb((r->'arrivals'->>0)::bigint - id %% 43201)), '{history_s}', to_jsonb((r->>'history_s')::float + id))"
        " FROM feeds JOIN rhythms ON n = id %% %s + 1",
        (RHYTHMS,),
    )
    conn.execute(
        "INSERT INTO feed_clocks (feed_id, host, next_poll_at, interval_s, last_success_at, full_at, conditional,"
        " unmodified) SELECT id, split_part(url, '/', 3) || ':443', %s::timestamptz - make_interval(secs => 86400.0 *"
        " ((id * 7919) %% %s) / %s), 7200, %s, %s, id %% 18, id %% 18 FROM feeds",
        (NOW, size, size, NOW - timedelta(hours=2), NOW - timedelta(hours=5)),
    )
    conn.execute(
        "INSERT INTO domains SELECT DISTINCT split_part(host, ':', 1), %s::timestamptz FROM feed_clocks", (NOW,)
    )
    conn.execute(
        "INSERT INTO hosts (host, domain, next_start_at) SELECT domain || ':443', domain, %s FROM domains", (NOW,)
    )
    conn.execute("VACUUM ANALYZE")
    conn.execute("CHECKPOINT")


async def _work(url: str, count: int) -> tuple[int, list[float]]:
    """(feeds, seconds of each part) when about `count` were claimed and rescheduled."""
    done, spent, now = 0, np.zeros(len(PARTS)), NOW
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        while done < count:
            times = [time.perf_counter()]
            async with conn.transaction():
                await store.plan_once(conn)
                locked = await store.lock_due(conn, now, BATCH)
                claimed = await store.claim(conn, locked, now, now + LEASE, 2, 0.0, "") if locked else []
            if not claimed:
                now += timedelta(days=1)
                continue
            times.append(time.perf_counter())
            answers = [Result(now, "not_modified", 304, conditional=True, etag=feed.etag) for feed in claimed]
            finished = finish_all(
                [Polled(feed, answer, BOUNDS, False, now) for feed, answer in zip(claimed, answers, strict=True)],
                random.random,
            )
            times.append(time.perf_counter())
            async with conn.transaction():
                done += len(await store.finish_polls(conn, [one.clock for one in finished]))
                if changed := [one.row for one in finished if one.row is not None]:
                    await store.keep_states(conn, changed)
            times.append(time.perf_counter())
            spent += np.diff(times)
    return done, spent.tolist()
