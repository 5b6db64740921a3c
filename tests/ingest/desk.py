"""What a test of ingest does as api would, what it looks at, and an ingest at work."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from services.ingest.doctor import Doctor
from services.ingest.pages.runner import Pages
from services.ingest.resources import Resources
from services.ingest.runner import Runner
from services.ingest.service import end, open_resources
from services.ingest.websub.subscriber import Subscriber
from shared.http import DEFAULT_LIMITS, Limits
from shared.settings import Settings


@dataclass
class Desk:
    """What a test does as api would, and what it looks at."""

    settings: Settings
    conn: psycopg.AsyncConnection[tuple[Any, ...]]

    async def rows(self, query: str, *arguments: Any) -> list[tuple[Any, ...]]:
        return await (await self.conn.execute(query.encode(), arguments)).fetchall()

    async def one(self, query: str, *arguments: Any) -> Any:
        return (await self.rows(query, *arguments))[0][0]

    async def request(self, feed_id: int, kind: str) -> int:
        request: int = await self.one(
            "WITH r AS (INSERT INTO feed_requests (feed_id, kind) VALUES (%s, %s) RETURNING id)"
            " SELECT id FROM r, pg_notify('wiredesk_feed_requests', '')",
            feed_id,
            kind,
        )
        return request

    async def subscribe(self, url: str, **columns: Any) -> int:
        names = ["url", "url_key", *columns]
        values = [url, url, *columns.values()]
        feed_id: int = await self.one(
            f"INSERT INTO feeds ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))}) RETURNING id", *values
        )
        await self.request(feed_id, "changed")
        return feed_id

    async def poll_and_wait(self, feed_id: int) -> dict[str, Any]:
        """Ask for a poll as api does, and the poll that answers."""
        request = await self.request(feed_id, "poll")
        answer = await self.until(
            lambda: self.rows("SELECT poll_id, refused FROM feed_answers WHERE request_id = %s", request)
        )
        poll_id, refused = answer[0]
        return {"refused": refused} if poll_id is None else await self.poll(poll_id)

    async def poll(self, poll_id: int) -> dict[str, Any]:
        names = ["outcome", "http_status", "entries", "counts", "error", "bytes"]
        row = await self.rows(f"SELECT {', '.join(names)} FROM polls WHERE id = %s", poll_id)
        return dict(zip(names, row[0], strict=True))

    async def first_poll(self, feed_id: int) -> dict[str, Any]:
        found = await self.until(
            lambda: self.rows("SELECT min(id) FROM polls WHERE feed_id = %s HAVING count(*) > 0", feed_id)
        )
        return await self.poll(found[0][0])

    async def state(self, feed_id: int) -> dict[str, Any]:
        cursor = await self.conn.execute(
            "SELECT * FROM feed_states JOIN feed_clocks USING (feed_id) WHERE feed_id = %s", (feed_id,)
        )
        row = (await cursor.fetchall())[0]
        return dict(zip([column.name for column in cursor.description or ()], row, strict=True))

    async def examine(self, url: str) -> dict[str, Any]:
        """Ask the doctor as api does, and the report."""
        request = await self.one(
            "WITH r AS (INSERT INTO doctor_requests (url) VALUES (%s) RETURNING id)"
            " SELECT id FROM r, pg_notify('wiredesk_doctor_requests', '')",
            url,
        )
        found = await self.until(
            lambda: self.rows("SELECT report FROM doctor_answers WHERE request_id = %s AND report IS NOT NULL", request)
        )
        report: dict[str, Any] = found[0][0]
        return report

    async def until(self, look: Callable[[], Awaitable[Any]], within_s: float = 30.0) -> Any:
        """What `look` gives once it gives something. Fails after `within_s`."""
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            if found := await look():
                return found
            await asyncio.sleep(0.02)
        raise AssertionError("it did not come to pass")


@asynccontextmanager
async def ingesting(
    settings: Settings, concurrency: int = 16, limits: Limits = DEFAULT_LIMITS
) -> AsyncIterator[Resources]:
    """Ingest at work in this process, without sweep and listener."""
    async with open_resources(settings, limits) as res:
        runner, pages = Runner(res, concurrency), Pages(res)
        parts = [
            asyncio.create_task(part)
            for part in (
                runner.run(),
                runner.listen(),
                runner.keep_leases(),
                res.saver.run(),
                res.sender.run(),
                Doctor(res).run(),
                pages.run(),
                Subscriber(res).run(),
            )
        ]
        try:
            yield res
        finally:
            await asyncio.gather(runner.stop(), pages.stop())
            await end(parts)
