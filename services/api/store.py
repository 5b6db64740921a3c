"""What the API reads of articles and of the log's surroundings: one function a statement, none commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from services.api.filters import OF_REST, ON_CARD, Filter
from services.api.query import RANKED_MOST, ArticleQuery, Place, Ranked

Connection = psycopg.AsyncConnection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Stored:
    """One article as enrichment wrote it. `rest` is None where it was not asked for."""

    article_id: int
    sort_at: datetime
    position: int
    card: str
    rest: str | None


# Conditions of an article filter on `a` (enriched_articles). Only those asked for are put together, so that every
# combination is planned for itself.
_CONDITIONS = {
    "lang": "a.lang = ANY(%(lang)s)",
    "source": "a.source_id = ANY(%(source)s)",
    "feed": "EXISTS (SELECT 1 FROM article_feeds f WHERE f.article_id = a.article_id AND f.feed_id = ANY(%(feed)s))",
    "entity": """EXISTS (SELECT 1 FROM article_entities e
                         WHERE e.article_id = a.article_id AND e.entity_id = ANY(%(entity)s))""",
    "entity_type": """EXISTS (SELECT 1 FROM article_entities t
                              WHERE t.article_id = a.article_id AND t.type = ANY(%(entity_type)s))""",
    "start": "a.sort_at >= %(start)s",
    "end": "a.sort_at < %(end)s",
    "since": "a.position > %(since)s",
}
# The ids come first and by themselves: left to choose, the planner walks the newest articles backwards and looks at
# the words of each, which takes seconds for a rare word.
_FOUND = """found AS MATERIALIZED (
    SELECT s.article_id FROM article_search s WHERE ({words}){bounds}
), """
_PAGE = """
WITH {found}head AS (SELECT coalesce(max(position), 0) AS position FROM events)
SELECT head.position, p.article_id, p.sort_at, p.position, p.card, p.rest
FROM head LEFT JOIN LATERAL (
    SELECT a.article_id, a.sort_at, coalesce(a.position, 0) AS position, a.card, {rest} AS rest
    FROM enriched_articles a
    WHERE {where}
    ORDER BY a.sort_at DESC, a.article_id DESC LIMIT %(limit)s
) p ON true
ORDER BY p.sort_at DESC, p.article_id DESC
"""


_RANKED_PAGE = """
WITH {found}head AS (SELECT coalesce(max(position), 0) AS position FROM events),
candidates AS MATERIALIZED (
    SELECT a.article_id, a.sort_at FROM enriched_articles a
    WHERE {where}{floor}
    ORDER BY a.sort_at DESC, a.article_id DESC LIMIT %(most)s
), floor AS (
    SELECT sort_at, article_id FROM candidates ORDER BY sort_at, article_id LIMIT 1
), ranked AS (
    SELECT c.article_id, c.sort_at, ts_rank(s.words, {words}, 1) AS rank
    FROM candidates c JOIN article_search s ON s.article_id = c.article_id
)
SELECT head.position, p.rank, floor.sort_at, floor.article_id, p.article_id, p.sort_at, p.position, p.card, p.rest
FROM head LEFT JOIN floor ON true LEFT JOIN LATERAL (
    SELECT r.rank, r.article_id, r.sort_at, coalesce(a.position, 0) AS position, a.card, {rest} AS rest
    FROM ranked r JOIN enriched_articles a ON a.article_id = r.article_id
    WHERE {after}
    ORDER BY r.rank DESC, r.sort_at DESC, r.article_id DESC LIMIT %(limit)s
) p ON true
ORDER BY p.rank DESC, p.sort_at DESC, p.article_id DESC
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """An article filter as SQL on `a` (enriched_articles): a CTE to go first, a condition, and their values."""

    found: str
    where: str
    values: dict[str, Any]


async def articles(conn: Connection, query: ArticleQuery, *, rest: bool) -> tuple[int, list[Stored]]:
    """The head of the log and the page, in one snapshot; one row more than the limit where there are more."""
    asked = asked_of(query.filter, before=query.after)
    statement = _PAGE.format(found=asked.found, rest="a.rest" if rest else "NULL", where=asked.where)
    rows = await (await conn.execute(statement.encode(), asked.values | {"limit": query.limit + 1})).fetchall()
    return rows[0][0], [Stored(*row[1:]) for row in rows if row[1] is not None]


