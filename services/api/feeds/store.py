"""Feeds in PostgreSQL: what api writes, and what it reads of ingest's findings. One function a statement.

Whatever changes a feed tells ingest in the same statement: a row in `feed_requests` and a NOTIFY.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

Connection = psycopg.AsyncConnection[tuple[Any, ...]]
CHANNEL = "wiredesk_feed_requests"


@dataclass(frozen=True, slots=True)
class NewFeed:
    """A feed about to be subscribed. `url_key` is the canonical form: two spellings are one feed."""

    url: str
    url_key: str
    title: str | None = None
    tags: tuple[str, ...] = ()
    source: Mapping[str, Any] | None = None
    priority: str = "normal"
    paused: bool = False


_FEED = """
    f.id, f.url, coalesce(f.title, s.title) AS title, s.site_url, f.tags, f.priority, f.paused, f.source, f.created_at,
    CASE WHEN f.paused THEN 'paused' ELSE coalesce(s.status, 'new') END AS status,
    c.last_polled_at, c.last_success_at, c.next_poll_at, coalesce(c.interval_s, 0) AS interval_s, c.outcome,
    c.http_status, s.error, coalesce(s.failures, 0) AS failures,
    coalesce(s.entries_in_last_poll, 0) AS entries_in_last_poll, coalesce(s.articles_total, 0) AS articles_total,
    coalesce(s.new_total, 0) AS new_total, coalesce(s.corrected_total, 0) AS corrected_total,
    coalesce(c.unchanged_total, 0) AS unchanged_total, coalesce(s.duplicate_total, 0) AS duplicate_total,
    coalesce(s.refused_total, 0) AS refused_total, coalesce(s.capped_total, 0) AS capped_total,
    s.moved_to, s.format, s.hub,
    coalesce(s.warnings, '[]') AS warnings, s.retry_after_at
