"""`/v1/feeds`: subscribe, change, poll now, and lists of feeds in and out. Ingest does what rows ask of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from services.api import params, query, shape
from services.api.answers import JSON, Body, answer, negotiate
from services.api.bodies import read_bytes, read_json
from services.api.deps import Connection, Resources, resources
from services.api.feeds import opml, store
from services.api.feeds.explain import explanation
from services.api.feeds.store import NewFeed
from services.api.openapi import described
from services.api.params import MAX_POSITION, Param
from services.api.problems import InputError, Problem, refuse
from services.api.schemas import (
    FEED_STATUSES,
    DoctorIn,
    DoctorReport,
    Explanation,
    FeedIn,
    FeedObject,
    FeedPage,
    FeedPatch,
    FeedState,
    OpmlAnswer,
    PollAsked,
    PollObject,
    PollPage,
)
from shared.addresses import Allowances
from shared.errors import AddressRefused
from shared.urls import canonical, check_outbound, shown

router = APIRouter(prefix="/v1/feeds", tags=["feeds"])
opml_router = APIRouter(tags=["feeds"])

OPML = "text/x-opml"
OPML_TYPES = (OPML, "application/xml", "text/xml", "text/x-opml+xml", "application/x-opml+xml")
MAX_OPML_BYTES = 10_000_000
LOOK_AGAIN_S = 0.1  # while waiting for a poll or a report
DOCTOR_S = 55.0  # longest wait for a report, a little more than ingest gives itself
_STATE = tuple(FeedState.model_fields)
_FEED = tuple(name for name in FeedObject.model_fields if name != "state")
_POLL = tuple(PollObject.model_fields)

_LIST = (
    Param("status", "state of the feed", params.choice(*FEED_STATUSES), {"enum": list(FEED_STATUSES)}, many=True),
    Param("tag", "one of its tags", params.text(), many=True),
    Param(
        "priority",
        "its lane",
        params.choice("normal", "breaking", "backfill"),
        {"enum": ["normal", "breaking", "backfill"]},
        many=True,
    ),
    params.limit(200, 50),
    params.CURSOR,
)
_POLLS = (
    params.limit(200, 50),
    params.CURSOR,
)
_WAIT = (
    Param(
        "wait",
        "seconds to wait for the poll; 200 with it if it comes in time, else 202",
        params.integer(0, 60),
        {"type": "integer", "minimum": 0, "maximum": 60, "default": 0},
        default=0,
    ),
)


@router.get("", **described(FeedPage, takes=_LIST, fails=("not_acceptable",)))
async def feeds(request: Request) -> Response:
    """The feeds, oldest first."""
    held = resources(request)
    negotiate(request, (JSON,))
    asked = params.read(request.scope["query_string"], _LIST)
    limit = asked["limit"]
    async with held.reading() as conn:
        head, rows = await store.page(
            conn,
            after=asked["cursor"] or 0,
            limit=limit + 1,
            status=asked["status"],
            tag=asked["tag"],
            priority=asked["priority"],
        )
    following = None
    if len(rows) > limit:
        rows = rows[:limit]
        following = query.with_values("/v1/feeds", request.scope["query_string"], cursor=rows[-1]["id"])
    return _listed(request, [_feed(row) for row in rows], following, head)


@router.post(
    "",
    **described(
        FeedObject, body=FeedIn, status=201, otherwise=(200, FeedObject), fails=("address_refused", "conflict")
    ),
)
async def subscribe(request: Request) -> Response:
    """Subscribe a feed; it is polled at once. 200 with the feed that is there if the address is known, or if that one
    has moved to it.
    """
    held = resources(request)
    params.read(request.scope["query_string"], ())
    asked = await read_json(request, FeedIn)
    allowed = _allowed(held)
    new = NewFeed(
        url=check_outbound(asked.url, allowed),
        url_key=canonical(asked.url),
        title=asked.title,
        tags=_once(asked.tags),
        source=asked.source.model_dump(exclude_none=True) if asked.source else None,
        priority=asked.priority,
        paused=asked.paused,
    )
    async with held.writing() as conn:
        feed_id = await store.by_key(conn, new.url_key)
        feed_id = feed_id or (await _moved_there(conn, [new])).get(new.url_key)
        added = feed_id is None and bool(await store.add(conn, [new]))
        feed_id = feed_id or await store.by_key(conn, new.url_key)
        row = await store.get(conn, feed_id) if feed_id is not None else None
    if row is None:
        raise Problem("conflict", "the feed was deleted while it was asked for; ask again")
    location = {"Location": f"/v1/feeds/{row['id']}"}
    return Response(_json(_feed(row)), 201 if added else 200, location, JSON)


@router.post(
    "/doctor",
    **described(DoctorReport, body=DoctorIn, fails=("bad_json", "bad_body", "address_refused", "unavailable")),
)
async def doctor(request: Request) -> Response:
    """Examine an address before subscribing to it: what it gives, how well, and which feeds its site has."""
    held = resources(request)
    params.read(request.scope["query_string"], ())
    asked = await read_json(request, DoctorIn)
    url = check_outbound(asked.url, _allowed(held))
    async with held.writing() as conn:
        request_id = await store.ask_doctor(conn, url)
    until = time.monotonic() + DOCTOR_S
    while time.monotonic() < until and held.hub.closing is None:
        async with held.reading() as conn:
            report = await store.doctor_report(conn, request_id)
        if report is not None:
            return Response(_json(report), media_type=JSON)
        await asyncio.sleep(LOOK_AGAIN_S)
    raise Problem("unavailable", f"no ingest process answered within {DOCTOR_S:.0f} s; try again")


@router.get("/{feed_id:number}", **described(FeedObject, fails=("not_found",)))
async def one(request: Request, feed_id: str) -> Response:
    """One feed: what was asked for, and what polling found."""
    negotiate(request, (JSON,))
    params.read(request.scope["query_string"], ())
    return answer(request, Body(_json(_feed(await _get(resources(request), feed_id)))))


@router.patch("/{feed_id:number}", **described(FeedObject, body=FeedPatch, fails=("not_found", "bad_json", "bad_body")))
async def change(request: Request, feed_id: str) -> Response:
    """Change a feed; what is left out stays. The address cannot change: that would be another feed."""
    held = resources(request)
    params.read(request.scope["query_string"], ())
    asked = await read_json(request, FeedPatch)
    values: dict[str, Any] = asked.model_dump(include=asked.model_fields_set)
    if values.get("source"):
        values["source"] = {k: v for k, v in values["source"].items() if v is not None}
    for name in ("tags", "priority", "paused"):  # there is no feed without these
        if name in values and values[name] is None:
            raise refuse("bad_body", [InputError(f"body.{name}", "must not be null")])
    if "tags" in values:
        values["tags"] = list(_once(values["tags"]))
    async with held.writing() as conn:
        known = await store.change(conn, _id(feed_id), values)
        row = await store.get(conn, _id(feed_id)) if known else None
    if row is None:
        raise _unknown(feed_id)
    return Response(_json(_feed(row)), media_type=JSON)


@router.delete("/{feed_id:number}", **described(None, status=204, fails=("not_found",)))
async def unsubscribe(request: Request, feed_id: str) -> Response:
    """Unsubscribe a feed. Its articles stay."""
    held = resources(request)
    params.read(request.scope["query_string"], ())
    async with held.writing() as conn:
        known = await store.delete(conn, _id(feed_id))
        await store.forget_answered(conn)
    if not known:
        raise _unknown(feed_id)
    return Response(status_code=204)


@router.post(
    "/{feed_id:number}/poll",
    **described(PollAsked, takes=_WAIT, status=202, otherwise=(200, PollObject), fails=("not_found", "retry_after")),
)
async def poll(request: Request, feed_id: str) -> Response:
    """Poll now, whatever the interval. Politeness holds: not while the publisher asked to be left alone."""
    held = resources(request)
    wait_s: int = params.read(request.scope["query_string"], _WAIT)["wait"]
    row = await _get(held, feed_id)
    until = row["retry_after_at"]
    if until is not None and until > datetime.now(UTC):
        raise _left_alone(until)
    async with held.writing() as conn:
        await store.forget_answered(conn)
        request_id = await store.ask_for_poll(conn, row["id"])
    answered = await _answered(held, request_id, wait_s)
    if answered is None:
        return Response(_json({"feed_id": row["id"], "request_id": request_id}), 202, media_type=JSON)
    if answered["refused"]:
        raise _refused(answered["refused"])
    return Response(_json({name: answered[name] for name in _POLL}), media_type=JSON)


@router.get("/{feed_id:number}/polls", **described(PollPage, takes=_POLLS, fails=("not_found",)))
async def polls(request: Request, feed_id: str) -> Response:
    """The last polls, newest first, each with how its entries were judged."""
    held = resources(request)
    negotiate(request, (JSON,))
    asked = params.read(request.scope["query_string"], _POLLS)
    limit = asked["limit"]
    row = await _get(held, feed_id)
    before = asked["cursor"] if asked["cursor"] is not None else MAX_POSITION
    async with held.reading() as conn:
        head, rows = await store.polls(conn, row["id"], before=before, limit=limit + 1)
    following = None
    if len(rows) > limit:
        rows = rows[:limit]
        path = f"/v1/feeds/{row['id']}/polls"
        following = query.with_values(path, request.scope["query_string"], cursor=rows[-1]["id"])
    return _listed(request, [{name: r[name] for name in _POLL} for r in rows], following, head)


@router.get("/{feed_id:number}/explain", **described(Explanation, fails=("not_found",)))
async def explain(request: Request, feed_id: str) -> Response:
    """Why the next poll is when it is: every rule with its input and its vote, and the rhythm learned so far."""
    negotiate(request, (JSON,))
    params.read(request.scope["query_string"], ())
    async with resources(request).reading() as conn:
        row = await store.scheduled(conn, _id(feed_id))
    if row is None:
        raise _unknown(feed_id)
    return answer(request, Body(_json(explanation(row))))


@opml_router.get("/v1/feeds.opml", **described(None, also={OPML: {"type": "string"}}))
async def export(request: Request) -> Response:
    """Every feed as OPML; tags are folders."""
    held = resources(request)
    kind = negotiate(request, OPML_TYPES)
    params.read(request.scope["query_string"], ())
    async with held.reading() as conn:
        rows = [(shown(url), title, site, tags) for url, title, site, tags in await store.everything(conn)]
    return answer(request, Body(opml.write(rows)), media_type=kind)


@opml_router.post("/v1/feeds.opml", **described(OpmlAnswer, body_types=OPML_TYPES, fails=("unreadable", "too_large")))
async def bring(request: Request) -> Response:
    """Subscribe the feeds of an OPML document; folders become tags. The answer counts what became of each."""
    held = resources(request)
    params.read(request.scope["query_string"], ())
    body = await read_bytes(request, OPML_TYPES, MAX_OPML_BYTES)
    outlines = await asyncio.to_thread(opml.read, body)
    wanted, refused = await asyncio.to_thread(_wanted, outlines, _allowed(held))
    async with held.writing() as conn:
        moved = await _moved_there(conn, list(wanted.values())) if wanted else {}
        new = [feed for key, feed in wanted.items() if key not in moved]
        added = await store.add(conn, new) if new else set()
        await store.forget_answered(conn)
    known = len(outlines) - len(refused) - len(added)
    told = {"added": len(added), "known": known, "refused": refused}
    return Response(_json(told), media_type=JSON)


async def _moved_there(conn: Connection, feeds: Sequence[NewFeed]) -> dict[str, int]:
    """The feeds that are polled at these addresses already, since they moved there: {canonical address: feed}."""
    hosts = {url.split("/")[2] for feed in feeds for url in (feed.url, feed.url_key) if url.count("/") >= 2}
    return {canonical(url): feed_id for feed_id, url in reversed(await store.moved_to(conn, sorted(hosts)))}


def _wanted(outlines: list[opml.Outline], allowed: Allowances) -> tuple[dict[str, NewFeed], list[dict[str, str]]]:
    """The feeds to add by canonical address, tags of doubles joined; and those refused, with the reason."""
    wanted: dict[str, NewFeed] = {}
    refused: list[dict[str, str]] = []
    for outline in outlines:
        if outline.included:
            message = "it is a list inside the list, which is not fetched; import that one itself"
            refused.append({"url": outline.url[:2000], "message": message})
            continue
        try:
            url, key = check_outbound(outline.url, allowed), canonical(outline.url)
        except AddressRefused as error:
            refused.append({"url": outline.url[:2000], "message": error.message})
            continue
        before = wanted.get(key)
        tags = _once([*(before.tags if before else ()), *outline.tags])
        title = before.title if before else outline.title
        wanted[key] = NewFeed(before.url if before else url, key, title and title[:500], tags)
    return wanted, refused


async def _answered(held: Resources, request_id: int, wait_s: float) -> dict[str, Any] | None:
    until = time.monotonic() + wait_s
    while time.monotonic() < until and held.hub.closing is None:
        async with held.reading() as conn:
            found = await store.answer_to(conn, request_id)
        if found is not None:
            return found if found["refused"] or found["poll_id"] is not None else None
        await asyncio.sleep(LOOK_AGAIN_S)
    return None


def _refused(reason: dict[str, Any]) -> Problem:
    if reason.get("code") == "retry_after" and reason.get("retry_at"):
        return _left_alone(datetime.fromisoformat(reason["retry_at"]))
    return Problem("conflict", str(reason.get("message", "the feed was not polled")))


def _left_alone(until: datetime) -> Problem:
    wait_s = max(1, round((until - datetime.now(UTC)).total_seconds()))
    return Problem(
        "retry_after",
        f"the publisher asked to be left alone until {until.isoformat()}",
        headers={"Retry-After": str(wait_s)},
        members={"retry_at": until},
    )


async def _get(held: Resources, feed_id: str) -> dict[str, Any]:
    async with held.reading() as conn:
        row = await store.get(conn, _id(feed_id))
    if row is None:
        raise _unknown(feed_id)
    return row


def _id(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise _unknown(text)
    return int(text)


def _unknown(feed_id: str) -> Problem:
    return Problem("not_found", f"there is no feed {feed_id}")


def _allowed(held: Resources) -> Allowances:
    return Allowances.of(held.settings.allow_private, held.settings.samplewire)


def _once(tags: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tags))


def _feed(row: dict[str, Any]) -> dict[str, Any]:
    """The feed as it is told; the name and password that an address may hold are for ingest alone."""
    state = {name: row[name] for name in _STATE}
    if state["moved_to"]:
        state["moved_to"] = shown(state["moved_to"])
    return {name: row[name] for name in _FEED} | {"url": shown(row["url"]), "state": state}


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)


def _listed(request: Request, items: list[dict[str, Any]], following: str | None, head: int) -> Response:
    link = {"Link": f'<{following}>; rel="next"'} if following else {}
    return answer(request, Body(shape.page([_json(i) for i in items], following, head)), headers=link)
