"""`/v1/events`: the log as server-sent events, as pages that can be waited for, and as CloudEvents batches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.api import params, query, shape, sse
from services.api.answers import JSON, Body, answer, negotiate
from services.api.deps import Resources, resources
from services.api.follow import Reset, check, follow, page
from services.api.openapi import described
from services.api.problems import InputError, refuse
from services.api.query import EventQuery
from services.api.schemas import EventPage
from services.api.stream import Follower
from services.api.views import View
from shared.events import batch

router = APIRouter(prefix="/v1/events", tags=["events"])

BATCH = "application/cloudevents-batch+json"
CHUNK_BYTES = 64_000  # of frames joined into one write
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
    follower = Follower(View(asked.filter, asked.form), after)
    return EventStream(_frames(held, follower), follower)


def _resume(request: Request, after: int | None) -> int | None:
    """A reader that comes back says what it had; that counts more than the address it first came by."""
    header = request.headers.get("last-event-id")
    if not header:
        return after
    try:
        return params.position(header.strip())
    except ValueError as error:
        raise refuse("bad_value", [InputError("header.Last-Event-ID", str(error))]) from None


async def _frames(held: Resources, follower: Follower) -> AsyncGenerator[bytes]:
    yield sse.retry(sse.RETRY_MS) + sse.comment("following")
    async with aclosing(follow(held.log, follower)) as steps:
        async for step in steps:
            if step is None:
                yield sse.comment("still here")
            elif isinstance(step, Reset):
                yield sse.reset(step.as_json())
            else:
                for chunk in _chunks([told.frame for told in step]):
                    yield chunk
    yield sse.comment(follower.ended or "the end")


def _chunks(frames: list[bytes]) -> list[bytes]:
    chunks: list[list[bytes]] = [[]]
    size = 0
    for frame in frames:
        if size > CHUNK_BYTES:
            chunks.append([])
            size = 0
        chunks[-1].append(frame)
        size += len(frame)
    return [b"".join(chunk) for chunk in chunks]


class EventStream(Response):
    """Frames, until they end, the reader goes, or a reader that was cut does not read."""

    media_type = sse.MEDIA_TYPE

    def __init__(self, frames: AsyncGenerator[bytes], follower: Follower) -> None:
        self.status_code = 200
        self.background = None
        self._frames = frames
        self._follower = follower
        self.init_headers({"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"})

    def init_headers(self, headers: Any = None) -> None:
        """As any response, without a length."""
        self.body = b""
        super().init_headers(headers)
        self.raw_headers = [(name, value) for name, value in self.raw_headers if name != b"content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until one of the three ends it."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        waits = [asyncio.create_task(w) for w in (self._pump(send), _gone(receive), self._stuck())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
            for task in waits:
                with suppress(asyncio.CancelledError, OSError):
                    await task

    async def _pump(self, send: Send) -> None:
        async with aclosing(self._frames) as frames:
            async for chunk in frames:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _stuck(self) -> None:
        await self._follower.over.wait()
        await asyncio.sleep(CUT_GRACE_S)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
