"""`/v1/ops/audit`: who changed what. For admins only."""

from __future__ import annotations

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from services.api import params, query, shape
from services.api.answers import JSON, Body, answer, negotiate
from services.api.deps import resources
from services.api.keys import store
from services.api.openapi import described
from services.api.schemas import AuditPage
from shared import log

router = APIRouter(prefix="/v1/ops", tags=["keys"])

_LIST = (
    params.limit(200, 50),
    params.CURSOR,
)


@router.get("/audit", **described(AuditPage, takes=_LIST, fails=("not_acceptable",)))
async def audit(request: Request) -> Response:
    """Every writing request that was let in, newest first: when, by which key, what, and how it ended."""
    negotiate(request, (JSON,))
    asked = params.read(request.scope["query_string"], _LIST)
    async with resources(request).reading() as conn:
        rows = await store.audited(conn, asked["cursor"], asked["limit"] + 1)
        head = await log.head_async(conn)
    following = None
    if len(rows) > asked["limit"]:
        rows = rows[: asked["limit"]]
        following = query.with_values("/v1/ops/audit", request.scope["query_string"], cursor=rows[-1]["id"])
    items = [orjson.dumps(row, option=orjson.OPT_UTC_Z) for row in rows]
    link = {"Link": f'<{following}>; rel="next"'} if following else {}
    return answer(request, Body(shape.page(items, following, head)), headers=link)
