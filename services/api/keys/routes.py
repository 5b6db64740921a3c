"""`/v1/keys`: make, list and revoke keys. For admins only."""

from __future__ import annotations

from dataclasses import asdict

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from services.api import params, query, shape
from services.api.answers import JSON, Body, answer, negotiate
from services.api.auth import Keyring, digest_of, new_key, prefix_of
from services.api.bodies import read_json
from services.api.deps import resources
from services.api.keys import store
from services.api.openapi import described
from services.api.problems import Problem
from services.api.schemas import KeyIn, KeyMade, KeyPage
from shared import log

router = APIRouter(prefix="/v1/keys", tags=["keys"])

_LIST = (params.limit(200, 50), params.CURSOR)


@router.get("", **described(KeyPage, takes=_LIST, fails=("not_acceptable",)))
async def keys(request: Request) -> Response:
    """The keys that are not revoked, with when each was last used; the oldest first."""
    negotiate(request, (JSON,))
    asked = params.read(request.scope["query_string"], _LIST)
    async with resources(request).reading() as conn:
        head = await log.head_async(conn)
        rows = await store.listed(conn, asked["cursor"] or 0, asked["limit"] + 1)
    following = None
    if len(rows) > asked["limit"]:
        rows = rows[: asked["limit"]]
        following = query.with_values("/v1/keys", request.scope["query_string"], cursor=rows[-1].id)
    items = [orjson.dumps(asdict(key), option=orjson.OPT_UTC_Z) for key in rows]
    link = {"Link": f'<{following}>; rel="next"'} if following else {}
    return answer(request, Body(shape.page(items, following, head)), headers=link)


@router.post("", **described(KeyMade, body=KeyIn, status=201, fails=("bad_json", "bad_body")))
async def make(request: Request) -> Response:
    """Make a key. It is shown this once."""
    params.read(request.scope["query_string"], ())
    asked = await read_json(request, KeyIn)
    key = new_key()
    async with resources(request).writing() as conn:
        key_id = await store.make(
            conn, asked.name, digest_of(key), prefix_of(key), sorted(set(asked.scopes)), asked.expires_at
        )
    return Response(orjson.dumps({"id": key_id, "key": key}), 201, {"Cache-Control": "no-store"}, JSON)


@router.delete("/{key_id}", **described(None, status=204, fails=("not_found",)))
async def revoke(request: Request, key_id: str) -> Response:
    """Revoke a key, at once here and within seconds on other replicas."""
    params.read(request.scope["query_string"], ())
    known = False
    if key_id.isascii() and key_id.isdigit() and len(key_id) <= 18:
        async with resources(request).writing() as conn:
            known = await store.revoke(conn, int(key_id))
    if not known:
        raise Problem("not_found", f"there is no key {key_id}")
    keyring: Keyring = request.app.state.keyring
    keyring.forget()
    return Response(status_code=204)
