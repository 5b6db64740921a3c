"""Every statement of ingest. One function, one statement; the caller owns the transaction.

Whatever a poll carries, it costs the same number of statements: rows travel as one JSON array and are sets in SQL.
Times are passed in, so that one clock (the caller's) stamps all that belongs together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg
from psycopg import sql

from services.ingest.budget import ELASTICITY, Load
from services.ingest.decide import Correction, Known, Text
from services.ingest.findings import HubKnown
from services.ingest.items import Item
from services.ingest.states import Claimed, Clock
from shared.articles import Lane
from shared.packing import pack_words, words_of

Conn = psycopg.AsyncConnection[tuple[Any, ...]]
EVER = datetime(1, 1, 1, tzinfo=UTC)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


def _json(rows: Any) -> str:
    return orjson.dumps(rows, option=orjson.OPT_UTC_Z).decode()


# --- claiming feeds -------------------------------------------------------------------------------------------------


async def plan_once(conn: Conn) -> None:
    """Until the transaction ends, plan statements for any parameters, so that prepared ones are planned no more."""
    await conn.execute("SET LOCAL plan_cache_mode = force_generic_plan")


async def lock_due(conn: Conn, now: datetime, limit: int) -> list[int]:
    """Lock at most `limit` due feeds, their hosts and domains; the ids of the feeds of which others locked nothing.

    Hosts are locked here and counted in `claim`, a statement later, so that what others committed meanwhile counts.
    Pages are claimed under the same locks (`pages/store.py`), so that a host has one clock for both.
    """
    cursor = await conn.execute(
        """
        WITH due AS MATERIALIZED (
            SELECT feed_id, host FROM feed_clocks WHERE next_poll_at <= %(now)s
            ORDER BY next_poll_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        ), free AS MATERIALIZED (
            SELECT host, domain FROM hosts WHERE host = ANY(ARRAY(SELECT host FROM due)) FOR UPDATE SKIP LOCKED
        ), calm AS MATERIALIZED (
            SELECT domain FROM domains WHERE domain = ANY(ARRAY(SELECT domain FROM free)) FOR UPDATE SKIP LOCKED
        )
        SELECT feed_id FROM due JOIN free USING (host)
        WHERE free.domain IS NULL OR free.domain IN (SELECT domain FROM calm)
        """,
        {"now": now, "limit": limit},
    )
    return [feed_id for (feed_id,) in await cursor.fetchall()]


async def claim(
    conn: Conn,
    feed_ids: Sequence[int],
    now: datetime,
    lease_until: datetime,
    host_concurrency: int,
    host_gap_s: float,
    exempt_host: str,
) -> list[Claimed]:
    """Lease the locked feeds that their hosts have room for; put the others off to when it may have.

    A domain takes twice what a host takes: twice the requests at once, half the gap. What runs is counted over feeds
    and pages.
    A leased feed is due again when its lease ends, should its poll never be saved.
    """
    cursor = await conn.execute(
        """
        WITH due AS (
            SELECT s.feed_id, s.host, h.domain, s.next_poll_at, h.next_start_at, s.host = %(exempt)s AS exempt,
                   row_number() OVER (PARTITION BY s.host ORDER BY s.next_poll_at, s.feed_id) AS place
            FROM feed_clocks s JOIN hosts h USING (host) WHERE s.feed_id = ANY(%(feeds)s::bigint[])
        ), running AS (
            SELECT h.host, h.domain FROM feed_clocks JOIN hosts h USING (host)
            WHERE lease_until IS NOT NULL AND lease_until > %(now)s
              AND (h.host IN (SELECT host FROM due) OR h.domain IN (SELECT domain FROM due))
            UNION ALL
            SELECT h.host, h.domain FROM pages JOIN hosts h USING (host)
            WHERE lease_until IS NOT NULL AND lease_until > %(now)s
              AND (h.host IN (SELECT host FROM due) OR h.domain IN (SELECT domain FROM due))
        ), busy AS (
            SELECT host, count(*) AS requests FROM running GROUP BY host
        ), roomy AS (
            SELECT d.*, d.exempt OR (
                       d.place + coalesce(b.requests, 0) <= %(concurrency)s
                       AND (%(gap)s = 0 OR (d.place = 1 AND d.next_start_at <= %(now)s))
                   ) AS has_room
            FROM due d LEFT JOIN busy b USING (host)
        ), ranked AS (
            SELECT r.*, m.next_start_at AS domain_start_at,
                   row_number() OVER (PARTITION BY r.domain, r.has_room ORDER BY r.next_poll_at, r.feed_id)
                   + (SELECT count(*) FROM running n WHERE n.domain = r.domain) AS domain_place,
                   row_number() OVER (PARTITION BY r.domain, r.has_room ORDER BY r.next_poll_at, r.feed_id) AS turn
            FROM roomy r LEFT JOIN domains m USING (domain)
        ), judged AS (
            SELECT r.*, r.exempt OR (r.has_room AND (r.domain IS NULL OR (
                       r.domain_place <= 2 * %(concurrency)s
                       AND (%(gap)s = 0 OR (r.turn = 1 AND coalesce(r.domain_start_at, %(now)s) <= %(now)s))
                   ))) AS admitted
            FROM ranked r
        ), started AS (
            UPDATE hosts h SET next_start_at = %(now)s + make_interval(secs => %(gap)s)
            FROM (SELECT DISTINCT host FROM judged WHERE admitted AND NOT exempt) j
            WHERE h.host = j.host AND %(gap)s > 0
        ), started_there AS (
            UPDATE domains m SET next_start_at = %(now)s + make_interval(secs => %(gap)s / 2)
            FROM (SELECT DISTINCT domain FROM judged WHERE admitted AND NOT exempt) j
            WHERE m.domain = j.domain AND %(gap)s > 0
        ), moved AS (
            UPDATE feed_clocks s SET
                lease_token = s.lease_token + CASE WHEN j.admitted THEN 1 ELSE 0 END,
                lease_until = CASE WHEN j.admitted THEN %(until)s END,
                next_poll_at = CASE WHEN j.admitted THEN %(until)s ELSE
                    greatest(%(now)s, j.next_start_at, j.domain_start_at)
                    + make_interval(secs => j.place * greatest(%(gap)s, 0.25)) END
            FROM judged j WHERE s.feed_id = j.feed_id
            RETURNING s.*, j.admitted
        )
        SELECT m.feed_id, m.lease_token, coalesce(s.moved_to, f.url), m.host, f.priority, f.title, f.source,
               s.status, s.etag, s.last_modified, s.body_hash, s.failures, s.told_failing,
               m.last_success_at, s.entries_in_last_poll, s.articles_total, s.format, s.title, s.site_url, s.language,
               s.hub, s.rhythm, s.warnings, f.url, s.moved_to, m.full_at, m.conditional, m.unmodified
        FROM moved m JOIN feed_states s USING (feed_id) JOIN feeds f ON f.id = m.feed_id
        WHERE m.admitted
        """,
        {
            "feeds": list(feed_ids),
            "now": now,
            "until": lease_until,
            "concurrency": host_concurrency,
            "gap": float(host_gap_s),
            "exempt": exempt_host,
        },
    )
    return [Claimed(*row) for row in await cursor.fetchall()]


async def renew_leases(conn: Conn, held: Sequence[tuple[int, int]], until: datetime) -> int:
    """Prolong the leases of (feed, token) pairs that are still ours; how many were."""
    cursor = await conn.execute(
        """
        UPDATE feed_clocks s SET lease_until = %(until)s, next_poll_at = %(until)s
        FROM unnest(%(feeds)s::bigint[], %(tokens)s::bigint[]) AS h(feed_id, token)
        WHERE s.feed_id = h.feed_id AND s.lease_token = h.token AND s.lease_until IS NOT NULL
        """,
        {"until": until, "feeds": [feed for feed, _ in held], "tokens": [token for _, token in held]},
    )
    return cursor.rowcount


async def release(conn: Conn, held: Sequence[tuple[int, int]], due_at: datetime) -> int:
    """Give back feeds whose poll is given up: due at `due_at`, for whoever comes. How many were still ours."""
    cursor = await conn.execute(
        """
        UPDATE feed_clocks s SET lease_until = NULL, next_poll_at = %(due)s
        FROM unnest(%(feeds)s::bigint[], %(tokens)s::bigint[]) AS h(feed_id, token)
        WHERE s.feed_id = h.feed_id AND s.lease_token = h.token AND s.lease_until IS NOT NULL
        """,
        {"due": due_at, "feeds": [feed for feed, _ in held], "tokens": [token for _, token in held]},
    )
    return cursor.rowcount


async def next_due_at(conn: Conn) -> datetime | None:
    """When the next feed is due; None without any."""
    cursor = await conn.execute("SELECT min(next_poll_at) FROM feed_clocks WHERE next_poll_at IS NOT NULL")
    found: datetime | None = (await cursor.fetchall())[0][0]
    return found


async def load(conn: Conn, exempt_host: str) -> Load:
    """What all planned polls come to. Reads every feed's clock: for now and then."""
    cursor = await conn.execute(
        """
        SELECT coalesce(sum(86400 / interval_s) FILTER (WHERE price IS NULL), 0),
               coalesce(sum(86400 / interval_s * power(price, %s)) FILTER (WHERE price IS NOT NULL), 0)
        FROM feed_clocks WHERE next_poll_at IS NOT NULL AND interval_s > 0 AND host <> %s
        """,
        (ELASTICITY, exempt_host),
    )
    return Load(*(await cursor.fetchall())[0])


