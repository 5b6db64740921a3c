"""Requests to the hub, and subscriptions: one function a statement, none commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from services.api.search.condition import Condition
from services.api.websub.asking import Wish

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

_AMONG = """
SELECT l.article_id FROM article_lookup l WHERE l.article_id = ANY(%(ids)s) AND {direct} AND {within}
"""


@dataclass(frozen=True, slots=True)
class Request:
    """What a reader asked for, ours until its lease ends; `token` proves it."""

    id: int
    token: int
    mode: str
    topic: str
    callback: str
    lease_s: int
    failures: int


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who gets a feed pushed, ours until its lease ends. `name` and `filters` are those of the search, now."""

    id: int
    token: int
    topic: str
    callback: str
    form: str
    secret: str | None
    position: int
    failures: int
    name: str
    filters: Mapping[str, Any]


async def ask(conn: Connection, wish: Wish, callback: str) -> bool:
    """Keep a request; a later one of the same reader takes its place. False where there is no such search."""
    cursor = await conn.execute(
        """
        INSERT INTO feed_reader_requests (topic, callback, mode, search_id, form, secret, lease_s)
        SELECT %(topic)s, %(callback)s, %(mode)s, id, %(form)s, %(secret)s, %(lease_s)s
        FROM searches WHERE id = %(search)s
        ON CONFLICT (topic, callback) DO UPDATE SET
            mode = excluded.mode, secret = excluded.secret, lease_s = excluded.lease_s, failures = 0,
            next_attempt_at = now(), lease_until = NULL, lease_token = feed_reader_requests.lease_token + 1
        RETURNING id
        """,
        {
            "topic": wish.topic,
            "callback": callback,
            "mode": wish.mode,
            "search": wish.search_id,
            "form": wish.form,
            "secret": wish.secret,
            "lease_s": wish.lease_s,
        },
    )
    return await cursor.fetchone() is not None


async def claim_requests(conn: Connection, limit: int, lease_s: float) -> list[Request]:
    """Take requests that are to be confirmed, the longest waiting first."""
    cursor = await conn.execute(
        """
        WITH due AS (
            SELECT id FROM feed_reader_requests
            WHERE next_attempt_at <= now() AND (lease_until IS NULL OR lease_until <= now())
            ORDER BY next_attempt_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        )
        UPDATE feed_reader_requests r
        SET lease_until = now() + make_interval(secs => %(lease)s), lease_token = r.lease_token + 1
        FROM due WHERE r.id = due.id
        RETURNING r.id, r.lease_token, r.mode, r.topic, r.callback, r.lease_s, r.failures
        """,
        {"limit": limit, "lease": lease_s},
    )
    return [Request(*row) for row in await cursor.fetchall()]


async def postpone_request(conn: Connection, held: Request, next_attempt_at: datetime) -> None:
    """Nobody was there: ask again later."""
    await conn.execute(
        """
        UPDATE feed_reader_requests SET failures = failures + 1, next_attempt_at = %s, lease_until = NULL
        WHERE id = %s AND lease_token = %s
        """,
        (next_attempt_at, held.id, held.token),
    )


async def subscribe(conn: Connection, held: Request, position: int, expires_at: datetime) -> None:
    """What a request asked for begins after a position; one that is there is renewed and goes on where it is."""
    await conn.execute(
        """
        INSERT INTO feed_readers (topic, callback, search_id, form, secret, position, expires_at)
        SELECT topic, callback, search_id, form, secret, %(position)s, %(expires)s
        FROM feed_reader_requests WHERE id = %(id)s AND lease_token = %(token)s
        ON CONFLICT (topic, callback) DO UPDATE SET
            secret = excluded.secret, expires_at = excluded.expires_at, failures = 0, next_attempt_at = now()
        """,
        {"id": held.id, "token": held.token, "position": position, "expires": expires_at},
    )


async def unsubscribe(conn: Connection, held: Request) -> None:
    """End the subscription that a request names."""
    await conn.execute(
        """
        DELETE FROM feed_readers s USING feed_reader_requests r
        WHERE r.id = %s AND r.lease_token = %s AND s.topic = r.topic AND s.callback = r.callback
        """,
        (held.id, held.token),
    )


async def settle_request(conn: Connection, held: Request) -> None:
    """A request is answered: forget it."""
    await conn.execute("DELETE FROM feed_reader_requests WHERE id = %s AND lease_token = %s", (held.id, held.token))


