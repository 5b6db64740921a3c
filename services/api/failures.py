"""How errors leave the API: ours and foreign ones (routing, PostgreSQL) become problems here, once."""

from __future__ import annotations

import orjson
import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from services.api.problems import CODES, MEDIA_TYPE, InputError, Problem, document, nearest, of, refuse
from shared import errors

_BY_STATUS = {400: "bad_request", 401: "unauthorized", 403: "forbidden", 404: "not_found", 405: "method_not_allowed"}
_BY_STATUS |= {406: "not_acceptable", 413: "too_large", 415: "unsupported_media_type", 429: "rate_limited"}


def answer(problem: Problem) -> Response:
    """The problem as a response."""
    status, _ = CODES[problem.code]
    headers = dict(problem.headers)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status == 503:
        headers.setdefault("Retry-After", "1")
    return Response(orjson.dumps(document(problem), default=str), status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make every error of the app, ours or foreign, leave as a problem."""

    async def ours(_request: Request, error: Exception) -> Response:
        assert isinstance(error, errors.WiredeskError)
        return answer(of(error))

    async def routing(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = _BY_STATUS.get(error.status_code, "internal")
        if code == "method_not_allowed":
            allowed = ", ".join(sorted(_methods(app, request)))
            detail = f"{request.url.path} does not take {request.method}, but {allowed}"
            return answer(Problem(code, detail, headers={"Allow": allowed}))
        if code == "not_found":
            path = request.url.path
            meant = nearest(path, _paths(app), alike=0.8)
            wrong = [InputError("path", f"there is nothing at {path}", meant)] if meant else []
            return answer(Problem(code, f"there is nothing at {path}", errors=wrong))
        return answer(Problem(code, str(error.detail), headers=error.headers))

    async def invalid(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        wrong = [InputError(".".join(map(str, e["loc"])), str(e["msg"])) for e in error.errors()]
        in_body = any(w.where.startswith("body") for w in wrong)
        return answer(refuse("bad_body" if in_body else "bad_value", wrong))

    async def away(_request: Request, error: Exception) -> Response:
        return answer(Problem("unavailable", f"PostgreSQL cannot be reached: {error}".strip()))

    async def slow(_request: Request, _error: Exception) -> Response:
        return answer(Problem("too_slow", "the store did not answer in time"))

    async def broken(_request: Request, _error: Exception) -> Response:
        return answer(Problem("internal", "an error on our side; the log has its trace"))

    app.add_exception_handler(errors.WiredeskError, ours)
    app.add_exception_handler(HTTPException, routing)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(psycopg.OperationalError, away)
    app.add_exception_handler(PoolTimeout, away)
    app.add_exception_handler(psycopg.errors.QueryCanceled, slow)
    app.add_exception_handler(Exception, broken)


def _paths(app: FastAPI) -> list[str]:
    """The fixed paths there are."""
    return [path for path in app.openapi()["paths"] if "{" not in path]


def _methods(app: FastAPI, request: Request) -> set[str]:
    found: set[str] = set()
    for method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
        scope = dict(request.scope) | {"method": method}
        if any(route.matches(scope)[0] is Match.FULL for route in app.router.routes):
            found.add(method)
    streams = request.url.path == "/v1/events"  # which know no HEAD
    return found | ({"HEAD"} if "GET" in found and not streams else set())
