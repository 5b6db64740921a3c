"""What a process of the API holds, opened once and closed in reverse; and the ways routes get at it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from starlette.requests import Request

from services.api.follow import Log
from services.api.reads import Reads
from services.api.stream import Hub
from services.api.views import POOL_WAIT_S
from shared import log
from shared.db import AsyncPool, open_async_pool
from shared.events import source_of
from shared.settings import Settings

STATEMENT_TIMEOUT_S = 5.0
CONNECTIONS = 8

Connection = psycopg.AsyncConnection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Resources:
    """Everything opened once per process. `reader` is the task that feeds the hub; its end is the process's."""

    settings: Settings
    pool: AsyncPool
    redis: redis.asyncio.Redis
    hub: Hub
    log: Log
    reader: asyncio.Task[None]

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """A connection for statements that each stand for themselves. Raises `PoolTimeout` where none can be had."""
        async with self.pool.connection(timeout=POOL_WAIT_S) as conn:
            yield conn

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """One transaction: committed on success, rolled back on any error."""
        async with self.pool.connection(timeout=POOL_WAIT_S) as conn, conn.transaction():
            yield conn


@asynccontextmanager
async def open_resources(settings: Settings) -> AsyncIterator[Resources]:
    """Open the store, Redis and the reader of the stream. Raises `Unavailable` where PostgreSQL cannot be reached."""
    client = redis.asyncio.Redis.from_url(
        settings.redis_url, socket_timeout=5, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0)
    )
    pool_of = open_async_pool(settings.database_url, "api", size=CONNECTIONS, statement_timeout_s=STATEMENT_TIMEOUT_S)
    async with pool_of as pool:
        async with pool.connection() as conn:
            source = source_of(await log.deployment_async(conn))
            head = await log.head_async(conn)
        hub = Hub(pool, client, source, head)
        reader = asyncio.create_task(hub.run(), name="stream-reader")
        try:
            yield Resources(settings, pool, client, hub, Log(pool, hub, source, Reads(pool, source)), reader)
        finally:
            hub.close("the server goes down")
            while not reader.done():  # a cancellation that meets a timeout of the Redis client is lost: many do
                reader.cancel()
                await asyncio.wait({reader}, timeout=0.05)
            await client.aclose()


def resources(request: Request) -> Resources:
    """The process's resources."""
    held: Resources = request.app.state.resources
    return held
