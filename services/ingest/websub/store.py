"""The statements about hubs. One function, one statement; the caller owns the transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

Conn = psycopg.AsyncConnection[tuple[Any, ...]]
MOST_WAITING = 100  # pushes of a feed that are kept until they are stored
THIN_APART_S = 60.0  # between two polls that pings without a body bring about


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription that this process asks the hub about, or that a hub speaks of."""

    feed_id: int
    token: str
    secret: str
    hub_url: str
    topic_url: str
    state: str
    failures: int
    lease_until: datetime | None
    requested_at: datetime | None


async def found(conn: Conn, feed_id: int, hub_url: str, topic_url: str, token: str, secret: str, now: datetime) -> None:
    """A feed names a hub: a new subscription, or the same one at another hub. Nothing changes where it is known."""
    await conn.execute(
        """
        INSERT INTO hub_subscriptions AS h (feed_id, token, secret, hub_url, topic_url, next_at)
        VALUES (%(feed)s, %(token)s, %(secret)s, %(hub)s, %(topic)s, %(now)s)
        ON CONFLICT (feed_id) DO UPDATE SET
            token = excluded.token, secret = excluded.secret, hub_url = excluded.hub_url,
            topic_url = excluded.topic_url, state = 'found', next_at = excluded.next_at, requested_at = NULL,
            lease_until = NULL, failures = 0, error = NULL
        WHERE h.hub_url <> excluded.hub_url OR h.topic_url <> excluded.topic_url OR h.state = 'unsubscribing'
        """,
        {"feed": feed_id, "token": token, "secret": secret, "hub": hub_url, "topic": topic_url, "now": now},
    )


async def claim_due(conn: Conn, now: datetime, until: datetime, limit: int) -> list[Subscription]:
    """At most `limit` subscriptions whose hubs are to be asked now, for this process until `until`.

    They count as requested from here on, since a hub may verify before it answers.
    """
    cursor = await conn.execute(
        """
        UPDATE hub_subscriptions SET work_until = %(until)s, next_at = %(until)s, requested_at = %(now)s,
               state = CASE WHEN state IN ('active', 'unsubscribing') THEN state ELSE 'requested' END
        WHERE feed_id IN (
            SELECT feed_id FROM hub_subscriptions WHERE next_at <= %(now)s
            ORDER BY next_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        )
        RETURNING feed_id, token, secret, hub_url, topic_url, state, failures, lease_until, requested_at
        """,
        {"now": now, "until": until, "limit": limit},
    )
    return [Subscription(*row) for row in await cursor.fetchall()]


async def asked(
    conn: Conn,
    token: str,
    requested_at: datetime,
    state: str,
    next_at: datetime | None,
    failures: int,
    error: str | None,
) -> None:
    """What the hub said to our request; a verification that came meanwhile counts more."""
    await conn.execute(
        """
        WITH kept AS (
            UPDATE hub_subscriptions SET work_until = NULL, failures = %(failures)s, error = %(error)s,
                   state = CASE WHEN state = 'active' AND lease_until > %(at)s THEN state ELSE %(state)s END,
                   next_at = CASE WHEN work_until IS NULL THEN next_at ELSE %(next_at)s END
            WHERE token = %(token)s AND requested_at = %(at)s
            RETURNING feed_id, hub_url, state, lease_until
        )
        UPDATE feed_states s SET hub = coalesce(s.hub, '{}') || jsonb_build_object(
            'url', k.hub_url, 'state', k.state, 'lease_until', k.lease_until)
        FROM kept k WHERE s.feed_id = k.feed_id
        """,
        {
            "token": token,
            "at": requested_at,
            "state": state,
            "next_at": next_at,
            "failures": failures,
            "error": error,
        },
    )


async def by_token(conn: Conn, token: str) -> Subscription | None:
    """The subscription a callback belongs to."""
    cursor = await conn.execute(
        """
        SELECT feed_id, token, secret, hub_url, topic_url, state, failures, lease_until, requested_at
        FROM hub_subscriptions WHERE token = %s
        """,
        (token,),
    )
    row = await cursor.fetchone()
    return Subscription(*row) if row else None


async def verified(conn: Conn, token: str, lease_until: datetime, renew_at: datetime, now: datetime) -> None:
    """The hub confirmed our wish to subscribe."""
    await conn.execute(
        """
        WITH kept AS (
            UPDATE hub_subscriptions SET state = 'active', lease_until = %(until)s, next_at = %(renew)s,
                   work_until = NULL, failures = 0, error = NULL
            WHERE token = %(token)s
            RETURNING feed_id, hub_url, lease_until
        )
        UPDATE feed_states s SET hub = coalesce(s.hub, '{}') || jsonb_build_object(
            'url', k.hub_url, 'state', 'active', 'lease_until', k.lease_until,
            'since', CASE WHEN s.hub->>'state' = 'active' THEN s.hub->'since' ELSE to_jsonb(%(now)s::timestamptz) END)
        FROM kept k WHERE s.feed_id = k.feed_id
        """,
        {"token": token, "until": lease_until, "renew": renew_at, "now": now},
    )


