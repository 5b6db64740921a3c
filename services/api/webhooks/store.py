"""Subscriptions, their cursors and attempts: one function a statement, none commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from services.api.webhooks.signing import Secret

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

CHANNEL = "wiredesk_webhooks"
KEPT_ATTEMPTS = 1000

_COLUMNS = """
SELECT w.id, w.url, w.filters, w.include, w.batch, w.status, w.status_reason, w.failures, w.next_attempt_at,
       w.created_at, c.position,
       (SELECT count(*) FROM webhook_cursors r WHERE r.webhook_id = w.id AND r.position < r.until) AS replays
FROM webhooks w JOIN webhook_cursors c ON c.webhook_id = w.id AND c.until IS NULL
"""
_ATTEMPT = "SELECT message_id AS webhook_id, position, attempt, at, status_code, took_ms, error FROM webhook_attempts"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A subscription as it is now, ours until its lease ends; `token` proves it."""

    id: int
    token: int
    url: str
    filters: Mapping[str, Any]
    include: str | None
    batch: int | None
    secrets: tuple[Secret, ...]
    failures: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far one stretch got: the live one has no `until`."""

    id: int
    position: int
    until: int | None
    pending_until: int | None


@dataclass(frozen=True, slots=True)
class Ping:
    """A test that was asked for."""

    id: int
    webhook_id: int
    url: str
    secrets: tuple[Secret, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request as it went. `position` is that of its last event; None for a ping."""

    message_id: str
    position: int | None
    attempt: int
    at: datetime
    status_code: int | None
    took_ms: int
    error: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt means for its subscription: due again then, or at once; without a lease it is given back."""

    status: str
    reason: str | None
    failures: int
    next_attempt_at: datetime | None
    lease_s: float | None


async def add(
    conn: Connection, url: str, filters: Mapping[str, Any], include: str | None, batch: int | None, secret: str
) -> int:
    """Insert a subscription and return its id."""
    cursor = await conn.execute(
        "INSERT INTO webhooks (url, filters, include, batch, secrets) VALUES (%s, %s, %s, %s, %s) RETURNING id",
        (url, Jsonb(dict(filters)), include, batch, Jsonb([{"secret": secret}])),
    )
    return int((await cursor.fetchall())[0][0])


async def add_cursor(conn: Connection, webhook_id: int, position: int, until: int | None = None) -> None:
    """Begin the live stretch, or a replay up to `until`."""
    await conn.execute(
        "INSERT INTO webhook_cursors (webhook_id, position, until) VALUES (%s, %s, %s)", (webhook_id, position, until)
    )


async def page(conn: Connection, after: int, limit: int) -> list[dict[str, Any]]:
    """At most `limit` subscriptions with ids above `after`, oldest first."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_COLUMNS + "WHERE w.id > %s ORDER BY w.id LIMIT %s", (after, limit))
        return await cursor.fetchall()


