"""What making two articles one reads and writes. One function, one statement; the caller owns the transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
import psycopg

from services.ingest.decide import Known, Merge
from services.ingest.store import by_place
from services.ingest.twins.titles import COMPARED, WINDOW, Titled
from shared.packing import words_of

Conn = psycopg.AsyncConnection[tuple[Any, ...]]


async def kept(conn: Conn, feed_id: int, article_ids: Sequence[int]) -> dict[int, Known]:
    """Articles by id, as seen from one feed."""
    cursor = await conn.execute(
        """
        SELECT a.id, a.feed_id, a.version, a.title, a.published_at, a.modified_at, encode(a.content_hash, 'hex'),
               f.article_id IS NOT NULL, f.guid, encode(f.item_hash, 'hex'), a.status, a.duplicate_of
        FROM articles a LEFT JOIN article_feeds f ON f.article_id = a.id AND f.feed_id = %s
        WHERE a.id = ANY(%s)
        """,
        (feed_id, list(article_ids)),
    )
    return {row[0]: Known(*row) for row in await cursor.fetchall()}


async def carried(conn: Conn, feed_id: int, limit: int) -> list[Known]:
    """The articles that a feed carried last, the newest first."""
    cursor = await conn.execute(
        """
        SELECT a.id, a.feed_id, a.version, a.title, a.published_at, a.modified_at, encode(a.content_hash, 'hex'),
               true, f.guid, encode(f.item_hash, 'hex'), a.status, a.duplicate_of
        FROM article_feeds f JOIN articles a ON a.id = f.article_id
        WHERE f.feed_id = %s AND a.duplicate_of IS NULL ORDER BY f.article_id DESC LIMIT %s
        """,
        (feed_id, limit),
    )
    return [Known(*row) for row in await cursor.fetchall()]


async def titled(conn: Conn, asked: Sequence[tuple[int, Sequence[str]]]) -> list[dict[str, Titled]]:
    """Of each (feed, keys): which article had each of these titles last, and whether the feed carries it."""
    cursor = await conn.execute(
        """
        SELECT q.place, encode(t.key, 'hex'), a.id, t.at, a.description, a.body_html, a.body_packed,
               encode(a.content_hash, 'hex'),
               EXISTS (SELECT 1 FROM article_feeds f WHERE f.article_id = a.id AND f.feed_id = q.feed_id)
        FROM unnest(string_to_array(%s, ',')::bytea[], string_to_array(%s, ',')::bigint[],
                    string_to_array(%s, ',')::integer[]) AS q(key, feed_id, place)
        JOIN article_titles t ON t.key = q.key
        JOIN articles d ON d.id = t.article_id
        JOIN articles a ON a.id = coalesce(d.duplicate_of, d.id)
        """,
        by_place(asked),
    )
    found: list[dict[str, Titled]] = [{} for _ in asked]
    for place, key, *told in await cursor.fetchall():
        found[place][key] = _titled(*told)
    return found


def _titled(
    article_id: int, at: datetime, description: str | None, html: str | None, packed: bytes | None, *told: Any
) -> Titled:
    lead, body = words_of(description, html, packed)
    text = " ".join(one for one in (lead, body and body[:COMPARED]) if one is not None)
    return Titled(article_id, at, text, *told)


async def take_titles(conn: Conn, rows: Sequence[tuple[str, int, datetime]]) -> bool:
    """Note who has these (title key, article, at) now; whether all were free, or had longer ago than the window.

    Keys are taken in order, so that two polls never wait for each other in a circle; each is given once.
    """
    cursor = await conn.execute(
        """
        INSERT INTO article_titles AS t (key, article_id, at)
        SELECT r.key, r.article_id, r.at
        FROM unnest(string_to_array(%s, ',')::bytea[], string_to_array(%s, ',')::bigint[],
                    string_to_array(%s, ',')::timestamptz[]) AS r(key, article_id, at) ORDER BY r.key
        ON CONFLICT (key) DO UPDATE SET article_id = excluded.article_id, at = excluded.at
        WHERE t.at < excluded.at - %s OR t.at > excluded.at + %s
        """,
        (
            ",".join([f"\\x{key}" for key, _, _ in rows]),
            ",".join([str(article_id) for _, article_id, _ in rows]),
            ",".join([at.isoformat() for _, _, at in rows]),
            WINDOW,
            WINDOW,
        ),
    )
    return cursor.rowcount == len(rows)


async def forget_titles(conn: Conn, before: datetime, most: int) -> int:
    """Of the `most` titles of the oldest articles, drop those of articles found before a time; how many."""
    cursor = await conn.execute(
        """
        DELETE FROM article_titles WHERE key IN (
            SELECT o.key FROM (SELECT key, article_id FROM article_titles ORDER BY article_id LIMIT %s) AS o
            JOIN articles a ON a.id = o.article_id WHERE a.discovered_at < %s
        )
        """,
        (most, before),
    )
    return cursor.rowcount


async def hold(conn: Conn, article_ids: Sequence[int]) -> int:
    """Lock articles, in order; how many of them are there and no duplicates."""
    cursor = await conn.execute(
        """
        SELECT id, duplicate_of FROM articles WHERE id = ANY(%s) ORDER BY id FOR UPDATE
        """,
        (list(article_ids),),
    )
    return sum(duplicate_of is None for _, duplicate_of in await cursor.fetchall())


async def merge(conn: Conn, merges: Sequence[Merge], queued_at: datetime | None, now: datetime) -> None:
    """Let duplicates name the article they are, which takes over their feeds and the given keys; queue them to be told.

    The articles are held. A feed that carried both carries one article less.
    """
    rows = [{"keep": m.keep, "duplicate": m.duplicate, "keys": m.keys} for m in merges]
    await conn.execute(
        """
        WITH given AS MATERIALIZED (
            SELECT * FROM json_to_recordset(%(rows)s::json) AS r(keep bigint, duplicate bigint, keys text[])
        ), marked AS (
            UPDATE articles a SET duplicate_of = g.keep FROM given g WHERE a.id = g.duplicate
            RETURNING a.id, a.version
        ), chained AS (
            UPDATE articles a SET duplicate_of = g.keep FROM given g WHERE a.duplicate_of = g.duplicate
            RETURNING a.id, a.version
        ), named AS (
            UPDATE article_keys k SET article_id = g.keep
            FROM given g WHERE k.article_id = g.duplicate
              AND k.key IN (SELECT decode(key, 'hex') FROM unnest(g.keys) AS key)
        ), both_carried AS (
            SELECT d.feed_id, count(*) AS articles
            FROM given g JOIN article_feeds d ON d.article_id = g.duplicate
            JOIN article_feeds k ON k.article_id = g.keep AND k.feed_id = d.feed_id
            GROUP BY d.feed_id
        ), fed AS (
            INSERT INTO article_feeds (article_id, feed_id, guid, first_seen_at, item_hash)
            SELECT g.keep, f.feed_id, f.guid, f.first_seen_at, f.item_hash
            FROM given g JOIN article_feeds f ON f.article_id = g.duplicate
            ON CONFLICT (article_id, feed_id) DO NOTHING
        ), counted AS (
            UPDATE feed_states s SET articles_total = greatest(0, s.articles_total - b.articles)
            FROM both_carried b WHERE s.feed_id = b.feed_id
        )
        INSERT INTO article_queue (article_id, version, lane, stored_at, queued_at)
        SELECT id, version, 'normal', %(now)s, %(queued_at)s
        FROM (SELECT * FROM marked UNION ALL SELECT * FROM chained) told
        ON CONFLICT (article_id) DO UPDATE SET queued_at = excluded.queued_at
        """,
        {"rows": orjson.dumps(rows).decode(), "queued_at": queued_at, "now": now},
    )


async def withdraw(conn: Conn, article_ids: Sequence[int], queued_at: datetime | None, now: datetime) -> list[int]:
    """New versions of articles that their publisher takes back, queued to be told; those not taken back before."""
    cursor = await conn.execute(
        """
        WITH held AS MATERIALIZED (
            SELECT id, status FROM articles
            WHERE id = ANY(%(ids)s) AND status <> 'withdrawn' AND duplicate_of IS NULL ORDER BY id FOR UPDATE
        ), stored AS (
            UPDATE articles a SET version = a.version + 1, status = 'withdrawn', fetched_at = %(now)s
            FROM held WHERE a.id = held.id
            RETURNING a.id, a.version, a.title, a.modified_at, a.content_hash, held.status AS former
        ), versioned AS (
            INSERT INTO article_versions (article_id, version, seen_at, title, modified_at, significant, changes,
                                          content_hash)
            SELECT id, version, %(now)s, title, modified_at, true,
                   jsonb_build_array(jsonb_build_object('field', 'status', 'old', former, 'new', 'withdrawn')),
                   content_hash
            FROM stored
        )
        INSERT INTO article_queue (article_id, version, lane, stored_at, queued_at)
        SELECT id, version, 'normal', %(now)s, %(queued_at)s FROM stored
        ON CONFLICT (article_id) DO UPDATE SET version = excluded.version, stored_at = excluded.stored_at,
            queued_at = excluded.queued_at
        RETURNING article_id
        """,
        {"ids": list(article_ids), "queued_at": queued_at, "now": now},
    )
    return sorted(article_id for (article_id,) in await cursor.fetchall())


async def of_key(conn: Conn, key: str, article_id: int) -> list[Known]:
    """The article, and the one that goes by a key if that is another; duplicates stand for what they are."""
    cursor = await conn.execute(
        """
        SELECT a.id, a.feed_id, a.version, a.title, a.published_at, a.modified_at, encode(a.content_hash, 'hex'),
               false, NULL, NULL, a.status, a.duplicate_of
        FROM articles a WHERE a.id IN (
            SELECT coalesce(d.duplicate_of, d.id) FROM articles d
            WHERE d.id = %(id)s OR d.id = (SELECT k.article_id FROM article_keys k WHERE k.key = decode(%(key)s, 'hex'))
        )
        """,
        {"id": article_id, "key": key},
    )
    return [Known(*row) for row in await cursor.fetchall()]


async def declare(conn: Conn, article_id: int, key: str, canonical_url: str) -> bool:
    """Give an article a further key and its canonical address; whether the key was free or its own."""
    cursor = await conn.execute(
        """
        WITH taken AS (
            INSERT INTO article_keys AS k (key, article_id) VALUES (decode(%(key)s, 'hex'), %(id)s)
            ON CONFLICT (key) DO UPDATE SET article_id = excluded.article_id WHERE k.article_id = excluded.article_id
            RETURNING article_id
        )
        UPDATE articles a SET canonical_url = %(url)s FROM taken WHERE a.id = taken.article_id
        """,
        {"key": key, "id": article_id, "url": canonical_url},
    )
    return cursor.rowcount == 1


async def address_of(conn: Conn, article_id: int) -> str | None:
    """Where an article is read; None for one that is not there, or is a duplicate."""
    cursor = await conn.execute("SELECT url FROM articles WHERE id = %s AND duplicate_of IS NULL", (article_id,))
    row = await cursor.fetchone()
    return str(row[0]) if row else None
