"""What enrich reads and writes in PostgreSQL: one function a statement, none commits.

Arrays of long texts go in binary (`%b`): as text every quote in them is escaped, 10 ms for an article's JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import psycopg
from psycopg.rows import dict_row
from zstandard import ZstdDecompressor

from shared.articles import Article, FeedRef, Image, Media, PageFacts, Source
from shared.packing import words_of
from shared.stored import Kept

Connection = psycopg.Connection[tuple[Any, ...]]
Rows = psycopg.Cursor[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Enriched:
    """One row of `enriched_articles` about to be written. `packed` is as `shared.stored.pack` makes it."""

    article_id: int
    version: int
    revision: str
    sort_at: datetime
    lang: str | None
    source_id: str
    status: str
    page_edition: int  # of the page that was read; 0: none
    packed: bytes
    duplicate_of: int | None = None
    back: int | None = None  # so many events before the newest of the log stands its latest one; None: it has none


@dataclass(frozen=True, slots=True)
class Held:
    """What is written of an article already."""

    version: int
    revision: str
    page_edition: int
    position: int | None
    kept: Kept  # without HTML
    duplicate_of: int | None = None


@dataclass(frozen=True, slots=True)
class Lookup:
    """One row of `article_lookup`. `facts` are joined by line feeds, `words` as `shared.words` makes them."""

    article_id: int
    sort_at: datetime
    lang: str
    facts: str
    words: str


@dataclass(frozen=True, slots=True)
class Named:
    """One entity of one article, for the directory. `words` are those of its name, by spaces."""

    entity_id: str
    type: str
    name: str
    ids: dict[str, Any]
    salience: float
    words: str
    aliases: str = ""  # by line feeds


@dataclass(frozen=True, slots=True)
class Change:
    """What the publisher changed in one version."""

    article_id: int
    version: int
    significant: bool
    changes: list[dict[str, Any]]


def begin(conn: Connection, ids: Sequence[int], revision: str, now: datetime) -> dict[int, int]:
    """Count an attempt for each article that is not enriched at its version and this revision: {id: attempts}."""
    rows = conn.execute(
        """
        INSERT INTO enrich_attempts AS t (article_id, version, attempts, last_at)
        SELECT a.id, a.version, 1, %(now)s
        FROM articles a LEFT JOIN enriched_articles e ON e.article_id = a.id LEFT JOIN pages p ON p.article_id = a.id
        WHERE a.id = ANY(%(ids)s)
          AND (e.article_id IS NULL OR e.version < a.version
               OR (e.version = a.version AND (e.revision <> %(revision)s OR e.page_edition < p.edition))
               OR a.duplicate_of IS DISTINCT FROM e.duplicate_of
               OR EXISTS (SELECT 1 FROM rereads r WHERE r.article_id = a.id AND r.done_at IS NULL))
        ORDER BY a.id
        ON CONFLICT (article_id) DO UPDATE SET
            attempts = CASE WHEN t.version = excluded.version THEN t.attempts + 1 ELSE 1 END,
            version = excluded.version, last_at = excluded.last_at
        RETURNING article_id, attempts
        """,
        {"ids": list(ids), "revision": revision, "now": now},
    ).fetchall()
    return {article_id: attempts for article_id, attempts in rows}


def load(conn: Connection, ids: Sequence[int]) -> list[Article]:
    """The articles that exist, with the feeds that carry them, by id."""
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            """
            SELECT a.id, a.version, a.url, a.canonical_url, a.title, a.subtitle, a.description, a.authors, a.language,
                   a.published_at, a.published_precision, a.modified_at, a.discovered_at, a.fetched_at,
                   a.body_html, a.body_packed, a.source, a.images, a.media, a.categories, a.status, a.paywalled,
                   a.duplicate_of,
                   p.edition, p.outcome, p.final_url, p.fetched_at AS page_fetched_at, p.charset, p.body,
                   (SELECT coalesce(jsonb_agg(jsonb_build_object(
                               'id', af.feed_id, 'title', coalesce(f.title, s.title,
                                   regexp_replace(f.url, '^(https?://)[^/?#]*@', '\\1'), ''), 'guid', af.guid)
                               ORDER BY af.first_seen_at, af.feed_id), '[]'::jsonb)
                    FROM article_feeds af
                    LEFT JOIN feeds f ON f.id = af.feed_id
                    LEFT JOIN feed_states s ON s.feed_id = af.feed_id
                    WHERE af.article_id = a.id) AS feeds
            FROM articles a LEFT JOIN pages p ON p.article_id = a.id AND p.status = 'stored'
            WHERE a.id = ANY(%s) ORDER BY a.id
            """,
            (list(ids),),
        ).fetchall()
    return [_article(row) for row in rows]


_LISTS = {"source", "feeds", "images", "media", "authors", "categories"}
_MADE = (
    _LISTS
    | {"edition", "outcome", "final_url", "page_fetched_at", "charset", "body"}
    | {"description", "body_html", "body_packed"}
)
MAX_PAGE = 16_000_000  # bytes unpacked; ingest takes less


def _article(row: dict[str, Any]) -> Article:
    plain = {k: row[k] for k in row.keys() - _MADE}
    description, html = words_of(row["description"], row["body_html"], row["body_packed"])
    return Article(
        **plain,
        description=description,
        body_html=html,
        page_html=_page_html(row["body"], row["charset"]),
        page=PageFacts(row["edition"], row["outcome"], row["final_url"], row["page_fetched_at"])
        if row["body"]
        else None,
        authors=tuple(row["authors"]),
        categories=tuple(row["categories"]),
        source=Source(**row["source"]),
        feeds=tuple(FeedRef(**f) for f in row["feeds"]),
        images=tuple(Image(**i) for i in row["images"]),
        media=tuple(Media(**m) for m in row["media"]),
    )


def _page_html(body: bytes | None, charset: str | None) -> str | None:
    """The page as text; what its charset does not know becomes U+FFFD."""
    if body is None:
        return None
    return ZstdDecompressor().decompress(body, max_output_size=MAX_PAGE).decode(charset or "utf-8", "replace")


def cards_of_sources(conn: Connection, sources: Sequence[str], each: int) -> list[tuple[str, Kept]]:
    """(source, card) of the last articles of each source."""
    rows = conn.execute(
        """
        SELECT s.source_id, a.packed, a.card
        FROM unnest(%s::text[]) AS s(source_id)
        CROSS JOIN LATERAL (
            SELECT e.packed, e.card FROM enriched_articles e WHERE e.source_id = s.source_id
            ORDER BY e.sort_at DESC, e.article_id DESC LIMIT %s) AS a
        """,
        (list(sources), each),
    ).fetchall()
    return [(source_id, Kept(packed, card)) for source_id, packed, card in rows]


def claim(conn: Connection, rows: Sequence[Lookup]) -> Rows:
    """Make articles findable that are not yet; the ids of those, when they are read.

    Of two workers with the same new article the second waits here for the first, and then finds it written. Both take
    them by id, so that they never wait for each other in a circle.
    """
    return conn.execute(
        """
        INSERT INTO article_lookup (article_id, sort_at, lang, facts, words)
        SELECT r.article_id, r.sort_at, r.lang, string_to_array(r.facts, chr(10)), r.words
        FROM unnest(%(article_id)s::bigint[], %(sort_at)s::timestamptz[], %(lang)s::text[], %(facts)b::text[],
                    %(words)b::text[]) AS r(article_id, sort_at, lang, facts, words)
        ORDER BY r.article_id
        ON CONFLICT (article_id) DO NOTHING RETURNING article_id
        """,
        _lookups(rows),
    )


def hold(conn: Connection, ids: Sequence[int]) -> Rows:
    """Lock the rows already there until the transaction ends; what `held` takes, when it is read."""
    return conn.execute(
        """
        SELECT article_id, version, revision, page_edition, position, duplicate_of, packed, card, rest
        FROM enriched_articles WHERE article_id = ANY(%s) ORDER BY article_id FOR UPDATE
        """,
        (list(ids),),
    )


def held(row: Sequence[Any]) -> Held:
    """A row of `hold`."""
    return Held(row[1], row[2], row[3], row[4], Kept(*row[6:]), row[5])


def insert(conn: Connection, rows: Sequence[Enriched], now: datetime) -> None:
    """Write first enrichments of claimed articles, with the positions of their events: under the log's lock."""
    conn.execute(
        """
        INSERT INTO enriched_articles
            (article_id, version, revision, enriched_at, sort_at, lang, source_id, status, page_edition, packed,
             duplicate_of, position)
        SELECT r.article_id, r.version, r.revision, %(now)s, r.sort_at, r.lang, r.source_id, r.status, r.page_edition,
               r.packed, r.duplicate_of, (SELECT max(position) FROM events) - r.back
        FROM unnest(%(article_id)s::bigint[], %(version)s::int[], %(revision)s::text[], %(sort_at)s::timestamptz[],
                    %(lang)s::text[], %(source_id)s::text[], %(status)s::text[], %(page_edition)s::int[],
                    %(packed)b::bytea[], %(duplicate_of)s::bigint[], %(back)s::bigint[])
             AS r(article_id, version, revision, sort_at, lang, source_id, status, page_edition, packed, duplicate_of,
                  back)
        """,
        _columns(rows) | {"now": now},
    )


