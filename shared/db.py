"""PostgreSQL: pools and transactions. No SQL of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import orjson
import psycopg
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from shared.errors import NotFound, Unavailable

Row = TypeVar("Row")
AsyncPool = AsyncConnectionPool[psycopg.AsyncConnection[tuple[Any, ...]]]
Pool = ConnectionPool[psycopg.Connection[tuple[Any, ...]]]

set_json_loads(orjson.loads)  # every jsonb that is read


def _arguments(process: str, statement_timeout_s: float | None) -> dict[str, Any]:
    options = "-c timezone=UTC"
    if statement_timeout_s is not None:
        options += f" -c statement_timeout={int(statement_timeout_s * 1000)}"
    return {
        "autocommit": True,
        "application_name": f"wiredesk-{process}",
        "options": options,
    }


@asynccontextmanager
async def open_async_pool(
    url: str, process: str, *, size: int = 4, statement_timeout_s: float | None = None, check: bool = True
) -> AsyncIterator[AsyncPool]:
    """A pool of at most `size` autocommit connections. Raises `Unavailable` if none can be had in 30 s.

    `check` asks each connection whether it still lives before it is lent, a round trip; without it a broken one fails
    its first user after the database was away.
    """
    pool: AsyncPool = AsyncConnectionPool(
        url,
        kwargs=_arguments(process, statement_timeout_s),
        min_size=1,
        max_size=size,
        open=False,
        check=AsyncConnectionPool.check_connection if check else None,
    )
    try:
        await pool.open(wait=True, timeout=30)
    except psycopg.OperationalError as error:
        raise Unavailable(f"PostgreSQL cannot be reached: {error}; check DATABASE_URL and that it runs") from error
    try:
        yield pool
    finally:
        await pool.close()


@contextmanager
def open_pool(url: str, process: str, *, size: int = 1, statement_timeout_s: float | None = None) -> Iterator[Pool]:
    """The same for sync processes."""
    pool: Pool = ConnectionPool(
        url,
        kwargs=_arguments(process, statement_timeout_s),
        min_size=1,
        max_size=size,
        open=False,
        check=ConnectionPool.check_connection,
    )
    try:
        pool.open(wait=True, timeout=30)
    except psycopg.OperationalError as error:
        raise Unavailable(f"PostgreSQL cannot be reached: {error}; check DATABASE_URL and that it runs") from error
    try:
        yield pool
    finally:
        pool.close()


@asynccontextmanager
async def async_transaction(
    pool: AsyncPool,
) -> AsyncIterator[psycopg.AsyncConnection[tuple[Any, ...]]]:
    """One transaction on one connection: committed on success, rolled back on any error."""
    async with pool.connection() as conn, conn.transaction():
        yield conn


@contextmanager
def transaction(pool: Pool) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """The same for sync processes."""
    with pool.connection() as conn, conn.transaction():
        yield conn


def exactly_one(rows: Sequence[Row], what: str) -> Row:
    """The only row, or `NotFound` naming what was looked for."""
    if len(rows) != 1:
        raise NotFound(f"there is no {what}")
    return rows[0]
