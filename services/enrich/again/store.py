"""What is to be read again, how far that is, and what came of it: one function a statement, none commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from shared.stored import Kept

Connection = psycopg.Connection[tuple[Any, ...]]
IDENTITY = 0  # in the place of a request: articles to be read again since keys of entities were merged or split


@dataclass(frozen=True, slots=True)
class Request:
    """A slice to be read again, and how far it is. `slice`: lists ids, source, feed, lang; times from, to."""

    id: int
    slice: Mapping[str, Any]
    steps: frozenset[str] | None
    forced: bool
    dry_run: bool
    after_id: int


@dataclass(frozen=True, slots=True)
class Looked:
    """An article as it was read last."""

    article_id: int
    lang: str | None
    annotations: Mapping[str, Any]


def listen(conn: Connection) -> None:
    """Have this session woken by every request. The connection must be in autocommit mode."""
    conn.execute("LISTEN wiredesk_reenrich")


def tell_steps(conn: Connection, revision: str, steps: Mapping[str, Any], now: datetime) -> None:
    """Make an enricher known, as the one running now."""
    conn.execute(
        """
        INSERT INTO enricher_revisions (revision, steps, seen_at) VALUES (%s, %s, %s)
        ON CONFLICT (revision) DO UPDATE SET steps = excluded.steps, seen_at = excluded.seen_at
        """,
        (revision, Jsonb(steps), now),
    )


def current(conn: Connection) -> tuple[str, dict[str, Any]] | None:
    """(revision, steps by name) of the enricher that started last."""
    row = conn.execute("SELECT revision, steps FROM enricher_revisions ORDER BY seen_at DESC LIMIT 1").fetchone()
    return (row[0], row[1]) if row else None


def oldest(conn: Connection) -> Request | None:
    """The oldest request that is not finished."""
    row = conn.execute(
        """
        SELECT q.id, q.slice, q.steps, q.forced, q.dry_run, coalesce(r.after_id, 0)
        FROM reenrich_requests q LEFT JOIN reenrich_runs r ON r.request_id = q.id
        WHERE r.finished_at IS NULL ORDER BY q.id LIMIT 1
        """
    ).fetchone()
    if row is None:
        return None
    request_id, part, steps, forced, dry_run, after_id = row
    return Request(request_id, part, None if steps is None else frozenset(steps), forced, dry_run, after_id)


def start(conn: Connection, request_id: int, revision: str, now: datetime) -> None:
    """Begin a request, or name the enricher it goes on with."""
    conn.execute(
        """
        INSERT INTO reenrich_runs (request_id, revision, started_at) VALUES (%s, %s, %s)
        ON CONFLICT (request_id) DO UPDATE SET revision = excluded.revision
        WHERE reenrich_runs.revision <> excluded.revision
        """,
        (request_id, revision, now),
    )


def next_of(conn: Connection, request: Request, limit: int) -> list[Looked]:
    """The next enriched articles of a slice, by id."""
    part = request.slice
    rows = conn.execute(
        """
        SELECT e.article_id, e.lang, e.packed, e.rest
        FROM enriched_articles e
        WHERE e.article_id > %(after)s
          AND (%(ids)s::bigint[] IS NULL OR e.article_id = ANY(%(ids)s))
          AND (%(source)s::text[] IS NULL OR e.source_id = ANY(%(source)s))
          AND (%(lang)s::text[] IS NULL OR e.lang = ANY(%(lang)s))
          AND (%(from)s::timestamptz IS NULL OR e.sort_at >= %(from)s)
          AND (%(to)s::timestamptz IS NULL OR e.sort_at < %(to)s)
          AND (%(feed)s::bigint[] IS NULL OR EXISTS (
                SELECT 1 FROM article_feeds f WHERE f.article_id = e.article_id AND f.feed_id = ANY(%(feed)s)))
        ORDER BY e.article_id LIMIT %(limit)s
        """,
        {name: part.get(name) for name in ("ids", "source", "lang", "from", "to", "feed")}
        | {"after": request.after_id, "limit": limit},
    ).fetchall()
    return [Looked(one, lang, Kept(packed, None, rest).annotations()) for one, lang, packed, rest in rows]


def want(conn: Connection, request_id: int, ids: Sequence[int]) -> None:
    """Have articles read again."""
    conn.execute(
        """
        INSERT INTO rereads (request_id, article_id) SELECT %s, unnest(%s::bigint[])
        ON CONFLICT (request_id, article_id) DO NOTHING
        """,
        (request_id, list(ids)),
    )


def want_anew(conn: Connection, request_id: int, ids: Sequence[int]) -> None:
    """Have articles read again, whether or not they were for the same request before."""
    conn.execute(
        """
        INSERT INTO rereads (request_id, article_id) SELECT %s, unnest(%s::bigint[])
        ON CONFLICT (request_id, article_id) DO UPDATE SET sent_at = NULL, done_at = NULL, changes = NULL
        """,
        (request_id, list(ids)),
    )


def trim_own(conn: Connection, request_id: int, before: datetime) -> None:
    """Forget what was read long ago for a reason of enrichment's own."""
    conn.execute("DELETE FROM rereads WHERE request_id = %s AND done_at < %s", (request_id, before))


