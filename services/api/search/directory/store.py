"""What the API reads of the directory of entities. One function a statement, none commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

Connection = psycopg.AsyncConnection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Known:
    """One entity as enrichment knows it."""

    id: str
    type: str
    name: str
    ids: dict[str, Any]
    articles: int
    first_seen_at: datetime
    last_seen_at: datetime | None
    aliases: list[str]
    merged_into: str | None


@dataclass(frozen=True, slots=True)
class Changed:
    """A merge or a split, as it was written down."""

    at: datetime
    kind: str
    id: str
    into_id: str
    why: str
    evidence: str
    articles: int


async def entities(conn: Connection, ids: Sequence[str]) -> dict[str, Known]:
    """Entities by id, those that are known."""
    cursor = await conn.execute(
        """
        SELECT id, type, name, ids, articles, first_seen_at, last_seen_at, aliases, merged_into
        FROM entities WHERE id = ANY(%s)
        """,
        (list(ids),),
    )
    return {row[0]: Known(*row) for row in await cursor.fetchall()}


async def followed(conn: Connection, entity_id: str) -> Known | None:
    """The entity that answers for an id: what it was merged into, at most five times over."""
    cursor = await conn.execute(
        """
        WITH RECURSIVE way AS (
            SELECT e.*, 0 AS hops FROM entities e WHERE e.id = %s
            UNION ALL
            SELECT e.*, w.hops + 1 FROM way w JOIN entities e ON e.id = w.merged_into WHERE w.hops < 5)
        SELECT id, type, name, ids, articles, first_seen_at, last_seen_at, aliases, merged_into
        FROM way ORDER BY hops DESC LIMIT 1
        """,
        (entity_id,),
    )
    row = await cursor.fetchone()
    return Known(*row) if row else None


async def changes(conn: Connection, entity_id: str) -> list[Changed]:
    """The last merges and splits that an entity was part of, the newest first."""
    cursor = await conn.execute(
        """
        SELECT at, kind, id, into_id, why, evidence, articles FROM entity_changes
        WHERE id = %(id)s OR into_id = %(id)s ORDER BY n DESC LIMIT 50
        """,
        {"id": entity_id},
    )
    return [Changed(*row) for row in await cursor.fetchall()]


async def former(conn: Connection, entity_id: str) -> list[str]:
    """The ids that were merged into this one."""
    cursor = await conn.execute("SELECT id FROM entity_merges WHERE into_id = %s ORDER BY id LIMIT 200", (entity_id,))
    return [key for (key,) in await cursor.fetchall()]


async def begins(
    conn: Connection, names: str | None, types: Sequence[str], after: tuple[int, str] | None, most: int
) -> tuple[int, list[Known]]:
    """The head of the log, and the entities whose names answer a tsquery, the most named first, from after a place on.

    Without names it is the whole directory.
    """
    cursor = await conn.execute(
        """
        WITH head AS (SELECT coalesce(max(position), 0) AS position FROM events)
        SELECT head.position, e.* FROM head LEFT JOIN LATERAL (
            SELECT id, type, name, ids, articles, first_seen_at, last_seen_at, aliases, merged_into FROM entities
            WHERE merged_into IS NULL AND (%(names)s::tsquery IS NULL OR words @@ %(names)s::tsquery)
              AND (%(types)s::text[] IS NULL OR type = ANY(%(types)s))
              AND (%(articles)s::int IS NULL OR (articles, id) < (%(articles)s, %(id)s))
            ORDER BY articles DESC, id DESC LIMIT %(most)s
        ) e ON true
        ORDER BY e.articles DESC, e.id DESC
        """,
        {
            "names": names,
            "types": list(types) or None,
            "articles": after and after[0],
            "id": after and after[1],
            "most": most,
        },
        prepare=False,
    )
    rows = await cursor.fetchall()
    return rows[0][0], [Known(*row[1:]) for row in rows if row[1] is not None]