async def take_turn(
    conn: Conn, host: str, domain: str | None, now: datetime, gap_s: float, most: datetime | None = None
) -> datetime | None:
    """The next moment at which this host and its domain may be asked, taken from all others.

    None where it would be later than `most`: then the host's clock is left as it is.
    """
    cursor = await conn.execute(
        """
        WITH here AS (
            INSERT INTO hosts AS h (host, domain, next_start_at)
            VALUES (%(host)s, %(domain)s, %(now)s + make_interval(secs => %(gap)s))
            ON CONFLICT (host) DO UPDATE SET domain = excluded.domain,
                next_start_at = greatest(h.next_start_at, %(now)s) + make_interval(secs => %(gap)s)
            WHERE h.next_start_at <= %(most)s
            RETURNING next_start_at - make_interval(secs => %(gap)s) AS at
        ), there AS (
            INSERT INTO domains AS m (domain, next_start_at)
            SELECT %(domain)s::text, %(now)s + make_interval(secs => %(gap)s / 2)
            FROM here WHERE %(domain)s::text IS NOT NULL
            ON CONFLICT (domain) DO UPDATE SET
                next_start_at = greatest(m.next_start_at, %(now)s) + make_interval(secs => %(gap)s / 2)
            WHERE m.next_start_at <= %(most)s
            RETURNING next_start_at - make_interval(secs => %(gap)s / 2) AS at
        )
        SELECT greatest(here.at, there.at) FROM here LEFT JOIN there ON true
        WHERE there.at IS NOT NULL OR %(domain)s::text IS NULL
        """,
        {"host": host, "domain": domain, "now": now, "gap": gap_s, "most": most or NEVER},
    )
    row = await cursor.fetchone()
    return row[0] if row else None


# --- what the store knows of a poll's items -------------------------------------------------------------------------


