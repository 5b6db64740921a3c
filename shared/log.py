"""The event log: the one place that gives out positions, and the one that reads them back.

Positions are gapless. `append` takes the log's lock, which is held until the caller's transaction ends, so a position
is visible only after every lower one is: commit order == position order, and a reader that has seen N has seen all up
to N. It must be the last thing a transaction does that takes time; it must run in READ COMMITTED (the default), since
the head is read after the lock is had. Retention never deletes the newest event: the head lives in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg

from shared.events import LoggedEvent, NewEvent, joined
from shared.locks import Lock
from shared.packing import unpack
from shared.stored import card_part

CHANNEL = "wiredesk_events"  # NOTIFY wakes the relay; the payload says nothing

# Ready JSON goes in binary (`%b`): as text every quote in it would be escaped, which costs more than the insert.
_TAKE = "SELECT pg_advisory_xact_lock(%s)"
_INSERT = """
WITH head AS (SELECT coalesce(max(position), 0) AS position FROM events),
     told AS (SELECT pg_notify(%(channel)s, ''))
INSERT INTO events (position, at, type, subject, article_id, data, form, version, card)
SELECT head.position + e.n, %(at)s, e.type, e.subject, e.article_id, e.data, (e.version IS NOT NULL)::int, e.version,
       e.card
FROM head, told,
     unnest(%(types)s::text[], %(subjects)s::text[], %(articles)s::bigint[], %(data)b::text[], %(versions)s::int[],
            %(cards)b::bytea[]) WITH ORDINALITY AS e(type, subject, article_id, data, version, card, n)
RETURNING position
"""
# An article's latest event has no card of its own: the article's row has it, at the same position.
_READ = """
SELECT e.position, e.at, e.type, e.subject, e.article_id, e.data, e.form, e.version, e.card, a.packed
FROM (SELECT * FROM events WHERE position > %s ORDER BY position LIMIT %s) AS e
LEFT JOIN enriched_articles a
       ON e.form = 1 AND e.card IS NULL AND a.article_id = e.article_id AND a.position = e.position
