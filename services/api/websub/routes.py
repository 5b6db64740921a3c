"""`/v1/hub`: where readers ask to have the feeds of saved searches pushed to them."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.api import params
from services.api.bodies import read_bytes
from services.api.deps import resources
from services.api.openapi import described
from services.api.problems import InputError, refuse
from services.api.webhooks.store import wake
from services.api.websub import asking, store
from shared.addresses import Allowances
from shared.errors import AddressRefused
from shared.urls import check_outbound

router = APIRouter(tags=["searches"])

FORM = "application/x-www-form-urlencoded"
MAX_BYTES = 20_000
_FAILS = ("bad_body", "unsupported_media_type", "too_large")
_TEXT = {"type": "string"}
_MEMBERS = {
    "hub.mode": {"type": "string", "enum": list(asking.MODES)},
    "hub.topic": _TEXT | {"format": "uri", "description": "a feed's address, as its own link `self` has it"},
    "hub.callback": _TEXT | {"format": "uri", "maxLength": asking.CALLBACK_CHARS},
    "hub.lease_seconds": {
        "type": "integer",
        "default": asking.USUAL_LEASE_S,
        "description": f"brought within {asking.SHORTEST_LEASE_S} and {asking.LONGEST_LEASE_S}",
    },
    "hub.secret": _TEXT | {"description": f"at most {asking.SECRET_BYTES} bytes; pushes are signed with it"},
}
_ROUTE = described(None, body_types=(FORM,), status=202, fails=_FAILS)
_ROUTE["openapi_extra"]["requestBody"]["content"][FORM] = {
    "schema": {"type": "object", "properties": _MEMBERS, "required": ["hub.mode", "hub.topic", "hub.callback"]},
    "example": {
        "hub.mode": "subscribe",
        "hub.topic": "http://localhost:8080/v1/searches/1.atom",
        "hub.callback": "https://reader.example/push?feed=1",
        "hub.secret": "a long random text",
    },
}


@router.post(asking.PATH, **_ROUTE)
async def ask(request: Request) -> Response:
    """Subscribe at the hub, or unsubscribe (WebSub 5.1): `hub.mode`, `hub.topic`, `hub.callback`, `hub.secret`,
    `hub.lease_seconds`. The callback is asked whether it meant it; then each change of the feed is pushed to it.
    """
    params.read(request.scope["query_string"], ())
    held = resources(request)
    wish = asking.read(await read_bytes(request, (FORM,), MAX_BYTES), str(request.base_url).rstrip("/"))
    try:
        callback = check_outbound(wish.callback, Allowances.of(held.settings.allow_private))
    except AddressRefused as error:
        raise refuse("bad_body", [InputError("body.hub.callback", error.message, error.suggestion)]) from error
    async with held.writing() as conn:
        if not await store.ask(conn, wish, callback):
            raise refuse("bad_body", [InputError("body.hub.topic", f"there is no saved search {wish.search_id}")])
        await wake(conn)
    return Response(status_code=202)
