"""Ingest's tables as they are after 100,000 feeds brought so many articles: row 23. Filled by PostgreSQL itself.

Every table that a poll reads or writes is filled: feeds, states, hosts, domains, polls, articles, their names, titles,
versions, feeds and pages, what waits for enrichment, and what enrichment is done with. Texts are short, since no
statement's way to a row depends on how long it is. Indexes that are not filled in order are made afterwards.

    WIREDESK_BENCH_STORES=/big/disk python -m bench.many_feeds 10000000 110       articles, seconds to go on for
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import psycopg

from bench.many_articles import LOADING
from deploy.local.engines import Postgres
from services.ingest.rhythm import Rhythm
from services.ingest.signs import Signs
from services.ingest.store import _json
from shared.migrate import migrate

FEEDS = 100_000
DAYS = 180  # over which the articles were found
SPAN = 250_000  # articles of one statement
WAITING = 5_000  # articles that are not enriched yet
LATE = ("article_keys", "article_titles", "article_feeds_feed", "enriched_articles")  # indexes of these, made last
STEPS = """
CREATE TABLE IF NOT EXISTS bench_steps (step text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS bench_indexes (name text PRIMARY KEY, definition text NOT NULL, of_key text);
"""
SET_ASIDE = """
INSERT INTO bench_indexes
SELECT c.relname, pg_get_indexdef(i.indexrelid), CASE WHEN i.indisprimary THEN i.indrelid::regclass::text END
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
WHERE c.relname = ANY(%(late)s) OR (t.relname = ANY(%(late)s) AND c.relname <> 'enriched_articles_pkey')
ON CONFLICT DO NOTHING
"""
# 100,000 feeds on 50,000 hosts, each polled 20 times, none due today.
FEEDS_OF = f"""
INSERT INTO feeds (url, url_key)
SELECT 'https://h' || n / 2 || '.example/f/' || n, 'k' || n FROM generate_series(1, {FEEDS}) n;
INSERT INTO domains SELECT 'h' || n || '.example', now() FROM generate_series(0, {FEEDS} / 2) n;
INSERT INTO hosts (host, domain, next_start_at) SELECT domain || ':443', domain, now() FROM domains;
INSERT INTO feed_states (feed_id, url, status, etag, articles_total, new_total, entries_in_last_poll, rhythm)
SELECT id, url, 'ok', '"x"', %(each)s, %(each)s, 30, %(rhythm)s FROM feeds;
INSERT INTO feed_clocks (feed_id, host, next_poll_at, interval_s, price, last_polled_at, last_success_at)
SELECT id, 'h' || id / 2 || '.example:443', now() + make_interval(days => 2, secs => id %% 86400), 7200, 1, now(), now()
FROM feeds;
INSERT INTO polls (feed_id, at, took_ms, outcome, http_status, bytes, entries, counts)
SELECT f, now() - make_interval(hours => 40 - 2 * r), 80, 'unchanged', 304, 0, 0, '{{"new": 0, "unchanged": 0}}'
FROM generate_series(1, 20) r, generate_series(1, {FEEDS}) f;
INSERT INTO hub_subscriptions (feed_id, token, secret, hub_url, topic_url, state, next_at)
SELECT n, 't' || n, 's', 'https://hub.example', 'u', 'active', now() + interval '5 days'
FROM generate_series(1, {FEEDS}, 20) n;
INSERT INTO robots (host, fetched_at, expires_at, http_status, allowed)
SELECT host, now(), now() + interval '1 day', 404, true FROM hosts;
INSERT INTO events (position, at, type, subject, data)
SELECT n, now(), 't', 's', '{{}}' FROM generate_series(1, 100000) n;
"""
# What was published in these days goes by guid and address, and had a title of its own within its source.
ARTICLES_OF = f"""
WITH made AS MATERIALIZED (
    SELECT n AS id, n %% {FEEDS} + 1 AS feed, 'https://h' || (n %% {FEEDS} + 1) / 2 || '.example/2026/' || n AS url,
           'Harbour council agrees on plan number ' || n AS title, decode(md5(n::text), 'hex') AS hash,
           now() - interval '{DAYS} days' * (1 - n / %(articles)s::float8) AS at
    FROM generate_series(%(first)s::int, %(last)s::int) n
), known AS (
    INSERT INTO articles (id, url, canonical_url, title, description, published_at, discovered_at, fetched_at, source,
                          content_hash, feed_id)
    SELECT id, url, url, title, 'Rain is expected to ease.', at, at, at, '{{"id": "s", "name": "S"}}', hash, feed
    FROM made
), named AS (
    INSERT INTO article_keys SELECT decode(md5(kind || id), 'hex'), id FROM made, unnest(ARRAY['g', 'u']) kind
), carried AS (
    INSERT INTO article_feeds (article_id, feed_id, guid, first_seen_at, item_hash)
    SELECT id, feed, url, at, hash FROM made
), versioned AS (
    INSERT INTO article_versions (article_id, version, seen_at, title, significant, changes, content_hash)
    SELECT id, 1, at, title, true, '[]', hash FROM made
), titled AS (
    INSERT INTO article_titles (key, article_id, at) SELECT decode(md5('t' || id), 'hex'), id, at FROM made
), paged AS (
    INSERT INTO pages (article_id, url, fetch_url, host, lane, wanted_at, status)
    SELECT id, url, url, 'h' || feed / 2 || '.example:443', 'normal', at, 'none' FROM made WHERE id %% 5 = 0
), waits AS (
    INSERT INTO article_queue (article_id, version, lane, stored_at, queued_at)
    SELECT id, 1, 'normal', at, at FROM made WHERE id > %(articles)s - {WAITING}
)
INSERT INTO enriched_articles (article_id, version, revision, position, enriched_at, sort_at, lang, source_id, status,
                               card, rest)
SELECT id, 1, 'r', id, at, at, 'en', 's' || feed, 'usable', '', '' FROM made WHERE id <= %(articles)s - {WAITING}
"""


def fill(home: Path, articles: int, seconds: float = 36_000) -> bool:
    """Go on filling for about so long; whether all is there. Each step is done once."""
    if (home / "filled").exists():
        return True
    engine = Postgres(home, settings=LOADING)
    engine.start()
    try:
        engine.create_database()
        migrate(engine.url())
        until_s = time.monotonic() + seconds
        with psycopg.connect(engine.url(), autocommit=True) as conn:
            conn.execute(STEPS)
            for _ in _steps(conn, articles):
                if time.monotonic() > until_s:
                    return False
    finally:
        engine.stop(120)
    (home / "filled").touch()
    return True


def _steps(conn: psycopg.Connection[tuple[object, ...]], articles: int) -> Iterator[str]:
    """Do what is not done, step by step."""
    done = {str(step) for (step,) in conn.execute("SELECT step FROM bench_steps").fetchall()}
    work = [("set aside", _set_aside), ("feeds", lambda c: _feeds(c, articles))]
    for name, do in work:
        if name not in done:
            with conn.transaction():
                do(conn)
                conn.execute("INSERT INTO bench_steps VALUES (%s)", (name,))
            yield name
    for first in range(1, articles + 1, SPAN):
        if (name := f"from {first}") not in done:
            with conn.transaction():
                last = min(first + SPAN - 1, articles)
                conn.execute(ARTICLES_OF.encode(), {"articles": articles, "first": first, "last": last})
                conn.execute("INSERT INTO bench_steps VALUES (%s)", (name,))
            yield name
    conn.execute("SELECT setval(pg_get_serial_sequence('articles', 'id'), %s)", (articles,))
    for index, definition, table in conn.execute("SELECT * FROM bench_indexes ORDER BY name").fetchall():
        if index not in done:
            with conn.transaction():
                conn.execute(str(definition).encode())
                if table is not None:
                    conn.execute(f"ALTER TABLE {table} ADD CONSTRAINT {index} PRIMARY KEY USING INDEX {index}".encode())
                conn.execute("INSERT INTO bench_steps VALUES (%s)", (index,))
            yield str(index)
    tables = [row[0] for row in conn.execute("SELECT relname FROM pg_stat_user_tables ORDER BY 1").fetchall()]
    for table in tables:
        if (name := f"vacuum {table}") not in done:
            conn.execute(f"VACUUM (ANALYZE) {table}".encode())
            conn.execute("INSERT INTO bench_steps VALUES (%s)", (name,))
            yield name
    conn.execute("CHECKPOINT")


def _set_aside(conn: psycopg.Connection[tuple[object, ...]]) -> None:
    conn.execute(SET_ASIDE, {"late": list(LATE)})
    for index, table in conn.execute("SELECT name, of_key FROM bench_indexes").fetchall():
        gone = f"DROP INDEX {index}" if table is None else f"ALTER TABLE {table} DROP CONSTRAINT {index}"
        conn.execute(gone.encode())


def _feeds(conn: psycopg.Connection[tuple[object, ...]], articles: int) -> None:
    """Feeds with a rhythm as after some weeks of polling."""
    now = datetime.now().astimezone()
    rhythm = Rhythm().after([now - timedelta(hours=5 * n, minutes=7 * n) for n in range(60)], None, True, now)
    stored = _json(rhythm.stored() | Signs().stored() | {"rules": []})
    told = {"each": articles // FEEDS, "rhythm": stored}
    for statement in FEEDS_OF.split(";\n"):
        if statement.strip():
            conn.execute(statement.encode(), told)


def main() -> None:
    """Fill a kept store for so many seconds."""
    articles, seconds = int(sys.argv[1]), float(sys.argv[2])
    home = Path(os.environ["WIREDESK_BENCH_STORES"], f"feeds-{articles}")
    print("all is there" if fill(home, articles, seconds) else "there is more to do")


if __name__ == "__main__":
    main()
