"""`/v1/events/ws`: the log over a WebSocket, one CloudEvent a text frame; filters can change on the open socket.

Frames of ours that are no events (`subscribed`, `heartbeat`, `error`, `closing`, `wiredesk.stream.reset`) have a `type`
and no `specversion`.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect

from services.api import failures, query
from services.api.auth import KEY_OVER, SUBPROTOCOL
from services.api.deps import Resources
from services.api.filters import Filter
from services.api.follow import Reset, check, follow
from services.api.problems import InputError, Problem, document, nearest, of, refuse
from services.api.stream import STORE_AWAY, Follower
from services.api.views import View
from shared.errors import WiredeskError

router = APIRouter()

CHANGED = "the filters changed"
# RFC 6455 and the IANA registry: policy violation; service restart; try again later
REFUSED, RESTART, TRY_AGAIN = 1008, 1012, 1013
CUT_GRACE_S = 5.0
MEMBERS = {"type", "filters"}  # of what a client says


@router.websocket("/v1/events/ws")
async def socket(ws: WebSocket) -> None:
    """Follow. A refusal before the upgrade is plain HTTP."""
    held: Resources = ws.app.state.resources
    try:
        asked = query.read_socket(ws.scope["query_string"])
        after = held.hub.head if asked.after is None else asked.after
        await check(held.log, after)
        await check(held.log, asked.filter.since or 0)
    except WiredeskError as error:
        await ws.send_denial_response(failures.answer(of(error)))
        return
    except STORE_AWAY:
        await ws.send_denial_response(failures.answer(Problem("unavailable", "PostgreSQL cannot be reached")))
        return
    await ws.accept(SUBPROTOCOL if SUBPROTOCOL in ws.scope["subprotocols"] else None)
    session = _Session(ws, held, Follower(View(asked.filter, asked.form), after))
    with suppress(WebSocketDisconnect, OSError), ws.app.state.keyring.streaming(ws.scope, session.end):
        await session.run()


class _Session:
    """One open socket: a pump that sends, a listener that changes what is sent."""

    def __init__(self, ws: WebSocket, held: Resources, follower: Follower) -> None:
        self._ws = ws
        self._held = held
        self._follower = follower

    async def run(self) -> None:
        """Until either side ends it."""
        tasks = [asyncio.create_task(step) for step in (self._pump(), self._listen(), self._stuck())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError, WebSocketDisconnect, OSError, RuntimeError):
                    await task

    def end(self, reason: str) -> None:
        """Close it, saying why."""
        self._follower.end(reason)

    async def _pump(self) -> None:
        while True:
            follower = self._follower
            async with aclosing(follow(self._held.log, follower)) as steps:
                async for step in steps:
                    if step is None:
                        await self._control({"type": "heartbeat", "position": follower.after})
                    elif isinstance(step, Reset):
                        await self._control(step.as_json())
                    else:
                        for told in step:
                            await self._ws.send_text(told.data.decode())
            if follower.ended != CHANGED:
                await self._control({"type": "closing", "reason": follower.ended, "position": follower.after})
                refused = REFUSED if follower.ended == KEY_OVER else TRY_AGAIN
                await self._ws.close(RESTART if self._held.hub.closing else refused, follower.ended)
                return
            # The new filters count from exactly where the old ones ended.
            self._follower.after = follower.after
            await self._control({"type": "subscribed", "position": follower.after})

    async def _listen(self) -> None:
        while True:
            message = await self._ws.receive()
            if message["type"] == "websocket.disconnect":
                return
            try:
                wanted = _subscription(message)
            except Problem as problem:
                await self._control(document(problem) | {"type": "error"})
                continue
            before = self._follower
            self._follower = Follower(View(wanted, before.view.form), before.after)
            before.finish(CHANGED)

    async def _stuck(self) -> None:
        while not self._follower.over.is_set():
            over = asyncio.create_task(self._follower.over.wait())
            await asyncio.wait({over}, timeout=CUT_GRACE_S)
            over.cancel()
        await asyncio.sleep(CUT_GRACE_S)

    async def _control(self, told: dict[str, Any]) -> None:
        await self._ws.send_text(orjson.dumps(told).decode())


def _subscription(message: Any) -> Filter:
    try:
        told = orjson.loads(message.get("text") or message.get("bytes") or b"")
    except orjson.JSONDecodeError as error:
        raise Problem("bad_json", f"the message is not JSON: {error}") from error
    if not isinstance(told, dict) or told.get("type") != "subscribe":
        raise Problem("bad_value", 'a message is {"type": "subscribe", "filters": {…}}')
    if further := sorted(told.keys() - MEMBERS):
        wrong = "is not known here; a position is chosen where the socket is opened, by ?after="
        raise refuse("bad_value", [InputError(name, wrong, nearest(name, MEMBERS, alike=0.8)) for name in further])
    return query.read_filters(told.get("filters"))
