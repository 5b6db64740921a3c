"""`/v1/searches`: keep a filter under a name, see before what it would find, read it as a feed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from services.api import articles, formats, params, query, shape
from services.api.answers import JSON, Body, answer, negotiate
from services.api.bodies import read_json
from services.api.deps import Connection, resources
from services.api.formats import ListForm
from services.api.openapi import described
from services.api.params import Param
from services.api.problems import InputError, Problem, refuse
from services.api.schemas import ArticlePage
from services.api.searches import store, wishes
from services.api.searches.models import MOST_DAYS, Preview, PreviewIn, SearchIn, SearchObject, SearchPage, SearchPatch
from services.api.searches.preview import preview
from shared import log

router = APIRouter(prefix="/v1/searches", tags=["searches"])

EXTENSIONS = ("json", *formats.LISTS)
_LIST = (
    params.limit(200, 50),
    params.CURSOR,
)
_DAYS = (
    Param(
        "days",
        "how many days back, today counted",
        params.integer(1, MOST_DAYS),
        {"type": "integer", "minimum": 1, "maximum": MOST_DAYS, "default": 30},
        default=30,
    ),
)


@router.get("", **described(SearchPage, takes=_LIST, fails=("not_acceptable",)))
async def searches(request: Request) -> Response:
    """The saved searches, oldest first."""
    negotiate(request, (JSON,))
    asked = params.read(request.scope["query_string"], _LIST)
    async with resources(request).reading() as conn:
        rows = await store.page(conn, asked["cursor"] or 0, asked["limit"] + 1)
        head = await log.head_async(conn)
    following = None
    if len(rows) > asked["limit"]:
        rows = rows[: asked["limit"]]
        following = query.with_values("/v1/searches", request.scope["query_string"], cursor=rows[-1]["id"])
    link = {"Link": f'<{following}>; rel="next"'} if following else {}
    return answer(request, Body(shape.page([_json(_search(r)) for r in rows], following, head)), headers=link)


@router.post("", **described(SearchObject, body=SearchIn, status=201, fails=("bad_json", "bad_body")))
async def keep(request: Request) -> Response:
    """Keep a search; from then on it is served as a feed in every form."""
    params.read(request.scope["query_string"], ())
    asked = await read_json(request, SearchIn)
    wishes.asked(asked.filters)
    async with resources(request).writing() as conn:
        search_id = await store.add(conn, asked.name, asked.filters)
        row = await _get(conn, str(search_id))
    return Response(_json(_search(row)), 201, {"Location": f"/v1/searches/{search_id}"}, JSON)


@router.post("/preview", **described(Preview, body=PreviewIn, fails=("bad_json", "bad_body", "too_slow")))
async def look(request: Request) -> Response:
    """What a search would have found over the last days, before it is kept."""
    params.read(request.scope["query_string"], ())
    asked = await read_json(request, PreviewIn)
    wanted = wishes.asked(asked.filters)
    async with resources(request).reading() as conn:
        return Response(await preview(conn, wanted, asked.days), media_type=JSON)


def _feed(form: ListForm | None) -> Callable[[Request, str], Awaitable[Response]]:
    async def feed(request: Request, search_id: str) -> Response:
        page = request.scope["query_string"]
        params.read(page, wishes.PAGE)
        async with resources(request).reading() as conn:
            row = await _get(conn, search_id)
        return await articles.served(request, form, wishes.kept(row["filters"], page), row["name"])

    return feed


for _form in (None, *formats.LISTS.values()):  # before the route without extension, which takes any name
    _extension, _about = (_form.extension, _form.about) if _form else ("json", "Wiredesk JSON")
    router.add_api_route(
        f"/{{search_id:number}}.{_extension}",
        _feed(_form),
        name=f"search_{_extension}",
        description=f"The articles that a saved search finds, newest first, as {_about}.",
        **described(
            None if _form else ArticlePage,
            takes=[p for p in wishes.PAGE if p.name != "fields" or _form is None or _form.chooses],
            also={_form.media_type: _form.schema} if _form else {},
            fails=("not_found", "too_slow", "position_ahead"),
        ),
    )


@router.get("/{search_id:number}", **described(SearchObject, fails=("not_found", "not_acceptable")))
async def one(request: Request, search_id: str) -> Response:
    """One saved search."""
    negotiate(request, (JSON,))
    params.read(request.scope["query_string"], ())
    async with resources(request).reading() as conn:
        row = await _get(conn, search_id)
    return answer(request, Body(_json(_search(row))))


@router.get(
    "/{search_id:number}/preview", **described(Preview, takes=_DAYS, fails=("not_found", "not_acceptable", "too_slow"))
)
async def look_again(request: Request, search_id: str) -> Response:
    """The same for a search that is kept."""
    negotiate(request, (JSON,))
    asked = params.read(request.scope["query_string"], _DAYS)
    async with resources(request).reading() as conn:
        row = await _get(conn, search_id)
        told = await preview(conn, wishes.kept(row["filters"]), asked["days"], but=row["id"])
    return answer(request, Body(told))


@router.patch(
    "/{search_id:number}", **described(SearchObject, body=SearchPatch, fails=("not_found", "bad_json", "bad_body"))
)
async def change(request: Request, search_id: str) -> Response:
    """Change a search; what is left out stays."""
    params.read(request.scope["query_string"], ())
    asked = await read_json(request, SearchPatch)
    for name in asked.model_fields_set:
        if getattr(asked, name) is None:
            raise refuse("bad_body", [InputError(f"body.{name}", "must not be null")])
    if asked.filters is not None:
        wishes.asked(asked.filters)
    async with resources(request).writing() as conn:
        row = await _get(conn, search_id)
        await store.change(conn, row["id"], asked.name, asked.filters)
        row = await _get(conn, search_id)
    return Response(_json(_search(row)), media_type=JSON)


@router.delete("/{search_id:number}", **described(None, status=204, fails=("not_found",)))
async def forget(request: Request, search_id: str) -> Response:
    """Forget a search; its feeds are gone."""
    params.read(request.scope["query_string"], ())
    async with resources(request).writing() as conn:
        if not await store.delete(conn, _id(search_id)):
            raise _unknown(search_id)
    return Response(status_code=204)


async def _get(conn: Connection, search_id: str) -> dict[str, Any]:
    row = await store.get(conn, _id(search_id))
    if row is None:
        raise _unknown(search_id)
    return row


def _id(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise _unknown(text)
    return int(text)


def _unknown(search_id: str) -> Problem:
    return Problem("not_found", f"there is no saved search {search_id}")


def _search(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"feeds": {name: f"/v1/searches/{row['id']}.{name}" for name in EXTENSIONS}}


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)
