"""`/v1/events`: the log as server-sent events, as pages that can be waited for, and as CloudEvents batches."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.api import params, query, shape, sse
from services.api.answers import JSON, Body, answer, negotiate
from services.api.deps import Resources, resources
from services.api.follow import Log, Reset, catch_up, check, page
from services.api.lines import Connection
from services.api.openapi import described
from services.api.problems import InputError, refuse
from services.api.query import EventQuery
from services.api.schemas import EventPage
from services.api.stream import ALIVE, Direct
from services.api.views import Told, View
from shared.events import batch

router = APIRouter(prefix="/v1/events", tags=["events"])

BATCH = "application/cloudevents-batch+json"
BEGIN = sse.retry(sse.RETRY_MS) + sse.comment("following")
STALL_S = 60.0  # in which a reader of the past takes one write
CUT_GRACE_S = 5.0  # for a reader that was cut and still does not read
_SSE = {"type": "string", "description": "server-sent events: `id` is the position, `event` the type, `data` the event"}
_BATCH = {"type": "array", "items": {"$ref": "#/components/schemas/CloudEvent"}}


@router.get(
    "",
    **described(
        EventPage,
        takes=query.EVENTS,
        also={sse.MEDIA_TYPE: _SSE, BATCH: _BATCH},
        fails=("not_acceptable", "position_ahead", "position_gone"),
    ),
)
async def events(request: Request) -> Response:
    """What happened, in order. Resume with `Last-Event-ID` or `after`; without either it starts now."""
    held = resources(request)
    kind = negotiate(request, (JSON, sse.MEDIA_TYPE, BATCH))
    asked = query.read_events(request.scope["query_string"])
    if asked.filter.since is not None:
        await check(held.log, asked.filter.since)
    if kind == sse.MEDIA_TYPE:
        return await _stream(request, held, asked)
    found = await page(held.log, asked)
    following = None
    if found.more:
        following = query.with_values("/v1/events", request.scope["query_string"], after=found.position)
    items = [told.data for told in found.items]
    headers = {"Wiredesk-Position": str(found.position)}
    if following:
        headers["Link"] = f'<{following}>; rel="next"'
    body = batch(items) if kind == BATCH else shape.page(items, following, found.position)
    return answer(request, Body(body), media_type=kind, headers=headers)


async def _stream(request: Request, held: Resources, asked: EventQuery) -> Response:
    after = _resume(request, asked.after)
    if after is None:
        after = held.hub.head
    await check(held.log, after)
    return EventStream(held.log, View(asked.filter, asked.form), after)


def _resume(request: Request, after: int | None) -> int | None:
    """A reader that comes back says what it had; that counts more than the address it first came by."""
    header = request.headers.get("last-event-id")
    if not header:
        return after
    try:
        return params.position(header.strip())
    except ValueError as error:
        raise refuse("bad_value", [InputError("header.Last-Event-ID", str(error))]) from None


class EventStream(Response):
    """The log as server-sent events, until the server ends it, the reader goes, or does not keep up."""

    media_type = sse.MEDIA_TYPE

    def __init__(self, source: Log, view: View, after: int) -> None:
        self.status_code = 200
        self.background = None
        self._source, self._view, self._after = source, view, after
        self.init_headers({"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"})

    def init_headers(self, headers: Any = None) -> None:
        """As any response, without a length."""
        self.body = b""
        super().init_headers(headers)
        self.raw_headers = [(name, value) for name, value in self.raw_headers if name != b"content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write what is past; what comes then is written by the hub, while this only waits for the end."""
        connection = Connection.of(scope)
        follower = Direct(self._view, self._after, connection)
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": BEGIN, "more_body": True})
            with scope["app"].state.keyring.streaming(scope, follower.end):
                await self._past(follower, connection)
                await follower.over.wait()
            await _end(follower.ended or "the end", send)
        except TimeoutError:  # it does not read: what waits for it is dropped, and the connection with it
            connection.abort()
            await follower.gone.wait()
        finally:
            connection.watch(None)
            self._source.hub.leave(follower)

    async def _past(self, follower: Direct, connection: Connection) -> None:
        async with aclosing(catch_up(self._source, follower)) as steps:
            async for step in steps:
                if follower.ended is not None:
                    return
                for chunk in _chunks(step):
                    connection.write(chunk)
                del step  # the connection has it
                if connection.full:
                    async with asyncio.timeout(STALL_S):
                        await connection.drain()


async def _end(reason: str, send: Send) -> None:
    async with asyncio.timeout(CUT_GRACE_S):
        await send({"type": "http.response.body", "body": sse.comment(reason), "more_body": False})


def _chunks(step: list[Told] | Reset | None) -> list[bytes]:
    if step is None:
        return [ALIVE]
    if isinstance(step, Reset):
        return [sse.chunk(sse.reset(step.as_json()))]
    return [told.chunk for told in step]
