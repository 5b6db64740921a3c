"""The part of a statement that finds the newest articles that pass, in bounded work. Pure.

    walk the newest few → a few more where that pays → look into the index as far back as a page needs → … → the rest

Left to itself the planner walks the newest articles for a rare word, which takes seconds, or sorts all answers of a
common one. What ends a look early is told to it step by step instead.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.api.query import ArticleQuery
from services.api.search import condition as conditions
from services.api.search.condition import Condition
from shared import facts

WALK = 600  # rows looked at before anything else
WALK_MORE, WALK_FEW = 2400, 8  # rows looked at next, where that found so many: a page is full before the index pays
WALK_WORDS = 300  # the same where each look unpacks the words
LOOKS = 2500  # articles that have all words of a phrase, looked at for the phrase itself: 15 microseconds each
FURTHER = 64  # times as far as all looks before a look reaches at most
FEW = 300  # articles, in all, that are worth no further look: all the rest is asked for at once, of whatever time
FARTHEST = 64 * 8**4  # units of 4,096 s, 34 years: what is older than so much more is asked for at once
UNIT_S = 4096  # the shortest stretch that the index names, in seconds
AHEAD_S = 2 * 86_400  # what is dated later than so much from now has a fact of its own

_OPAQUE = "(l.sort_at + interval '0')"  # to the planner: no reason to walk the newest in a look at the index
_WALK = """seen AS MATERIALIZED (
    SELECT l.article_id, l.sort_at, ({direct}) AS passes FROM (
        SELECT * FROM article_lookup l WHERE {bounds} ORDER BY l.sort_at DESC, l.article_id DESC LIMIT %(walk)s
    ) l
), walk AS MATERIALIZED (
    SELECT article_id, sort_at FROM seen WHERE passes LIMIT %(most)s
), edge AS MATERIALIZED (
    SELECT sort_at, article_id FROM seen OFFSET %(walk)s - 1 LIMIT 1
), oldest AS MATERIALIZED (
    SELECT greatest(t.ever, %(first)s) AS unit, t.ever
    FROM (SELECT floor(date_part('epoch', min(l.sort_at)) / 4096)::int AS ever FROM article_lookup l) t
)"""
_WALK_MORE = """seen_more AS MATERIALIZED (
    SELECT l.article_id, l.sort_at, ({direct}) AS passes FROM (
        SELECT * FROM article_lookup l WHERE {gate} AND {bounds} AND (l.sort_at, l.article_id) < (TABLE edge)
        ORDER BY l.sort_at DESC, l.article_id DESC LIMIT %(more)s
    ) l
), more AS MATERIALIZED (
    SELECT article_id, sort_at FROM seen_more WHERE passes LIMIT %(most)s
), brink AS MATERIALIZED (
    (SELECT sort_at, article_id FROM seen_more OFFSET %(more)s - 1 LIMIT 1)
    UNION ALL SELECT * FROM edge WHERE NOT {gate}
)"""
# Where even the edge of the walk lies ahead, what does is found first: looks begin with what is dated about now.
_LIE_AHEAD = "(SELECT count(*) FROM ahead)::int"
_IS_AHEAD = "e.sort_at >= to_timestamp(%(soon)s * 4096.0)"
_AHEAD = """ahead AS MATERIALIZED (
    SELECT l.article_id, l.sort_at FROM (
        SELECT l.article_id, l.sort_at FROM article_lookup l
        WHERE {walked} < %(most)s AND EXISTS (SELECT 1 FROM {edge} AS e WHERE {is_ahead})
          AND {exactly} AND l.facts && %(later)s::text[] AND {within}
          AND {opaque} >= to_timestamp(%(soon)s * 4096.0) OFFSET 0
    ) l ORDER BY l.sort_at DESC, l.article_id DESC LIMIT %(most)s
)"""
# Each look reaches as far back as a page needs, by how much was found so far in which time; in units of 4,096 s: `ends`
# is the earliest seen, `span` how many they are. The index names a stretch (migration 0300) by pieces that are few.
_LOOK = """look AS (
    SELECT least(floor(date_part('epoch', e.sort_at) / 4096)::int + 1, %(soon)s) AS ends,
           {walked} + {lie_ahead} AS found, 0 AS looked, %(walk)s::int AS named,
           CASE WHEN {is_ahead} THEN 1 ELSE date_part('epoch', newest.sort_at - e.sort_at) / 4096 END AS span,
           NULL::bigint[] AS ids, NULL::timestamptz[] AS ats, NULL::timestamptz AS last_at, NULL::bigint AS last_id
    FROM {edge} AS e, (SELECT sort_at FROM seen LIMIT 1) AS newest WHERE {walked} < %(most)s
    UNION ALL
    SELECT r.begins, p.found + coalesce(cardinality(s.ids), 0), p.looked + s.looked, s.looked + p.named / 4,
           p.span + p.ends - r.begins, s.ids, s.ats, s.last_at, s.last_id
    FROM look p CROSS JOIN LATERAL (
        SELECT b.begins, ARRAY(SELECT n * 8 + b.level
                               FROM generate_series(b.begins >> 3 * b.level, p.ends - 1 >> 3 * b.level) AS n) AS pieces
        FROM (SELECT (p.ends - w.reach) >> 3 * w.level << 3 * w.level AS begins, w.level FROM (
            SELECT greatest(0, least(4, floor(ln(t.reach / 2.0) / ln(8.0))::int)) AS level, t.reach FROM (
                SELECT ceil(least(greatest(1, p.span * {further}), %(farthest)s))::int AS reach
            ) t) w) b OFFSET 0
    ) r CROSS JOIN LATERAL ({seen}) s
    WHERE p.found < %(most)s AND {left} AND p.ends > (SELECT unit FROM oldest) AND p.span < %(farthest)s
      AND ({hits} + 0.5) * (%(soon)s - (SELECT ever FROM oldest)) > p.span * %(few)s
)"""
_MORE = "least(%(further)s, (1.5 * (%(most)s - p.found) + 10) / (p.found + 0.5))"
_SEEN = """
    SELECT array_agg(f.article_id) AS ids, array_agg(f.sort_at) AS ats, 0 AS looked,
           NULL::timestamptz AS last_at, NULL::bigint AS last_id
    FROM (
        SELECT l.article_id, l.sort_at FROM (
            SELECT l.article_id, l.sort_at FROM article_lookup l WHERE {indexed} AND {piece} OFFSET 0
        ) l ORDER BY l.sort_at DESC, l.article_id DESC LIMIT %(most)s
    ) f
