"""Keys and the audit of writes in PostgreSQL: one function a statement, none commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row

from shared.locks import Lock

Connection = psycopg.AsyncConnection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key: never the key itself."""

    id: int
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


_KEY = "id, name, prefix, scopes, created_at, expires_at, last_used_at"


async def find(conn: Connection, digest: bytes) -> Key | None:
    """The key with this hash, if it is neither revoked nor expired; notes its use, once a minute at most."""
    async with conn.cursor(row_factory=class_row(Key)) as cursor:
        await cursor.execute(
            f"""
            WITH used AS (
                UPDATE api_keys SET last_used_at = now()
                WHERE hash = %(digest)s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
                  AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
            )
            SELECT {_KEY} FROM api_keys
            WHERE hash = %(digest)s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
            """.encode(),
            {"digest": digest},
        )
        return await cursor.fetchone()


async def make(
    conn: Connection, name: str, digest: bytes, prefix: str, scopes: Sequence[str], expires_at: datetime | None
) -> int:
    """Keep a key's hash; its id. One that is kept already stays, revoked or not."""
    cursor = await conn.execute(
        """
        INSERT INTO api_keys (name, hash, prefix, scopes, expires_at) VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (hash) DO UPDATE SET hash = excluded.hash RETURNING id
        """,
        (name, digest, prefix, list(scopes), expires_at),
    )
    return int((await cursor.fetchall())[0][0])


async def listed(conn: Connection, after: int, limit: int) -> list[Key]:
    """At most `limit` keys that are not revoked with ids above `after`, the first first."""
    statement = f"SELECT {_KEY} FROM api_keys WHERE revoked_at IS NULL AND id > %s ORDER BY id LIMIT %s"
    async with conn.cursor(row_factory=class_row(Key)) as cursor:
        await cursor.execute(statement.encode(), (after, limit))
        return await cursor.fetchall()


async def revoke(conn: Connection, key_id: int) -> bool:
    """A key is good no more; False for one that is not there."""
    cursor = await conn.execute(
        "UPDATE api_keys SET revoked_at = now() WHERE id = %s AND revoked_at IS NULL RETURNING id", (key_id,)
    )
    return await cursor.fetchone() is not None


async def alone(conn: Connection) -> None:
    """Be the only one, until the transaction ends, that looks whether a first key must be made."""
    await conn.execute("SELECT pg_advisory_xact_lock(%s)", (Lock.FIRST_KEY,))


async def has_admin(conn: Connection) -> bool:
    """Whether any admin key is good."""
    cursor = await conn.execute(
        """
        SELECT EXISTS (SELECT 1 FROM api_keys WHERE 'admin' = ANY(scopes) AND revoked_at IS NULL
                       AND (expires_at IS NULL OR expires_at > now()))
        """
    )
    return bool((await cursor.fetchall())[0][0])


async def note(conn: Connection, key_id: int | None, method: str, path: str, status: int) -> None:
    """Keep who changed what."""
    await conn.execute(
        "INSERT INTO api_audit (key_id, method, path, status) VALUES (%s, %s, %s, %s)", (key_id, method, path, status)
    )


async def audited(conn: Connection, before: int | None, limit: int) -> list[dict[str, Any]]:
    """At most `limit` writes with ids below `before`, the newest first, with the name of the key."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            """
            SELECT a.id, a.at, a.key_id, k.name AS key_name, a.method, a.path, a.status
            FROM api_audit a LEFT JOIN api_keys k ON k.id = a.key_id
            WHERE a.id < coalesce(%s, 9223372036854775807) ORDER BY a.id DESC LIMIT %s
            """,
            (before, limit),
        )
        return await cursor.fetchall()
