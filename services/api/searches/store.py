"""Saved searches in PostgreSQL: one function a statement, none commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from services.api.search.condition import Condition

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

_COLUMNS = """
SELECT id, name, filters, created_at, updated_at, told.readers, told.readers_failing
FROM searches CROSS JOIN LATERAL (
    SELECT count(*) AS readers, count(*) FILTER (WHERE r.failures > 0) AS readers_failing
    FROM feed_readers r WHERE r.search_id = searches.id AND r.expires_at > now()
) AS told
"""
_FOUND_TOO = """
SELECT count(*) FROM article_lookup l WHERE l.article_id = ANY(%(ids)s) AND {direct} AND {within}
"""


async def add(conn: Connection, name: str, filters: Mapping[str, Any]) -> int:
    """Keep a search and return its id."""
    cursor = await conn.execute(
        "INSERT INTO searches (name, filters) VALUES (%s, %s) RETURNING id", (name, Jsonb(dict(filters)))
    )
    return int((await cursor.fetchall())[0][0])


async def page(conn: Connection, after: int, limit: int) -> list[dict[str, Any]]:
    """At most `limit` searches with ids above `after`, oldest first."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_COLUMNS + "WHERE id > %s ORDER BY id LIMIT %s", (after, limit))
        return await cursor.fetchall()


async def get(conn: Connection, search_id: int) -> dict[str, Any] | None:
    """One search."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_COLUMNS + "WHERE id = %s", (search_id,))
        return await cursor.fetchone()


async def change(conn: Connection, search_id: int, name: str | None, filters: Mapping[str, Any] | None) -> None:
    """Change what is not None."""
    await conn.execute(
        """
        UPDATE searches SET name = coalesce(%s, name), filters = coalesce(%s, filters), updated_at = now()
        WHERE id = %s
        """,
        (name, Jsonb(dict(filters)) if filters is not None else None, search_id),
    )


async def delete(conn: Connection, search_id: int) -> bool:
    """Forget a search; False for one that is not there."""
    cursor = await conn.execute("DELETE FROM searches WHERE id = %s RETURNING id", (search_id,))
    return await cursor.fetchone() is not None


async def found_too(
    conn: Connection, ids: Sequence[int], asked: Condition, within: tuple[str, Mapping[str, Any]]
) -> int:
    """How many of some articles fulfil a condition, within bounds of time."""
    statement = _FOUND_TOO.format(direct=asked.direct, within=within[0])
    told = {**asked.values, **within[1], "ids": list(ids)}
    ((n,),) = await (await conn.execute(statement.encode(), told, prepare=False)).fetchall()
    return int(n)