async def denied(conn: Conn, token: str, reason: str, retry_at: datetime) -> None:
    """The hub does not serve us this feed."""
    await conn.execute(
        """
        WITH kept AS (
            UPDATE hub_subscriptions SET state = 'denied', error = %(reason)s, next_at = %(retry)s, lease_until = NULL,
                   work_until = NULL
            WHERE token = %(token)s
            RETURNING feed_id, hub_url
        )
        UPDATE feed_states s SET hub = coalesce(s.hub, '{}') || jsonb_build_object(
            'url', k.hub_url, 'state', 'denied', 'lease_until', NULL)
        FROM kept k WHERE s.feed_id = k.feed_id
        """,
        {"token": token, "reason": reason, "retry": retry_at},
    )


async def end(conn: Conn, feed_ids: Sequence[int], now: datetime) -> None:
    """Unsubscribe from the hubs of removed feeds; what they pushed goes."""
    await conn.execute(
        """
        WITH gone AS (
            DELETE FROM hub_pushes WHERE feed_id = ANY(%(feeds)s)
        )
        UPDATE hub_subscriptions SET state = 'unsubscribing', next_at = %(now)s, failures = 0
        WHERE feed_id = ANY(%(feeds)s)
        """,
        {"feeds": list(feed_ids), "now": now},
    )


async def forget(conn: Conn, token: str) -> None:
    """A subscription that ended."""
    await conn.execute("DELETE FROM hub_subscriptions WHERE token = %s", (token,))


async def pushed(conn: Conn, feed_id: int, content_type: str | None, body: bytes | None, now: datetime) -> bool:
    """A push with a right signature: its body is kept and the feed is due, but not against the publisher's wish.

    Without a body, or where too many wait already, the feed is to be asked; a hub that calls again and again does not
    make us ask more often than `THIN_APART_S`. Whether the feed is still polled.
    """
    cursor = await conn.execute(
        """
        WITH waiting AS (
            SELECT count(*) AS pushes FROM (SELECT 1 FROM hub_pushes WHERE feed_id = %(feed)s LIMIT %(most)s) AS those
        ), kept AS (
            INSERT INTO hub_pushes (feed_id, at, content_type, body)
            SELECT %(feed)s, %(now)s, %(type)s, %(body)b::bytea FROM feed_clocks, waiting
            WHERE feed_id = %(feed)s AND next_poll_at IS NOT NULL AND %(body)b::bytea IS NOT NULL AND pushes < %(most)s
        ), told AS (
            UPDATE hub_subscriptions SET pinged_at = %(now)s WHERE feed_id = %(feed)s
        ), due AS (
            UPDATE feed_clocks SET
                next_poll_at = CASE WHEN lease_until > %(now)s THEN next_poll_at
                    WHEN %(body)b::bytea IS NOT NULL THEN %(now)s
                    ELSE least(next_poll_at, greatest(
                        %(now)s, last_polled_at + make_interval(secs => %(apart)s),
                        (SELECT retry_after_at FROM feed_states WHERE feed_id = %(feed)s))) END
            WHERE feed_id = %(feed)s AND next_poll_at IS NOT NULL
            RETURNING feed_id
        )
        UPDATE feed_states s SET
            hub = coalesce(s.hub, '{}') || jsonb_build_object('pinged_at', %(now)s::timestamptz)
        FROM due WHERE s.feed_id = due.feed_id
        """,
        {
            "feed": feed_id,
            "type": content_type,
            "body": body,
            "now": now,
            "most": MOST_WAITING,
            "apart": THIN_APART_S,
        },
    )
    return cursor.rowcount == 1


async def oldest_push(conn: Conn, feed_id: int) -> tuple[int, str | None, bytes] | None:
    """(id, content type, body) of what was pushed first and is not stored yet."""
    cursor = await conn.execute(
        "SELECT id, content_type, body FROM hub_pushes WHERE feed_id = %s ORDER BY id LIMIT 1", (feed_id,)
    )
    row: tuple[int, str | None, bytes] | None = await cursor.fetchone()
    return row


async def settle(conn: Conn, pushes: Sequence[int], feed_ids: Sequence[int]) -> None:
    """After polls of feeds with hubs: drop the pushes that are stored; a feed of which more came is due at once."""
    await conn.execute(
        """
        WITH gone AS (
            DELETE FROM hub_pushes WHERE id = ANY(%(ids)s)
        )
        UPDATE feed_clocks c SET next_poll_at = least(c.next_poll_at, clock_timestamp())
        FROM feed_states s
        WHERE c.feed_id = ANY(%(feeds)s) AND s.feed_id = c.feed_id
          AND c.next_poll_at IS NOT NULL AND c.lease_until IS NULL
          AND ((s.hub->>'pinged_at')::timestamptz > c.last_polled_at
               OR EXISTS (SELECT FROM hub_pushes p WHERE p.feed_id = c.feed_id AND p.id <> ALL(%(ids)s)))
        """,
        {"ids": list(pushes), "feeds": list(feed_ids)},
    )
