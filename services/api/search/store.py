"""Looking articles up, each time in bounded work. One function a statement, none commits.

    newest first:   a walk, then looks into the index as far back as the page needs (finding/)
    counts:         one sample of 256 says how many there may be → all of them, or as many samples as give enough

Left to itself the planner walks the newest articles for a rare word, which takes seconds, or sorts all answers of a
common one. What ends a look early is told to it step by step instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from services.api.query import RANKED_MOST, ArticleQuery, Place
from services.api.search import condition as conditions
from services.api.search.condition import Condition
from services.api.search.finding import store as finding
from services.api.search.ranking import Candidate
from shared import facts, log
from shared.stored import Kept

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

FAR = 2**62  # a head so far that the log is not asked what changed since
VERSION = ("version", "position", "seen_at", "title", "modified_at", "significant", "changes")
_HEAD = "head AS (SELECT coalesce(max(position), 0) AS position FROM events)"
_PLAIN = """
WITH {head}
SELECT head.position, NULL, NULL, p.article_id, p.sort_at, p.position, {kept}
FROM head LEFT JOIN LATERAL (
    SELECT a.article_id, a.sort_at, coalesce(a.position, 0) AS position, a.version, a.packed, a.card, a.rest
    FROM (SELECT l.article_id FROM article_lookup l WHERE {bounds}
          ORDER BY l.sort_at DESC, l.article_id DESC LIMIT %(most)s OFFSET 0) l
    JOIN enriched_articles a USING (article_id)
) p ON true {html}
ORDER BY p.sort_at DESC, p.article_id DESC
"""
_PAGE = """
WITH RECURSIVE {head}, {found}
SELECT head.position, {cut}, p.article_id, p.sort_at, p.position, {kept}
FROM head LEFT JOIN LATERAL (
    SELECT a.article_id, a.sort_at, coalesce(a.position, 0) AS position, a.version, a.packed, a.card, a.rest
    FROM found JOIN enriched_articles a USING (article_id)
) p ON true {html}
ORDER BY p.sort_at DESC, p.article_id DESC
"""
_CANDIDATES = """
WITH RECURSIVE {head}, {found}
SELECT head.position, p.article_id, p.sort_at, p.lang, p.words
FROM head LEFT JOIN LATERAL (
    SELECT l.article_id, l.sort_at, l.lang, l.words FROM found JOIN article_lookup l USING (article_id)
) p ON true
"""

_SHARE = """
SELECT count(*) FROM article_lookup l WHERE l.facts && %(samples)s::text[] AND {indexed} AND {within}
"""
_FACETS = """
WITH head AS (SELECT coalesce(max(position), 0) AS position FROM events),
found AS MATERIALIZED (SELECT l.facts FROM article_lookup l WHERE {where}),
counted AS (
    SELECT split_part(f, '=', 1) AS kind, substr(f, strpos(f, '=') + 1) AS value, n
    FROM (SELECT f, count(*) AS n FROM found, unnest(found.facts) AS f
          WHERE f LIKE ANY (%(kinds)s) GROUP BY f) AS told
),
ranked AS (SELECT *, row_number() OVER (PARTITION BY kind ORDER BY n DESC, value) AS place FROM counted)
SELECT head.position, (SELECT count(*) FROM found), r.kind, r.value, r.n
FROM head LEFT JOIN ranked r ON r.place <= %(size)s ORDER BY r.kind, r.place
"""
_COUNTS = """
WITH head AS (SELECT coalesce(max(position), 0) AS position FROM events)
SELECT head.position, c.bucket, c.n FROM head LEFT JOIN (
    SELECT date_trunc(%(interval)s, l.sort_at, 'UTC') AS bucket, count(*) AS n
    FROM article_lookup l WHERE {where} GROUP BY 1
) c ON true
"""
_ARTICLES = """
SELECT p.article_id, p.sort_at, coalesce(p.position, 0), {kept} FROM enriched_articles p {html}
WHERE p.article_id = ANY(%s)
"""
# What a whole article is made of: its own row, and the HTML of its version, which may be a former one by now.
_WHOLE = "p.packed, p.card, p.rest, html.body_packed, html.body_html"
_HTML = """
LEFT JOIN LATERAL (
    SELECT o.version, o.body_packed, o.body_html FROM article_versions o
    WHERE o.article_id = p.article_id AND o.version >= p.version AND o.authors IS NOT NULL
    UNION ALL
    SELECT o.version, o.body_packed, o.body_html FROM articles o WHERE o.id = p.article_id
    ORDER BY version LIMIT 1
) html ON true
"""
# The card stands first in what is packed (shared/stored.py), mostly in the first of the pieces that TOAST cuts it into:
# the others, two of three, are read only where it does not.
_CARD = """
CASE WHEN 7 + get_byte(c.head, 1) * 65536 + get_byte(c.head, 2) * 256 + get_byte(c.head, 3) <= octet_length(c.head)
     THEN c.head ELSE p.packed END, p.card