"""
_FEEDS = "feeds f LEFT JOIN feed_states s ON s.feed_id = f.id LEFT JOIN feed_clocks c ON c.feed_id = f.id"


async def get(conn: Connection, feed_id: int) -> dict[str, Any] | None:
    """One feed with its state."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            f"""
            SELECT {_FEED} FROM {_FEEDS}
            WHERE f.id = %s AND f.deleted_at IS NULL
            """.encode(),
            (feed_id,),
        )
        return await cursor.fetchone()


async def by_key(conn: Connection, url_key: str) -> int | None:
    """The feed at a canonical address."""
    cursor = await conn.execute("SELECT id FROM feeds WHERE url_key = %s AND deleted_at IS NULL", (url_key,))
    row = await cursor.fetchone()
    return row[0] if row else None


async def moved_to(conn: Connection, hosts: Sequence[str]) -> list[tuple[int, str]]:
    """(feed, address) of the feeds that a proven permanent redirect leads to one of these hosts."""
    cursor = await conn.execute(
        """
        SELECT s.feed_id, s.moved_to FROM feed_states s JOIN feeds f ON f.id = s.feed_id
        WHERE s.moved_to IS NOT NULL AND split_part(s.moved_to, '/', 3) = ANY(%s) AND f.deleted_at IS NULL
        ORDER BY s.feed_id
        """,
        (list(hosts),),
    )
    return list(await cursor.fetchall())


async def page(
    conn: Connection, *, after: int, limit: int, status: Sequence[str], tag: Sequence[str], priority: Sequence[str]
) -> tuple[int, list[dict[str, Any]]]:
    """The head of the log, and at most `limit` feeds after an id that pass, by id."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            f"""
            WITH head AS (SELECT coalesce(max(position), 0) AS head FROM events),
            chosen AS (
                SELECT {_FEED} FROM {_FEEDS}
                WHERE f.deleted_at IS NULL AND f.id > %(after)s
                  AND (%(tag)s::text[] = '{{}}' OR f.tags && %(tag)s)
                  AND (%(priority)s::text[] = '{{}}' OR f.priority = ANY(%(priority)s))
                  AND (%(status)s::text[] = '{{}}'
                       OR CASE WHEN f.paused THEN 'paused' ELSE coalesce(s.status, 'new') END = ANY(%(status)s))
                ORDER BY f.id LIMIT %(limit)s
            )
            SELECT head.head, chosen.* FROM head LEFT JOIN chosen ON true ORDER BY chosen.id
            """.encode(),
            {
                "after": after,
                "limit": limit,
                "status": list(status),
                "tag": list(tag),
                "priority": list(priority),
            },
        )
        rows = await cursor.fetchall()
    head: int = rows[0]["head"]
    return head, [row for row in rows if row["id"] is not None]


async def add(conn: Connection, feeds: Sequence[NewFeed]) -> set[str]:
    """Subscribe those whose canonical address is not there yet; the `url_key`s added. Ingest is told of each."""
    cursor = await conn.execute(
        """
        WITH added AS (
            INSERT INTO feeds (url, url_key, title, tags, source, priority, paused)
            SELECT n.url, n.url_key, n.title, ARRAY(SELECT jsonb_array_elements_text(n.tags)), n.source, n.priority,
                   n.paused
            FROM unnest(%(url)s::text[], %(url_key)s::text[], %(title)s::text[], %(tags)s::jsonb[], %(source)s::jsonb[],
                        %(priority)s::text[], %(paused)s::boolean[])
                 WITH ORDINALITY AS n(url, url_key, title, tags, source, priority, paused, at)
            ORDER BY n.at
            ON CONFLICT (url_key) WHERE deleted_at IS NULL DO NOTHING
            RETURNING id, url_key
        ), asked AS (
            INSERT INTO feed_requests (feed_id, kind) SELECT id, 'changed' FROM added RETURNING id
        )
        SELECT url_key, (SELECT pg_notify(%(channel)s, '') FROM (SELECT 1 FROM asked LIMIT 1) AS any_added) FROM added
        """,
        {
            "url": [f.url for f in feeds],
            "url_key": [f.url_key for f in feeds],
            "title": [f.title for f in feeds],
            "tags": [Jsonb(list(f.tags)) for f in feeds],
            "source": [None if f.source is None else Jsonb(dict(f.source)) for f in feeds],
            "priority": [f.priority for f in feeds],
            "paused": [f.paused for f in feeds],
            "channel": CHANNEL,
        },
    )
    return {row[0] for row in await cursor.fetchall()}


async def change(conn: Connection, feed_id: int, values: Mapping[str, Any]) -> bool:
    """Set what is named (`title`, `tags`, `source`, `priority`, `paused`) and tell ingest; False for an unknown id."""
    cursor = await conn.execute(
        """
        WITH changed AS (
            UPDATE feeds SET
                title = CASE WHEN %(has_title)s THEN %(title)s ELSE title END,
                tags = CASE WHEN %(has_tags)s THEN %(tags)s::text[] ELSE tags END,
                source = CASE WHEN %(has_source)s THEN %(source)s::jsonb ELSE source END,
                priority = CASE WHEN %(has_priority)s THEN %(priority)s ELSE priority END,
                paused = CASE WHEN %(has_paused)s THEN %(paused)s::boolean ELSE paused END,
                updated_at = now()
            WHERE id = %(id)s AND deleted_at IS NULL RETURNING id
        ), asked AS (
            INSERT INTO feed_requests (feed_id, kind) SELECT id, 'changed' FROM changed RETURNING id
        )
        SELECT pg_notify(%(channel)s, '') FROM asked
        """,
        {
            "id": feed_id,
            "channel": CHANNEL,
            **{f"has_{name}": name in values for name in ("title", "tags", "source", "priority", "paused")},
            "title": values.get("title"),
            "tags": values.get("tags"),
            "source": None if values.get("source") is None else Jsonb(values["source"]),
            "priority": values.get("priority"),
            "paused": values.get("paused"),
        },
    )
    return await cursor.fetchone() is not None


async def delete(conn: Connection, feed_id: int) -> bool:
    """Unsubscribe and tell ingest; its articles stay. False for an unknown id."""
    cursor = await conn.execute(
        """
        WITH gone AS (
            UPDATE feeds SET deleted_at = now(), updated_at = now() WHERE id = %s AND deleted_at IS NULL RETURNING id
        ), asked AS (
            INSERT INTO feed_requests (feed_id, kind) SELECT id, 'changed' FROM gone RETURNING id
        )
        SELECT pg_notify(%s, '') FROM asked
        """,
        (feed_id, CHANNEL),
    )
    return await cursor.fetchone() is not None


async def ask_for_poll(conn: Connection, feed_id: int) -> int:
    """Ask ingest for a poll at once; the request's id."""
    cursor = await conn.execute(
        """
        WITH asked AS (INSERT INTO feed_requests (feed_id, kind) VALUES (%s, 'poll') RETURNING id)
        SELECT id, pg_notify(%s, '') FROM asked
        """,
        (feed_id, CHANNEL),
    )
    return int((await cursor.fetchall())[0][0])


