"""`/v1/ops/reenrich`: have a slice of the store read again, and see what came of it.

Written as a row and told by NOTIFY: enrichment does it in the backfill lane, behind all news.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Request
from pydantic import ConfigDict, Field, StringConstraints
from starlette.responses import Response

from services.api import params, query, shape
from services.api.answers import JSON, Body, answer, negotiate
from services.api.bodies import read_json
from services.api.deps import resources
from services.api.openapi import described
from services.api.ops import store
from services.api.problems import InputError, Problem, nearest, refuse
from services.api.schemas import Asked, Moment, Served
from shared import log

router = APIRouter(prefix="/v1/ops/reenrich", tags=["operations"])

_LIST = (params.limit(200, 50), params.CURSOR)
_Language = Annotated[
    str, StringConstraints(pattern="^[A-Za-z]{2,3}$", to_lower=True), Field(description="a primary subtag")
]
_Text = Annotated[str, StringConstraints(min_length=1, max_length=300)]


class ReenrichIn(Asked):
    """Which articles, and what for. What is left out means all; all that is given must hold."""

    model_config = ConfigDict(
        extra="forbid",
        str_strip_whitespace=True,
        json_schema_extra={"examples": [{"lang": ["en"], "steps": ["topics"], "dry_run": True}]},
    )

    ids: list[Annotated[int, Field(ge=1)]] | None = Field(default=None, max_length=10_000)
    source: list[_Text] | None = Field(default=None, max_length=1000)
    feed: list[Annotated[int, Field(ge=1)]] | None = Field(default=None, max_length=1000)
    lang: list[_Language] | None = Field(default=None, max_length=100)
    from_: Moment | None = Field(default=None, alias="from", description="published at or after")
    to: Moment | None = Field(default=None, description="published before")
    steps: list[_Text] | None = Field(
        default=None, max_length=50, description="only articles that one of these steps would read otherwise now"
    )
    force: bool = Field(default=False, description="articles too that no step would read otherwise")
    dry_run: bool = Field(default=False, description="count what would be read, and read nothing")


class FieldReport(Served):
    """How many articles say otherwise in a field, and some of them before and after."""

    field: str
    articles: int
    samples: list[dict[str, Any]]


class ReenrichRun(Served):
    """A request and how far it is. `looked`: compared; `touched`: to be read again; `changed`: say otherwise now."""

    id: int
    status: Literal["waiting", "running", "done"]
    at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    slice: dict[str, Any]
    steps: list[str] | None
    force: bool
    dry_run: bool
    revision: str | None
    looked: int
    touched: int
    reread: int
    changed: int
    by_step: dict[str, int]


class ReenrichReport(ReenrichRun):
    """The run with what it changed, by field."""

    fields: list[FieldReport]


class ReenrichPage(Served):
    """A page of requests, newest first."""

    items: list[ReenrichRun]
    next: str | None
    position: int


@router.post("", **described(ReenrichReport, body=ReenrichIn, status=202, fails=("bad_json", "bad_body", "conflict")))
async def ask(request: Request) -> Response:
    """Have a slice read again: what changes is told by `wiredesk.article.reannotated.v1` events."""
    held = resources(request)
    params.read(request.scope["query_string"], ())
    asked = await read_json(request, ReenrichIn)
    if asked.from_ and asked.to and asked.from_ >= asked.to:
        raise refuse("bad_body", [InputError("body.from", "must lie before `to`")])
    part = asked.model_dump(
        mode="json", by_alias=True, exclude={"steps", "force", "dry_run"}, exclude_none=True
    )  # what is absent holds for all
    async with held.writing() as conn:
        known = await store.steps(conn)
        wrong = [
            InputError(f"body.steps.{n}", f"there is no step {name!r}", nearest(name, known))
            for n, name in enumerate(asked.steps or ())
            if name not in known
        ]
        if wrong and not known:
            raise Problem("conflict", "no worker has told of its steps yet: start one, or ask without `steps`")
        if wrong:
            raise refuse("bad_body", wrong)
        request_id = await store.ask_reenrich(conn, part, asked.steps, asked.force, asked.dry_run)
        told = await _report(conn, request_id)
    where = f"/v1/ops/reenrich/{request_id}"
    return Response(_json(told), status_code=202, media_type=JSON, headers={"Location": where})


@router.get("", **described(ReenrichPage, takes=_LIST, fails=("not_acceptable",)))
async def runs(request: Request) -> Response:
    """The requests, newest first."""
    negotiate(request, (JSON,))
    asked = params.read(request.scope["query_string"], _LIST)
    before = params.MAX_POSITION if asked["cursor"] is None else asked["cursor"]
    async with resources(request).reading() as conn:
        head = await log.head_async(conn)
        rows = await store.reenrichments(conn, before, asked["limit"] + 1)
    following = None
    if len(rows) > asked["limit"]:
        rows = rows[: asked["limit"]]
        following = query.with_values("/v1/ops/reenrich", request.scope["query_string"], cursor=rows[-1]["id"])
    link = {"Link": f'<{following}>; rel="next"'} if following else {}
    return answer(request, Body(shape.page([_json(row) for row in rows], following, head)), headers=link)


@router.get("/{request_id}", **described(ReenrichReport, fails=("not_found",)))
async def report(request: Request, request_id: str) -> Response:
    """How far a request is, and what it changed: counts by field, and some articles before and after."""
    negotiate(request, (JSON,))
    params.read(request.scope["query_string"], ())
    if not (request_id.isascii() and request_id.isdigit() and len(request_id) <= 18):
        raise _unknown(request_id)
    async with resources(request).reading() as conn:
        told = await _report(conn, int(request_id))
    if told is None:
        raise _unknown(request_id)
    return answer(request, Body(_json(told)))


async def _report(conn: store.Connection, request_id: int) -> dict[str, Any] | None:
    rows = await store.reenrichments(conn, request_id + 1, 1)
    if not rows or rows[0]["id"] != request_id:
        return None
    return {**rows[0], "fields": await store.reread_fields(conn, request_id)}


def _unknown(request_id: str) -> Problem:
    return Problem("not_found", f"there is no request {request_id}")


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)