"""
_FIRST = "LEFT JOIN LATERAL (SELECT substr(p.packed, 1, 1996) AS head OFFSET 0) c ON true"


@dataclass(frozen=True, slots=True)
class Stored:
    """One article as enrichment wrote it. `kept` has the card alone where no more was asked for."""

    article_id: int
    sort_at: datetime
    position: int
    kept: Kept


@dataclass(frozen=True, slots=True)
class Answer:
    """A page in one snapshot: the head of the log, and one row more than the limit where there are more.

    `cut` is how far was looked where that was not to the end, and the page is not full.
    """

    head: int
    rows: list[Stored]
    cut: Place | None


def page_of(query: ArticleQuery, now: datetime, head: int, *, rest: bool) -> tuple[bytes, dict[str, Any]]:
    """The statement of a page, newest first, and its values."""
    asked = conditions.condition(query.filter)
    within, values = conditions.bounds(query.filter, query.after)
    values |= {"most": query.limit + 1}
    columns = _columns(rest)
    if asked.empty:
        return _PLAIN.format(head=_HEAD, bounds=within, **columns).encode(), values
    found, cut, more = finding.found(asked, within, query, now, head)
    return _PAGE.format(head=_HEAD, found=found, cut=cut, **columns).encode(), values | more


def _columns(rest: bool) -> dict[str, str]:
    return {"kept": _WHOLE, "html": _HTML} if rest else {"kept": _CARD, "html": _FIRST}


async def newest(conn: Connection, query: ArticleQuery, now: datetime, head: int, *, rest: bool) -> Answer:
    """A page, newest first. `head` is about where the log ends: how to answer `since` is chosen by it."""
    answer = await _newest(conn, query, now, head, rest=rest)
    if await _forgot(conn, query, head):
        answer = await _newest(conn, query, now, FAR, rest=rest)
    return answer


async def _forgot(conn: Connection, query: ArticleQuery, head: int) -> bool:
    """Whether the log was asked what changed and does not reach back so far (any more): it names only a part then."""
    since = query.filter.since
    return since is not None and head - since <= conditions.NEAR and await log.oldest_async(conn) > since + 1


async def _newest(conn: Connection, query: ArticleQuery, now: datetime, head: int, *, rest: bool) -> Answer:
    statement, values = page_of(query, now, head, rest=rest)
    rows = await (await conn.execute(statement, values, prepare=False, binary=True)).fetchall()
    stored = [Stored(row[3], row[4], row[5], Kept(*row[6:])) for row in rows if row[3] is not None]
    place = (rows[0][1], rows[0][2]) if rows[0][1] is not None and len(stored) <= query.limit else None
    return Answer(rows[0][0], stored, place)


async def candidates(conn: Connection, query: ArticleQuery, now: datetime, head: int) -> tuple[int, list[Candidate]]:
    """The head of the log, and the newest that pass with their words: those that are ranked."""
    found = await _candidates(conn, query, now, head)
    return await _candidates(conn, query, now, FAR) if await _forgot(conn, query, head) else found


async def _candidates(conn: Connection, query: ArticleQuery, now: datetime, head: int) -> tuple[int, list[Candidate]]:
    asked = conditions.condition(query.filter)
    within, values = conditions.bounds(query.filter)
    last = query.ranked_after
    if last is not None:
        within += " AND (l.sort_at, l.article_id) >= (%(floor_at)s, %(floor_id)s)"
        values |= {"floor_at": last.floor[0], "floor_id": last.floor[1]}
    values |= {"most": RANKED_MOST if last is None else 2 * RANKED_MOST}  # room for those that came since
    found, _, more = finding.found(asked, within, query, now, head)
    statement = _CANDIDATES.format(head=_HEAD, found=found)
    rows = await (await conn.execute(statement.encode(), values | more, prepare=False)).fetchall()
    return rows[0][0], [Candidate(*row[1:]) for row in rows if row[1] is not None]


async def articles(conn: Connection, ids: Sequence[int], *, rest: bool) -> dict[int, Stored]:
    """Articles by id, those that exist."""
    statement = _ARTICLES.format(**_columns(rest))
    cursor = await conn.execute(statement.encode(), (list(ids),), binary=True)
    return {row[0]: Stored(row[0], row[1], row[2], Kept(*row[3:])) for row in await cursor.fetchall()}


async def versions(conn: Connection, ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """The versions of articles, as `/versions` lists them, the first first; none for an unknown article."""
    cursor = await conn.execute(
        """
        SELECT v.article_id, v.version,
               (SELECT min(e.position) FROM events e WHERE e.article_id = v.article_id
                AND e.type IN ('wiredesk.article.enriched.v1', 'wiredesk.article.corrected.v1',
                               'wiredesk.article.withdrawn.v1')
                AND coalesce(e.version, (e.data::jsonb ->> 'version')::int) = v.version),
               v.seen_at, v.title, v.modified_at, v.significant, v.changes
        FROM article_versions v WHERE v.article_id = ANY(%s) ORDER BY v.article_id, v.version
        """,
        (list(ids),),
    )
    found: dict[int, list[dict[str, Any]]] = {one: [] for one in ids}
    for article_id, *row in await cursor.fetchall():
        found[article_id].append(dict(zip(VERSION, row, strict=True)))
    return found


async def worded(conn: Connection, ids: Sequence[int]) -> list[tuple[int, str, str]]:
    """(article id, language of its stems, words) of the articles that exist."""
    cursor = await conn.execute(
        "SELECT article_id, lang, words FROM article_lookup WHERE article_id = ANY(%s)", (list(ids),)
    )
    return await cursor.fetchall()


@dataclass(frozen=True, slots=True)
class Share:
    """Which part of the articles is counted: all of them, or so many of the 256 samples."""

    samples: int = facts.SAMPLES
    estimate: int = 0  # how many there may be

    @property
    def exact(self) -> bool:
        """Whether everything is counted."""
        return self.samples == facts.SAMPLES

    def scaled(self, counted: int) -> int:
        """How many there are, by what was counted."""
        return round(counted * facts.SAMPLES / self.samples)


async def share_for(conn: Connection, asked: Condition, within: str, values: dict[str, Any], rows: int) -> Share:
    """How much to count so that about `rows` rows are read: one sample says how many the index names."""
    statement = _SHARE.format(indexed=asked.named or "true", within=within)
    told = asked.values | values | {"samples": [facts.sample(0)]}
    ((counted,),) = await (await conn.execute(statement.encode(), told, prepare=False)).fetchall()
    return _share(counted, rows)


def _share(counted: int, rows: int) -> Share:
    """How much to count where one sample has so many articles."""
    estimate = counted * facts.SAMPLES
    samples = facts.SAMPLES if estimate <= rows else max(1, facts.SAMPLES * rows // estimate)
    return Share(samples, estimate)


def _counted(asked: Condition, within: str, values: dict[str, Any], share: Share) -> tuple[str, dict[str, Any]]:
    told = asked.values | values
    where = f"{asked.indexed} AND {within}"
    if not share.exact:
        told["samples"] = [facts.sample(n) for n in range(share.samples)]
        where += " AND l.facts && %(samples)s::text[]"
    return where, told


async def facets(
    conn: Connection,
    asked: Condition,
    within: tuple[str, dict[str, Any]],
    share: Share,
    kinds: Sequence[str],
    size: int,
) -> tuple[int, int, list[tuple[str, str, int]]]:
    """The head of the log, how many were counted, and the commonest facts of each kind: (kind, value, count)."""
    where, values = _counted(asked, *within, share)
    statement = _FACETS.format(where=where)
    values |= {"kinds": [f"{kind}=%" for kind in kinds], "size": size}
    rows = await (await conn.execute(statement.encode(), values, prepare=False)).fetchall()
    return rows[0][0], rows[0][1], [(kind, value, n) for _, _, kind, value, n in rows if kind is not None]


async def facets_within(
    conn: Connection,
    asked: Condition,
    within: tuple[str, dict[str, Any]],
    kinds: Sequence[str],
    size: int,
    rows: int,
    enough: int,
) -> tuple[Share, int, int, list[tuple[str, str, int]]]:
    """What `facets` gives, of as many samples as make about `rows` articles, and which share that is.

    One sample is looked at first, to know how many there may be; where it has `enough`, it is the answer.
    """
    if not asked.sure:  # what the index names must be unpacked to be counted: only its number is asked for first
        share = await share_for(conn, asked, *within, rows)
    else:
        one = Share(1)
        head, counted, found = await facets(conn, asked, within, one, kinds, size)
        if counted >= enough:
            return one, head, counted, found
        share = _share(counted, rows)
    return share, *await facets(conn, asked, within, share, kinds, size)


async def counts(
    conn: Connection, asked: Condition, within: tuple[str, dict[str, Any]], share: Share, interval: str
) -> tuple[int, dict[datetime, int]]:
    """The head of the log, and how many articles were counted by the beginning of their interval."""
    where, values = _counted(asked, *within, share)
    statement = _COUNTS.format(where=where)
    rows = await (await conn.execute(statement.encode(), values | {"interval": interval}, prepare=False)).fetchall()
    return rows[0][0], {bucket: n for _, bucket, n in rows if bucket is not None}


async def sharing(
    conn: Connection, article_id: int, features: Sequence[str], days: Sequence[str], each: int
) -> list[int]:
    """Ids of articles of some days that have any of the facts; some of each, not all."""
    cursor = await conn.execute(
        """
        SELECT DISTINCT c.article_id FROM unnest(%(features)s::text[]) AS f (fact),
        LATERAL (SELECT l.article_id FROM article_lookup l
                 WHERE l.facts @> ARRAY[f.fact] AND l.facts && %(days)s::text[] AND l.article_id <> %(id)s
                 LIMIT %(each)s) AS c
        """,
        {"features": list(features), "days": list(days), "id": article_id, "each": each},
        prepare=False,
    )
    return [row[0] for row in await cursor.fetchall()]


async def worded_like(conn: Connection, article_id: int, lexemes: str, days: Sequence[str], each: int) -> list[int]:
    """Ids of some articles of some days that have some of the lexemes (a tsquery)."""
    cursor = await conn.execute(
        """
        SELECT l.article_id FROM article_lookup l
        WHERE lookup_lexemes(l.lang, l.words) @@ %(lexemes)s::tsquery AND l.facts && %(days)s::text[]
          AND l.article_id <> %(id)s
        LIMIT %(each)s
        """,
        {"lexemes": lexemes, "days": list(days), "id": article_id, "each": each},
        prepare=False,
    )
    return [row[0] for row in await cursor.fetchall()]
