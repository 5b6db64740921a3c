"""The replicas of the deliver process: one function a statement, none commits."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg

Connection = psycopg.AsyncConnection[tuple[Any, ...]]


async def beat(conn: Connection, replica: UUID, host: str, pid: int, serving: int, heard_within_s: float) -> int:
    """Say that this replica looks for work; how many do, with it. Those unheard of for an hour are forgotten."""
    cursor = await conn.execute(
        """
        WITH mine AS (
            INSERT INTO deliver_replicas (id, host, pid, serving) VALUES (%(id)s, %(host)s, %(pid)s, %(serving)s)
            ON CONFLICT (id) DO UPDATE SET seen_at = now(), serving = excluded.serving
        ), gone AS (
            DELETE FROM deliver_replicas WHERE id <> %(id)s AND seen_at < now() - make_interval(hours => 1)
        )
        SELECT 1 + count(*) FROM deliver_replicas
        WHERE id <> %(id)s AND seen_at > now() - make_interval(secs => %(within)s)
        """,
        {"id": replica, "host": host, "pid": pid, "serving": serving, "within": heard_within_s},
    )
    return int((await cursor.fetchall())[0][0])


async def leave(conn: Connection, replica: UUID) -> None:
    """This replica takes nothing more."""
    await conn.execute("DELETE FROM deliver_replicas WHERE id = %s", (replica,))