def update(conn: Connection, rows: Sequence[Enriched], now: datetime) -> None:
    """Replace enrichments whose rows are held; one without a position keeps that of its latest event."""
    conn.execute(
        """
        UPDATE enriched_articles e SET
            version = r.version, revision = r.revision, enriched_at = %(now)s, sort_at = r.sort_at, lang = r.lang,
            source_id = r.source_id, status = r.status, page_edition = r.page_edition, packed = r.packed,
            card = NULL, rest = NULL, duplicate_of = r.duplicate_of,
            position = coalesce((SELECT max(position) FROM events) - r.back, e.position)
        FROM unnest(%(article_id)s::bigint[], %(version)s::int[], %(revision)s::text[], %(sort_at)s::timestamptz[],
                    %(lang)s::text[], %(source_id)s::text[], %(status)s::text[], %(page_edition)s::int[],
                    %(packed)b::bytea[], %(duplicate_of)s::bigint[], %(back)s::bigint[])
             AS r(article_id, version, revision, sort_at, lang, source_id, status, page_edition, packed, duplicate_of,
                  back)
        WHERE e.article_id = r.article_id
        """,
        _columns(rows) | {"now": now},
    )


def _columns(rows: Sequence[Enriched]) -> dict[str, list[Any]]:
    return {name: [getattr(row, name) for row in rows] for name in Enriched.__slots__}