"""
_PIECE = """lookup_stretches(l.sort_at) && r.pieces AND {within} AND {opaque} < to_timestamp(p.ends::float8 * 4096)"""
_REST = """rest AS MATERIALIZED (
    SELECT l.article_id, l.sort_at FROM (
        SELECT l.article_id, l.sort_at FROM article_lookup l WHERE {gate} AND {indexed} AND {within} OFFSET 0
    ) l ORDER BY l.sort_at DESC, l.article_id DESC LIMIT %(most)s
)"""
_ENDED = "(SELECT max(found) FROM look) < %(most)s AND (SELECT min(ends) FROM look) > (SELECT unit FROM oldest)"
_BEFORE = "l.sort_at < to_timestamp((SELECT min(ends) FROM look)::float8 * 4096)"
# Where the index cannot say all, the newest that it names are looked at, and no more than so many.
# How many that will be, a walk cannot tell: all, until a look has seen it.
_MORE_NEAR = "least(%(further)s, (%(looks)s - p.looked) / (p.named + 0.5))"
_SEEN_NEAR = """
    WITH near AS MATERIALIZED (
        SELECT l.article_id, l.sort_at, l.lang, l.words FROM (
            SELECT l.article_id, l.sort_at, l.lang, l.words FROM article_lookup l WHERE {indexed} AND {piece} OFFSET 0
        ) l ORDER BY l.sort_at DESC, l.article_id DESC LIMIT %(looks)s - p.looked
    ), right_ones AS MATERIALIZED (SELECT l.article_id, l.sort_at FROM near l WHERE {words} LIMIT %(most)s),
    last AS (SELECT sort_at, article_id FROM near ORDER BY sort_at, article_id LIMIT 1)
    SELECT (SELECT array_agg(article_id) FROM right_ones) AS ids, (SELECT array_agg(sort_at) FROM right_ones) AS ats,
           (SELECT count(*) FROM near)::int AS looked,
           (SELECT sort_at FROM last) AS last_at, (SELECT article_id FROM last) AS last_id
