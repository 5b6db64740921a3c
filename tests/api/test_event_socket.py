from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import jsonschema
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from services.api import stream
from services.api.deps import Resources
from shared.events import CloudEvent
from shared.settings import Settings
from tests.api.conftest import Newsroom, serving


@asynccontextmanager
async def opened(api: httpx.AsyncClient, query: str = "") -> AsyncIterator[ClientConnection]:
    async with connect(f"ws://{api.base_url.host}:{api.base_url.port}/v1/events/ws{query}") as ws:
        yield ws


async def frames(ws: ClientConnection, count: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(20):
        return [json.loads(await ws.recv()) for _ in range(count)]


async def test_the_past_and_the_present_come_one_event_a_frame(newsroom: Newsroom, served: httpx.AsyncClient) -> None:
    newsroom.article("past")
    async with opened(served, "?after=0") as ws:
        newsroom.article("present")
        told = [CloudEvent.model_validate(f) for f in await frames(ws, 2)]
    assert [(e.id, e.data["title"]) for e in told] == [("1", "past"), ("2", "present")]


async def test_filters_change_on_the_open_socket_without_gap_or_double(
    newsroom: Newsroom, served: httpx.AsyncClient
) -> None:
    async with opened(served, "?after=0&lang=en") as ws:
        newsroom.article("one", lang="en")
        newsroom.article("uno", lang="es")
        assert [f["id"] for f in await frames(ws, 1)] == ["1"]
        await ws.send(json.dumps({"type": "subscribe", "filters": {"lang": ["es"]}}))
        (told,) = await frames(ws, 1)
        assert (told["type"], "specversion" in told) == ("subscribed", False)
        newsroom.article("two", lang="en")
        newsroom.article("dos", lang="es")
        (event,) = await frames(ws, 1)
        assert event["data"]["title"] in ("uno", "dos")
        assert int(event["id"]) > told["position"]


async def test_a_message_that_is_not_understood_is_told_and_ends_nothing(
    newsroom: Newsroom, served: httpx.AsyncClient
) -> None:
    async with opened(served) as ws:
        for message, code, where in (
            ("{", "bad_json", None),
            ('{"type": "sing"}', "bad_value", None),
            ('{"type": "subscribe", "filters": {"lnag": ["es"]}}', "unknown_parameter", "filters.lnag"),
            ('{"type": "subscribe", "filters": {"lang": [{}]}}', "bad_value", "filters.lang"),
        ):
            await ws.send(message)
            (told,) = await frames(ws, 1)
            assert (told["type"], told["code"]) == ("error", code)
            assert "specversion" not in told
            if where:
                assert told["errors"][0]["where"] == where
        newsroom.article()
        assert (await frames(ws, 1))[0]["id"] == "1"


@pytest.mark.parametrize(
    ("query", "status"), [("?after=-1", 400), ("?lnag=x", 400), ("?after=9", 409), ("?wait=3", 400)]
)
async def test_a_refusal_comes_before_the_upgrade(served: httpx.AsyncClient, query: str, status: int) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with opened(served, query):
            pass
    assert refused.value.response.status_code == status
    assert json.loads(refused.value.response.body or b"")["status"] == status


async def test_a_position_no_longer_retained_is_told(
    newsroom: Newsroom, served: httpx.AsyncClient, held: Resources
) -> None:
    for n in range(4):
        newsroom.article(f"n{n}")
    assert await held.hub.beyond(3, 20)
    newsroom.conn.execute("DELETE FROM events WHERE position <= 2")
    async with opened(served, "?after=0") as ws:
        reset, *events = await frames(ws, 3)
    assert (reset["type"], reset["oldest"], "specversion" in reset) == ("wiredesk.stream.reset", 3, False)
    assert [e["id"] for e in events] == ["3", "4"]


async def test_the_end_of_the_server_is_told(settings: Settings, held: Resources) -> None:
    async with serving(settings, held) as (client, server), opened(client) as ws:
        while not held.hub.followers:
            await asyncio.sleep(0.01)
        server.should_exit = True
        (told,) = await frames(ws, 1)
        assert told["type"] == "closing"
        with pytest.raises(ConnectionClosed) as ended:
            await ws.recv()
    assert ended.value.rcvd is not None
    assert ended.value.rcvd.code == 1012


async def test_without_a_key_there_is_no_upgrade(settings: Settings, held: Resources) -> None:
    async with serving(settings.model_copy(update={"auth": "keys"}), held) as (client, _):
        with pytest.raises(InvalidStatus) as refused:
            async with opened(client):
                pass
    assert refused.value.response.status_code == 401


async def test_a_page_of_another_site_cannot_follow_where_no_key_is_asked_for(
    settings: Settings, held: Resources
) -> None:
    friendly = settings.model_copy(update={"cors_origins": ("https://desk.example",)})
    async with serving(friendly, held) as (client, _):
        at = f"{client.base_url.host}:{client.base_url.port}"
        for origin in ("https://evil.example", "null"):
            with pytest.raises(InvalidStatus) as refused:
                async with connect(f"ws://{at}/v1/events/ws", origin=Origin(origin)):
                    pass
            assert refused.value.response.status_code == 403
        for origin in (f"http://{at}", "https://desk.example"):
            async with connect(f"ws://{at}/v1/events/ws", origin=Origin(origin)):
                pass


async def test_a_slow_reader_is_cut_with_the_reason_and_the_position_from_which_to_resume(
    newsroom: Newsroom, served: httpx.AsyncClient, held: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "MAX_QUEUED", 20)
    big = "x" * 100_000
    address = f"ws://{served.base_url.host}:{served.base_url.port}/v1/events/ws"
    async with connect(address, max_queue=1) as slow:  # reads nothing ahead of what is asked for
        assert slow.protocol.extensions == []  # packing would cost memory for each client
        for n in range(150):  # more than the sockets between hold
            await asyncio.to_thread(newsroom.tell, "wiredesk.feed.quiet.v1", "feeds/1", {"n": n, "text": big})
        async with asyncio.timeout(20):
            while not any(one.ended for group in held.hub._views.values() for one in group):
                await asyncio.sleep(0.01)
        told: list[dict[str, Any]] = []
        with pytest.raises(ConnectionClosed) as ended:
            async with asyncio.timeout(20):
                while True:
                    told.append(json.loads(await slow.recv()))
    *events, closing = told
    assert [int(e["id"]) for e in events] == list(range(1, len(events) + 1))
    assert len(events) < 150
    assert (closing["type"], closing["position"]) == ("closing", len(events))
    assert "too slow" in closing["reason"]
    assert ended.value.rcvd is not None
    assert (ended.value.rcvd.code, ended.value.rcvd.reason) == (1013, closing["reason"])
    async with opened(served, f"?after={closing['position']}") as ws:
        assert (await frames(ws, 1))[0]["id"] == str(len(events) + 1)


async def test_a_plain_request_is_told_that_it_asks_for_no_socket(served: httpx.AsyncClient) -> None:
    answer = await served.get("/v1/events/ws?after=0")
    assert (answer.status_code, answer.json()["code"]) == (426, "upgrade_required")
    assert answer.headers["upgrade"] == "websocket"
    assert "Reverse proxies" in answer.json()["detail"]


async def test_what_is_said_beside_the_filters_is_not_ignored(newsroom: Newsroom, served: httpx.AsyncClient) -> None:
    newsroom.article()
    async with opened(served, "?after=1") as ws:
        await ws.send(json.dumps({"type": "subscribe", "filters": {}, "after": 0, "filter": {}}))
        told = json.loads(await ws.recv())
        assert (told["type"], told["code"]) == ("error", "bad_value")
        assert [(e["where"], e.get("suggestion")) for e in told["errors"]] == [("after", None), ("filter", "filters")]


async def test_every_frame_of_the_socket_is_in_the_asyncapi_document(
    newsroom: Newsroom, served: httpx.AsyncClient
) -> None:
    document = (await served.get("/asyncapi.json")).json()
    messages = document["components"]["messages"]
    sent = {one["$ref"].rsplit("/", 1)[1] for one in document["operations"]["followBySocket"]["messages"]}
    assert {"subscribed", "heartbeat", "closing", "error"} <= sent <= set(document["channels"]["socket"]["messages"])
    newsroom.article()
    async with opened(served, "?after=1") as ws:
        for said in ('{"type": "subscribe", "filters": {"lang": ["en"]}}', "nonsense"):
            await ws.send(said)
        told = {}
        while told.keys() < {"subscribed", "error"}:
            frame = json.loads(await ws.recv())
            told[frame["type"]] = frame
    for kind, frame in told.items():
        jsonschema.validate(frame, messages[kind]["payload"])