async def item_hashes(conn: Conn, asked: Sequence[tuple[int, int]]) -> list[bytes]:
    """Of each (feed, limit): the hashes of the newest items it carries, as it last gave them, one after the other."""
    cursor = await conn.execute(
        """
        SELECT (SELECT string_agg(item_hash, '') FROM (
                    SELECT item_hash FROM article_feeds WHERE feed_id = q.feed_id ORDER BY article_id DESC LIMIT q.most
                ) newest WHERE length(item_hash) = 16)
        FROM unnest(string_to_array(%s, ',')::bigint[], string_to_array(%s, ',')::integer[])
             WITH ORDINALITY AS q(feed_id, most, place)
        ORDER BY q.place
        """,
        (",".join([str(feed_id) for feed_id, _ in asked]), ",".join([str(most) for _, most in asked])),
    )
    return [bytes(hashes or b"") for (hashes,) in await cursor.fetchall()]


async def known(conn: Conn, asked: Sequence[tuple[int, Sequence[str]]]) -> list[dict[str, Known]]:
    """Of each (feed, keys): the articles that go by any of the keys, as seen from that feed."""
    cursor = await conn.execute(
        """
        SELECT q.place, encode(k.key, 'hex'), a.id, a.feed_id, a.version, a.title, a.published_at, a.modified_at,
               encode(a.content_hash, 'hex'), f.article_id IS NOT NULL, f.guid, encode(f.item_hash, 'hex'),
               a.status, a.duplicate_of
        FROM unnest(string_to_array(%s, ',')::bytea[], string_to_array(%s, ',')::bigint[],
                    string_to_array(%s, ',')::integer[]) AS q(key, feed_id, place)
        JOIN article_keys k ON k.key = q.key
        JOIN articles a ON a.id = k.article_id
        LEFT JOIN article_feeds f ON f.article_id = a.id AND f.feed_id = q.feed_id
        """,
        by_place(asked),
    )
    found: list[dict[str, Known]] = [{} for _ in asked]
    for place, key, *told in await cursor.fetchall():
        found[place][key] = Known(*told)
    return found


def by_place(asked: Sequence[tuple[int, Sequence[str]]]) -> tuple[str, str, str]:
    """(keys, feeds, places) of what several feeds ask, each as one text."""
    rows = [(key, feed_id, place) for place, (feed_id, keys) in enumerate(asked) for key in keys]
    return (
        ",".join([f"\\x{key}" for key, _, _ in rows]),
        ",".join([str(feed_id) for _, feed_id, _ in rows]),
        ",".join([str(place) for _, _, place in rows]),
    )


async def texts(conn: Conn, article_ids: Sequence[int]) -> dict[int, Text]:
    """The words of these articles, for a diff."""
    cursor = await conn.execute(
        """
        SELECT a.id, a.description, a.body_html, a.body_packed, a.authors,
               ARRAY(SELECT encode(v.content_hash, 'hex') FROM article_versions v
                     WHERE v.article_id = a.id AND v.content_hash IS NOT NULL)
        FROM articles a WHERE a.id = ANY(%s)
        """,
        (list(article_ids),),
    )
    return {row[0]: Text(*words_of(row[1], row[2], row[3]), row[4], tuple(row[5])) for row in await cursor.fetchall()}


# --- saving a poll --------------------------------------------------------------------------------------------------


async def take_keys(
    conn: Conn, new: Sequence[Sequence[str]], aliases: Sequence[tuple[str, int]]
) -> tuple[list[int], bool]:
    """Ids for new articles and their keys, and further keys of known ones.

    Returns (the ids in order, whether every key of a new article was still free). Another feed may have brought one
    of them meanwhile: then nothing of this may be kept, and the poll is decided again. Keys are taken in order, so
    that two polls never wait for each other in a circle.
    """
    keyed = [(key, n, 0) for n, keys in enumerate(new, 1) for key in keys]
    keyed += [(key, 0, article_id) for key, article_id in aliases]
    cursor = await conn.execute(
        """
        WITH ids AS MATERIALIZED (
            SELECT n, nextval(pg_get_serial_sequence('articles', 'id')) AS id FROM generate_series(1, %(new)s) AS n
        ), taken AS (
            INSERT INTO article_keys (key, article_id)
            SELECT p.key, coalesce(ids.id, p.article_id)
            FROM unnest(string_to_array(%(keys)s, ',')::bytea[], string_to_array(%(places)s, ',')::integer[],
                        string_to_array(%(known)s, ',')::bigint[]) AS p(key, n, article_id)
            LEFT JOIN ids ON ids.n = p.n
            ORDER BY p.key
            ON CONFLICT (key) DO NOTHING
            RETURNING article_id
        )
        SELECT ids.id, (SELECT count(*) FROM taken t WHERE t.article_id IN (SELECT id FROM ids))
        FROM ids ORDER BY ids.n
        """,
        {
            "new": len(new),
            "keys": ",".join(f"\\x{key}" for key, _, _ in keyed),
            "places": ",".join(str(n) for _, n, _ in keyed),
            "known": ",".join(str(article_id) for _, _, article_id in keyed),
        },
    )
    rows = await cursor.fetchall()
    wanted = sum(len(keys) for keys in new)
    return [row[0] for row in rows], all(row[1] == wanted for row in rows)


def article_row(
    item: Item,
    feed_id: int,
    source: Mapping[str, Any],
    lane: Lane,
    discovered_at: datetime,
    fetched_at: datetime,
    queued_at: datetime | None,
    wait_until: datetime | None = None,
) -> dict[str, Any]:
    """A new article as `insert_articles` takes it, but for its id. With `wait_until` it waits for its page first."""
    return {
        "url": item.url,
        "canonical_url": item.canonical_url,
        "title": item.title,
        "description": None if item.packed else item.description,
        "authors": item.authors,
        "language": item.language,
        "published_at": item.published_at,
        "published_precision": item.published_precision,
        "published_raw": item.published_raw,
        "modified_at": item.modified_at,
        "body": item.packed,
        "images": item.images,
        "media": item.media,
        "categories": item.categories,
        "content_hash": item.content_hash,
        "guid": item.guid,
        "item_hash": item.item_hash,
        "status": "withdrawn" if item.withdrawn else "usable",
        "feed_id": feed_id,
        "source": source,
        "lane": lane,
        "discovered_at": discovered_at,
        "fetched_at": fetched_at,
        "queued_at": None if wait_until else queued_at,
        "wait_until": wait_until,
    }