async def answer_to(conn: Connection, request_id: int) -> dict[str, Any] | None:
    """What became of a request: its poll, or why there was none (`refused`); None while it is open."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            """
            SELECT a.refused, p.id AS poll_id, p.at, p.took_ms, p.outcome, p.http_status, p.bytes, p.entries, p.counts,
                   p.error
            FROM feed_answers a LEFT JOIN polls p ON p.id = a.poll_id WHERE a.request_id = %s
            """,
            (request_id,),
        )
        return await cursor.fetchone()


async def forget_answered(conn: Connection) -> None:
    """Remove requests that were answered more than an hour ago."""
    await conn.execute(
        """
        DELETE FROM feed_requests r USING feed_answers a
        WHERE a.request_id = r.id AND a.answered_at < now() - interval '1 hour'
        """
    )


async def ask_doctor(conn: Connection, url: str) -> int:
    """Ask ingest to examine an address; the request's id. Requests older than an hour go."""
    cursor = await conn.execute(
        """
        WITH gone AS (
            DELETE FROM doctor_requests WHERE at < now() - interval '1 hour'
        ), asked AS (INSERT INTO doctor_requests (url) VALUES (%s) RETURNING id)
        SELECT id, pg_notify('wiredesk_doctor_requests', '') FROM asked
        """,
        (url,),
    )
    return int((await cursor.fetchall())[0][0])


async def doctor_report(conn: Connection, request_id: int) -> dict[str, Any] | None:
    """The report on an address; None while it is examined."""
    cursor = await conn.execute("SELECT report FROM doctor_answers WHERE request_id = %s", (request_id,))
    row = await cursor.fetchone()
    return row[0] if row else None


async def polls(conn: Connection, feed_id: int, *, before: int, limit: int) -> tuple[int, list[dict[str, Any]]]:
    """The head of the log, and the last polls of a feed with ids below `before`, newest first."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            """
            WITH head AS (SELECT coalesce(max(position), 0) AS head FROM events),
            chosen AS (
                SELECT id, at, took_ms, outcome, http_status, bytes, entries, counts, error
                FROM polls WHERE feed_id = %s AND id < %s ORDER BY id DESC LIMIT %s
            )
            SELECT head.head, chosen.* FROM head LEFT JOIN chosen ON true ORDER BY chosen.id DESC
            """,
            (feed_id, before, limit),
        )
        rows = await cursor.fetchall()
    head: int = rows[0]["head"]
    return head, [row for row in rows if row["id"] is not None]


async def scheduled(conn: Connection, feed_id: int) -> dict[str, Any] | None:
    """What ingest remembers of a feed's rhythm, and its next poll; a rhythm of {} before the first."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            """
            SELECT CASE WHEN f.paused THEN 'paused' ELSE coalesce(s.status, 'new') END AS status,
                   c.next_poll_at, coalesce(c.interval_s, 0) AS interval_s, coalesce(s.rhythm, '{}') AS rhythm,
                   coalesce(c.rules, '[]') AS rules, c.conditional, c.unmodified, c.full_at
            FROM feeds f LEFT JOIN feed_states s ON s.feed_id = f.id LEFT JOIN feed_clocks c ON c.feed_id = f.id
            WHERE f.id = %s AND f.deleted_at IS NULL
            """,
            (feed_id,),
        )
        return await cursor.fetchone()


async def everything(conn: Connection) -> list[tuple[str, str | None, str | None, list[str]]]:
    """(url, title, site_url, tags) of every feed, by id."""
    cursor = await conn.execute(
        """
        SELECT f.url, coalesce(f.title, s.title), s.site_url, f.tags
        FROM feeds f LEFT JOIN feed_states s ON s.feed_id = f.id WHERE f.deleted_at IS NULL ORDER BY f.id
        """
    )
    return list(await cursor.fetchall())
