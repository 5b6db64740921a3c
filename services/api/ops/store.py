"""What operators ask of PostgreSQL: backlog, latencies, throughput, feeds by state. One function a statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

Connection = psycopg.AsyncConnection[tuple[Any, ...]]
ITEM_OUTCOMES = ("new", "corrected", "unchanged", "duplicate", "refused", "capped")
RECENT = 20_000  # events and polls looked at, at most: the question costs the same at any size of the store


async def backlog(conn: Connection) -> list[dict[str, Any]]:
    """By lane: articles that wait for enrichment, how many of them were sent, and since when the oldest waits.

    A row stays in `article_queue` until ingest's sweep has seen the enriched version; those count no more.
    """
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            """
            SELECT q.lane, count(*) AS pending, count(q.queued_at) AS sent,
                   min(q.stored_at) AS oldest_at,
                   extract(epoch FROM now() - min(q.stored_at))::float8 AS oldest_age_s
            FROM article_queue q LEFT JOIN enriched_articles e ON e.article_id = q.article_id
            WHERE e.article_id IS NULL OR e.version < q.version
            GROUP BY q.lane ORDER BY q.lane
            """
        )
        return await cursor.fetchall()


async def latencies(conn: Connection) -> dict[str, Any]:
    """Percentiles of each stage in seconds, and counts, of the first enrichments of the last hour."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            """
            WITH recent AS (
                SELECT position, at, type, article_id FROM events ORDER BY position DESC LIMIT %s
            ), told AS (
                SELECT extract(epoch FROM v.seen_at - a.published_at)::float8 AS published_to_stored,
                       extract(epoch FROM r.at - v.seen_at)::float8 AS stored_to_told
                FROM recent r
                JOIN articles a ON a.id = r.article_id
                JOIN article_versions v ON v.article_id = r.article_id AND v.version = 1
                WHERE r.type = 'wiredesk.article.enriched.v1' AND r.at > now() - interval '1 hour'
            )
            SELECT count(*) AS enriched,
                   percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY published_to_stored)
                       AS published_to_stored,
                   percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY stored_to_told) AS stored_to_told
            FROM told
            """,
            (RECENT,),
        )
        return (await cursor.fetchall())[0]


async def told(conn: Connection) -> list[tuple[str, int]]:
    """(type, count) of the events of the last hour."""
    cursor = await conn.execute(
        """
        SELECT type, count(*) FROM (SELECT at, type FROM events ORDER BY position DESC LIMIT %s) AS recent
        WHERE at > now() - interval '1 hour' GROUP BY type ORDER BY type
        """,
        (RECENT,),
    )
    return list(await cursor.fetchall())


async def polled(conn: Connection) -> list[dict[str, Any]]:
    """By outcome: polls of the last hour, entries in them, and the median time each took."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            """
            SELECT outcome, count(*) AS polls, sum(entries) AS entries,
                   percentile_cont(0.5) WITHIN GROUP (ORDER BY took_ms) AS took_ms_p50,
                   percentile_cont(0.99) WITHIN GROUP (ORDER BY took_ms) AS took_ms_p99
            FROM (SELECT at, outcome, entries, took_ms FROM polls ORDER BY id DESC LIMIT %s) AS recent
            WHERE at > now() - interval '1 hour' GROUP BY outcome ORDER BY outcome
            """,
            (RECENT,),
        )
        return await cursor.fetchall()


async def outcomes_by_source(conn: Connection, sources: Sequence[str]) -> dict[str, dict[str, Any]]:
    """By source, of the subscribed feeds that were read: {feeds, title, outcomes by code}, their counts added up."""
    cursor = await conn.execute(
        """
        SELECT s.source_id, count(*), min(coalesce(f.title, s.title)), sum(s.new_total), sum(s.corrected_total),
               sum(c.unchanged_total), sum(s.duplicate_total), sum(s.refused_total), sum(s.capped_total)
        FROM feed_states s JOIN feeds f ON f.id = s.feed_id JOIN feed_clocks c ON c.feed_id = s.feed_id
        WHERE s.source_id = ANY(%s) AND f.deleted_at IS NULL GROUP BY s.source_id
        """,
        (list(sources),),
    )
    return {
        source_id: {"feeds": feeds, "title": title, "outcomes": dict(zip(ITEM_OUTCOMES, counts, strict=True))}
        for source_id, feeds, title, *counts in await cursor.fetchall()
    }


async def feeds_by_status(conn: Connection) -> list[tuple[str, int]]:
    """(status, count) of the feeds."""
    cursor = await conn.execute(
        """
        SELECT CASE WHEN f.paused THEN 'paused' ELSE coalesce(s.status, 'new') END AS status, count(*)
        FROM feeds f LEFT JOIN feed_states s ON s.feed_id = f.id WHERE f.deleted_at IS NULL GROUP BY 1 ORDER BY 1
        """
    )
    return list(await cursor.fetchall())


async def sizes(conn: Connection) -> tuple[int, int]:
    """About how many articles are stored and enriched: the planner's estimate, never a count."""
    cursor = await conn.execute(
        """
        SELECT max(greatest(reltuples, 0)) FILTER (WHERE relname = 'articles')::bigint,
               max(greatest(reltuples, 0)) FILTER (WHERE relname = 'enriched_articles')::bigint
        FROM pg_class WHERE relname IN ('articles', 'enriched_articles') AND relkind = 'r'
        """
    )
    stored, enriched = (await cursor.fetchall())[0]
    return stored, enriched