async def insert_articles(conn: Conn, ids: Sequence[int], rows: Sequence[dict[str, Any]]) -> None:
    """New articles at version 1, carried by their feeds and waiting for enrichment. `rows` as `article_row` makes."""
    await conn.execute(
        """
        WITH given AS MATERIALIZED (
            SELECT * FROM json_to_recordset(%s::json) AS r(
                id bigint, url text, canonical_url text, title text, description text, authors text[], language text,
                published_at timestamptz, published_precision text, published_raw text, modified_at timestamptz,
                body text, images jsonb, media jsonb, categories text[], content_hash text, guid text,
                item_hash text, status text, feed_id bigint, source jsonb, lane text, discovered_at timestamptz,
                fetched_at timestamptz, queued_at timestamptz, wait_until timestamptz)
        ), stored AS (
            INSERT INTO articles (id, url, canonical_url, title, description, authors, language, published_at,
                                  published_precision, published_raw, modified_at, discovered_at, fetched_at,
                                  body_packed, source, images, media, categories, content_hash, feed_id, status)
            SELECT id, url, canonical_url, title, description, authors, language, published_at, published_precision,
                   published_raw, modified_at, discovered_at, fetched_at, decode(body, 'hex'), source, images, media,
                   categories, decode(content_hash, 'hex'), feed_id, status
            FROM given
        ), carried AS (
            INSERT INTO article_feeds (article_id, feed_id, guid, first_seen_at, item_hash)
            SELECT id, feed_id, guid, discovered_at, decode(item_hash, 'hex') FROM given
        ), versioned AS (
            INSERT INTO article_versions (article_id, version, seen_at, title, modified_at, significant, changes,
                                          content_hash)
            SELECT id, 1, discovered_at, title, modified_at, true, '[]', decode(content_hash, 'hex') FROM given
        )
        INSERT INTO article_queue (article_id, version, lane, stored_at, queued_at, wait_until)
        SELECT id, 1, lane, discovered_at, queued_at, wait_until FROM given
        """,
        (_json([row | {"id": article_id} for article_id, row in zip(ids, rows, strict=True)]),),
    )


def _packed(description: str | None, html: str | None) -> str | None:
    return None if html is None else pack_words(description, html).hex()


def correction_row(
    correction: Correction,
    feed_id: int,
    lane: Lane,
    seen_at: datetime,
    fetched_at: datetime,
    queued_at: datetime | None,
    wait_until: datetime | None = None,
) -> dict[str, Any]:
    """A new version as `correct_articles` takes it. With `wait_until` it waits for its page first."""
    item = correction.item
    # Else they are another feed's, which this one only titles.
    own = (correction.description, correction.body_html) == (item.description, item.body_html)
    body = item.packed if own else _packed(correction.description, correction.body_html)
    return {
        "id": correction.article_id,
        "version": correction.version,
        "title": correction.title,
        "description": None if body else correction.description,
        "body": body,
        "authors": correction.authors,
        "modified_at": correction.modified_at,
        "content_hash": correction.content_hash,
        "changes": correction.changes,
        "significant": correction.significant,
        "status": correction.status,
        "item_hash": correction.item.item_hash,
        "guid": correction.item.guid,
        "feed_id": feed_id,
        "lane": lane,
        "seen_at": seen_at,
        "fetched_at": fetched_at,
        "queued_at": None if wait_until else queued_at,
        "wait_until": wait_until,
    }


async def correct_articles(conn: Conn, rows: Sequence[Mapping[str, Any]]) -> int:
    """New versions of known articles, queued again; how many were still at the version before, and no duplicates.

    The words of the version before go with it.

    `rows` as `correction_row` makes, each article once.
    """
    cursor = await conn.execute(
        """
        WITH given AS MATERIALIZED (
            SELECT * FROM json_to_recordset(%s::json) AS r(
                id bigint, version integer, title text, description text, body text, authors text[],
                modified_at timestamptz, content_hash text, changes jsonb, significant boolean, status text,
                item_hash text, guid text, feed_id bigint, lane text, seen_at timestamptz, fetched_at timestamptz,
                queued_at timestamptz, wait_until timestamptz)
        ), stored AS (
            UPDATE articles a SET version = g.version, title = g.title, description = g.description,
                   body_html = NULL, body_packed = decode(g.body, 'hex'), authors = g.authors,
                   modified_at = g.modified_at, status = g.status, fetched_at = g.fetched_at,
                   content_hash = decode(g.content_hash, 'hex')
            FROM given g WHERE a.id = g.id AND a.version = g.version - 1 AND a.duplicate_of IS NULL
            RETURNING a.id
        ), kept AS (
            SELECT g.* FROM given g JOIN stored USING (id)
        ), former AS (
            UPDATE article_versions v SET description = a.description, body_html = a.body_html,
                   body_packed = a.body_packed, authors = a.authors
            FROM kept g JOIN articles a ON a.id = g.id
            WHERE v.article_id = g.id AND v.version = g.version - 1
        ), versioned AS (
            INSERT INTO article_versions (article_id, version, seen_at, title, modified_at, significant, changes,
                                          content_hash)
            SELECT id, version, seen_at, title, modified_at, significant, changes, decode(content_hash, 'hex')
            FROM kept
        ), carried AS (
            UPDATE article_feeds f SET item_hash = decode(g.item_hash, 'hex'), guid = g.guid
            FROM kept g WHERE f.article_id = g.id AND f.feed_id = g.feed_id
        )
        INSERT INTO article_queue (article_id, version, lane, stored_at, queued_at, wait_until)
        SELECT id, version, lane, seen_at, queued_at, wait_until FROM kept
        ON CONFLICT (article_id) DO UPDATE SET version = excluded.version, lane = excluded.lane,
            stored_at = excluded.stored_at, queued_at = excluded.queued_at, wait_until = excluded.wait_until
        """,
        (_json(rows),),
    )
    return cursor.rowcount


