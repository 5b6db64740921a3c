"""The rows of merged keys: one function a statement, none commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg

from services.enrich.identity.learned import Evidence, Merge, Taught
from shared.stored import Kept

Connection = psycopg.Connection[tuple[Any, ...]]
MOST_SOURCES = 5  # named as evidence


def lock(conn: Connection, number: int) -> None:
    """One at a time decides about keys; until the transaction ends."""
    conn.execute("SELECT pg_advisory_xact_lock(%s)", (number,))


def state(conn: Connection) -> int:
    """The number of the last change; 0: none yet."""
    (n,) = conn.execute("SELECT coalesce(max(n), 0) FROM entity_changes").fetchall()[0]
    return int(n)


def merges(conn: Connection) -> list[Merge]:
    """Every key that another one answers for."""
    rows = conn.execute("SELECT id, into_id, name, why FROM entity_merges").fetchall()
    return [Merge(*row) for row in rows]


def count(conn: Connection, told: Sequence[Taught]) -> None:
    """Count articles that set acronyms behind names."""
    conn.execute(
        """
        INSERT INTO entity_acronyms AS a (id, full_id, name, articles, sources)
        SELECT id, full_id, min(name), count(*), (array_agg(DISTINCT source))[1:%(most)s]
        FROM unnest(%(id)s::text[], %(full_id)s::text[], %(name)s::text[], %(source)s::text[])
             AS r(id, full_id, name, source)
        GROUP BY id, full_id ORDER BY id, full_id
        ON CONFLICT (id, full_id) DO UPDATE SET
            articles = a.articles + excluded.articles,
            sources = (SELECT (array_agg(DISTINCT s))[1:%(most)s] FROM unnest(a.sources || excluded.sources) AS s)
        """,
        {name: [getattr(one, name) for one in told] for name in Taught.__slots__} | {"most": MOST_SOURCES},
    )


def evidence(conn: Connection, ids: Sequence[str]) -> dict[str, list[Evidence]]:
    """What is known of acronyms, by their keys."""
    found: dict[str, list[Evidence]] = {}
    rows = conn.execute(
        "SELECT id, full_id, name, articles, sources FROM entity_acronyms WHERE id = ANY(%s)", (list(ids),)
    ).fetchall()
    for key, full_id, name, articles, sources in rows:
        found.setdefault(key, []).append(Evidence(full_id, name, articles, tuple(sources)))
    return found


def known(conn: Connection, ids: Sequence[str]) -> set[str]:
    """Which of these keys the directory holds."""
    rows = conn.execute("SELECT id FROM entities WHERE id = ANY(%s)", (list(ids),)).fetchall()
    return {key for (key,) in rows}


def forms(conn: Connection, key: str) -> list[str]:
    """The name of an entity and what else it is called."""
    rows = conn.execute("SELECT name || aliases FROM entities WHERE id = %s", (key,)).fetchall()
    return list(rows[0][0]) if rows else []


def put(conn: Connection, merge: Merge) -> None:
    """A key answers with another one from now on."""
    conn.execute(
        """
        INSERT INTO entity_merges (id, into_id, name, why) VALUES (%s, %s, %s, %s)
        ON CONFLICT (id) DO UPDATE SET into_id = excluded.into_id, name = excluded.name, why = excluded.why
        """,
        (merge.id, merge.into_id, merge.name, merge.why),
    )


def drop(conn: Connection, key: str) -> None:
    """A key answers for itself again."""
    conn.execute("DELETE FROM entity_merges WHERE id = %s", (key,))


def join(conn: Connection, merge: Merge) -> None:
    """In the directory: the merged key points to the other, which is found by its words and counts its articles too."""
    conn.execute(
        """
        WITH old AS (UPDATE entities SET merged_into = %(into)s WHERE id = %(id)s RETURNING *)
        INSERT INTO entities AS e (id, type, name, ids, first_seen_at, words, articles, last_seen_at, aliases)
        SELECT %(into)s, split_part(%(into)s, ':', 1), %(name)s, '{}', first_seen_at, words, articles, last_seen_at,
               name || aliases
        FROM old
        ON CONFLICT (id) DO UPDATE SET
            articles = e.articles + excluded.articles, words = e.words || excluded.words,
            first_seen_at = least(e.first_seen_at, excluded.first_seen_at),
            last_seen_at = greatest(e.last_seen_at, excluded.last_seen_at),
            aliases = (SELECT array_agg(a) FROM (
                SELECT DISTINCT a FROM unnest(e.aliases || excluded.aliases) AS a WHERE a <> e.name LIMIT 20) AS u (a))
        """,
        {"id": merge.id, "into": merge.into_id, "name": merge.name},
    )


def part(conn: Connection, key: str, into_id: str) -> None:
    """In the directory: the key stands for itself, and what it counted is no longer the other's."""
    conn.execute(
        """
        WITH old AS (UPDATE entities SET merged_into = NULL WHERE id = %(id)s AND merged_into = %(into)s
                     RETURNING articles, aliases, name)
        UPDATE entities e SET
            articles = greatest(e.articles - old.articles, 0),
            aliases = (SELECT coalesce(array_agg(a), '{}') FROM unnest(e.aliases) AS a
                       WHERE a <> old.name AND NOT a = ANY(old.aliases))
        FROM old WHERE e.id = %(into)s
        """,
        {"id": key, "into": into_id},
    )


def naming(conn: Connection, fact: str) -> list[int]:
    """Articles found by a fact."""
    rows = conn.execute(
        "SELECT l.article_id FROM article_lookup l WHERE l.facts @> ARRAY[%s] ORDER BY l.article_id", (fact,)
    ).fetchall()
    return [article_id for (article_id,) in rows]


def cards(conn: Connection, ids: Sequence[int]) -> list[tuple[int, Kept]]:
    """The cards of articles, by id."""
    rows = conn.execute(
        "SELECT article_id, packed, card FROM enriched_articles WHERE article_id = ANY(%s) ORDER BY article_id",
        (list(ids),),
    ).fetchall()
    return [(article_id, Kept(packed, card)) for article_id, packed, card in rows]


def record(conn: Connection, kind: str, merge: Merge, articles: int, now: datetime) -> None:
    """Write down a merge or a split, for good."""
    conn.execute(
        """
        INSERT INTO entity_changes (at, kind, id, into_id, why, evidence, articles) VALUES (%s, %s, %s, %s, %s, %s, %s)
        """,
        (now, kind, merge.id, merge.into_id, merge.why, merge.evidence, articles),
    )
