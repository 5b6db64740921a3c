"""Among 100,000 wanted and 100,000 stored pages, a visit finds all it needs by index."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from services.ingest.pages import store
from services.ingest.pages.visit import visit
from services.ingest.service import open_resources
from shared.db import async_transaction
from shared.settings import Settings
from tests.ingest.desk import Desk
from tests.ingest.publisher import Publisher
from tests.ingest.test_plans import Plans, plans

__all__ = ["plans"]
PAGES = 100_000
FILL = f"""
INSERT INTO domains SELECT 'd' || n || '.test', now() FROM generate_series(1, {PAGES // 4}) n;
INSERT INTO hosts (host, domain, next_start_at)
SELECT 'h' || n || '.d' || n / 2 || '.test:80', 'd' || n / 2 || '.test', now() FROM generate_series(1, {PAGES // 2}) n;
INSERT INTO articles (id, url, canonical_url, title, discovered_at, fetched_at, source, content_hash)
SELECT n, 'http://t/' || n, 'http://t/' || n, 'T', now(), now(), '{{}}', 'x' FROM generate_series(1, {2 * PAGES}) n;
INSERT INTO article_queue (article_id, version, lane, stored_at, wait_until)
SELECT id, 1, 'normal', now(), now() + interval '1 hour' FROM articles;
INSERT INTO pages (article_id, url, fetch_url, host, lane, wanted_at, next_try_at, status)
SELECT n, 'u', 'u', 'h' || n / 4 + 1 || '.d' || (n / 4 + 1) / 2 || '.test:80', 'normal', now(),
       CASE WHEN n > {PAGES} THEN now() + interval '1 hour' END, CASE WHEN n > {PAGES} THEN 'wanted' ELSE 'none' END
FROM generate_series(8, {2 * PAGES}) n;
ANALYZE;
"""
BIG = frozenset(("pages", "hosts", "domains", "articles", "article_queue"))


async def test_no_statement_of_a_visit_scans_a_table(
    desk: Desk, settings: Settings, publisher: Publisher, plans: Plans
) -> None:
    await desk.conn.execute(FILL)
    publisher.serve("/a", "<html><body><article>Rain.</article></body></html>", Content_Type="text/html")
    row = {"article_id": 7, "url": publisher.url("/a"), "host": f"127.0.0.1:{publisher.port}", "domain": None}
    async with open_resources(settings) as res:
        plans.on = True
        now = datetime.now(UTC)
        async with async_transaction(res.db) as conn:
            await store.want(conn, [row | {"lane": "normal"}], now)
        outcomes = []
        for n in range(2):
            moment = datetime.now(UTC) + timedelta(seconds=n)
            async with async_transaction(res.db) as conn:
                locked = await store.lock_due(conn, moment, 32)
                (page,) = await store.claim(conn, locked, moment, moment + timedelta(seconds=30), 2, 0.0, "")
            outcomes.append(await visit(res, page))
        async with async_transaction(res.db) as conn:
            await store.next_due_at(conn)
        plans.on = False
    assert outcomes == ["robots_read", "article"]
    ours = {text: tables & BIG for text, tables in plans.scanned.items()}
    assert len(ours) > 5
    assert {text: tables for text, tables in ours.items() if tables} == {}