def carried_row(item: Item, article_id: int, feed_id: int, seen_at: datetime) -> dict[str, Any]:
    """That a feed carries an article, as `carry` takes it."""
    return {
        "article_id": article_id,
        "feed_id": feed_id,
        "guid": item.guid,
        "seen_at": seen_at,
        "item_hash": item.item_hash,
    }


async def carry(conn: Conn, rows: Sequence[Mapping[str, Any]]) -> None:
    """Which feeds carry which articles, and how they give them now. `rows` as `carried_row` makes."""
    await conn.execute(
        """
        INSERT INTO article_feeds (article_id, feed_id, guid, first_seen_at, item_hash)
        SELECT article_id, feed_id, guid, seen_at, decode(item_hash, 'hex')
        FROM json_to_recordset(%s::json) AS p(
            article_id bigint, feed_id bigint, guid text, seen_at timestamptz, item_hash text)
        ON CONFLICT (article_id, feed_id) DO UPDATE SET guid = excluded.guid, item_hash = excluded.item_hash
        """,
        (_json(rows),),
    )


async def finish_polls(conn: Conn, clocks: Sequence[Clock]) -> set[int]:
    """The clocks of polled feeds, their polls, and the answers to whoever asked for them.

    Returns the feeds whose lease was still ours; of the others nothing is kept.
    """
    cursor = await conn.execute(
        """
        WITH given AS MATERIALIZED (
            SELECT feed_id, token, host, to_timestamp(next_s) AS next_poll_at, interval_s, price, to_timestamp(s) AS at,
                   took_ms, outcome, http_status, bytes, entries, to_timestamp(full_s) AS full_at, conditional,
                   unmodified, unchanged, rules, counts::text::jsonb AS counts,
                   nullif(error::text, 'null')::jsonb AS error
            FROM ROWS FROM (
                unnest(%(feed_id)s::bigint[], %(token)s::bigint[], %(host)s::text[], %(next)s::float8[],
                       %(interval)s::float8[], %(price)s::float8[], %(at)s::float8[], %(took_ms)s::integer[],
                       %(outcome)s::text[], %(http_status)s::integer[], %(bytes)s::integer[], %(entries)s::integer[],
                       %(full_at)s::float8[], %(conditional)s::integer[], %(unmodified)s::integer[],
                       %(unchanged)s::integer[]),
                json_array_elements(%(rules)s::json), json_array_elements(%(counts)s::json),
                json_array_elements(%(errors)s::json)
            ) AS g(feed_id, token, host, next_s, interval_s, price, s, took_ms, outcome, http_status, bytes, entries,
                   full_s, conditional, unmodified, unchanged, rules, counts, error)
        ), kept AS (
            UPDATE feed_clocks c SET
                host = g.host, next_poll_at = g.next_poll_at, lease_until = NULL, interval_s = g.interval_s,
                price = g.price, last_polled_at = g.at,
                last_success_at = CASE WHEN g.error IS NULL THEN g.at ELSE c.last_success_at END,
                full_at = g.full_at, conditional = g.conditional, unmodified = g.unmodified,
                http_status = g.http_status, outcome = g.outcome,
                unchanged_total = c.unchanged_total + g.unchanged, rules = g.rules
            FROM given g
            WHERE c.feed_id = g.feed_id AND c.lease_token = g.token AND c.lease_until IS NOT NULL
            RETURNING c.feed_id
        ), told AS (
            INSERT INTO polls (feed_id, at, took_ms, outcome, http_status, bytes, entries, counts, error)
            SELECT feed_id, at, took_ms, outcome, http_status, bytes, entries, counts, error
            FROM given JOIN kept USING (feed_id)
            RETURNING id, feed_id, at
        ), answered AS (
            INSERT INTO feed_answers (request_id, feed_id, poll_id)
            SELECT r.id, r.feed_id, t.id FROM feed_requests r JOIN told t USING (feed_id)
            WHERE r.kind = 'poll' AND r.at <= t.at
            ON CONFLICT (request_id) DO NOTHING
            RETURNING pg_notify('wiredesk_feed_answers', request_id::text)
        )
        SELECT feed_id, (SELECT count(*) FROM answered) FROM told
        """,
        {
            "feed_id": _array([c.feed_id for c in clocks]),
            "token": _array([c.token for c in clocks]),
            "host": [c.host for c in clocks],
            "next": _array([c.plan.next_poll_at.timestamp() for c in clocks]),
            "interval": _array([c.plan.interval_s for c in clocks]),
            "price": _array([c.price for c in clocks]),
            "at": _array([c.at.timestamp() for c in clocks]),
            "took_ms": _array([c.took_ms for c in clocks]),
            "outcome": [c.outcome for c in clocks],
            "http_status": _array([c.http_status for c in clocks]),
            "bytes": _array([c.size for c in clocks]),
            "entries": _array([c.entries for c in clocks]),
            "full_at": _array([c.full_at.timestamp() if c.full_at else None for c in clocks]),
            "conditional": _array([c.conditional for c in clocks]),
            "unmodified": _array([c.unmodified for c in clocks]),
            "unchanged": _array([c.counts["unchanged"] for c in clocks]),
            "rules": _json([[list(rule) for rule in c.plan.rules] for c in clocks]),
            "counts": _json([c.counts for c in clocks]),
            "errors": _json([c.error for c in clocks]),
        },
    )
    return {row[0] for row in await cursor.fetchall()}


def _array(numbers: Sequence[float | None]) -> str:
    """Numbers as PostgreSQL reads an array: a third of the time of an adapter for each."""
    return "{" + ",".join(["NULL" if number is None else str(number) for number in numbers]) + "}"


