"""An ingest on the test's own engines: through its real parts, its own statements and a publisher on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator

import psycopg
import pytest

from services.ingest.resources import Resources
from shared.settings import Settings
from tests.ingest.desk import Desk, ingesting
from tests.ingest.publisher import Publisher, publishing


@pytest.fixture
def settings(database_url: str, redis_url: str) -> Settings:
    """Loopback allowed, no gap between requests to one host, intervals as short as a test needs."""
    return Settings(
        database_url=database_url,
        redis_url=redis_url,
        allow_private="127.0.0.0/8",
        host_gap_s=0,
        host_concurrency=50,
        min_poll_s=300,
        ingest_port=0,
        fetch_pages=False,
    )


@pytest.fixture
async def publisher() -> AsyncIterator[Publisher]:
    async with publishing() as server:
        yield server


@pytest.fixture
async def desk(settings: Settings) -> AsyncIterator[Desk]:
    async with await psycopg.AsyncConnection.connect(settings.database_url, autocommit=True) as conn:
        yield Desk(settings, conn)


@pytest.fixture
async def ingest(settings: Settings) -> AsyncIterator[Resources]:
    async with ingesting(settings) as res:
        yield res
