"""`/openapi.json` and `/asyncapi.json`: the API's own description, made once per process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from fastapi import FastAPI, Request
from starlette.responses import Response

from services.api import asyncapi, params
from services.api.answers import JSON, Body, answer, negotiate


def install(app: FastAPI) -> None:
    """Serve both; `app.openapi` must be ours already."""
    made: dict[str, Callable[[], dict[str, Any]]] = {
        "/openapi.json": lambda: app.openapi(),
        "/asyncapi.json": lambda: asyncapi.document(app.title, app.version),
    }
    kept: dict[str, Body] = {}

    async def described(request: Request) -> Response:
        negotiate(request, (JSON,))
        params.read(request.scope["query_string"], ())
        path = str(request.scope["route"].path)
        if path not in kept:
            kept[path] = Body(orjson.dumps(made[path]()))
        return answer(request, kept[path])

    for path in made:
        app.add_api_route(path, described, include_in_schema=False)
