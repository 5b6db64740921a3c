"""`/v1/keys`: make, list and revoke keys. For admins only."""

from __future__ import annotations

from dataclasses import asdict

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from services.api import params
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


@router.get("", **described(KeyPage))
async def keys(request: Request) -> Response:
    """The keys that are not revoked, with when each was last used."""
    negotiate(request, (JSON,))
    params.read(request.scope["query_string"], ())
    async with resources(request).reading() as conn:
        head = await log.head_async(conn)
        items = [asdict(key) for key in await store.listed(conn)]
    told = {"items": items, "next": None, "position": head}
    return answer(request, Body(orjson.dumps(told, option=orjson.OPT_UTC_Z)))


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