async def keep_states(conn: Conn, rows: Sequence[Mapping[str, Any]]) -> None:
    """What polls changed of their feeds' states beside the clocks, in the transaction that holds those."""
    await conn.execute(
        """
        UPDATE feed_states s SET
            moved_to = g.moved_to, source_id = coalesce(g.source_id, s.source_id), status = g.status,
            etag = g.etag, last_modified = g.last_modified,
            body_hash = coalesce(decode(g.body_hash, 'hex'), s.body_hash), failures = g.failures,
            error = CASE WHEN s.error->>'code' = g.error->>'code' THEN s.error || g.error ELSE g.error END,
            told_failing = g.told_failing, retry_after_at = g.retry_after_at,
            entries_in_last_poll = coalesce(g.entries, s.entries_in_last_poll),
            articles_total = s.articles_total + g.linked, new_total = s.new_total + g.new,
            corrected_total = s.corrected_total + g.corrected,
            duplicate_total = s.duplicate_total + (g.counts ->> 'duplicate')::bigint,
            refused_total = s.refused_total + (g.counts ->> 'refused')::bigint,
            capped_total = s.capped_total + (g.counts ->> 'capped')::bigint,
            format = g.format, title = g.title, site_url = g.site_url, language = g.language,
            hub = CASE WHEN g.hub IS NULL OR s.hub->>'url' = g.hub->>'url' THEN s.hub ELSE g.hub END,
            warnings = coalesce(g.warnings, s.warnings), rhythm = g.rhythm
        FROM json_to_recordset(%s::json) AS g(
            feed_id bigint, moved_to text, source_id text, status text, etag text, last_modified text, body_hash text,
            entries integer, counts jsonb, error jsonb, failures integer, told_failing boolean,
            retry_after_at timestamptz, linked bigint, new bigint, corrected bigint, format text, title text,
            site_url text, language text, hub jsonb, warnings jsonb, rhythm jsonb)
        WHERE s.feed_id = g.feed_id
        """,
        (_json(rows),),
    )


# --- what api asks for ----------------------------------------------------------------------------------------------


async def open_requests(conn: Conn, now: datetime, limit: int) -> list[tuple[Any, ...]]:
    """Lock unanswered requests nobody else looks at and something can be done about, oldest first.

    A poll asked for waits unseen while its feed is due anyway, or polled: the next one that begins answers it.
    Rows: (id, kind, feed_id, url, paused, removed, whether ingest knows it, retry_after_at).
    """
    cursor = await conn.execute(
        """
        SELECT r.id, r.kind, r.feed_id, f.url, coalesce(f.paused, false), f.id IS NULL OR f.deleted_at IS NOT NULL,
               s.feed_id IS NOT NULL, s.retry_after_at
        FROM feed_requests r
        LEFT JOIN feeds f ON f.id = r.feed_id
        LEFT JOIN feed_states s ON s.feed_id = r.feed_id
        LEFT JOIN feed_clocks c ON c.feed_id = r.feed_id
        WHERE NOT EXISTS (SELECT 1 FROM feed_answers a WHERE a.request_id = r.id)
          AND NOT (r.kind = 'poll' AND coalesce(c.lease_until > %(now)s OR c.next_poll_at <= %(now)s, false))
        ORDER BY r.id LIMIT %(limit)s
        FOR UPDATE OF r SKIP LOCKED
        """,
        {"limit": limit, "now": now},
    )
    return await cursor.fetchall()


async def listen(conn: Conn, channel: str) -> None:
    """Hear what is notified on a channel (a plain name) from here on."""
    await conn.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))


async def add_hosts(conn: Conn, hosts: Mapping[str, str | None], now: datetime) -> None:
    """Clocks for hosts, and for the domains they are mapped to, that have none yet."""
    await conn.execute(
        """
        WITH given AS (
            SELECT * FROM unnest(%(hosts)s::text[], %(domains)s::text[]) AS g(host, domain)
        ), there AS (
            INSERT INTO domains (domain, next_start_at)
            SELECT DISTINCT domain, %(now)s::timestamptz FROM given WHERE domain IS NOT NULL ORDER BY domain
            ON CONFLICT (domain) DO NOTHING
        )
        INSERT INTO hosts AS h (host, domain, next_start_at) SELECT host, domain, %(now)s FROM given ORDER BY host
        ON CONFLICT (host) DO UPDATE SET domain = excluded.domain WHERE h.domain IS DISTINCT FROM excluded.domain
        """,
        {"now": now, "hosts": list(hosts), "domains": list(hosts.values())},
    )


async def take_up(conn: Conn, feeds: Sequence[tuple[int, str, str, bool]], now: datetime) -> None:
    """Bring the clocks of (feed, url, host, paused) in line with what is wanted; `describe` does so with their states.

    A new feed, one that is no longer paused and one that moved are due at once (but not before the publisher's
    Retry-After ends). Pausing and moving end a running lease, so that its poll cannot save.
    """
    await conn.execute(
        """
        WITH wanted AS MATERIALIZED (
            SELECT w.*, s.url IS DISTINCT FROM w.url AS elsewhere, s.status = 'paused' AS was_paused,
                   s.moved_to IS NOT NULL AS moved, s.retry_after_at
            FROM unnest(%(feeds)s::bigint[], %(urls)s::text[], %(hosts)s::text[], %(paused)s::boolean[])
                     AS w(feed_id, url, host, paused)
            LEFT JOIN feed_states s USING (feed_id)
        ), known AS (
            UPDATE feed_clocks c SET
                host = CASE WHEN w.moved AND NOT w.elsewhere THEN c.host ELSE w.host END,
                next_poll_at = CASE WHEN w.paused THEN NULL
                                    WHEN w.elsewhere THEN %(now)s
                                    WHEN w.was_paused THEN greatest(%(now)s, w.retry_after_at)
                                    ELSE c.next_poll_at END,
                lease_until = CASE WHEN w.paused OR w.elsewhere THEN NULL ELSE c.lease_until END
            FROM wanted w WHERE c.feed_id = w.feed_id
        )
        INSERT INTO feed_clocks (feed_id, host, next_poll_at)
        SELECT feed_id, host, CASE WHEN NOT paused THEN %(now)s::timestamptz END FROM wanted
        ON CONFLICT (feed_id) DO NOTHING
        """,
        _wanted(feeds) | {"now": now},
    )