async def get(conn: Connection, webhook_id: int) -> dict[str, Any] | None:
    """One subscription."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_COLUMNS + "WHERE w.id = %s", (webhook_id,))
        return await cursor.fetchone()


async def change(conn: Connection, webhook_id: int, values: Mapping[str, Any]) -> bool:
    """Set any of url, filters, include, batch; False where there is no such subscription."""
    cursor = await conn.execute(
        """
        UPDATE webhooks SET
            url = CASE WHEN %(set)s::jsonb ? 'url' THEN %(set)s::jsonb ->> 'url' ELSE url END,
            filters = CASE WHEN %(set)s::jsonb ? 'filters' THEN %(set)s::jsonb -> 'filters' ELSE filters END,
            include = CASE WHEN %(set)s::jsonb ? 'include' THEN %(set)s::jsonb ->> 'include' ELSE include END,
            batch = CASE WHEN %(set)s::jsonb ? 'batch' THEN (%(set)s::jsonb ->> 'batch')::integer ELSE batch END,
            updated_at = clock_timestamp()
        WHERE id = %(id)s
        """,
        {"id": webhook_id, "set": Jsonb(dict(values))},
    )
    return cursor.rowcount == 1


async def set_status(conn: Connection, webhook_id: int, status: str, reason: str | None) -> None:
    """Activate or pause; activating forgets the failures and makes it due at once."""
    await conn.execute(
        """
        UPDATE webhooks SET status = %(status)s, status_reason = %(reason)s, failures = 0,
                            next_attempt_at = now(), updated_at = clock_timestamp()
        WHERE id = %(id)s
        """,
        {"id": webhook_id, "status": status, "reason": reason},
    )


async def delete(conn: Connection, webhook_id: int) -> bool:
    """Remove a subscription with all that belongs to it."""
    cursor = await conn.execute("DELETE FROM webhooks WHERE id = %s", (webhook_id,))
    return cursor.rowcount == 1


async def secrets(conn: Connection, webhook_id: int) -> tuple[Secret, ...] | None:
    """Its secrets, locked for a change; None where there is no such subscription."""
    cursor = await conn.execute("SELECT secrets FROM webhooks WHERE id = %s FOR UPDATE", (webhook_id,))
    row = await cursor.fetchone()
    return _secrets(row[0]) if row else None


async def set_secrets(conn: Connection, webhook_id: int, held: Sequence[Secret]) -> None:
    """Replace them, the newest first."""
    told = [{"secret": s.text} | ({"until": s.until.isoformat()} if s.until else {}) for s in held]
    await conn.execute(
        "UPDATE webhooks SET secrets = %s, updated_at = clock_timestamp() WHERE id = %s", (Jsonb(told), webhook_id)
    )


async def attempts(conn: Connection, webhook_id: int, before: int | None, limit: int) -> list[dict[str, Any]]:
    """The last attempts, newest first, each with its `id`; `before` is the id where the page before ended."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            """
            SELECT id, message_id AS webhook_id, position, attempt, at, status_code, took_ms, error
            FROM webhook_attempts
            WHERE webhook_id = %(webhook)s AND (%(before)s::bigint IS NULL OR id < %(before)s)
            ORDER BY id DESC LIMIT %(limit)s
            """,
            {"webhook": webhook_id, "before": before, "limit": limit},
        )
        return await cursor.fetchall()


async def at_or_after(conn: Connection, position: int) -> datetime | None:
    """When the first event from a position on happened."""
    cursor = await conn.execute("SELECT at FROM events WHERE position >= %s ORDER BY position LIMIT 1", (position,))
    row = await cursor.fetchone()
    return row[0] if row else None


async def ask_ping(conn: Connection, webhook_id: int) -> int:
    """Ask for a test and return its id."""
    cursor = await conn.execute("INSERT INTO webhook_pings (webhook_id) VALUES (%s) RETURNING id", (webhook_id,))
    return int((await cursor.fetchall())[0][0])


async def ping_answer(conn: Connection, ping_id: int) -> dict[str, Any] | None:
    """The attempt that a test was; None while it is not made."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_ATTEMPT + " WHERE id = (SELECT attempt_id FROM webhook_pings WHERE id = %s)", (ping_id,))
        return await cursor.fetchone()


async def forget_ping(conn: Connection, ping_id: int) -> None:
    """Remove a test that was answered, or that nobody waits for."""
    await conn.execute("DELETE FROM webhook_pings WHERE id = %s OR at < now() - make_interval(hours => 1)", (ping_id,))


async def claim_ping(conn: Connection) -> Ping | None:
    """A test to make, locked until the transaction ends."""
    cursor = await conn.execute(
        """
        SELECT p.id, p.webhook_id, w.url, w.secrets FROM webhook_pings p JOIN webhooks w ON w.id = p.webhook_id
        WHERE p.attempt_id IS NULL AND p.at > now() - make_interval(mins => 1)
        ORDER BY p.id LIMIT 1 FOR UPDATE OF p SKIP LOCKED
        """
    )
    row = await cursor.fetchone()
    return Ping(row[0], row[1], row[2], _secrets(row[3])) if row else None


async def answer_ping(conn: Connection, ping_id: int, attempt_id: int) -> None:
    """Say which attempt it was."""
    await conn.execute("UPDATE webhook_pings SET attempt_id = %s WHERE id = %s", (attempt_id, ping_id))


async def wake(conn: Connection) -> None:
    """Tell deliver to look, once this is committed."""
    await conn.execute("SELECT pg_notify(%s, '')", (CHANNEL,))


async def listen(conn: Connection) -> None:
    """Have this session hear of new events and of what was asked for."""
    await conn.execute("LISTEN wiredesk_events")
    await conn.execute("LISTEN wiredesk_webhooks")


