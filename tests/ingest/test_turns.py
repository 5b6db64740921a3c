"""The turn that the doctor and discovery wait for: of the host, and of the domain that other hosts share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg

from services.ingest import store
from services.ingest.hosts import domain_of

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


async def test_hosts_of_one_domain_share_a_clock(database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as conn:

        async def turn(host: str) -> float:
            at = await store.take_turn(conn, host, domain_of(host), NOW, 4.0)
            return (at - NOW) / timedelta(seconds=1)

        assert await turn("news.wire.org:443") == 0
        assert await turn("news.wire.org:443") == 4  # the host's own gap
        assert await turn("sport.wire.org:443") == 4  # after two turns of its domain, half a gap each
        assert await turn("other.org:443") == 0
        assert await turn("192.0.2.1:443") == 0  # an address has no domain