def index(conn: Connection, rows: Sequence[Lookup]) -> None:
    """Make articles findable by other facts and words than before."""
    conn.execute(
        """
        INSERT INTO article_lookup (article_id, sort_at, lang, facts, words)
        SELECT r.article_id, r.sort_at, r.lang, string_to_array(r.facts, chr(10)), r.words
        FROM unnest(%(article_id)s::bigint[], %(sort_at)s::timestamptz[], %(lang)s::text[], %(facts)b::text[],
                    %(words)b::text[]) AS r(article_id, sort_at, lang, facts, words)
        ON CONFLICT (article_id) DO UPDATE SET
            sort_at = excluded.sort_at, lang = excluded.lang, facts = excluded.facts, words = excluded.words
        """,
        _lookups(rows),
    )


def _lookups(rows: Sequence[Lookup]) -> dict[str, list[Any]]:
    return {name: [getattr(row, name) for row in rows] for name in Lookup.__slots__}


def know_entities(conn: Connection, rows: Sequence[Named], new: Mapping[str, int], now: datetime) -> None:
    """Count in how many new articles (`new`, by id) each entity is named, and make unknown ones known to the directory.

    Each is sent once, as the article has it that it matters most to.
    """
    most = {row.entity_id: row for row in sorted(rows, key=lambda r: r.salience)}
    ordered = [most[key] for key in sorted(most)]
    conn.execute(
        """
        INSERT INTO entities AS e (id, type, name, ids, first_seen_at, words, articles, last_seen_at, aliases)
        SELECT r.entity_id, r.type, r.name, r.ids::jsonb, %(now)s, array_to_tsvector(string_to_array(r.words, ' ')),
               r.new, %(now)s, array_remove(string_to_array(r.aliases, chr(10)), '')
        FROM unnest(%(entity_id)b::text[], %(type)b::text[], %(name)b::text[], %(ids)b::text[], %(words)b::text[],
                    %(new)s::int[], %(aliases)b::text[]) AS r(entity_id, type, name, ids, words, new, aliases)
        ORDER BY r.entity_id
        ON CONFLICT (id) DO UPDATE SET
            articles = e.articles + excluded.articles, last_seen_at = excluded.last_seen_at,
            aliases = CASE WHEN e.aliases @> excluded.aliases OR cardinality(e.aliases) >= 20 THEN e.aliases ELSE (
                SELECT array_agg(a)
                FROM (SELECT DISTINCT a FROM unnest(e.aliases || excluded.aliases) AS a LIMIT 20) AS u (a)) END
        WHERE excluded.articles > 0
        """,
        {name: [getattr(row, name) for row in ordered] for name in Named.__slots__ if name != "ids"}
        | {"ids": [orjson.dumps(row.ids).decode() for row in ordered]}
        | {"new": [new.get(row.entity_id, 0) for row in ordered], "now": now},
    )


