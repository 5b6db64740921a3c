"""`/v1/facets` and `/v1/timeseries`: counts by field and over time, for any filter of articles, in bounded work."""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from services.api import params, query
from services.api.answers import JSON, Body, answer, negotiate
from services.api.deps import Connection, resources
from services.api.filters import Filter
from services.api.openapi import described
from services.api.params import Param
from services.api.problems import InputError, not_ahead, refuse
from services.api.search import condition as conditions
from services.api.search import directory, store
from services.api.search.models import FACET_FIELDS, INTERVALS, Facets, TimeSeries
from shared import topics

router = APIRouter(prefix="/v1", tags=["articles"])

FACET_ROWS = 2500  # articles counted: each is a page of its own to read, and its facts are taken apart
ENOUGH = 1000  # of one sample, to count no other
PHRASE_ROWS = 1000  # articles in which a phrase is looked for
SERIES_ROWS = 20_000
MOST_BUCKETS = 1000
USUAL = {
    "hour": timedelta(days=2),
    "day": timedelta(days=30),
    "week": timedelta(weeks=26),
    "month": timedelta(days=730),
}

FACETS: tuple[Param, ...] = (
    Param(
        "field",
        "what to count by",
        params.choice(*FACET_FIELDS),
        {"type": "string", "enum": list(FACET_FIELDS)},
        many=True,
        example="source",
    ),
    Param(
        "size",
        "values of each field",
        params.integer(1, 100),
        {"type": "integer", "minimum": 1, "maximum": 100, "default": 10},
        default=10,
    ),
    *query.ASKED,
)
SERIES: tuple[Param, ...] = (
    Param(
        "interval",
        "length of a step",
        params.choice(*INTERVALS),
        {"type": "string", "enum": list(INTERVALS), "default": "day"},
        default="day",
    ),
    *query.ASKED,
)


@router.get("/facets", **described(Facets, takes=FACETS, fails=("not_acceptable", "too_slow", "position_ahead")))
async def facets(request: Request) -> Response:
    """The commonest values of each field among the articles that pass. Without `field`: of every field."""
    negotiate(request, (JSON,))
    held = resources(request)
    asked, v = query.read_counts(request.scope["query_string"], FACETS)
    fields = tuple(dict.fromkeys(v["field"])) or FACET_FIELDS
    wanted, within = conditions.condition(asked), conditions.bounds(asked)
    async with held.reading() as conn:
        kinds = [conditions.KINDS[field] for field in fields]
        share, head, counted, rows = await store.facets_within(
            conn, wanted, within, kinds, v["size"], rows_of(wanted), ENOUGH
        )
        not_ahead(asked.since, head)
        names = await _names(conn, rows)
    by_kind: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for kind, value, n in rows:
        if (kind, value) in names and names[kind, value] is None:
            continue  # an id that was merged: what answers for it is counted by its own
        by_kind[kind].append({"value": value, "name": names.get((kind, value)), "count": share.scaled(n)})
    items = [{"field": field, "values": by_kind[conditions.KINDS[field]]} for field in fields]
    return answer(request, Body(orjson.dumps({"items": items, **estimate(share, counted), "position": head})))


def rows_of(wanted: conditions.Condition) -> int:
    """About how many articles are counted by their facts."""
    return FACET_ROWS if wanted.sure else PHRASE_ROWS


async def _names(conn: Connection, rows: list[tuple[str, str, int]]) -> dict[tuple[str, str], str | None]:
    """What values are called, as far as that is known; None for entities that others answer for."""
    ids = [value for kind, value, _ in rows if kind in ("entity", "place")]
    known = await directory.entities(conn, ids) if ids else {}
    told: dict[tuple[str, str], str | None] = {
        (kind, value): None if known[value].merged_into else known[value].name
        for kind, value, _ in rows
        if kind in ("entity", "place") and value in known
    }
    return told | {(k, v): name for k, v, _ in rows if k == "topic" and (name := topics.name(v)) is not None}


def estimate(share: store.Share, counted: int) -> dict[str, Any]:
    """The members that say how counts came about, and that there is no further page."""
    sampled = share.samples / 256
    return {"total": share.scaled(counted), "exact": share.exact, "sampled": sampled, "next": None}


@router.get(
    "/timeseries", **described(TimeSeries, takes=SERIES, fails=("not_acceptable", "too_slow", "position_ahead"))
)
async def timeseries(request: Request) -> Response:
    """How many articles pass, step by step; over the last 30 days, or what suits the interval, unless `from` says."""
    negotiate(request, (JSON,))
    asked, v = query.read_counts(request.scope["query_string"], SERIES)
    return await series(request, asked, v["interval"])


async def series(request: Request, asked: Filter, interval: str) -> Response:
    """The steps of a filter, those without an article too."""
    held = resources(request)
    end = asked.end or datetime.now(UTC)
    start = asked.start if asked.start is not None else max(end - USUAL[interval], _EARLIEST)
    steps = _steps(start, end, interval)
    asked = replace(asked, start=start, end=end)
    wanted, within = conditions.condition(asked), conditions.bounds(asked)
    async with held.reading() as conn:
        rows = SERIES_ROWS if wanted.sure else PHRASE_ROWS
        share = await store.share_for(conn, wanted, *within, rows)
        head, found = await store.counts(conn, wanted, within, share, interval)
    not_ahead(asked.since, head)
    items = [
        {"start": step, "end": following, "count": share.scaled(found.get(step, 0))}
        for step, following in itertools.pairwise(steps)
    ]
    told = {"interval": interval, "items": items, **estimate(share, sum(found.values())), "position": head}
    return answer(request, Body(orjson.dumps(told, option=orjson.OPT_UTC_Z)))


_EARLIEST = datetime(1, 1, 8, tzinfo=UTC)


def _steps(start: datetime, end: datetime, interval: str) -> list[datetime]:
    """The beginnings of the intervals from the one that `start` lies in, and the end of the last."""
    if start >= end:
        raise refuse("bad_value", [InputError("query.from", "must lie before `to`")])
    steps = [_begin(max(start, _EARLIEST), interval)]
    while steps[-1] < end:
        if len(steps) > MOST_BUCKETS:
            raise refuse(
                "bad_value",
                [
                    InputError(
                        "query.interval", f"makes more than {MOST_BUCKETS} steps; take a longer one, or less time"
                    )
                ],
            )
        try:
            steps.append(_next(steps[-1], interval))
        except (OverflowError, ValueError):
            break
    return steps


def _begin(at: datetime, interval: str) -> datetime:
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    if interval == "hour":
        return at.replace(minute=0, second=0, microsecond=0)
    if interval == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if interval == "month" else day


def _next(at: datetime, interval: str) -> datetime:
    if interval == "month":
        return (at + timedelta(days=32)).replace(day=1)
    return at + {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}[interval]
