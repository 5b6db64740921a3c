"""`/v1/articles/{id}/diff`: what changed in an article between any two of its versions."""

from __future__ import annotations

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from services.api import params, store
from services.api.answers import JSON, Body, answer, negotiate
from services.api.articles import article_id_of, unknown
from services.api.deps import resources
from services.api.openapi import described
from services.api.params import Param
from services.api.problems import InputError, refuse
from services.api.schemas import Diff
from shared.changes import compare, significant

router = APIRouter(prefix="/v1/articles", tags=["articles"])

_VERSION = params.integer(1, 2**31 - 1)
_SCHEMA = {"type": "integer", "minimum": 1}
TAKES = (
    Param("from", "the older version; the one before `to` where it is left out", _VERSION, _SCHEMA, example=1),
    Param("to", "the newer version; the latest where it is left out", _VERSION, _SCHEMA, example=2),
)


@router.get("/{article_id}/diff", **described(Diff, takes=TAKES, fails=("not_found", "not_acceptable")))
async def diff(request: Request, article_id: str) -> Response:
    """What changed between two versions, field by field, in whole texts; and whether a reader should know."""
    held = resources(request)
    negotiate(request, (JSON,))
    asked = params.read(request.scope["query_string"], TAKES)
    async with held.reading() as conn:
        tellings = await store.tellings(conn, article_id_of(article_id))
    if not tellings:
        raise unknown(article_id)
    latest = max(tellings)
    end = asked["to"] or latest
    start = asked["from"] or max(1, end - 1)
    wrong = [
        InputError(f"query.{name}", f"there is no version {version}; the latest is {latest}")
        for name, version in (("from", start), ("to", end))
        if version not in tellings
    ]
    if wrong:
        raise refuse("bad_value", wrong)
    changes = compare(tellings[start], tellings[end], whole=True)
    told = {"from": start, "to": end, "significant": significant(changes), "changes": changes}
    return answer(request, Body(orjson.dumps(told)))