"""
_REST_NEAR = """near AS MATERIALIZED (
    SELECT l.article_id, l.sort_at, l.lang, l.words FROM (
        SELECT l.article_id, l.sort_at, l.lang, l.words FROM article_lookup l
        WHERE {gate} AND {indexed} AND {within} OFFSET 0
    ) l ORDER BY l.sort_at DESC, l.article_id DESC LIMIT %(looks)s - (SELECT max(looked) FROM look)
), rest AS MATERIALIZED (
    SELECT l.article_id, l.sort_at FROM near l WHERE {words} LIMIT %(most)s
), cut AS (
    (SELECT last_at AS sort_at, last_id AS article_id FROM look WHERE looked >= %(looks)s)
    UNION ALL (SELECT sort_at, article_id FROM near
               OFFSET %(looks)s - (SELECT max(looked) FROM look) - 1 LIMIT 1)
    LIMIT 1
)"""
# Where little has happened since a position, the log itself says what.
_CHANGED = """changed AS MATERIALIZED (
    SELECT DISTINCT e.article_id FROM events e WHERE e.position > %(since)s AND e.article_id IS NOT NULL
), walk AS MATERIALIZED (
    SELECT l.article_id, l.sort_at FROM changed JOIN article_lookup l USING (article_id)
    WHERE {direct} AND {bounds} ORDER BY l.sort_at DESC, l.article_id DESC LIMIT %(most)s
)"""
_FOUND = """found AS MATERIALIZED (
    SELECT u.article_id, u.sort_at FROM ({union}) u ORDER BY u.sort_at DESC, u.article_id DESC LIMIT %(most)s
)"""
_LOOKED = "SELECT u.article_id, u.sort_at FROM look, unnest(look.ids, look.ats) AS u (article_id, sort_at)"


def found(
    asked: Condition, within: str, query: ArticleQuery, now: datetime, head: int
) -> tuple[str, str, dict[str, Any]]:
    """The CTEs (of a WITH RECURSIVE) that end in `found`; how far was looked, as two expressions; and their values."""
    since = query.filter.since
    if since is not None and head - since <= conditions.NEAR:
        direct = " AND ".join(filter(None, (asked.facts, asked.words)))
        walk = _CHANGED.format(direct=direct, bounds=within)
        return f"{walk}, {_FOUND.format(union='TABLE walk')}", "NULL, NULL", asked.values
    soon = int(now.timestamp() + AHEAD_S) // UNIT_S
    start, end = _bounds(query)
    looks = bool(asked.words) and not asked.sure
    values = asked.values | {
        "walk": WALK_WORDS if asked.words else WALK, "more": WALK_MORE, "few_passed": WALK_FEW, "looks": LOOKS,
        "further": FURTHER, "few": FEW, "farthest": FARTHEST, "soon": soon, "later": [facts.LATER],
        "first": int(start.timestamp() // UNIT_S) if start is not None else -(2**31),
    }  # fmt: skip
    ahead = end is None or end.timestamp() > soon * UNIT_S
    # What the walk passed is not looked for again: it ends at `edge`, or at nothing where it saw everything.
    edge = "edge" if asked.words else "brink"
    names = ["walk"] if asked.words else ["walk", "more"]
    before = f"{within} AND (l.sort_at, l.article_id) < (TABLE {edge})".replace("l.sort_at", _OPAQUE)
    parts = {
        "bounds": within, "within": before, "direct": asked.direct, "words": asked.words, "edge": edge,
        "opaque": _OPAQUE,
        "walked": f"({' + '.join(f'(SELECT count(*) FROM {name})' for name in names)})::int",
        "gate": "((SELECT count(*) FROM walk) BETWEEN %(few_passed)s AND %(most)s - 1)",
        "exactly": asked.indexed, "indexed": asked.named if looks else asked.indexed,
        "is_ahead": _IS_AHEAD if ahead else "false", "lie_ahead": _LIE_AHEAD if ahead else "0",
        "further": _MORE_NEAR if looks else _MORE, "hits": "p.named" if looks else "p.found",
        "left": "p.looked < %(looks)s" if looks else "true",
    }  # fmt: skip
    parts["piece"] = _PIECE.format(**parts)
    parts["seen"] = (_SEEN_NEAR if looks else _SEEN).format(**parts)
    rest = parts | {
        "gate": f"{_ENDED} AND (SELECT max(looked) FROM look) < %(looks)s" if looks else _ENDED,
        "within": f"{before} AND {_BEFORE.replace('l.sort_at', _OPAQUE)}",
    }
    steps = [_WALK] if asked.words else [_WALK, _WALK_MORE]
    told = [step.format(**parts) for step in (*steps, *([_AHEAD] if ahead else []), _LOOK)]
    told.append((_REST_NEAR if looks else _REST).format(**rest))
    names += ["ahead", "rest"] if ahead else ["rest"]
    union = " UNION ALL ".join([_LOOKED, *(f"TABLE {name}" for name in names)])
    cut = "(SELECT sort_at FROM cut), (SELECT article_id FROM cut)" if looks else "NULL, NULL"
    return f"{', '.join(told)}, {_FOUND.format(union=union)}", cut, values


def _bounds(query: ArticleQuery) -> tuple[datetime | None, datetime | None]:
    """Before and after what moment there is nothing to find."""
    floor = query.ranked_after.floor[0] if query.ranked_after else None
    after = query.after[0] if query.after else None
    start = max(filter(None, (query.filter.start, floor)), default=None)
    return start, min(filter(None, (query.filter.end, after)), default=None)
