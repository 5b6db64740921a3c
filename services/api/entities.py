"""`/v1/entities`: the directory, found by the beginnings of names; one entity, its volume over time and its company."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from services.api import cursors, facets, params, query
from services.api.answers import JSON, Body, answer, negotiate
from services.api.deps import resources
from services.api.filters import Filter
from services.api.openapi import described
from services.api.params import Param
from services.api.problems import Problem, not_ahead
from services.api.schemas import ENTITY_TYPES
from services.api.search import condition as conditions
from services.api.search import directory, store
from services.api.search.directory import Known
from services.api.search.models import DirectoryPage, EntityWhole, Related, TimeSeries
from shared import words

router = APIRouter(prefix="/v1/entities", tags=["entities"])


def _cursor(text: str) -> tuple[int, str]:
    articles, _, name = cursors.decode(text).partition(":")
    try:
        found = params.integer(0, 2**31 - 1)(articles), name
        if encode(*found) != text:
            raise ValueError
        return found
    except ValueError:
        raise ValueError("is not a cursor of this list; start again without it") from None


def encode(articles: int, name: str) -> str:
    """The opaque cursor of the last entity of a page."""
    return cursors.encode(f"{articles}:{name}")


_TYPE = {"type": "string", "enum": list(ENTITY_TYPES)}
DIRECTORY: tuple[Param, ...] = (
    Param(
        "prefix", "the beginning of a name, or of its words, whatever accents and case", params.text(), example="lis"
    ),
    Param("type", "type of the entity", params.choice(*ENTITY_TYPES), _TYPE, many=True),
    params.limit(200, 20),
    Param("cursor", "where the page before ended; taken from `next`", _cursor),
)
TIMELINE: tuple[Param, ...] = tuple(p for p in facets.SERIES if p.name != "entity")
RELATED: tuple[Param, ...] = (
    Param("type", "type of the other entity", params.choice(*ENTITY_TYPES), _TYPE, many=True),
    params.limit(100, 20),
    *(p for p in query.ASKED if p.name != "entity"),
)


@router.get("", **described(DirectoryPage, takes=DIRECTORY, fails=("not_acceptable", "too_slow")))
async def entities(request: Request) -> Response:
    """Entities whose names begin so, the most named first."""
    negotiate(request, (JSON,))
    held = resources(request)
    v = params.read(request.scope["query_string"], DIRECTORY)
    names = _beginnings(v["prefix"]) if v["prefix"] else None
    async with held.reading() as conn:
        head, found = await directory.begins(conn, names, v["type"], v["cursor"], v["limit"] + 1)
    following = None
    if len(found) > v["limit"]:
        found = found[: v["limit"]]
        cursor = encode(found[-1].articles, found[-1].id)
        following = query.with_values("/v1/entities", request.scope["query_string"], cursor=cursor)
    told = {"items": [_told(one) for one in found], "next": following, "position": head}
    headers = {"Link": f'<{following}>; rel="next"'} if following else {}
    return answer(request, Body(orjson.dumps(told, option=orjson.OPT_UTC_Z)), headers=headers)


def _beginnings(prefix: str) -> str:
    """A tsquery of the words of a name, the last of which may go on."""
    asked = words.tokens(prefix)
    if not asked:
        return ""  # matches nothing
    whole = prefix[-1].isspace()
    quoted = ["'" + word.replace("\\", "\\\\").replace("'", "''") + "'" for word in asked]
    return " & ".join([*quoted[:-1], quoted[-1] + ("" if whole else ":*")])


@router.get(
    "/{entity_id:path}/timeline",
    **described(TimeSeries, takes=TIMELINE, fails=("not_found", "too_slow", "position_ahead")),
)
async def timeline(request: Request, entity_id: str) -> Response:
    """How many articles name it, step by step. Further filters narrow those articles."""
    negotiate(request, (JSON,))
    asked, v = query.read_counts(request.scope["query_string"], TIMELINE)
    known = await _known(request, entity_id)
    return await facets.series(request, replace(asked, entity=(known.id,)), v["interval"])


@router.get(
    "/{entity_id:path}/related", **described(Related, takes=RELATED, fails=("not_found", "too_slow", "position_ahead"))
)
async def related(request: Request, entity_id: str) -> Response:
    """Entities that the same articles name. Further filters narrow those articles."""
    negotiate(request, (JSON,))
    asked, v = query.read_counts(request.scope["query_string"], RELATED)
    entity_id = (await _known(request, entity_id)).id
    held = resources(request)
    asked = replace(asked, entity=(entity_id,))
    wanted, within = conditions.condition(asked), conditions.bounds(asked)
    async with held.reading() as conn:
        share, head, counted, rows = await store.facets_within(
            conn, wanted, within, ["entity"], 10 * v["limit"], facets.rows_of(wanted), facets.ENOUGH
        )
        not_ahead(asked.since, head)
        known = await directory.entities(conn, [value for _, value, _ in rows])
        everything = Filter()
        all_of = await store.share_for(conn, conditions.condition(everything), *conditions.bounds(everything), 1)
    total = max(all_of.estimate, 1)
    items: list[dict[str, Any]] = []
    for _, value, n in rows:
        other = known.get(value)
        if other is None or other.merged_into or value == entity_id or (v["type"] and other.type not in v["type"]):
            continue
        together = n / counted
        one = {"id": value, "type": other.type, "name": other.name, "count": share.scaled(n)}
        usual = max(other.articles, share.scaled(n)) / max(total, other.articles)
        items.append(one | {"share": round(together, 4), "lift": round(together / usual, 2)})
    items.sort(key=lambda one: one["share"] * min(one["lift"], 20.0), reverse=True)
    told = {"items": items[: v["limit"]], **facets.estimate(share, counted), "position": head}
    return answer(request, Body(orjson.dumps(told)))


@router.get("/{entity_id:path}", **described(EntityWhole, fails=("not_found", "not_acceptable")))
async def entity(request: Request, entity_id: str) -> Response:
    """One entity. An id that was merged into another one is answered with that one, whose `id` it then has."""
    negotiate(request, (JSON,))
    params.read(request.scope["query_string"], ())
    known = await _known(request, entity_id)
    async with resources(request).reading() as conn:
        merged = await directory.former(conn, known.id)
        changes = [asdict(one) for one in await directory.changes(conn, known.id)]
    told = _told(known) | {"former_ids": merged, "changes": changes}
    headers = {} if known.id == entity_id else {"Content-Location": f"/v1/entities/{quote(known.id)}"}
    return answer(request, Body(orjson.dumps(told, option=orjson.OPT_UTC_Z)), headers=headers)


def _told(known: Known) -> dict[str, Any]:
    told = asdict(known)
    del told["merged_into"]
    return told


async def _known(request: Request, entity_id: str) -> Known:
    async with resources(request).reading() as conn:
        known = await directory.followed(conn, entity_id) if "\x00" not in entity_id else None
    if known is None:
        raise Problem("not_found", f"there is no entity {entity_id}")
    return known