async def claim(conn: Connection, free: int, held: int, replicas: int, head: int, lease_s: float) -> list[Claimed]:
    """Take subscriptions that are due and have something before the head, the longest waiting first.

    At most `free`, and with those `held` no more than this replica's part of all that are due or leased.
    """
    cursor = await conn.execute(
        """
        WITH due AS (
            SELECT w.id FROM webhooks w
            WHERE w.status = 'active' AND w.next_attempt_at <= now()
              AND (w.lease_until IS NULL OR w.lease_until <= now())
              AND EXISTS (SELECT 1 FROM webhook_cursors c
                          WHERE c.webhook_id = w.id AND c.position < coalesce(c.until, %(head)s))
            ORDER BY w.next_attempt_at, w.id
            LIMIT (
                SELECT greatest(0, least(%(free)s, ceil(count(*)::float8 / %(replicas)s)::integer - %(held)s))
                FROM webhooks o
                WHERE o.status = 'active' AND (o.lease_until > now() OR (
                    o.next_attempt_at <= now()
                    AND EXISTS (SELECT 1 FROM webhook_cursors c
                                WHERE c.webhook_id = o.id AND c.position < coalesce(c.until, %(head)s))))
            )
            FOR UPDATE OF w SKIP LOCKED
        )
        UPDATE webhooks w SET lease_until = now() + make_interval(secs => %(lease)s), lease_token = w.lease_token + 1
        FROM due WHERE w.id = due.id
        RETURNING w.id, w.lease_token, w.url, w.filters, w.include, w.batch, w.secrets, w.failures
        """,
        {"free": free, "held": held, "replicas": replicas, "head": head, "lease": lease_s},
    )
    return [_claimed(row) for row in await cursor.fetchall()]


async def renew(conn: Connection, held: Mapping[int, int], lease_s: float | None) -> None:
    """Prolong the leases of subscriptions that are ours, {id: token}; None gives them back. What is back stays so."""
    await conn.execute(
        """
        UPDATE webhooks w SET lease_until = now() + make_interval(secs => %s::float8)
        FROM unnest(%s::bigint[], %s::bigint[]) AS o(id, token)
        WHERE w.id = o.id AND w.lease_token = o.token AND w.lease_until IS NOT NULL
        """,
        (lease_s, list(held), list(held.values())),
    )


async def again(conn: Connection, held: Claimed, lease_s: float) -> Claimed | None:
    """The subscription as it is now, its lease prolonged; None where it is no longer ours or no longer active."""
    cursor = await conn.execute(
        """
        UPDATE webhooks SET lease_until = now() + make_interval(secs => %s)
        WHERE id = %s AND lease_token = %s AND status = 'active'
        RETURNING id, lease_token, url, filters, include, batch, secrets, failures
        """,
        (lease_s, held.id, held.token),
    )
    row = await cursor.fetchone()
    return _claimed(row) if row else None


async def release(conn: Connection, held: Claimed) -> None:
    """Give it back; where it has more to deliver, it is the last in the queue."""
    await conn.execute(
        """
        UPDATE webhooks SET lease_until = NULL, next_attempt_at = greatest(next_attempt_at, now())
        WHERE id = %s AND lease_token = %s
        """,
        (held.id, held.token),
    )


async def cursor_of(conn: Connection, webhook_id: int) -> Cursor | None:
    """The stretch to work on: replays in the order asked for, then the live one."""
    cursor = await conn.execute(
        """
        SELECT id, position, until, pending_until FROM webhook_cursors
        WHERE webhook_id = %s ORDER BY until IS NULL, id LIMIT 1
        """,
        (webhook_id,),
    )
    row = await cursor.fetchone()
    return Cursor(*row) if row else None


async def advance(conn: Connection, cursor_id: int, position: int) -> None:
    """Everything up to a position is done; a replica that is late never moves it back."""
    await conn.execute(
        "UPDATE webhook_cursors SET position = %(at)s, pending_until = NULL WHERE id = %(id)s AND position < %(at)s",
        {"at": position, "id": cursor_id},
    )


async def finish(conn: Connection, cursor_id: int) -> None:
    """A replay is done."""
    await conn.execute("DELETE FROM webhook_cursors WHERE id = %s AND until IS NOT NULL", (cursor_id,))


async def fix_batch(conn: Connection, cursor_id: int, until: int) -> None:
    """Remember where the batch ends that is tried now."""
    await conn.execute("UPDATE webhook_cursors SET pending_until = %s WHERE id = %s", (until, cursor_id))


async def unfix_batches(conn: Connection, webhook_id: int) -> None:
    """Forget where batches ended: with other filters they are other batches."""
    await conn.execute("UPDATE webhook_cursors SET pending_until = NULL WHERE webhook_id = %s", (webhook_id,))


async def settle(conn: Connection, held: Claimed, outcome: Outcome) -> None:
    """Record what becomes of a subscription that is ours, without an attempt. A pause asked for meanwhile stays."""
    await conn.execute(
        """
        UPDATE webhooks SET status = %(status)s, status_reason = %(reason)s,
                            lease_until = now() + make_interval(secs => %(lease)s::float8)
        WHERE id = %(id)s AND lease_token = %(token)s AND status = 'active'
        """,
        _outcome(held, outcome),
    )


