"""What the API reads of articles and of the log's surroundings: one function a statement, none commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg

from shared.changes import Telling
from shared.packing import words_of
from shared.stored import Kept

Connection = psycopg.AsyncConnection[tuple[Any, ...]]


async def vectors(conn: Connection, ids: Sequence[int]) -> dict[int, bytes]:
    """The vectors of articles that have one, a signed byte a number."""
    cursor = await conn.execute(
        "SELECT article_id, vector FROM article_vectors WHERE article_id = ANY(%s)", (list(ids),)
    )
    return dict(await cursor.fetchall())


async def versions(conn: Connection, article_id: int) -> list[tuple[Any, ...]]:
    """(version, position of its first event, seen_at, title, modified_at, significant, changes), the first first.

    Its event is the one that told of the publisher's doing, never of a later reading; None once that is not retained.
    """
    cursor = await conn.execute(
        """
        SELECT v.version,
               (SELECT min(e.position) FROM events e WHERE e.article_id = v.article_id
                AND e.type IN ('wiredesk.article.enriched.v1', 'wiredesk.article.corrected.v1',
                               'wiredesk.article.withdrawn.v1')
                AND coalesce(e.version, (e.data::jsonb ->> 'version')::int) = v.version),
               v.seen_at, v.title, v.modified_at, v.significant, v.changes
        FROM article_versions v WHERE v.article_id = %s ORDER BY v.version
        """,
        (article_id,),
    )
    return await cursor.fetchall()


async def tellings(conn: Connection, article_id: int) -> dict[int, Telling]:
    """An article's words at each of its versions; empty for an unknown id.

    A version's words were kept when another took its place; where only its status changed, they are those after it.
    """
    cursor = await conn.execute(
        """
        SELECT v.version, v.title, coalesce(w.description, a.description, ''),
               coalesce(w.body_packed, a.body_packed), coalesce(w.body_html, a.body_html, ''),
               coalesce(w.authors, a.authors, '{}'), coalesce(s.status, 'usable')
        FROM article_versions v
        LEFT JOIN LATERAL (
            SELECT coalesce(l.description, '') AS description, l.body_packed,
                   CASE WHEN l.body_packed IS NULL THEN coalesce(l.body_html, '') END AS body_html, l.authors
            FROM article_versions l
            WHERE l.article_id = v.article_id AND l.version >= v.version AND l.authors IS NOT NULL
            ORDER BY l.version LIMIT 1
        ) w ON true
        LEFT JOIN articles a ON a.id = v.article_id AND w.authors IS NULL
        LEFT JOIN LATERAL (
            SELECT c ->> 'new' AS status FROM article_versions t, jsonb_array_elements(t.changes) AS c
            WHERE t.article_id = v.article_id AND t.version <= v.version AND c ->> 'field' = 'status'
            ORDER BY t.version DESC LIMIT 1
        ) s ON true
        WHERE v.article_id = %s
        """,
        (article_id,),
    )
    return {
        version: Telling(title, *words_of(description, html, packed), authors, status)
        for version, title, description, packed, html, authors, status in await cursor.fetchall()
    }


async def trace(conn: Connection, article_id: int) -> list[tuple[Any, ...]]:
    """(at, step, detail) of everything stored about an article's way, in order of time; none for an unknown id."""
    cursor = await conn.execute(
        """
        SELECT at, step, detail FROM (
            SELECT discovered_at AS at, 1 AS n, 'discovered' AS step,
                   jsonb_build_object('url', url, 'published_at', published_at) AS detail
            FROM articles WHERE id = %(id)s
            UNION ALL
            SELECT first_seen_at, 2, 'seen_in_feed', jsonb_build_object('feed_id', feed_id, 'guid', guid)
            FROM article_feeds WHERE article_id = %(id)s
            UNION ALL
            SELECT seen_at, 3, 'version_stored', jsonb_build_object('version', version, 'significant', significant)
            FROM article_versions WHERE article_id = %(id)s
            UNION ALL
            SELECT stored_at, 4, 'waits_for_enrichment',
                   jsonb_build_object('version', version, 'lane', lane, 'queued_at', queued_at)
            FROM article_queue WHERE article_id = %(id)s
            UNION ALL
            SELECT wanted_at, 4, 'page_wanted', jsonb_build_object('url', url)
            FROM pages WHERE article_id = %(id)s
            UNION ALL
            SELECT coalesce(fetched_at, wanted_at), 4, CASE WHEN edition > 0 THEN 'page_stored' ELSE 'page_missed' END,
                   jsonb_build_object('outcome', outcome, 'http_status', http_status, 'error', error,
                                      'attempts', attempts, 'final_url', final_url, 'edition', edition,
                                      'next_try_at', next_try_at)
            FROM pages WHERE article_id = %(id)s AND outcome IS NOT NULL
            UNION ALL
            SELECT last_at, 5, 'enrichment_begun', jsonb_build_object('version', version, 'attempts', attempts)
            FROM enrich_attempts WHERE article_id = %(id)s
            UNION ALL
            SELECT enriched_at, 6, 'enriched', jsonb_build_object('version', version, 'revision', revision,
                                                               'page_edition', page_edition)
            FROM enriched_articles WHERE article_id = %(id)s
            UNION ALL
            SELECT at, 7, 'event', jsonb_build_object('position', position, 'type', type)
            FROM events WHERE article_id = %(id)s
        ) AS steps ORDER BY at, n
        """,
        {"id": article_id},
    )
    return await cursor.fetchall()


async def sources(conn: Connection, after: str, limit: int) -> tuple[int, list[tuple[str, int, datetime | None, Kept]]]:
    """The head of the log, and (id, count of articles, newest sort_at, the newest) of sources in order of id.

    At most `limit` with ids above `after`: those of articles and those that feeds were found to have. Each is stepped
    to in the two indexes, so that a page costs what its own sources have.
    """
    cursor = await conn.execute(
        """
        WITH RECURSIVE head AS (SELECT coalesce(max(position), 0) AS position FROM events),
        ids AS (
            SELECT 0 AS n, %(after)s::text AS id
            UNION ALL
            SELECT n + 1, least(
                (SELECT e.source_id FROM enriched_articles e WHERE e.source_id > ids.id ORDER BY e.source_id LIMIT 1),
                (SELECT s.source_id FROM feed_states s WHERE s.source_id > ids.id ORDER BY s.source_id LIMIT 1))
            FROM ids WHERE n < %(limit)s AND id IS NOT NULL
        )
        SELECT head.position, ids.id, c.articles, n.sort_at, n.packed, n.card
        FROM head LEFT JOIN ids ON ids.n > 0 AND ids.id IS NOT NULL
        LEFT JOIN LATERAL (SELECT count(*) AS articles FROM enriched_articles a WHERE a.source_id = ids.id) c ON true
        LEFT JOIN LATERAL (
            SELECT a.sort_at, a.packed, a.card FROM enriched_articles a WHERE a.source_id = ids.id
            ORDER BY a.sort_at DESC, a.article_id DESC LIMIT 1
        ) n ON true
        ORDER BY ids.n
        """,
        {"after": after, "limit": limit},
    )
    rows = await cursor.fetchall()
    return rows[0][0], [(row[1], row[2], row[3], Kept(*row[4:])) for row in rows if row[1] is not None]


async def migrations(conn: Connection) -> set[str]:
    """The migrations that were applied. Raises `psycopg.errors.UndefinedTable` where none ever was."""
    cursor = await conn.execute("SELECT name FROM schema_migrations")
    return {name for (name,) in await cursor.fetchall()}