def keep_vectors(conn: Connection, ids: Sequence[int], vectors: Sequence[bytes | None]) -> None:
    """Write each article's vector, and take away that of one that has none any more."""
    conn.execute(
        """
        WITH r AS (SELECT * FROM unnest(%b::bigint[], %b::bytea[]) AS r(article_id, vector)),
        gone AS (DELETE FROM article_vectors v USING r WHERE v.article_id = r.article_id AND r.vector IS NULL)
        INSERT INTO article_vectors (article_id, vector) SELECT article_id, vector FROM r WHERE vector IS NOT NULL
        ON CONFLICT (article_id) DO UPDATE SET vector = excluded.vector
        """,
        (list(ids), list(vectors)),
    )


def changes_after(conn: Connection, pairs: Sequence[tuple[int, int]]) -> list[Change]:
    """What publishers changed since the given (article id, version) pairs, oldest first."""
    rows = conn.execute(
        """
        SELECT v.article_id, v.version, v.significant, v.changes
        FROM article_versions v
        JOIN unnest(%s::bigint[], %s::int[]) AS known(article_id, version)
          ON known.article_id = v.article_id AND v.version > known.version
        ORDER BY v.article_id, v.version
        """,
        ([a for a, _ in pairs], [v for _, v in pairs]),
    ).fetchall()
    return [Change(*row) for row in rows]


def forget_attempts(conn: Connection, ids: Sequence[int]) -> None:
    """Enriched: their attempts are of no interest any more."""
    conn.execute("DELETE FROM enrich_attempts WHERE article_id = ANY(%s)", (list(ids),))


def lead(conn: Connection, lock: int) -> bool:
    """Try to become the one relay: a lock of the session, gone with it."""
    (held,) = conn.execute("SELECT pg_try_advisory_lock(%s)", (lock,)).fetchall()[0]
    return bool(held)


def past(conn: Connection, before: datetime, most: int) -> list[int]:
    """Of the `most` articles with the lowest ids, those that were discovered before a time."""
    rows = conn.execute(
        """
        SELECT a.id FROM (SELECT article_id FROM enriched_articles ORDER BY article_id LIMIT %s) AS e
        JOIN articles a ON a.id = e.article_id WHERE a.discovered_at < %s ORDER BY a.id
        """,
        (most, before),
    ).fetchall()
    return [article_id for (article_id,) in rows]


def uncount_entities(conn: Connection, ids: Sequence[int]) -> None:
    """These articles count no more in the directory. Rows are locked by id, as `know_entities` does."""
    conn.execute(
        """
        WITH gone AS (
            SELECT substr(f, length('entity=') + 1) AS id, count(*) AS n
            FROM article_lookup l CROSS JOIN LATERAL unnest(l.facts) AS f
            WHERE l.article_id = ANY(%s) AND starts_with(f, 'entity=') GROUP BY f
        ),
        held AS (SELECT e.id, g.n FROM entities e JOIN gone g ON g.id = e.id ORDER BY e.id FOR UPDATE OF e)
        UPDATE entities e SET articles = greatest(e.articles - held.n, 0) FROM held WHERE e.id = held.id
        """,
        (list(ids),),
    )


def remember_told(conn: Connection, ids: Sequence[int]) -> None:
    """Remember of articles about to be dropped that they were told of, and at which version."""
    conn.execute(
        """
        INSERT INTO forgotten_articles (article_id, version)
        SELECT article_id, version FROM enriched_articles WHERE article_id = ANY(%s)
        ON CONFLICT (article_id) DO UPDATE SET version = excluded.version
        """,
        (list(ids),),
    )


def told_before(conn: Connection, ids: Sequence[int]) -> dict[int, int]:
    """The versions that dropped articles were last told of at: {id: version}."""
    rows = conn.execute(
        "SELECT article_id, version FROM forgotten_articles WHERE article_id = ANY(%s)", (list(ids),)
    ).fetchall()
    return {article_id: version for article_id, version in rows}


def forget_articles(conn: Connection, ids: Sequence[int]) -> None:
    """Drop everything that was written of these articles, but for the directory of entities."""
    conn.execute(
        """
        WITH of_lookup AS (DELETE FROM article_lookup WHERE article_id = ANY(%(ids)s)),
             of_vectors AS (DELETE FROM article_vectors WHERE article_id = ANY(%(ids)s)),
             of_attempts AS (DELETE FROM enrich_attempts WHERE article_id = ANY(%(ids)s))
        DELETE FROM enriched_articles WHERE article_id = ANY(%(ids)s)
        """,
        {"ids": list(ids)},
    )
