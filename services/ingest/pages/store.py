"""The statements about pages and robots. One function, one statement; the caller owns the transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import psycopg

Conn = psycopg.AsyncConnection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A page that this process fetches now, until its lease ends. `token` proves it when saving."""

    article_id: int
    token: int
    url: str
    fetch_url: str
    host: str
    attempts: int
    hops: int
    lane: str
    robots_due: bool  # the host's rules are unknown or too old: they are asked for first
    allowed: bool  # what holds where there are no rules
    rules: str | None
    robots_reached: bool


async def want(conn: Conn, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Pages to fetch: rows of {article_id, url, host, domain, lane}. One known already is asked for anew."""
    await conn.execute(
        """
        WITH given AS MATERIALIZED (
            SELECT * FROM json_to_recordset(%(rows)s::json) AS r(
                article_id bigint, url text, host text, domain text, lane text)
        ), there AS (
            INSERT INTO domains (domain, next_start_at)
            SELECT DISTINCT domain, %(now)s::timestamptz FROM given WHERE domain IS NOT NULL ORDER BY domain
            ON CONFLICT (domain) DO NOTHING
        ), here AS (
            INSERT INTO hosts AS h (host, domain, next_start_at)
            SELECT DISTINCT host, domain, %(now)s::timestamptz FROM given ORDER BY host
            ON CONFLICT (host) DO UPDATE SET domain = excluded.domain WHERE h.domain IS DISTINCT FROM excluded.domain
        )
        INSERT INTO pages AS p (article_id, url, fetch_url, host, lane, wanted_at, next_try_at)
        SELECT article_id, url, url, host, lane, %(now)s, %(now)s FROM given ORDER BY article_id
        ON CONFLICT (article_id) DO UPDATE SET
            url = excluded.url, fetch_url = excluded.url, host = excluded.host, wanted_at = excluded.wanted_at,
            attempts = 0, hops = 0, lease_until = NULL, lease_token = p.lease_token + 1,
            next_try_at = excluded.next_try_at
        """,
        {"rows": orjson.dumps(rows).decode(), "now": now},
    )


async def lock_due(conn: Conn, now: datetime, limit: int) -> list[int]:
    """Lock at most `limit` due pages, their hosts and domains; the articles of which others locked nothing."""
    cursor = await conn.execute(
        """
        WITH due AS MATERIALIZED (
            SELECT article_id, host FROM pages WHERE next_try_at <= %(now)s
            ORDER BY next_try_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        ), free AS MATERIALIZED (
            SELECT host, domain FROM hosts WHERE host IN (SELECT host FROM due) FOR UPDATE SKIP LOCKED
        ), calm AS MATERIALIZED (
            SELECT domain FROM domains WHERE domain IN (SELECT domain FROM free) FOR UPDATE SKIP LOCKED
        )
        SELECT article_id FROM due JOIN free USING (host)
        WHERE free.domain IS NULL OR free.domain IN (SELECT domain FROM calm)
        """,
        {"now": now, "limit": limit},
    )
    return [article_id for (article_id,) in await cursor.fetchall()]


async def claim(
    conn: Conn,
    article_ids: Sequence[int],
    now: datetime,
    lease_until: datetime,
    host_concurrency: int,
    host_gap_s: float,
    exempt_host: str,
) -> list[Claimed]:
    """Lease the locked pages that their hosts have room for; put the others off to when it may have.

    The bounds are those of polls (`store.claim`), with polls counted in; a host's crawl-delay widens its gap. A host
    whose rules are not known is asked for them before anything else, by one replica.
    """
    cursor = await conn.execute(
        """
        WITH due AS (
            SELECT p.article_id, p.host, h.domain, p.next_try_at, p.lane,
                   greatest(h.next_start_at, h.next_page_at) AS next_start_at,
                   p.host = %(exempt)s AS exempt, coalesce(h.robots_until <= %(now)s, true) AS robots_due,
                   greatest(%(gap)s, h.crawl_delay_s) AS gap_s,
                   row_number() OVER (PARTITION BY p.host ORDER BY p.lane <> 'breaking', p.next_try_at, p.article_id)
                   AS place
            FROM pages p JOIN hosts h USING (host) WHERE p.article_id = ANY(%(pages)s)
        ), running AS (
            SELECT h.host, h.domain, false AS page FROM feed_clocks JOIN hosts h USING (host)
            WHERE lease_until > %(now)s AND (h.host IN (SELECT host FROM due) OR h.domain IN (SELECT domain FROM due))
            UNION ALL
            SELECT h.host, h.domain, true FROM pages JOIN hosts h USING (host)
            WHERE lease_until > %(now)s AND (h.host IN (SELECT host FROM due) OR h.domain IN (SELECT domain FROM due))
        ), busy AS (
            SELECT host, count(*) AS requests, count(*) FILTER (WHERE page) AS pages FROM running GROUP BY host
        ), roomy AS (
            SELECT d.*, (NOT d.robots_due OR (d.place = 1 AND coalesce(b.pages, 0) = 0)) AND (d.exempt OR (
                       d.place + coalesce(b.requests, 0) <= %(concurrency)s
                       AND (d.gap_s = 0 OR d.place = 1) AND (d.next_start_at <= %(now)s OR d.gap_s = 0)
                   )) AS has_room
            FROM due d LEFT JOIN busy b USING (host)
        ), ranked AS (
            SELECT r.*, m.next_start_at AS domain_start_at,
                   row_number() OVER (PARTITION BY r.domain, r.has_room ORDER BY r.next_try_at, r.article_id)
                   + (SELECT count(*) FROM running n WHERE n.domain = r.domain) AS domain_place,
                   row_number() OVER (PARTITION BY r.domain, r.has_room ORDER BY r.next_try_at, r.article_id) AS turn
            FROM roomy r LEFT JOIN domains m USING (domain)
        ), judged AS (
            SELECT r.*, r.has_room AND (r.exempt OR r.domain IS NULL OR (
                       r.domain_place <= 2 * %(concurrency)s
                       AND (%(gap)s = 0 OR (r.turn = 1 AND coalesce(r.domain_start_at, %(now)s) <= %(now)s))
                   )) AS admitted
            FROM ranked r
        ), started AS (
            UPDATE hosts h SET next_start_at = %(now)s + make_interval(secs => %(gap)s),
                   next_page_at = greatest(h.next_page_at, %(now)s + make_interval(secs => j.gap_s))
            FROM (SELECT host, max(gap_s) AS gap_s FROM judged WHERE admitted AND NOT exempt GROUP BY host) j
            WHERE h.host = j.host AND j.gap_s > 0
        ), started_there AS (
            UPDATE domains m SET next_start_at = %(now)s + make_interval(secs => %(gap)s / 2)
            FROM (SELECT DISTINCT domain FROM judged WHERE admitted AND NOT exempt) j
            WHERE m.domain = j.domain AND %(gap)s > 0
        ), moved AS (
            UPDATE pages p SET
                lease_token = p.lease_token + CASE WHEN j.admitted THEN 1 ELSE 0 END,
                lease_until = CASE WHEN j.admitted THEN %(until)s END,
                next_try_at = CASE WHEN j.admitted THEN %(until)s
                    WHEN j.robots_due THEN greatest(%(now)s, j.next_start_at) + interval '0.2 s'
                    WHEN j.exempt THEN %(now)s
                    ELSE greatest(%(now)s, j.next_start_at, j.domain_start_at)
                         + make_interval(secs => j.place * greatest(j.gap_s, 0.05)) END
            FROM judged j WHERE p.article_id = j.article_id
            RETURNING p.*, j.admitted, j.robots_due
        )
        SELECT m.article_id, m.lease_token, m.url, m.fetch_url, m.host, m.attempts, m.hops, m.lane, m.robots_due,
               coalesce(r.allowed, true), r.rules, r.http_status IS NOT NULL AND r.http_status < 500
        FROM moved m LEFT JOIN robots r USING (host)
        WHERE m.admitted
        """,
        {
            "pages": list(article_ids),
            "now": now,
            "until": lease_until,
            "concurrency": host_concurrency,
            "gap": float(host_gap_s),
            "exempt": exempt_host,
        },
    )
    return [Claimed(*row) for row in await cursor.fetchall()]


async def next_due_at(conn: Conn) -> datetime | None:
    """When the next page is due; None without any."""
    cursor = await conn.execute("SELECT min(next_try_at) FROM pages WHERE next_try_at IS NOT NULL")
    found: datetime | None = (await cursor.fetchall())[0][0]
    return found


async def put_back(conn: Conn, article_id: int, token: int, row: Mapping[str, Any]) -> bool:
    """A page for which another request comes first or instead; whether it was still ours.

    `row`: {fetch_url, host, hops, next_try_at}.
    """
    cursor = await conn.execute(
        """
        UPDATE pages SET lease_until = NULL, fetch_url = %(fetch_url)s, host = %(host)s, hops = %(hops)s,
               next_try_at = %(next_try_at)s
        WHERE article_id = %(article_id)s AND lease_token = %(token)s AND lease_until IS NOT NULL
        """,
        {**row, "article_id": article_id, "token": token},
    )
    return cursor.rowcount == 1


async def release(conn: Conn, held: Sequence[tuple[int, int]], now: datetime) -> int:
    """Give back pages whose fetch is given up: due at once, for whoever comes. How many were still ours."""
    cursor = await conn.execute(
        """
        UPDATE pages p SET lease_until = NULL, next_try_at = %(now)s
        FROM unnest(%(pages)s::bigint[], %(tokens)s::bigint[]) AS h(article_id, token)
        WHERE p.article_id = h.article_id AND p.lease_token = h.token AND p.lease_until IS NOT NULL
        """,
        {"now": now, "pages": [page for page, _ in held], "tokens": [token for _, token in held]},
    )
    return cursor.rowcount


async def save(conn: Conn, article_id: int, token: int, row: Mapping[str, Any]) -> tuple[bool, bool]:
    """What a fetch found. Returns (whether it was still ours, whether its article is to be sent to the queue now).

    An article that waits for the page waits no longer, whatever was found; one that does not is queued again when this
    is another page than was stored before. `row`: {host, outcome, http_status, error, fetched_at, final_url,
    canonical_url, content_type, charset, body, body_hash, next_try_at, queued_at}, the host that of the article's own
    address; without a body the stored one is kept.
    """
    cursor = await conn.execute(
        """
        WITH saved AS (
            UPDATE pages p SET
                lease_until = NULL, next_try_at = %(next_try_at)s, attempts = p.attempts + 1, fetch_url = p.url,
                host = %(host)s, hops = 0,
                outcome = CASE WHEN %(body)b::bytea IS NULL AND p.body IS NOT NULL THEN p.outcome ELSE %(outcome)s END,
                http_status = %(http_status)s, error = %(error)s,
                status = CASE WHEN %(body)b::bytea IS NOT NULL OR p.body IS NOT NULL THEN 'stored'
                              WHEN %(next_try_at)s::timestamptz IS NULL THEN 'none' ELSE 'wanted' END,
                fetched_at = CASE WHEN %(body)b::bytea IS NULL THEN coalesce(p.fetched_at, %(fetched_at)s)
                                  ELSE %(fetched_at)s END,
                final_url = coalesce(%(final_url)s, p.final_url),
                canonical_url = coalesce(%(canonical_url)s, p.canonical_url),
                content_type = coalesce(%(content_type)s, p.content_type), charset = coalesce(%(charset)s, p.charset),
                body = coalesce(%(body)b::bytea, p.body), body_hash = coalesce(%(body_hash)s, p.body_hash),
                edition = p.edition + CASE WHEN %(body_hash)s::bytea IS DISTINCT FROM old.body_hash
                                            AND %(body_hash)s::bytea IS NOT NULL THEN 1 ELSE 0 END
            FROM pages old
            WHERE p.article_id = %(article_id)s AND old.article_id = p.article_id AND p.lease_token = %(token)s
              AND p.lease_until IS NOT NULL
            RETURNING p.article_id, p.lane, p.edition, p.edition > old.edition AS changed
        ), free AS (
            UPDATE articles a SET paywalled = %(outcome)s = 'paywall' FROM saved s
            WHERE a.id = s.article_id AND %(outcome)s = 'paywall' AND a.paywalled IS DISTINCT FROM true
        ), queued AS (
            INSERT INTO article_queue AS q (article_id, version, lane, stored_at, queued_at, page_edition)
            SELECT s.article_id, a.version, s.lane, %(fetched_at)s, %(queued_at)s, s.edition
            FROM saved s JOIN articles a ON a.id = s.article_id
            WHERE s.changed OR EXISTS (SELECT FROM article_queue w WHERE w.article_id = s.article_id
                                       AND w.wait_until IS NOT NULL AND w.queued_at IS NULL)
            ON CONFLICT (article_id) DO UPDATE SET
                version = greatest(q.version, excluded.version), queued_at = excluded.queued_at,
                page_edition = excluded.page_edition, wait_until = NULL
            RETURNING article_id
        )
        SELECT (SELECT count(*) FROM saved), (SELECT count(*) FROM queued)
        """,
        {**row, "article_id": article_id, "token": token},
    )
    saved, queued = (await cursor.fetchall())[0]
    return bool(saved), bool(queued)


async def leave_alone(conn: Conn, host: str, until: datetime) -> None:
    """Ask a host for no page before a moment (its Retry-After)."""
    await conn.execute("UPDATE hosts SET next_page_at = greatest(next_page_at, %s) WHERE host = %s", (until, host))


async def save_robots(conn: Conn, host: str, row: Mapping[str, Any]) -> None:
    """A host's rules. One that cannot be reached keeps those it had in the last 30 days (RFC 9309, 2.3.1.4).

    `row`: {fetched_at, expires_at, http_status, rules, allowed, crawl_delay_s, reached}.
    """
    await conn.execute(
        """
        WITH old AS (
            SELECT * FROM robots WHERE host = %(host)s AND NOT %(reached)s AND http_status < 500
                AND fetched_at > %(fetched_at)s - interval '30 days'
        ), kept AS (
            INSERT INTO robots (host, fetched_at, expires_at, http_status, rules, allowed)
            SELECT %(host)s, coalesce(o.fetched_at, %(fetched_at)s), %(expires_at)s,
                   coalesce(o.http_status, %(http_status)s), CASE WHEN o.host IS NULL THEN %(rules)s ELSE o.rules END,
                   coalesce(o.allowed, %(allowed)s)
            FROM (SELECT) one LEFT JOIN old o ON true
            ON CONFLICT (host) DO UPDATE SET fetched_at = excluded.fetched_at, expires_at = excluded.expires_at,
                http_status = excluded.http_status, rules = excluded.rules, allowed = excluded.allowed
        )
        UPDATE hosts SET robots_until = %(expires_at)s,
            crawl_delay_s = CASE WHEN %(reached)s THEN %(crawl_delay_s)s ELSE crawl_delay_s END
        WHERE host = %(host)s
        """,
        {**row, "host": host},
    )