async def describe(conn: Conn, feeds: Sequence[tuple[int, str, str, bool]]) -> None:
    """Bring the states of (feed, url, host, paused) in line with what is wanted, after their clocks."""
    await conn.execute(
        """
        INSERT INTO feed_states AS s (feed_id, url, status)
        SELECT feed_id, url, CASE WHEN paused THEN 'paused' ELSE 'new' END
        FROM unnest(%(feeds)s::bigint[], %(urls)s::text[], %(hosts)s::text[], %(paused)s::boolean[])
                 AS w(feed_id, url, host, paused)
        ON CONFLICT (feed_id) DO UPDATE SET
            url = excluded.url,
            moved_to = CASE WHEN s.url = excluded.url THEN s.moved_to END,
            status = CASE WHEN excluded.status = 'paused' THEN 'paused'
                          WHEN s.url IS DISTINCT FROM excluded.url THEN 'new'
                          WHEN s.status = 'paused' AND s.failures > 0 THEN 'failing'
                          WHEN s.status = 'paused'
                               AND (SELECT last_success_at IS NULL FROM feed_clocks c WHERE c.feed_id = s.feed_id)
                               THEN 'new'
                          WHEN s.status = 'paused' THEN 'ok'
                          ELSE s.status END,
            etag = CASE WHEN s.url = excluded.url THEN s.etag END,
            last_modified = CASE WHEN s.url = excluded.url THEN s.last_modified END,
            body_hash = CASE WHEN s.url = excluded.url THEN s.body_hash END,
            retry_after_at = CASE WHEN s.url = excluded.url THEN s.retry_after_at END
        """,
        _wanted(feeds),
    )


def _wanted(feeds: Sequence[tuple[int, str, str, bool]]) -> dict[str, Any]:
    return {
        "feeds": [feed_id for feed_id, _, _, _ in feeds],
        "urls": [url for _, url, _, _ in feeds],
        "hosts": [host for _, _, host, _ in feeds],
        "paused": [paused for _, _, _, paused in feeds],
    }


async def drop_states(conn: Conn, feed_ids: Sequence[int]) -> None:
    """Forget the states of removed feeds; a poll of theirs that still runs can no longer save."""
    await conn.execute(
        """
        WITH stopped AS (
            DELETE FROM feed_clocks WHERE feed_id = ANY(%(feeds)s) RETURNING feed_id
        )
        DELETE FROM feed_states s USING stopped WHERE s.feed_id = stopped.feed_id
        """,
        {"feeds": list(feed_ids)},
    )


async def make_due(conn: Conn, feed_ids: Sequence[int], now: datetime) -> None:
    """Poll these feeds now, whatever their plan; those being polled are left alone."""
    await conn.execute(
        """
        UPDATE feed_clocks SET next_poll_at = %(now)s, lease_until = NULL
        WHERE feed_id = ANY(%(feeds)s) AND coalesce(lease_until <= %(now)s, true)
          AND coalesce(next_poll_at > %(now)s, true)
        """,
        {"now": now, "feeds": list(feed_ids)},
    )


async def answer(conn: Conn, answers: Sequence[tuple[int, int, Mapping[str, Any] | None]]) -> None:
    """Answers to (request, feed): done, or refused with {code, message, ...}."""
    await conn.execute(
        """
        WITH answered AS (
            INSERT INTO feed_answers (request_id, feed_id, refused)
            SELECT request_id, feed_id, refused::jsonb
            FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS a(request_id, feed_id, refused)
            ON CONFLICT (request_id) DO NOTHING
            RETURNING request_id
        )
        SELECT pg_notify('wiredesk_feed_answers', request_id::text) FROM answered
        """,
        (
            [request for request, _, _ in answers],
            [feed for _, feed, _ in answers],
            [_json(refused) if refused else None for _, _, refused in answers],
        ),
    )


# --- addresses that api wants examined -------------------------------------------------------------------------------


async def claim_examinations(
    conn: Conn, now: datetime, asked_after: datetime, lease_until: datetime, limit: int
) -> list[tuple[int, str]]:
    """Lease at most `limit` requests, asked lately, that nobody examines; (id, url) of each."""
    cursor = await conn.execute(
        """
        WITH free AS (
            SELECT r.id, r.url FROM doctor_requests r LEFT JOIN doctor_answers a ON a.request_id = r.id
            WHERE r.at > %(after)s AND (a.request_id IS NULL OR (a.report IS NULL AND a.lease_until <= %(now)s))
            ORDER BY r.id LIMIT %(limit)s
        ), leased AS (
            INSERT INTO doctor_answers AS a (request_id, lease_until) SELECT id, %(until)s FROM free
            ON CONFLICT (request_id) DO UPDATE SET lease_until = excluded.lease_until
            WHERE a.report IS NULL AND a.lease_until <= %(now)s
            RETURNING request_id
        )
        SELECT id, url FROM free JOIN leased ON request_id = id
        """,
        {"now": now, "after": asked_after, "until": lease_until, "limit": limit},
    )
    rows: list[Any] = await cursor.fetchall()
    return rows


async def report_examination(conn: Conn, request_id: int, report: Mapping[str, Any]) -> None:
    """The answer to a request; the first one counts. Answers whose request api removed go."""
    await conn.execute(
        """
        WITH gone AS (
            DELETE FROM doctor_answers a WHERE NOT EXISTS (SELECT FROM doctor_requests r WHERE r.id = a.request_id)
        )
        UPDATE doctor_answers SET report = %s::jsonb WHERE request_id = %s AND report IS NULL
        """,
        (_json(report), request_id),
    )