async def ranked(conn: Connection, query: ArticleQuery, *, rest: bool) -> tuple[int, list[tuple[Ranked, Stored]]]:
    """As `articles`, best first, each with its place in that order; only the newest that pass are ranked."""
    asked = asked_of(query.filter)
    last = query.ranked_after
    most = RANKED_MOST if last is None else 2 * RANKED_MOST  # room for those that came since the first page
    values = asked.values | {"limit": query.limit + 1, "most": most}
    if last is not None:
        values |= {"rank": last.rank, "after_at": last.at[0], "after_id": last.at[1]}
        values |= {"floor_at": last.floor[0], "floor_id": last.floor[1]}
    words = " || ".join(f"websearch_to_tsquery('simple', %(q{n})s)" for n, _ in enumerate(query.filter.q))
    statement = _RANKED_PAGE.format(
        found=asked.found,
        where=asked.where,
        floor=" AND (a.sort_at, a.article_id) >= (%(floor_at)s, %(floor_id)s)" if last else "",
        words=f"({words})",
        rest="a.rest" if rest else "NULL",
        after="(r.rank, r.sort_at, r.article_id) < (%(rank)s::real, %(after_at)s, %(after_id)s)" if last else "true",
    )
    rows = await (await conn.execute(statement.encode(), values)).fetchall()
    found = [(row, Stored(*row[4:])) for row in rows if row[4] is not None]
    floor = last.floor if last else None
    return rows[0][0], [(Ranked(r[1], (s.sort_at, s.article_id), floor or (r[2], r[3])), s) for r, s in found]


def asked_of(asked: Filter, before: Place | None = None) -> Asked:
    """A filter, and a place to go on from, as SQL. Words are looked up first, by themselves."""
    conditions = [text for name, text in _CONDITIONS.items() if getattr(asked, name) not in ((), None)]
    values = _values(asked)
    for name, told in (("place", asked.place), ("author", asked.author)):
        if told:
            conditions.append(
                "(" + " OR ".join(f"card_facts(a.card) @> %({name}{n})s" for n, _ in enumerate(told)) + ")"
            )
            values |= {f"{name}{n}": Jsonb({name: [value]}) for n, value in enumerate(told)}
    if asked.has:
        conditions.append("(" + " OR ".join(_part(part) for part in asked.has) + ")")
    if before is not None:
        conditions.append("(a.sort_at, a.article_id) < (%(after_at)s, %(after_id)s)")
        values |= {"after_at": before[0], "after_id": before[1]}
    if asked.q:
        conditions.append("a.article_id IN (SELECT article_id FROM found)")
    return Asked(_found(asked, before) if asked.q else "", " AND ".join(conditions) or "true", values)


def _part(name: str) -> str:
    """Whether an article has a part: its member is neither null nor empty."""
    column, member = ("card", ON_CARD[name]) if name in ON_CARD else ("rest", OF_REST[name])
    # jsonb and json refuse an escaped NUL when they are read, and one article must not fail the list.
    told = f"CASE WHEN strpos(a.{column}, '\\u0000') = 0 THEN a.{column}::json #>> '{{{member}}}' END"
    return f"coalesce({told}, '') NOT IN ('', '[]')"


def _found(asked: Filter, before: Place | None) -> str:
    words = " OR ".join(f"s.words @@ websearch_to_tsquery('simple', %(q{n})s)" for n, _ in enumerate(asked.q))
    bounds = ""
    if asked.start is not None:
        bounds += " AND s.sort_at >= %(start)s"
    if asked.end is not None:
        bounds += " AND s.sort_at < %(end)s"
    if before is not None:
        bounds += " AND s.sort_at <= %(after_at)s"
    return _FOUND.format(words=words, bounds=bounds)


def _values(asked: Filter) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(asked, name) for name in _CONDITIONS}
    values = {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}
    return values | {f"q{n}": q for n, q in enumerate(asked.q)}


