"""What a search would find: counted by day, with its newest articles, and held against the searches that are kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from services.api import shape
from services.api.deps import Connection
from services.api.facets import SERIES_ROWS, estimate
from services.api.query import ArticleQuery
from services.api.search import condition as conditions
from services.api.search import store as lookup
from services.api.searches import store, wishes

SAMPLE = 10
LOOKED_AT = 500  # articles that overlap is counted among
HELD_AGAINST = 50  # saved searches, the oldest


async def preview(conn: Connection, wanted: ArticleQuery, days: int, *, but: int | None = None) -> bytes:
    """The preview as JSON. `but`: a saved search that is not held against itself."""
    now = datetime.now(UTC)
    first = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    asked = replace(wanted.filter, start=max(first, wanted.filter.start or first), end=wanted.filter.end or now)
    condition, within = conditions.condition(asked), conditions.bounds(asked)
    share = await lookup.share_for(conn, condition, *within, SERIES_ROWS)
    head, found = await lookup.counts(conn, condition, within, share, "day")
    newest = await lookup.newest(conn, replace(wanted, filter=asked, limit=LOOKED_AT), now, head, rest=False)
    rows = newest.rows[:LOOKED_AT]
    steps = [first + timedelta(days=n) for n in range(days)]
    buckets = [{"start": at, "end": at + timedelta(days=1), "count": share.scaled(found.get(at, 0))} for at in steps]
    told = estimate(share, sum(found.values()))
    told.pop("next")
    told |= {"days": buckets, "looked_at": len(rows), "position": head}
    told["overlap"] = await _overlap(conn, [row.article_id for row in rows], but)
    sample = b",".join(shape.article(r.kept, r.position, wanted.form) for r in rows[:SAMPLE])
    return b'{"sample":[%s],%s' % (sample, orjson.dumps(told, option=orjson.OPT_UTC_Z)[1:])


async def _overlap(conn: Connection, ids: list[int], but: int | None) -> list[dict[str, Any]]:
    """The saved searches that find some of the articles too, those that find most of them first."""
    told = []
    for other in await store.page(conn, 0, HELD_AGAINST + 1) if ids else ():
        if other["id"] == but:
            continue
        asked = wishes.kept(other["filters"]).filter
        n = await store.found_too(conn, ids, conditions.condition(asked), conditions.bounds(asked))
        if n:
            told.append({"id": other["id"], "name": other["name"], "count": n, "share": round(n / len(ids), 4)})
    return sorted(told, key=lambda one: (-one["count"], one["id"]))
