"""Among 100,000 feeds and 200,000 articles, a poll finds all it needs by index: no statement of it scans a table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from services.ingest import store
from services.ingest.resources import Resources
from services.ingest.sweep import Sweep
from tests.ingest.desk import Desk
from tests.ingest.publisher import Publisher, item, rss

FEEDS, ARTICLES = 100_000, 200_000
FILL = f"""
INSERT INTO feeds (url, url_key) SELECT 'http://h' || n || '.test/f', 'k' || n FROM generate_series(1, {FEEDS}) n;
INSERT INTO hosts (host, next_start_at) SELECT 'h' || n || '.test:80', now() FROM generate_series(1, {FEEDS}) n;
INSERT INTO feed_states (feed_id, url, status, articles_total) SELECT id, url, 'ok', 2 FROM feeds;
INSERT INTO feed_clocks (feed_id, host, next_poll_at, last_polled_at)
SELECT id, 'h' || id || '.test:80', now() + make_interval(hours => 1, secs => id % 86400), now() FROM feeds;
INSERT INTO articles (url, canonical_url, title, discovered_at, fetched_at, source, content_hash, feed_id)
SELECT 'http://t/' || n, 'http://t/' || n, 'Title ' || n, now(), now(), '{{}}', decode(md5(n::text), 'hex'),
       n % {FEEDS} + 1
FROM generate_series(1, {ARTICLES}) n;
INSERT INTO article_keys SELECT decode(md5('k' || id), 'hex'), id FROM articles;
INSERT INTO article_feeds (article_id, feed_id, guid, first_seen_at, item_hash)
SELECT id, feed_id, 'g' || id, now(), content_hash FROM articles;
INSERT INTO article_versions (article_id, version, seen_at, title, significant, changes, content_hash)
SELECT id, 1, now(), title, true, '[]', content_hash FROM articles;
INSERT INTO article_queue (article_id, version, lane, stored_at, queued_at)
SELECT id, 1, 'normal', now(), now() FROM articles;
INSERT INTO pages (article_id, url, fetch_url, host, lane, wanted_at, status)
SELECT id, 'u', 'u', 'h', 'normal', now(), 'none' FROM articles WHERE id % 2 = 0;
INSERT INTO article_titles SELECT decode(md5('t' || id), 'hex'), id, now() FROM articles;
INSERT INTO enriched_articles (article_id, version, revision, enriched_at, sort_at, source_id, status, card, rest)
SELECT id, 1, 'r', now(), now(), 's', 'usable', '', '' FROM articles WHERE id % 2 = 0;
INSERT INTO polls (feed_id, at, took_ms, outcome, counts) SELECT id, now(), 1, 'unchanged', '{{}}' FROM feeds;
ANALYZE;
"""
BIG_TABLES = """feeds hosts feed_states feed_clocks polls articles article_keys article_feeds article_versions
article_queue article_titles enriched_articles pages"""
BIG = frozenset(BIG_TABLES.split())
SHORT = {
    "feed_clocks_leased",
    "feed_clocks_due",
    "pages_leased",
    "pages_due",
    "article_titles_article",
    "polls_pkey",
}  # polls under way; read in order until enough are found
STATEMENTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")


@dataclass
class Plans:
    """Every statement that was sent while `on`, with the tables that its plan reads from end to end."""

    on: bool = False
    scanned: dict[str, set[str]] = field(default_factory=dict)


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> Iterator[Plans]:
    found = Plans()
    execute = psycopg.AsyncConnection.execute

    async def explaining(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        text = query.decode() if isinstance(query, bytes) else query
        if found.on and isinstance(text, str) and text.split(None, 1)[0] in STATEMENTS:
            cursor = await execute(self, "EXPLAIN (FORMAT JSON) " + text, params)
            ((plan,),) = await cursor.fetchall()
            found.scanned.setdefault(text, set()).update(_scanned(plan[0]["Plan"]))
        return await execute(self, query, params, **options)

    monkeypatch.setattr(psycopg.AsyncConnection, "execute", explaining)
    yield found


def _scanned(node: dict[str, Any]) -> Iterator[str]:
    whole_index = node["Node Type"].startswith("Index") and "Index Cond" not in node
    if node["Node Type"] == "Seq Scan" or (whole_index and node["Index Name"] not in SHORT):
        yield node["Relation Name"]
    for child in node.get("Plans", ()):
        yield from _scanned(child)


KINDS = {
    "now": "timestamptz",
    "until": "timestamptz",
    "limit": "bigint",
    "feeds": "bigint[]",
    "concurrency": "integer",
    "gap": "float8",
    "exempt": "text",
}


async def scanned_whatever_is_asked(desk: Desk, text: str) -> set[str]:
    """What a claim's statement reads from end to end as `plan_once` has it planned: for any parameters."""
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", text)))
    kinds, nulls = ", ".join(KINDS[name] for name in names), ", ".join("NULL" for _ in names)
    numbered = re.sub(r"%\((\w+)\)s", lambda match: f"${names.index(match[1]) + 1}", text)
    async with desk.conn.transaction():
        await store.plan_once(desk.conn)
        await desk.conn.execute(f"PREPARE claiming ({kinds}) AS {numbered}".encode())
        cursor = await desk.conn.execute(f"EXPLAIN (FORMAT JSON) EXECUTE claiming ({nulls})".encode())
        ((plan,),) = await cursor.fetchall()
        await desk.conn.execute("DEALLOCATE claiming")
    return set(_scanned(plan[0]["Plan"]))


async def test_no_statement_of_a_poll_or_of_a_sweep_scans_a_table(
    desk: Desk, publisher: Publisher, ingest: Resources, plans: Plans
) -> None:
    await desk.conn.execute(FILL)
    first = [item(n, link=f"https://news.example/{n}", pubDate="") for n in range(60)]
    publisher.serve("/one", rss(first))
    publisher.serve("/other", rss(first[:5]))
    plans.on = True
    feed = await desk.subscribe(publisher.url("/one"))
    assert (await desk.first_poll(feed))["counts"]["new"] == 60
    changed = [row | {"title": f"New {row['title']}"} for row in first[:20]]
    newer = [
        item(n, guid=f"n{n}", link=f"https://news.example/n{n}", title=f"Newer {n}", pubDate="") for n in range(20)
    ]
    publisher.serve("/one", rss(newer + changed + first[20:]))
    counts = (await desk.poll_and_wait(feed))["counts"]
    assert (counts["new"], counts["corrected"], counts["unchanged"]) == (20, 20, 40)
    other = await desk.subscribe(publisher.url("/other"))
    assert (await desk.first_poll(other))["counts"]["duplicate"] == 5
    sweep = Sweep(replace(ingest, settings=ingest.settings.model_copy(update={"retention_days": 5})))
    for days in (0, 40):  # nothing to do but to look; everything overdue and past
        await sweep.round(desk.conn, datetime.now(UTC) + timedelta(days=days))
    plans.on = False
    ours = {text: tables & BIG for text, tables in plans.scanned.items()}
    assert len(ours) > 20
    assert {text: tables for text, tables in ours.items() if tables} == {}
    claims = [text for text in ours if "FROM feed_clocks WHERE next_poll_at <=" in text or "feed_clocks s SET" in text]
    claims = [text for text in claims if "SKIP LOCKED" in text or "judged" in text]
    assert len(claims) == 2
    for text in claims:
        assert await scanned_whatever_is_asked(desk, text) & BIG == set()
