"""`/v1/sources`: who publishes what is here, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from services.api import cursors, params, query, shape
from services.api import store as api_store
from services.api.answers import JSON, Body, answer, negotiate
from services.api.deps import resources
from services.api.openapi import described
from services.api.ops import store
from services.api.schemas import SourcePage
from shared.stored import Kept

router = APIRouter(prefix="/v1/sources", tags=["operations"])

_LIST = (params.limit(200, 50), cursors.CURSOR)
_UNREAD = {"feeds": 0, "title": None, "outcomes": dict.fromkeys(store.ITEM_OUTCOMES, 0)}  # its feeds were all removed


@router.get("", **described(SourcePage, takes=_LIST, fails=("not_acceptable", "too_slow")))
async def sources(request: Request) -> Response:
    """Sources in order of their ids, with their numbers of articles and what became of each item that feeds held.

    `/v1/facets?field=source` tells the busiest.
    """
    negotiate(request, (JSON,))
    asked = params.read(request.scope["query_string"], _LIST)
    async with resources(request).reading() as conn:
        head, rows = await api_store.sources(conn, asked["cursor"] or "", asked["limit"] + 1)
        polled = await store.outcomes_by_source(conn, [row[0] for row in rows])
    following = None
    if len(rows) > asked["limit"]:
        rows = rows[: asked["limit"]]
        cursor = cursors.encode(rows[-1][0])
        following = query.with_values("/v1/sources", request.scope["query_string"], cursor=cursor)
    told = [_told(row, polled.get(row[0], _UNREAD)) for row in rows]
    # What had its feeds removed before anything of it was enriched is passed over, and may leave a page short.
    items = [_json(one) for one in told if one["articles"] or one["feeds"]]
    link = {"Link": f'<{following}>; rel="next"'} if following else {}
    return answer(request, Body(shape.page(items, following, head)), headers=link)


def _told(row: tuple[str, int, datetime | None, Kept], found: dict[str, Any]) -> dict[str, Any]:
    source_id, count, newest_at, newest = row
    named = (orjson.loads(newest.card).get("source") or {}) if count else {"name": found["title"]}
    told = {"id": source_id} | {name: named.get(name) for name in ("name", "domain", "country")}
    return told | {"articles": count, "newest_at": newest_at, "feeds": found["feeds"], "outcomes": found["outcomes"]}


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_UTC_Z, default=int)  # sums come as Decimal
