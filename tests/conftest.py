"""One private pair of engines for the whole run; for each test its own empty database and a flushed Redis.

`database_url` and `redis_url` are plain strings. Nothing outlives the run: the engines are our children, tied to us by
the kernel, and their folder is temporary. It lies in memory where there is room: a database is 400 files, and making
them takes 15 times as long on a disk.
"""

from __future__ import annotations

import fcntl
import importlib.util
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
import redis

from deploy.local.engines import Postgres, Valkey
from tests import chromium as browsers

# A crash of the machine is not tested here, a crash of the server is, and survives this.
FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "5s",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "max_wal_size": "128MB",
}
MEMORY = Path("/dev/shm")
ROOM = 1024 * 1024 * 1024  # bytes: several times what a run has needed
PREFIX = "wiredesk-test-"
TEMPLATE = "wiredesk_template"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def engines_home() -> Iterator[Path]:
    """Where the run's engines keep data and logs."""
    home = Path(tempfile.mkdtemp(prefix=PREFIX, dir=_memory()))
    with open(home / "run.lock", "w") as ours:
        fcntl.flock(ours, fcntl.LOCK_EX)
        yield home
    shutil.rmtree(home, ignore_errors=True)


def _memory() -> Path | None:
    """The folder that lies in memory, rid of what killed runs left there; None without one, or a small one."""
    if not os.access(MEMORY, os.W_OK):
        return None
    for lock in MEMORY.glob(f"{PREFIX}*/run.lock"):
        with suppress(OSError), open(lock) as theirs:
            fcntl.flock(theirs, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)
    return MEMORY if shutil.disk_usage(MEMORY).free >= ROOM else None


@pytest.fixture(scope="session")
def postgres(engines_home: Path) -> Iterator[Postgres]:
    """The run's PostgreSQL, with a migrated template database to clone."""
    engine = Postgres(engines_home, settings=FAST)
    try:
        engine.start()
        engine.create_database(TEMPLATE)
        if importlib.util.find_spec("shared.migrate") is not None:
            from shared.migrate import migrate

            migrate(engine.url(TEMPLATE))
        yield engine
    finally:
        engine.stop()


@pytest.fixture(scope="session")
def valkey(engines_home: Path) -> Iterator[Valkey]:
    """The run's Valkey."""
    engine = Valkey(engines_home)
    try:
        engine.start()
        yield engine
    finally:
        engine.stop()


@pytest.fixture
def database_url(postgres: Postgres) -> Iterator[str]:
    """A fresh, migrated database; dropped afterwards whoever is still connected."""
    name = f"t{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield postgres.url(name)
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def redis_url(valkey: Valkey) -> Iterator[str]:
    """The run's Redis, emptied before the test and after it."""
    with redis.Redis.from_url(valkey.url()) as client:
        client.flushall()
        yield valkey.url()
        client.flushall()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium. Without one the test is skipped; in CI that is a failure."""
    found = browsers.find()
    if found is None:
        reason = (
            "no Chromium: `make test` tried to install one (apt as root, then Playwright's); set CHROMIUM to a path"
        )
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found