async def renew_requests(conn: Connection, held: Mapping[int, int], lease_s: float | None) -> None:
    """Prolong the leases of requests that are ours, {id: token}; None gives them back. What is back stays so."""
    await conn.execute(
        """
        UPDATE feed_reader_requests r SET lease_until = now() + make_interval(secs => %s::float8)
        FROM unnest(%s::bigint[], %s::bigint[]) AS o(id, token)
        WHERE r.id = o.id AND r.lease_token = o.token AND r.lease_until IS NOT NULL
        """,
        (lease_s, list(held), list(held.values())),
    )


async def renew(conn: Connection, held: Mapping[int, int], lease_s: float | None) -> None:
    """Prolong the leases of subscriptions that are ours, {id: token}; None gives them back. What is back stays so."""
    await conn.execute(
        """
        UPDATE feed_readers s SET lease_until = now() + make_interval(secs => %s::float8)
        FROM unnest(%s::bigint[], %s::bigint[]) AS o(id, token)
        WHERE s.id = o.id AND s.lease_token = o.token AND s.lease_until IS NOT NULL
        """,
        (lease_s, list(held), list(held.values())),
    )


async def expire(conn: Connection) -> None:
    """End the subscriptions that were not renewed."""
    await conn.execute("DELETE FROM feed_readers WHERE expires_at <= now()")


async def claim(conn: Connection, free: int, held: int, replicas: int, head: int, lease_s: float) -> list[Subscription]:
    """Take subscriptions that are due and have something before the head, the longest waiting first.

    At most `free`, and with those `held` no more than this replica's part of all that are due or leased.
    """
    cursor = await conn.execute(
        """
        WITH due AS (
            SELECT id FROM feed_readers
            WHERE next_attempt_at <= now() AND (lease_until IS NULL OR lease_until <= now())
              AND position < %(head)s AND expires_at > now()
            ORDER BY next_attempt_at, id
            LIMIT (
                SELECT greatest(0, least(%(free)s, ceil(count(*)::float8 / %(replicas)s)::integer - %(held)s))
                FROM feed_readers
                WHERE expires_at > now()
                  AND (lease_until > now() OR (next_attempt_at <= now() AND position < %(head)s))
            )
            FOR UPDATE SKIP LOCKED
        )
        UPDATE feed_readers s
        SET lease_until = now() + make_interval(secs => %(lease)s), lease_token = s.lease_token + 1
        FROM due, searches f WHERE s.id = due.id AND f.id = s.search_id
        RETURNING s.id, s.lease_token, s.topic, s.callback, s.form, s.secret, s.position, s.failures, f.name, f.filters
        """,
        {"free": free, "held": held, "replicas": replicas, "head": head, "lease": lease_s},
    )
    return [Subscription(*row) for row in await cursor.fetchall()]


async def reached(conn: Connection, held: Subscription, position: int) -> bool:
    """Everything up to a position is done; the lease is given back. False where it is no longer ours."""
    cursor = await conn.execute(
        """
        UPDATE feed_readers SET position = %s, failures = 0, next_attempt_at = now(), lease_until = NULL
        WHERE id = %s AND lease_token = %s
        """,
        (position, held.id, held.token),
    )
    return cursor.rowcount == 1


async def postpone(conn: Connection, held: Subscription, next_attempt_at: datetime) -> None:
    """It was not taken: try the same again later."""
    await conn.execute(
        """
        UPDATE feed_readers SET failures = failures + 1, next_attempt_at = %s, lease_until = NULL
        WHERE id = %s AND lease_token = %s
        """,
        (next_attempt_at, held.id, held.token),
    )


async def end(conn: Connection, held: Subscription) -> None:
    """The reader is gone for good."""
    await conn.execute("DELETE FROM feed_readers WHERE id = %s AND lease_token = %s", (held.id, held.token))


async def soonest_s(conn: Connection) -> float | None:
    """In how many seconds the next request or subscription that waits for its next attempt is due; None: none waits."""
    cursor = await conn.execute(
        """
        SELECT extract(epoch FROM min(at) - now())::float8 FROM (
            SELECT next_attempt_at AS at FROM feed_reader_requests UNION ALL SELECT next_attempt_at FROM feed_readers
        ) AS waiting WHERE at > now()
        """
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def among(
    conn: Connection, ids: Sequence[int], asked: Condition, within: tuple[str, Mapping[str, Any]]
) -> list[int]:
    """Those of some articles that fulfil a condition, within bounds of time."""
    statement = _AMONG.format(direct=asked.direct, within=within[0])
    told = {**asked.values, **within[1], "ids": list(ids)}
    cursor = await conn.execute(statement.encode(), told, prepare=False)
    return [row[0] for row in await cursor.fetchall()]
