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


async def entities(conn: Connection, ids: Sequence[str]) -> dict[str, Known]:
    """Entities by id, those that are known."""
    cursor = await conn.execute(
        """
        SELECT id, type, name, ids, articles, first_seen_at, last_seen_at FROM entities WHERE id = ANY(%s)
        """,
        (list(ids),),
    )
    return {row[0]: Known(*row) for row in await cursor.fetchall()}


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
            SELECT id, type, name, ids, articles, first_seen_at, last_seen_at FROM entities
            WHERE (%(names)s::tsquery IS NULL OR words @@ %(names)s::tsquery)
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