async def record(
    conn: Connection, held: Claimed, outcome: Outcome, attempt: Attempt, cursor_id: int, advance_to: int | None
) -> Claimed | None:
    """Write down an attempt, what it means, and how far that brings the cursor, all or nothing.

    Returns the subscription as it is now, if active; None where it is not, or no longer ours: then nothing counts.
    """
    cursor = await conn.execute(
        """
        WITH ours AS (
            UPDATE webhooks SET
                status = CASE WHEN status = 'active' THEN %(status)s ELSE status END,
                status_reason = CASE WHEN status = 'active' THEN %(reason)s ELSE status_reason END,
                failures = %(failures)s, next_attempt_at = coalesce(%(next)s::timestamptz, now()),
                lease_until = now() + make_interval(secs => %(lease)s::float8)
            WHERE id = %(id)s AND lease_token = %(token)s
            RETURNING id, lease_token, url, filters, include, batch, secrets, failures, status
        ), moved AS (
            UPDATE webhook_cursors c SET position = %(to)s, pending_until = NULL
            FROM ours WHERE c.id = %(cursor)s AND c.position < %(to)s::bigint
        ), logged AS (
            INSERT INTO webhook_attempts (webhook_id, message_id, position, attempt, at, status_code, took_ms, error)
            SELECT ours.id, %(message)s, %(position)s::bigint, %(attempt)s::integer, %(at)s::timestamptz,
                   %(status_code)s::integer, %(took_ms)s::integer, %(error)s::jsonb
            FROM ours
        )
        SELECT id, lease_token, url, filters, include, batch, secrets, failures FROM ours WHERE status = 'active'
        """,
        _outcome(held, outcome) | _attempt(attempt) | {"cursor": cursor_id, "to": advance_to},
    )
    row = await cursor.fetchone()
    return _claimed(row) if row else None


async def log_attempt(conn: Connection, webhook_id: int, attempt: Attempt) -> int:
    """Write down an attempt that means nothing for its subscription and return its id."""
    cursor = await conn.execute(
        """
        INSERT INTO webhook_attempts (webhook_id, message_id, position, attempt, at, status_code, took_ms, error)
        VALUES (%(id)s, %(message)s, %(position)s, %(attempt)s, %(at)s, %(status_code)s, %(took_ms)s, %(error)s)
        RETURNING id
        """,
        {"id": webhook_id} | _attempt(attempt),
    )
    return int((await cursor.fetchall())[0][0])


async def trim_attempts(conn: Connection, webhook_id: int) -> None:
    """Keep the last ones only."""
    await conn.execute(
        """
        DELETE FROM webhook_attempts WHERE webhook_id = %(id)s AND id <= (
            SELECT id FROM webhook_attempts WHERE webhook_id = %(id)s ORDER BY id DESC OFFSET %(kept)s LIMIT 1)
        """,
        {"id": webhook_id, "kept": KEPT_ATTEMPTS},
    )


async def soonest_s(conn: Connection) -> float | None:
    """In how many seconds the next subscription that waits for its next attempt is due; None where none waits."""
    cursor = await conn.execute(
        """
        SELECT extract(epoch FROM min(next_attempt_at) - now())::float8 FROM webhooks
        WHERE status = 'active' AND next_attempt_at > now()
        """
    )
    row = await cursor.fetchone()
    return row[0] if row else None


def _claimed(row: tuple[Any, ...]) -> Claimed:
    webhook_id, token, url, filters, include, batch, held, failures = row
    return Claimed(webhook_id, token, url, filters, include, batch, _secrets(held), failures)


def _outcome(held: Claimed, outcome: Outcome) -> dict[str, Any]:
    return {
        "id": held.id,
        "token": held.token,
        "status": outcome.status,
        "reason": outcome.reason,
        "failures": outcome.failures,
        "next": outcome.next_attempt_at,
        "lease": outcome.lease_s,
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "message": attempt.message_id,
        "position": attempt.position,
        "attempt": attempt.attempt,
        "at": attempt.at,
        "status_code": attempt.status_code,
        "took_ms": attempt.took_ms,
        "error": Jsonb(dict(attempt.error)) if attempt.error else None,
    }


def _secrets(rows: Sequence[Mapping[str, str]]) -> tuple[Secret, ...]:
    return tuple(Secret(r["secret"], datetime.fromisoformat(r["until"]) if "until" in r else None) for r in rows)