async def article(conn: Connection, article_id: int) -> Stored | None:
    """One whole article."""
    cursor = await conn.execute(
        """
        SELECT article_id, sort_at, coalesce(position, 0), card, rest FROM enriched_articles WHERE article_id = %s
        """,
        (article_id,),
    )
    row = await cursor.fetchone()
    return Stored(*row) if row else None


async def wholes(conn: Connection, ids: Sequence[int]) -> dict[int, Stored]:
    """Whole articles by id, those that exist."""
    cursor = await conn.execute(
        """
        SELECT article_id, sort_at, coalesce(position, 0), card, rest FROM enriched_articles WHERE article_id = ANY(%s)
        """,
        (list(ids),),
    )
    return {row[0]: Stored(*row) for row in await cursor.fetchall()}


async def vectors(conn: Connection, ids: Sequence[int]) -> dict[int, bytes]:
    """The vectors of articles that have one, a signed byte a number."""
    cursor = await conn.execute(
        "SELECT article_id, vector FROM article_vectors WHERE article_id = ANY(%s)", (list(ids),)
    )
    return dict(await cursor.fetchall())


async def worded(conn: Connection, ids: Sequence[int], queries: Sequence[str]) -> set[tuple[int, str]]:
    """Which of the articles answer which of the folded web-search queries: (article id, query)."""
    cursor = await conn.execute(
        """
        SELECT s.article_id, asked.q
        FROM article_search s, unnest(%s::text[]) AS asked(q)
        WHERE s.article_id = ANY(%s) AND s.words @@ websearch_to_tsquery('simple', asked.q)
        """,
        (list(queries), list(ids)),
    )
    return {(article_id, q) for article_id, q in await cursor.fetchall()}


async def versions(conn: Connection, article_id: int) -> list[tuple[Any, ...]]:
    """(version, position of its first event, seen_at, title, modified_at, significant, changes), the first first.

    Events carry the version in their data; the first that tells of a version is its own.
    """
    cursor = await conn.execute(
        """
        SELECT v.version,
               (SELECT min(e.position) FROM events e
                WHERE e.article_id = v.article_id AND (e.data::jsonb ->> 'version')::int = v.version),
               v.seen_at, v.title, v.modified_at, v.significant, v.changes
        FROM article_versions v WHERE v.article_id = %s ORDER BY v.version
        """,
        (article_id,),
    )
    return await cursor.fetchall()


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
            SELECT last_at, 5, 'enrichment_begun', jsonb_build_object('version', version, 'attempts', attempts)
            FROM enrich_attempts WHERE article_id = %(id)s
            UNION ALL
            SELECT enriched_at, 6, 'enriched', jsonb_build_object('version', version, 'revision', revision)
            FROM enriched_articles WHERE article_id = %(id)s
            UNION ALL
            SELECT at, 7, 'event', jsonb_build_object('position', position, 'type', type)
            FROM events WHERE article_id = %(id)s
        ) AS steps ORDER BY at, n
        """,
        {"id": article_id},
    )
    return await cursor.fetchall()


async def sources(conn: Connection) -> tuple[int, list[tuple[Any, ...]]]:
    """The head of the log, and (id, count, newest sort_at, card of the newest) of every source, the busiest first."""
    cursor = await conn.execute(
        """
        WITH head AS (SELECT coalesce(max(position), 0) AS position FROM events),
        counted AS (
            SELECT source_id, count(*) AS articles, max(sort_at) AS newest_at FROM enriched_articles GROUP BY source_id
        )
        SELECT head.position, c.source_id, c.articles, c.newest_at,
               (SELECT a.card FROM enriched_articles a WHERE a.source_id = c.source_id
                ORDER BY a.sort_at DESC, a.article_id DESC LIMIT 1)
        FROM head LEFT JOIN counted c ON true ORDER BY c.articles DESC, c.source_id
        """
    )
    rows = await cursor.fetchall()
    return rows[0][0], [row[1:] for row in rows if row[1] is not None]


async def migrations(conn: Connection) -> set[str]:
    """The migrations that were applied. Raises `psycopg.errors.UndefinedTable` where none ever was."""
    cursor = await conn.execute("SELECT name FROM schema_migrations")
    return {name for (name,) in await cursor.fetchall()}
