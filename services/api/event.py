"""`/v1/events/{position}`: one event, in either mode of the CloudEvents HTTP protocol binding (1.0, section 3).

Structured (`application/cloudevents+json`): the whole event is the body. Binary (`application/json`, the type of the
data): the data alone is the body, the attributes are `ce-` headers.
"""

from __future__ import annotations

from urllib.parse import quote

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from services.api import params
from services.api.answers import JSON, Body, answer, negotiate
from services.api.deps import resources
from services.api.follow import gone
from services.api.openapi import described
from services.api.problems import InputError, Problem, refuse
from services.api.schemas import ArticleCard
from shared import log
from shared.events import envelope

router = APIRouter(prefix="/v1/events", tags=["events"])

STRUCTURED = "application/cloudevents+json"
SAFE = "".join(chr(c) for c in range(0x21, 0x7F) if chr(c) not in '"%')  # of a header's value; the rest is %-encoded


@router.get(
    "/{position}",
    **described(
        ArticleCard,
        also={STRUCTURED: {"$ref": "#/components/schemas/CloudEvent"}},
        fails=("bad_value", "not_found", "not_acceptable", "position_gone", "upgrade_required"),
    ),
)
async def event(request: Request, position: str) -> Response:
    """One event. As `application/json` its data alone, with the attributes in `ce-` headers; else the CloudEvent."""
    held = resources(request)
    kind = negotiate(request, (STRUCTURED, JSON))
    at = _position(position)
    params.read(request.scope["query_string"], ())
    async with held.reading() as conn:
        found = await log.read_async(conn, at - 1, 1)
        head = await log.head_async(conn)
    if not found:
        raise Problem("not_found", f"there is no event {at} yet; the newest is {head}", members={"latest": head})
    if found[0].position != at:
        raise Problem("position_gone", f"event {at} is gone", members=gone(at - 1, found[0].position, head))
    whole = envelope(found[0], held.log.source)
    if kind == STRUCTURED:
        return answer(request, Body(whole), media_type=STRUCTURED)
    told = orjson.loads(whole)
    data = told.pop("data")
    del told["datacontenttype"]  # the header Content-Type says it
    headers = {f"ce-{name}": quote(str(value), safe=SAFE) for name, value in told.items()}
    return answer(request, Body(orjson.dumps(data)), media_type=JSON, headers=headers)


def _position(text: str) -> int:
    if text == "ws":  # mostly a reverse proxy that does not pass the upgrade on
        raise Problem(
            "upgrade_required",
            "this is a WebSocket: open it with ws: or wss:. Reverse proxies must pass `Upgrade` and `Connection` on",
            headers={"Upgrade": "websocket", "Connection": "Upgrade"},
        )
    try:
        at = params.position(text)
    except ValueError as error:
        raise refuse("bad_value", [InputError("path.position", str(error))]) from None
    if at == 0:
        raise Problem("not_found", "positions begin at 1")
    return at
