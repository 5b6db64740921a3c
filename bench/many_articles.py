"""Stores of made-up articles for rows 15 and 16, filled by enrichment's own statements, and an API in front of one.

Filling a million takes ten minutes. `WIREDESK_BENCH_STORES` names a folder to keep stores in; the next run finds them
there. They may be filled beforehand, and piece by piece, as each piece goes on where the one before ended:

    WIREDESK_BENCH_STORES=/big/disk python -m bench.many_articles 1000000 whole 120      articles, kind, seconds
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import httpx
import psycopg

from bench.machine import ROOT, free_port, until
from bench.made_articles import Kind, Store
from deploy.local.engines import Postgres, Valkey
from services.enrich import store as enriched
from shared.migrate import migrate

LOADING = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_wal_size": "3GB",
    "min_wal_size": "80MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "maintenance_work_mem": "1500MB",
}
SPAN = 5_000  # articles of one transaction
INDEXES = ("article_lookup_found", "article_lookup_newest")
STEPS = """
CREATE TABLE IF NOT EXISTS bench_steps (step text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS bench_indexes (name text PRIMARY KEY, definition text NOT NULL);
"""
_open: dict[tuple[int, Kind], Postgres] = {}
_folders: list[Path] = []


def filled(articles: int, kind: Kind = "whole") -> Postgres:
    """A running server with so many articles; removed at the end unless there is a folder to keep it in."""
    if (articles, kind) not in _open:
        home = _home(articles, kind)
        begun = time.monotonic()
        while not fill(home, articles, kind):
            pass
        _read(home)
        print(f"  {articles:,} articles ready after {time.monotonic() - begun:.0f} s", flush=True)
        engine = Postgres(home, settings={"fsync": "off", "autovacuum": "off"})
        engine.start()
        migrate(engine.url())
        _open[articles, kind] = engine
    return _open[articles, kind]


def fill(home: Path, articles: int, kind: Kind, seconds: float = 3600) -> bool:
    """Go on filling for about so long; whether all is there. Each step is done once."""
    if (home / "filled").exists():
        return True
    engine = Postgres(home, settings=LOADING)
    engine.start()
    try:
        engine.create_database()
        migrate(engine.url())
        done = _go_on(engine.url(), articles, kind, time.monotonic() + seconds)
    finally:
        engine.stop(120)
    if done:
        (home / "filled").touch()
    return done


def _home(articles: int, kind: Kind) -> Path:
    kept = os.environ.get("WIREDESK_BENCH_STORES")
    if kept:
        return Path(kept, f"{kind}-{articles}")
    home = Path(tempfile.mkdtemp(prefix="wiredesk-bench-"))
    _folders.append(home)
    return home


def _read(home: Path) -> None:
    """Read a store once, so that it is in memory as far as there is room: as where it has been asked for a day."""
    for file in sorted((home / "postgres/base").rglob("*")):
        if file.is_file():
            with file.open("rb") as open_file:
                while open_file.read(1 << 24):
                    pass


@atexit.register
def _clean() -> None:
    for engine in _open.values():
        engine.stop()
    for folder in _folders:
        shutil.rmtree(folder, ignore_errors=True)


def _go_on(url: str, articles: int, kind: Kind, until_s: float) -> bool:
    """Rows, then each index, then the vacuum: as many steps as there is time for."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(STEPS)
        steps: dict[str, datetime] = dict(conn.execute("SELECT step, at FROM bench_steps").fetchall())
        if "begun" not in steps:
            for name in INDEXES:
                conn.execute(
                    "INSERT INTO bench_indexes SELECT indexname, indexdef FROM pg_indexes WHERE indexname = %s"
                    " ON CONFLICT DO NOTHING",
                    (name,),
                )
                conn.execute(f"DROP INDEX IF EXISTS {name}".encode())
            conn.execute("INSERT INTO bench_steps VALUES ('begun')")
            steps = dict(conn.execute("SELECT step, at FROM bench_steps").fetchall())
        made = Store(articles, kind, steps["begun"])
        conn.execute(
            "INSERT INTO events (position, at, type, subject, data) VALUES (%s, now(), 't', 's', '{}')"
            " ON CONFLICT DO NOTHING",
            (articles,),
        )
        spans = [first for first in range(1, articles + 1, SPAN) if f"from {first}" not in steps]
        if spans:
            with ProcessPoolExecutor(2) as workers:
                work = [(url, made, spans[n::2], until_s) for n in range(2)]
                if not all(list(workers.map(_some, work))):
                    return False
        for name, definition in conn.execute("SELECT name, definition FROM bench_indexes ORDER BY name").fetchall():
            if name not in steps:
                if time.monotonic() > until_s:
                    return False
                with conn.transaction():
                    conn.execute(definition.encode())
                    conn.execute("INSERT INTO bench_steps VALUES (%s)", (name,))
        conn.execute("VACUUM ANALYZE")
        conn.execute("CHECKPOINT")
    return True


def _some(work: tuple[str, Store, list[int], float]) -> bool:
    """Spans of articles, while there is time; whether all were made."""
    url, made, spans, until_s = work
    with psycopg.connect(url, autocommit=True) as conn:
        for first in spans:
            if time.monotonic() > until_s:
                return False
            numbers = range(first, min(first + SPAN, made.articles + 1))
            rows = [made.rows(number) for number in numbers]
            with conn.transaction():
                enriched.insert(conn, [row for row, _ in rows], datetime.now(UTC))
                enriched.index(conn, [row for _, row in rows])
                conn.execute("INSERT INTO bench_steps VALUES (%s)", (f"from {first}",))
    return True


@contextlib.contextmanager
def api(engine: Postgres) -> Iterator[str]:
    """An API on that store; its address."""
    home = Path(tempfile.mkdtemp(prefix="wiredesk-bench-"))
    valkey = Valkey(home)
    valkey.start()
    port = free_port()
    kept = {k: v for k, v in os.environ.items() if not k.startswith("WIREDESK_")}
    told = {
        "DATABASE_URL": engine.url(),
        "REDIS_URL": valkey.url(),
        "WIREDESK_PORT": str(port),
        "WIREDESK_HOME": str(home),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "services.api"], cwd=ROOT, env=kept | told, stdout=subprocess.DEVNULL
    )
    base = f"http://127.0.0.1:{port}"
    try:
        until(lambda: httpx.get(base + "/healthz", timeout=5).status_code == 200, 30)
        yield base
    finally:
        process.terminate()
        process.wait()
        valkey.stop()
        shutil.rmtree(home, ignore_errors=True)


def timed(client: httpx.Client, paths: list[str]) -> list[float]:
    """Milliseconds of each request, one after the other. Raises `httpx.HTTPStatusError`."""
    found = []
    for path in paths:
        begun = time.perf_counter()
        answer = client.get(path)
        found.append((time.perf_counter() - begun) * 1000)
        answer.raise_for_status()
    return found


def main() -> None:
    """Fill a kept store for so many seconds."""
    articles, kind, seconds = int(sys.argv[1]), cast(Kind, sys.argv[2]), float(sys.argv[3])
    assert os.environ.get("WIREDESK_BENCH_STORES"), "WIREDESK_BENCH_STORES must name the folder to keep it in"
    done = fill(_home(articles, kind), articles, kind, seconds)
    print("all is there" if done else "there is more to do")


if __name__ == "__main__":
    main()
