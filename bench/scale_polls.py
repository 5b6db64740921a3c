"""Polls among many feeds and articles, for row 23: by ingest as a process, and by its code, explained."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg

from bench.explained import Told, explaining
from bench.ingest_alone import IngestAlone, ingesting
from bench.machine import publisher
from bench.many_feeds import fill
from deploy.local.engines import Postgres, Valkey
from services.ingest import store
from services.ingest.poll import poll
from services.ingest.resources import Resources
from services.ingest.runner import LEASE
from services.ingest.service import end, open_resources
from services.ingest.sweep import Sweep
from shared.db import async_transaction
from shared.migrate import migrate
from shared.settings import Settings

Connection = psycopg.Connection[tuple[Any, ...]]
POLLED, ITEMS, WORDS = 200, 30, 120
EXPLAINED = 5  # feeds of each kind
HISTORY = 250  # articles that each polled feed carried before, from all over
_TABLES = """articles article_keys article_feeds article_versions article_titles pages feeds feed_states feed_clocks
hosts domains polls enriched_articles hub_subscriptions robots"""
BIG = _TABLES.split()
DAYS_KEPT = 170  # some of what is stored is past
KINDS = ("first poll, all new", "same body", "1 new of 30", "30 new beside 20 known")


@dataclass
class Size:
    """What was found among so many articles."""

    cpu_ms: dict[str, float] = field(default_factory=dict)  # a poll, of ingest and its parsers
    database_ms: dict[str, float] = field(default_factory=dict)  # a poll, of PostgreSQL
    wall_ms: dict[str, float] = field(default_factory=dict)  # a poll, of `POLLED` together
    new: dict[str, float] = field(default_factory=dict)  # articles a poll
    scans: dict[str, int] = field(default_factory=dict)  # of big tables, while ingest ran
    told: dict[str, list[list[Told]]] = field(default_factory=dict)  # what each explained poll sent


def measure(articles: int, kept: str | None) -> Size:
    """All of it, on a store that is filled first unless it was kept."""
    home = Path(kept, f"feeds-{articles}") if kept else Path(tempfile.mkdtemp(prefix="wiredesk-bench-"))
    beside = Path(tempfile.mkdtemp(prefix="wiredesk-bench-"))
    fill(home, articles)
    postgres, valkey = Postgres(home), Valkey(beside)
    try:
        postgres.start()
        valkey.start()
        migrate(postgres.url())
        found = Size()
        with publisher(POLLED + EXPLAINED, ITEMS, WORDS, validators=False) as base:
            ids = _by_ingest(found, postgres, valkey, base, articles)
            asyncio.run(_explained(found, postgres, valkey, base, ids))
    finally:
        valkey.stop()
        postgres.stop(60)
        shutil.rmtree(beside, ignore_errors=True)
        if not kept:
            shutil.rmtree(home, ignore_errors=True)
    return found


# --- ingest as a process ----------------------------------------------------------------------------------------------


def _by_ingest(found: Size, postgres: Postgres, valkey: Valkey, base: str, articles: int) -> list[int]:
    """Polls of every kind; the ids of the feeds."""
    before = _read_in_full(postgres)
    with (
        ingesting(postgres, valkey, "wiredesk") as ingest,
        psycopg.connect(postgres.url(), autocommit=True) as conn,
        httpx.Client(base_url=base) as client,
    ):
        ids = _subscribe(conn, [f"{base}/f/{n}" for n in range(POLLED)], base)
        with _measured(found, KINDS[0], ingest, conn):
            conn.execute("INSERT INTO feed_requests (feed_id, kind) SELECT unnest(%s::bigint[]), 'changed'", (ids,))
            _until_polled(conn, ids, 0)
        conn.execute(
            "INSERT INTO article_feeds (article_id, feed_id, first_seen_at)"
            " SELECT 1 + floor(random() * %s)::bigint, f, now() FROM unnest(%s::bigint[]) f, generate_series(1, %s)"
            " ON CONFLICT DO NOTHING",
            (articles, ids, HISTORY),
        )
        for kind, bumps in ((KINDS[1], 0), (KINDS[2], 1), (KINDS[3], ITEMS)):
            for n in range(POLLED if bumps else 0):
                client.get("/bump", params={"feed": n, "count": bumps})
            with _measured(found, kind, ingest, conn):
                _poll(conn, ids)
    found.scans = {table: n - before[table] for table, n in _read_in_full(postgres).items() if n > before[table]}
    return ids


def _subscribe(conn: Connection, urls: list[str], base: str) -> list[int]:
    """Feeds of a publisher that no run before had: kept stores know the titles of those."""
    rows = conn.execute(
        "INSERT INTO feeds (url, url_key, source) SELECT u, u, jsonb_build_object('domain', %s::text)"
        " FROM unnest(%s::text[]) u RETURNING id",
        (f"p{base.rsplit(':', 1)[1]}-{time.time_ns()}.example", urls),
    ).fetchall()
    return [feed_id for (feed_id,) in rows]


@contextmanager
def _measured(found: Size, kind: str, ingest: IngestAlone, conn: Connection) -> Iterator[None]:
    known = _newest(conn, "polls")
    cpu, database, begun = ingest.cpu_s(), ingest.database_cpu_s(), time.monotonic()
    yield
    found.wall_ms[kind] = (time.monotonic() - begun) / POLLED * 1000
    found.cpu_ms[kind] = (ingest.cpu_s() - cpu) / POLLED * 1000
    found.database_ms[kind] = (ingest.database_cpu_s() - database) / POLLED * 1000
    ((new,),) = conn.execute("SELECT sum((counts ->> 'new')::int)::int FROM polls WHERE id > %s", (known,)).fetchall()
    found.new[kind] = new / POLLED
    print(
        f"  {kind}: {found.cpu_ms[kind]:.2f} + {found.database_ms[kind]:.2f} ms CPU, {found.wall_ms[kind]:.2f} ms"
        f" a poll, {found.new[kind]:.1f} new",
        flush=True,
    )


def _newest(conn: Connection, table: str) -> int:
    return int(conn.execute(f"SELECT coalesce(max(id), 0) FROM {table}".encode()).fetchall()[0][0])


def _poll(conn: Connection, ids: list[int]) -> None:
    """Make the feeds due, ask for one of them so that ingest looks at once, and wait until all were polled."""
    known = _newest(conn, "polls")
    conn.execute("UPDATE feed_clocks SET next_poll_at = now() - interval '1 s' WHERE feed_id = ANY(%s)", (ids[1:],))
    conn.execute("INSERT INTO feed_requests (feed_id, kind) VALUES (%s, 'poll')", (ids[0],))
    _until_polled(conn, ids, known)


def _until_polled(conn: Connection, ids: list[int], known: int) -> None:
    conn.execute("NOTIFY wiredesk_feed_requests")
    begun = time.monotonic()
    left = len(ids)
    while left:
        if time.monotonic() - begun > 600:
            raise TimeoutError("ingest did not poll everything")
        time.sleep(0.05)
        ((left,),) = conn.execute(
            "SELECT count(*) FROM unnest(%s::bigint[]) f WHERE NOT EXISTS"
            " (SELECT FROM polls p WHERE p.feed_id = f AND p.id > %s)",
            (ids, known),
        ).fetchall()


def _read_in_full(postgres: Postgres) -> dict[str, int]:
    """How often each big table was read end to end, ever. Counted when a connection ends, and a moment later."""
    time.sleep(1)
    with psycopg.connect(postgres.url(), autocommit=True) as conn:
        rows = conn.execute(
            "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname = ANY(%s)", (BIG,)
        ).fetchall()
    return dict(rows)


# --- the same code, each statement explained --------------------------------------------------------------------------


async def _explained(found: Size, postgres: Postgres, valkey: Valkey, base: str, ids: list[int]) -> None:
    """Polls of every kind, one after the other, each claimed among a hundred that are due; and a round of the sweep."""
    told = {"allow_private": "127.0.0.0/8", "host_gap_s": 0, "host_concurrency": 1000, "fetch_pages": False}
    told |= {"database_url": postgres.url(), "redis_url": valkey.url(), "retention_days": DAYS_KEPT}
    settings = Settings.model_validate(told)
    with psycopg.connect(postgres.url(), autocommit=True) as conn:
        fresh = _subscribe(conn, [f"{base}/f/{n}" for n in range(POLLED, POLLED + EXPLAINED)], base)
    async with open_resources(settings) as res, httpx.AsyncClient(base_url=base) as client:
        saving = asyncio.create_task(res.saver.run())
        urls = [(one, f"{base}/f/{POLLED + n}", "127.0.0.1:1", False) for n, one in enumerate(fresh)]
        async with async_transaction(res.db) as conn:
            await store.add_hosts(conn, {"127.0.0.1:1": None}, datetime.now(UTC))
            await store.take_up(conn, urls, datetime.now(UTC))
            await store.describe(conn, urls)
        await _poll_each(found, KINDS[0], res, fresh, [])
        for kind, bumps in ((KINDS[1], 0), (KINDS[2], 1), (KINDS[3], ITEMS)):
            for n in range(EXPLAINED if bumps else 0):
                await client.get("/bump", params={"feed": n, "count": bumps})
            await _poll_each(found, kind, res, ids[:EXPLAINED], ids[EXPLAINED : EXPLAINED + 95])
        await _sweep(found, res)
        await end([saving])


async def _poll_each(found: Size, kind: str, res: Resources, ids: list[int], beside: list[int]) -> None:
    found.told[kind] = []
    for feed_id in ids:
        now = datetime.now(UTC)
        async with res.db.connection() as conn:
            await store.make_due(conn, [feed_id, *beside], now)
        with explaining() as told:
            async with async_transaction(res.db) as conn:
                locked = await store.lock_due(conn, datetime.now(UTC), 100)
                feeds = await store.claim(conn, locked, now, now + LEASE, 1000, 0.0, "")
            claiming = list(told)
            told.clear()
            await poll(res, next(feed for feed in feeds if feed.feed_id == feed_id))
            found.told[kind].append(list(told))
        found.told.setdefault("claim of 100", []).append(claiming)
        async with res.db.connection() as conn:
            others = [(f.feed_id, f.token) for f in feeds if f.feed_id != feed_id]
            await store.release(conn, others, now)


async def _sweep(found: Size, res: Resources) -> None:
    sweep = Sweep(res)
    async with await psycopg.AsyncConnection.connect(res.settings.database_url, autocommit=True) as conn:
        await sweep.round(conn, datetime.now(UTC))
        with explaining() as told:
            await sweep.round(conn, datetime.now(UTC))
            await store.next_due_at(conn)
            await store.open_requests(conn, datetime.now(UTC), 500)
    found.told["a sweep"] = [list(told)]