def rename(conn: Connection, ids: Sequence[int], revision: str) -> None:
    """Articles that the enricher of this name would read just as they are."""
    conn.execute(
        "UPDATE enriched_articles SET revision = %s WHERE article_id = ANY(%s) AND revision <> %s",
        (revision, list(ids), revision),
    )


def advance(
    conn: Connection,
    request_id: int,
    last: int | None,
    looked: int,
    touched: int,
    by_step: Mapping[str, int],
    now: datetime,
) -> None:
    """Remember how far a slice is compared, and what was found; `last` None: it is at its end."""
    conn.execute(
        """
        UPDATE reenrich_runs SET
            after_id = coalesce(%(last)s, after_id),
            planned_at = CASE WHEN %(last)s::bigint IS NULL THEN coalesce(planned_at, %(now)s) END,
            looked = looked + %(looked)s, touched = touched + %(touched)s,
            by_step = by_step || (
                SELECT coalesce(jsonb_object_agg(n.key, n.value::int + coalesce((by_step ->> n.key)::int, 0)), '{}')
                FROM jsonb_each_text(%(by_step)s) AS n(key, value))
        WHERE request_id = %(id)s
        """,
        {
            "id": request_id,
            "last": last,
            "looked": looked,
            "touched": touched,
            "by_step": Jsonb(dict(by_step)),
            "now": now,
        },
    )


def unread(conn: Connection, request_id: int) -> int:
    """Articles that a request waits for."""
    (count,) = conn.execute(
        "SELECT count(*) FROM rereads WHERE request_id = %s AND done_at IS NULL", (request_id,)
    ).fetchall()[0]
    return int(count)


def take(conn: Connection, request_id: int, before: datetime, now: datetime, limit: int) -> list[int]:
    """Articles to send now: never sent, or so long ago (`before`) that they were lost."""
    rows = conn.execute(
        """
        UPDATE rereads SET sent_at = %(now)s WHERE request_id = %(id)s AND article_id IN (
            SELECT article_id FROM rereads
            WHERE request_id = %(id)s AND done_at IS NULL AND (sent_at IS NULL OR sent_at < %(before)s)
            ORDER BY article_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
        RETURNING article_id
        """,
        {"id": request_id, "before": before, "now": now, "limit": limit},
    ).fetchall()
    return sorted(article_id for (article_id,) in rows)


def forget_gone(conn: Connection, request_id: int) -> None:
    """Articles that were removed meanwhile are waited for no longer."""
    conn.execute(
        """
        DELETE FROM rereads r WHERE r.request_id = %s AND r.done_at IS NULL
          AND NOT EXISTS (SELECT 1 FROM articles a WHERE a.id = r.article_id)
        """,
        (request_id,),
    )


def wanted_of(conn: Connection, ids: Sequence[int]) -> set[int]:
    """Which of the articles are to be read again; their rows are held until the transaction ends."""
    rows = conn.execute(
        "SELECT article_id FROM rereads WHERE article_id = ANY(%s) AND done_at IS NULL ORDER BY article_id FOR UPDATE",
        (list(ids),),
    ).fetchall()
    return {article_id for (article_id,) in rows}


def done(conn: Connection, changes: Mapping[int, Sequence[Mapping[str, Any]] | None], now: datetime) -> None:
    """Articles that were read again, with what is said otherwise; None: a new version came in between."""
    conn.execute(
        """
        UPDATE rereads t SET done_at = %(now)s, changes = r.changes
        FROM unnest(%(ids)s::bigint[], %(changes)s::jsonb[]) AS r(article_id, changes)
        WHERE t.article_id = r.article_id AND t.done_at IS NULL
        """,
        {
            "ids": list(changes),
            "changes": [None if told is None else Jsonb(told) for told in changes.values()],
            "now": now,
        },
    )


def finish(conn: Connection, request_id: int, now: datetime) -> None:
    """Close a request whose slice is at its end and whose articles are all read."""
    conn.execute(
        """
        UPDATE reenrich_runs r SET finished_at = %s WHERE r.request_id = %s AND r.planned_at IS NOT NULL
          AND NOT EXISTS (SELECT 1 FROM rereads w WHERE w.request_id = r.request_id AND w.done_at IS NULL)
        """,
        (now, request_id),
    )


def trim(conn: Connection, before: datetime) -> None:
    """Forget what was read for requests that were finished long ago."""
    conn.execute(
        """
        DELETE FROM rereads w USING reenrich_runs r
        WHERE w.request_id = r.request_id AND r.finished_at < %s
        """,
        (before,),
    )