async def steps(conn: Connection) -> set[str]:
    """The names of the steps that the enricher started last has; none where there never was one."""
    cursor = await conn.execute(
        """
        SELECT jsonb_object_keys(steps) FROM (SELECT steps FROM enricher_revisions ORDER BY seen_at DESC LIMIT 1) AS one
        """
    )
    return {name for (name,) in await cursor.fetchall()}


async def running(conn: Connection, heard_within_s: float) -> tuple[int, int]:
    """(messages, articles) that workers heard of lately work on now."""
    cursor = await conn.execute(
        """
        SELECT count(*), coalesce(sum(busy_articles), 0) FROM enrich_workers
        WHERE busy_since IS NOT NULL AND seen_at > now() - make_interval(secs => %s)
        """,
        (heard_within_s,),
    )
    messages, articles = (await cursor.fetchall())[0]
    return int(messages), int(articles)


async def failures(conn: Connection) -> tuple[int, int, int]:
    """Articles tried more than once and not enriched yet, those of them tried thrice or more; messages that failed."""
    cursor = await conn.execute(
        """
        SELECT count(*) FILTER (WHERE attempts > 1), count(*) FILTER (WHERE attempts > 2),
               (SELECT coalesce(sum(failures), 0) FROM enrich_workers)
        FROM enrich_attempts
        """
    )
    again, often, messages = (await cursor.fetchall())[0]
    return int(again), int(often), int(messages)


async def workers(conn: Connection) -> list[dict[str, Any]]:
    """Every process of the workers' pools as it last told of itself, by worker; `silent_s` is since when it has not."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            """
            SELECT host, worker_pid, pid, revision, started_at, seen_at, busy_since, busy_articles, messages, articles,
                   failures, rss_bytes, greatest(0, extract(epoch FROM now() - seen_at))::float8 AS silent_s
            FROM enrich_workers ORDER BY host, worker_pid, pid
            """
        )
        return await cursor.fetchall()


async def ask_reenrich(
    conn: Connection, part: dict[str, Any], steps: list[str] | None, forced: bool, dry_run: bool
) -> int:
    """Ask enrichment to read a slice again; the request's id."""
    cursor = await conn.execute(
        """
        WITH asked AS (
            INSERT INTO reenrich_requests (slice, steps, forced, dry_run) VALUES (%s, %s, %s, %s) RETURNING id
        ) SELECT id, pg_notify('wiredesk_reenrich', '') FROM asked
        """,
        (Jsonb(part), steps, forced, dry_run),
    )
    return int((await cursor.fetchall())[0][0])


async def reenrichments(conn: Connection, below: int, limit: int) -> list[dict[str, Any]]:
    """At most `limit` requests with ids below `below`, the newest first, with how far each is."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            """
            SELECT q.id, q.at, q.slice, q.steps, q.forced AS force, q.dry_run, r.started_at, r.finished_at, r.revision,
                   CASE WHEN r.finished_at IS NOT NULL THEN 'done' WHEN r.started_at IS NOT NULL THEN 'running'
                        ELSE 'waiting' END AS status,
                   coalesce(r.looked, 0) AS looked, coalesce(r.touched, 0) AS touched,
                   coalesce(r.by_step, '{}') AS by_step, w.reread, w.changed
            FROM (SELECT * FROM reenrich_requests WHERE id < %(below)s ORDER BY id DESC LIMIT %(limit)s) q
            LEFT JOIN reenrich_runs r ON r.request_id = q.id
            CROSS JOIN LATERAL (
                SELECT count(done_at) AS reread, count(*) FILTER (WHERE jsonb_array_length(changes) > 0) AS changed
                FROM rereads WHERE request_id = q.id) AS w
            ORDER BY q.id DESC
            """,
            {"below": below, "limit": limit},
        )
        return await cursor.fetchall()


async def reread_fields(conn: Connection, request_id: int) -> list[dict[str, Any]]:
    """By field: how many articles say otherwise, and up to five of them before and after."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            """
            SELECT field, max(n) AS articles, jsonb_agg(jsonb_build_object('id', article_id, 'old', old, 'new', new)
                   ORDER BY article_id) FILTER (WHERE nth <= 5) AS samples
            FROM (
                SELECT w.article_id, c ->> 'field' AS field, c -> 'old' AS old, c -> 'new' AS new,
                       count(*) OVER (PARTITION BY c ->> 'field') AS n,
                       row_number() OVER (PARTITION BY c ->> 'field' ORDER BY w.article_id) AS nth
                FROM rereads w, jsonb_array_elements(w.changes) AS c WHERE w.request_id = %s
            ) AS told
            GROUP BY field ORDER BY articles DESC, field
            """,
            (request_id,),
        )
        return await cursor.fetchall()