async def hub_of(conn: Conn, url_key: str, hub_url: str) -> HubKnown:
    """What is known of a feed's hub: by our subscription of that feed, if there is one, and by those of others."""
    cursor = await conn.execute(
        """
        SELECT s.hub->>'state', coalesce(s.warnings @> '[{"code": "hub_misses"}]', false),
               (s.hub->>'pinged_at')::timestamptz, there.active, there.pushing, there.last_push_at
        FROM (SELECT count(*) FILTER (WHERE state = 'active') AS active, count(pinged_at) AS pushing,
                     max(pinged_at) AS last_push_at
              FROM hub_subscriptions WHERE hub_url = %(hub)s) there
        LEFT JOIN (feeds f JOIN feed_states s ON s.feed_id = f.id) ON f.url_key = %(key)s AND f.deleted_at IS NULL
        """,
        {"key": url_key, "hub": hub_url},
    )
    return HubKnown(*(await cursor.fetchall())[0])


# --- the queue's other side -----------------------------------------------------------------------------------------


async def forget_enriched(
    conn: Conn, after: tuple[datetime, int] | None, most: int
) -> tuple[int, tuple[datetime, int] | None]:
    """Take what is enriched off the list of what waits, among the next `most` that were sent, in the order of sending.

    `after` is where to go on. Returns (how many left, where to go on next time; None: from the beginning). Each is
    looked up by its id, however much waits: left to itself the planner reads all articles for a few thousand.
    """
    cursor = await conn.execute(
        """
        WITH looked AS MATERIALIZED (
            SELECT q.*, EXISTS (SELECT FROM enriched_articles e JOIN articles a ON a.id = e.article_id
                                WHERE e.article_id = q.article_id AND e.version >= q.version
                                  AND e.page_edition >= q.page_edition
                                  AND a.duplicate_of IS NOT DISTINCT FROM e.duplicate_of OFFSET 0) AS done
            FROM article_queue q WHERE queued_at >= %(at)s AND (queued_at, article_id) > (%(at)s, %(id)s)
            ORDER BY queued_at NULLS FIRST, article_id LIMIT %(most)s
        ), gone AS (
            DELETE FROM article_queue q USING looked l
            WHERE l.done AND q.article_id = l.article_id AND q.queued_at = l.queued_at AND q.version = l.version
              AND q.page_edition = l.page_edition
            RETURNING q.article_id
        )
        SELECT (SELECT count(*) FROM gone), queued_at, article_id
        FROM (SELECT) one LEFT JOIN (SELECT * FROM looked OFFSET %(most)s - 1) last ON true
        """,
        {"at": after[0] if after else EVER, "id": after[1] if after else 0, "most": most},
    )
    gone, queued_at, article_id = (await cursor.fetchall())[0]
    return gone, None if article_id is None else (queued_at, article_id)


async def take_to_send(conn: Conn, sent_before: datetime, now: datetime, limit: int) -> list[tuple[int, Lane]]:
    """At most `limit` (article, lane) pairs never sent or sent before a moment and not enriched; marked as sent now."""
    cursor = await conn.execute(
        """
        WITH unsent AS MATERIALIZED (
            SELECT article_id FROM article_queue
            WHERE queued_at IS NULL AND (wait_until IS NULL OR wait_until <= %(now)s)
            ORDER BY queued_at NULLS FIRST, article_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        ), late AS MATERIALIZED (
            SELECT article_id FROM article_queue
            WHERE queued_at < %(before)s AND (wait_until IS NULL OR wait_until <= %(now)s)
            ORDER BY queued_at NULLS FIRST, article_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        )
        UPDATE article_queue SET queued_at = %(now)s
        WHERE article_id IN (SELECT article_id FROM (TABLE unsent UNION ALL TABLE late) AS due LIMIT %(limit)s)
        RETURNING article_id, lane
        """,
        {"now": now, "before": sent_before, "limit": limit},
    )
    rows: list[Any] = await cursor.fetchall()
    return sorted(rows)


async def unsend(conn: Conn, article_ids: Sequence[int]) -> None:
    """What could not be sent waits again."""
    await conn.execute("UPDATE article_queue SET queued_at = NULL WHERE article_id = ANY(%s)", (list(article_ids),))


async def try_sweeping(conn: Conn, lock: int) -> bool:
    """Whether this connection is the one that sweeps now; it stays so until it closes."""
    cursor = await conn.execute("SELECT pg_try_advisory_lock(%s)", (lock,))
    (had,) = (await cursor.fetchall())[0]
    return bool(had)


async def newest_poll(conn: Conn) -> int:
    """The id of the newest poll; 0 without any."""
    cursor = await conn.execute("SELECT coalesce(max(id), 0) FROM polls")
    (newest,) = (await cursor.fetchall())[0]
    return int(newest)


async def trim_polls(conn: Conn, after: int, until: int, keep: int, one_in: int) -> int:
    """Drop all but the newest `keep` polls of feeds polled since `after`, one poll in `one_in` giving the occasion."""
    cursor = await conn.execute(
        """
        DELETE FROM polls WHERE id IN (
            SELECT old.id
            FROM (SELECT DISTINCT feed_id FROM polls WHERE id > %(after)s AND id <= %(until)s AND id %% %(n)s = 0) f
            CROSS JOIN LATERAL (
                SELECT id FROM polls p WHERE p.feed_id = f.feed_id ORDER BY id DESC OFFSET %(keep)s
            ) old
        )
        """,
        {"after": after, "until": until, "keep": keep, "n": one_in},
    )
    return cursor.rowcount


async def alive(conn: Conn) -> None:
    """Raises psycopg's `OperationalError` where the database does not answer."""
    await conn.execute("SELECT 1")