ORDER BY e.position
"""
# Sizes are known without unpacking; an article's card counts nothing here, for it is of some KB.
_READ_WITHIN = _READ.replace(
    "SELECT * FROM events WHERE position > %s ORDER BY position LIMIT %s",
    """SELECT * FROM (
        SELECT events.*, sum(coalesce(octet_length(data), 0) + coalesce(octet_length(card), 0))
               OVER (ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
        FROM events WHERE position > %s ORDER BY position LIMIT %s
    ) AS sized WHERE coalesce(before, 0) < %s""",
)
# Rows are locked in order, as retention takes them.
_SETTLE = """
WITH held AS (
    SELECT position FROM events WHERE position = ANY(%(positions)s::bigint[]) AND form = 1 AND card IS NULL
    ORDER BY position FOR UPDATE
)
UPDATE events e SET card = r.card
FROM held JOIN unnest(%(positions)s::bigint[], %(cards)b::bytea[]) AS r(position, card) USING (position)
WHERE e.position = held.position
"""
_HEAD = "SELECT coalesce(max(position), 0) FROM events"
_OLDEST = "SELECT coalesce(min(position), 0) FROM events"
# Always a whole piece of the oldest: up to the newest that may go among the oldest `most`, and never the head.
_TRIM = """
DELETE FROM events WHERE position <= (
    SELECT max(o.position)
    FROM (SELECT position, at FROM events ORDER BY position LIMIT %(most)s) AS o
    WHERE o.position <= %(upto)s AND o.position < (SELECT max(position) FROM events)
      AND ((%(keep)s > 0 AND o.position <= (SELECT max(position) FROM events) - %(keep)s) OR o.at < %(before)s)
)
"""
_DEPLOYMENT = "SELECT id FROM deployment"
_LISTEN = "LISTEN wiredesk_events"


def _arguments(events: Sequence[NewEvent], now: datetime) -> dict[str, Any]:
    return {
        "channel": CHANNEL,
        "at": now,
        "types": [e.type for e in events],
        "subjects": [e.subject for e in events],
        "articles": [e.article_id for e in events],
        "data": [e.data for e in events],
        "versions": [e.version for e in events],
        "cards": [e.card for e in events],
    }


def _logged(position: int, at: datetime, kind: str, subject: str, article_id: int | None, *told: Any) -> LoggedEvent:
    """An event out of its row; `told`: data, form, version, its own card, the article."""
    data, form, version, card, article = told
    if form == 0:
        return LoggedEvent(position, at, kind, subject, article_id, data.encode())
    if card is None and article is not None:
        card = card_part(article)
    # A row that somebody deleted by hand must not hold up everything behind it.
    whole = unpack(card) if card is not None else b'{"id":%d,"version":%d}' % (article_id or 0, version)
    return LoggedEvent(position, at, kind, subject, article_id, joined(whole, data.encode() if data else None))


def append(conn: psycopg.Connection[Any], events: Sequence[NewEvent], now: datetime) -> list[int]:
    """Append in order and return the positions, one each. The lock is held from here to the end of the transaction."""
    if not events:
        return []
    conn.execute(_TAKE, (Lock.LOG,))
    return sorted(p for (p,) in conn.execute(_INSERT, _arguments(events, now)).fetchall())


def send(conn: psycopg.Connection[Any], events: Sequence[NewEvent], now: datetime) -> None:
    """The same without waiting to hear the positions, in pipeline mode: the last event is the head from here on."""
    if events:
        conn.execute(_TAKE, (Lock.LOG,))
        conn.execute(_INSERT, _arguments(events, now))


async def append_async(conn: psycopg.AsyncConnection[Any], events: Sequence[NewEvent], now: datetime) -> list[int]:
    """The same for async services."""
    if not events:
        return []
    await conn.execute(_TAKE, (Lock.LOG,))
    cursor = await conn.execute(_INSERT, _arguments(events, now))
    return sorted(p for (p,) in await cursor.fetchall())


def read(conn: psycopg.Connection[Any], after: int, limit: int) -> list[LoggedEvent]:
    """At most `limit` events after a position (exclusive), in order."""
    return [_logged(*row) for row in conn.execute(_READ, (after, limit)).fetchall()]


async def read_async(conn: psycopg.AsyncConnection[Any], after: int, limit: int) -> list[LoggedEvent]:
    """The same for async services."""
    cursor = await conn.execute(_READ, (after, limit))
    return [_logged(*row) for row in await cursor.fetchall()]


async def read_within_async(conn: psycopg.AsyncConnection[Any], after: int, limit: int, size: int) -> list[LoggedEvent]:
    """The same, but no further than the event that makes it `size` bytes as they are stored."""
    cursor = await conn.execute(_READ_WITHIN, (after, limit, size))
    return [_logged(*row) for row in await cursor.fetchall()]


def settle(conn: psycopg.Connection[Any], cards: Mapping[int, bytes]) -> None:
    """Give events their cards (packed, by position) before the articles' rows that have them change or go."""
    if cards:
        conn.execute(_SETTLE, {"positions": list(cards), "cards": list(cards.values())})


def head(conn: psycopg.Connection[Any]) -> int:
    """The newest position; 0 for an empty log."""
    (position,) = conn.execute(_HEAD).fetchall()[0]
    return int(position)


async def head_async(conn: psycopg.AsyncConnection[Any]) -> int:
    """The same for async services."""
    cursor = await conn.execute(_HEAD)
    (position,) = (await cursor.fetchall())[0]
    return int(position)


async def oldest_async(conn: psycopg.AsyncConnection[Any]) -> int:
    """The oldest position still retained; 0 for an empty log."""
    cursor = await conn.execute(_OLDEST)
    (position,) = (await cursor.fetchall())[0]
    return int(position)


def trim(conn: psycopg.Connection[Any], keep: int, before: datetime | None, upto: int, most: int) -> int:
    """Drop events beyond the newest `keep` (0: any number) or told before a time (None: any), oldest first.

    At most `most` at once, none after `upto`, never the newest. Returns how many went.
    """
    arguments = {"keep": keep, "before": before, "upto": upto, "most": most}
    return conn.execute(_TRIM, arguments).rowcount


def listen(conn: psycopg.Connection[Any]) -> None:
    """Have this session's `notifies()` wake up on every append. The connection must be in autocommit mode."""
    conn.execute(_LISTEN)


def deployment(conn: psycopg.Connection[Any]) -> str:
    """This deployment's id, made once per database."""
    (name,) = conn.execute(_DEPLOYMENT).fetchall()[0]
    return str(name)


async def deployment_async(conn: psycopg.AsyncConnection[Any]) -> str:
    """The same for async services."""
    cursor = await conn.execute(_DEPLOYMENT)
    (name,) = (await cursor.fetchall())[0]
    return str(name)
