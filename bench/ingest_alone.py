"""The ingest process alone on engines of its own, with feeds already subscribed: what rows 1 to 3 time."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from bench.machine import ROOT, free_port
from deploy.local.engines import Postgres, Valkey
from shared.migrate import migrate


def cpu_s(pid: int) -> float:
    """CPU seconds of a process and all below it, so far; of those that ended only what was waited for."""
    root = psutil.Process(pid)
    used = 0.0
    for process in [root, *root.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used += times.user + times.system
    return used


@dataclass
class IngestAlone:
    """A running ingest. Times are seconds, CPU is of ingest and its parsers."""

    database_url: str
    process: subprocess.Popen[bytes]
    database_pid: int

    def one(self, sql: str) -> int:
        """The number a query answers."""
        with psycopg.connect(self.database_url, autocommit=True) as conn:
            return int(conn.execute(sql.encode()).fetchall()[0][0])

    def cpu_s(self) -> float:
        """CPU seconds used so far."""
        return cpu_s(self.process.pid)

    def database_cpu_s(self) -> float:
        """CPU seconds that PostgreSQL used so far."""
        return cpu_s(self.database_pid)

    def subscribe(self, urls: list[str]) -> float:
        """Add feeds, all due at once; seconds until each was polled."""
        with psycopg.connect(self.database_url, autocommit=True) as conn:
            conn.execute(
                "WITH f AS (INSERT INTO feeds (url, url_key) SELECT u, u FROM unnest(%s::text[]) u RETURNING id)"
                " INSERT INTO feed_requests (feed_id, kind) SELECT id, 'changed' FROM f",
                (urls,),
            )
            conn.execute("NOTIFY wiredesk_feed_requests")
        return self._until_polls(len(urls))

    def poll_all(self) -> float:
        """Make every feed due, as its schedule would; seconds until each was polled again.

        One of them is asked for, so that ingest looks at once.
        """
        known = self.one("SELECT count(*) FROM polls")
        with psycopg.connect(self.database_url, autocommit=True) as conn:
            conn.execute("UPDATE feed_clocks SET next_poll_at = now() - interval '1 s' WHERE feed_id > 1")
            conn.execute("INSERT INTO feed_requests (feed_id, kind) VALUES (1, 'poll')")
            conn.execute("NOTIFY wiredesk_feed_requests")
        return self._until_polls(known + self.one("SELECT count(*) FROM feeds"))

    def _until_polls(self, count: int) -> float:
        begun = time.monotonic()
        while self.one("SELECT count(*) FROM polls") < count:
            if time.monotonic() - begun > 600 or self.process.poll() is not None:
                raise TimeoutError("ingest did not poll everything")
            time.sleep(0.02)
        return time.monotonic() - begun


@contextlib.contextmanager
def ingest_alone() -> Iterator[IngestAlone]:
    """Engines, schema and one ingest process; all gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="wiredesk-bench-"))
    postgres, valkey = Postgres(home), Valkey(home)
    try:
        postgres.start()
        valkey.start()
        postgres.create_database("bench")
        migrate(postgres.url("bench"))
        with ingesting(postgres, valkey, "bench") as ingest:
            yield ingest
    finally:
        valkey.stop()
        postgres.stop()
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def ingesting(postgres: Postgres, valkey: Valkey, database: str) -> Iterator[IngestAlone]:
    """One ingest process on running engines, ended afterwards."""
    url = postgres.url(database)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WIREDESK_")} | {
        "DATABASE_URL": url,
        "REDIS_URL": valkey.url(),
        "WIREDESK_HOME": str(valkey.home),
        "WIREDESK_INGEST_PORT": str(free_port()),
        "WIREDESK_ALLOW_PRIVATE": "127.0.0.0/8",
        "WIREDESK_HOST_GAP_S": "0",
        "WIREDESK_HOST_CONCURRENCY": "1000",
    }
    with (valkey.home / "ingest.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "services.ingest"], cwd=ROOT, env=environment, stderr=log)
    try:
        time.sleep(2)
        assert postgres.child
        yield IngestAlone(url, process, postgres.child.pid)
    finally:
        process.terminate()
        process.wait(30)
