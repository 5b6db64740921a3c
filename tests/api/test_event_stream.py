from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx
import httpx_sse
import pytest

from services.api import events as events_route
from services.api import stream
from services.api.deps import Resources, open_resources
from services.api.follow import check
from services.api.stream import Batch
from services.api.views import EVERYTHING, Told
from shared import log
from shared.settings import Settings
from tests.api.conftest import Newsroom, serving


@asynccontextmanager
async def following(
    client: httpx.AsyncClient, query: str = "", last: int | None = None
) -> AsyncIterator[AsyncIterator[httpx_sse.ServerSentEvent]]:
    headers = {} if last is None else {"Last-Event-ID": str(last)}
    async with httpx_sse.aconnect_sse(client, "GET", f"/v1/events{query}", headers=headers) as source:
        assert source.response.status_code == 200, await source.response.aread()
        async with aclosing(source.aiter_sse()) as events:  # type: ignore[type-var]
            yield events


async def take(events: AsyncIterator[httpx_sse.ServerSentEvent], count: int) -> list[httpx_sse.ServerSentEvent]:
    async with asyncio.timeout(20):
        return [await anext(events) for _ in range(count)]


def positions(events: list[httpx_sse.ServerSentEvent]) -> list[int]:
    return [int(e.id) for e in events]


async def test_an_event_has_its_position_type_and_cloudevent(newsroom: Newsroom, served: httpx.AsyncClient) -> None:
    newsroom.article("Harbour bridge reopens")
    async with following(served, "?after=0") as events:
        (event,) = await take(events, 1)
    told = event.json()
    assert (event.id, event.event) == ("1", "wiredesk.article.enriched.v1")
    assert (told["id"], told["type"], told["subject"]) == ("1", event.event, "articles/1")
    assert told["data"]["position"] == 1
    assert told["data"]["title"] == "Harbour bridge reopens"
    assert "body_text" not in told["data"]


async def test_the_stream_begins_with_retry(served: httpx.AsyncClient) -> None:
    async with served.stream("GET", "/v1/events", headers={"Accept": "text/event-stream"}) as answer:
        first = await anext(answer.aiter_bytes())
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert first.startswith(b"retry: ")


async def test_without_a_position_it_starts_now(newsroom: Newsroom, served: httpx.AsyncClient, held: Resources) -> None:
    newsroom.article("before")
    await held.hub.beyond(0, 10)
    async with following(served) as events:
        newsroom.article("after")
        (event,) = await take(events, 1)
    assert event.json()["data"]["title"] == "after"


async def test_the_last_id_counts_more_than_the_address(newsroom: Newsroom, served: httpx.AsyncClient) -> None:
    for n in range(5):
        newsroom.article(f"n{n}")
    async with following(served, "?after=0", last=3) as events:
        assert positions(await take(events, 2)) == [4, 5]


async def test_the_past_joins_the_present_without_gap_or_double(newsroom: Newsroom, served: httpx.AsyncClient) -> None:
    count = 300
    done = asyncio.Event()

    async def write() -> None:
        for n in range(count):
            await asyncio.to_thread(newsroom.article, f"n{n}")
        done.set()

    writing = asyncio.create_task(write())
    await asyncio.sleep(0.2)
    readers = [read_all(served, "?after=0", count) for _ in range(5)]
    for seen in await asyncio.gather(*readers):
        assert seen == list(range(1, count + 1))
    await writing


async def read_all(client: httpx.AsyncClient, query: str, count: int) -> list[int]:
    async with following(client, query) as events:
        return positions(await take(events, count))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("lang=es", [2]),
        ("lang=es&lang=fr", [2, 3]),
        ("source=b.example", [3]),
        ("feed=7", [3, 4]),
        ("entity=person:duarte", [2]),
        ("entity_type=person&lang=es", [2]),
        ("q=puente", [2]),
        ('q="bridge carries"', [1]),
        ("q=carries OR pont", [1, 3]),
        ("type=wiredesk.feed.failing.v1", [4]),
        ("from=2026-03-01T08:02:00Z&to=2026-03-01T08:03:00Z", [2]),
    ],
)
async def test_filters_hold_for_the_past_and_the_present(
    newsroom: Newsroom, served: httpx.AsyncClient, query: str, expected: list[int]
) -> None:
    def write() -> None:
        newsroom.article("Bridge")
        newsroom.article("Puente", body="El puente.", lang="es", entities=(("person:duarte", "person", "Duarte"),))
        newsroom.article("Pont", body="Le pont.", lang="fr", source="b.example", feed=7, entities=())
        newsroom.tell("wiredesk.feed.failing.v1", "feeds/7", {"id": 7})

    async with following(served, f"?{query}") as live:
        await asyncio.to_thread(write)
        assert positions(await take(live, len(expected))) == expected
    async with following(served, f"?after=0&{query}") as past:
        assert positions(await take(past, len(expected))) == expected
    page = (await served.get(f"/v1/events?after=0&{query}")).json()
    assert [int(e["id"]) for e in page["items"]] == expected
    assert page["position"] == 4


async def test_followers_go_on_when_redis_is_wiped_and_refilled(newsroom: Newsroom, served: httpx.AsyncClient) -> None:
    async with following(served, "?after=0") as events:
        for n in range(3):
            newsroom.article(f"n{n}")
        assert positions(await take(events, 3)) == [1, 2, 3]
        newsroom.wipe()
        for n in range(3):
            newsroom.article(f"lost{n}", relay=False)
        assert positions(await take(events, 3)) == [4, 5, 6]
        newsroom.relay()
        newsroom.article("again")
        assert positions(await take(events, 1)) == [7]


async def test_followers_go_on_without_redis(
    newsroom: Newsroom, settings: Settings, database_url: str, tmp_path: Any
) -> None:
    alone = settings.model_copy(update={"redis_url": f"unix://{tmp_path}/nobody.sock"})
    async with open_resources(alone) as held, serving(alone, held) as (client, _):
        async with following(client) as events:
            newsroom.article("one", relay=False)
            newsroom.article("two", relay=False)
            assert positions(await take(events, 2)) == [1, 2]
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")


async def test_a_stream_of_another_log_is_not_believed(newsroom: Newsroom, served: httpx.AsyncClient) -> None:
    import redis

    with redis.Redis.from_url(newsroom.redis_url) as client:
        async with following(served) as events:
            other = b'{"source":"urn:wiredesk:other","type":"wiredesk.article.enriched.v1","subject":"x","data":{}}'
            for position, false in ((1, other), (2, b"{}"), (900, b"x")):
                client.xadd("wiredesk:events", {"event": false}, id=f"{position}-0")
            await asyncio.sleep(0.3)
            newsroom.article("true", relay=False)
            newsroom.article("too", relay=False)
            told = await take(events, 2)
    assert [(e.id, e.json()["data"]["title"]) for e in told] == [("1", "true"), ("2", "too")]


async def test_a_position_no_longer_retained_is_told_and_left_behind(
    newsroom: Newsroom, served: httpx.AsyncClient, held: Resources
) -> None:
    for n in range(6):
        newsroom.article(f"n{n}")
    # A hub that has not read the stream yet would give a reader the events out of it, and have no reset to tell.
    assert await held.hub.beyond(5, 20)
    assert log.trim(newsroom.conn, 3, None, 6, 100) == 3
    async with following(served, "?after=1") as events:
        reset, *rest = await take(events, 4)
    assert reset.event == "wiredesk.stream.reset"
    told = json.loads(reset.data)
    assert (told["oldest"], told["latest"], told["catch_up"]) == (4, 6, "/v1/articles?since=1")
    assert positions(rest) == [4, 5, 6]
    gone = await served.get("/v1/events?after=1")
    assert (gone.status_code, gone.json()["code"]) == (410, "position_gone")
    assert {k: gone.json()[k] for k in ("oldest", "latest", "catch_up")} == {
        "oldest": 4,
        "latest": 6,
        "catch_up": "/v1/articles?since=1",
    }


async def test_a_hub_that_was_behind_what_is_retained_sends_its_readers_to_the_reset(
    newsroom: Newsroom, settings: Settings, tmp_path: Any
) -> None:
    alone = settings.model_copy(update={"redis_url": f"unix://{tmp_path}/nobody.sock"})
    async with open_resources(alone) as held, serving(alone, held) as (client, _):
        async with following(client, "?after=0") as events:
            newsroom.article("one", relay=False)
            assert positions(await take(events, 1)) == [1]
            with newsroom.conn.transaction():  # told and dropped at once: nobody could read them
                for n in range(3):
                    newsroom.tell("wiredesk.feed.quiet.v1", "feeds/1", {"id": n}, relay=False)
                log.trim(newsroom.conn, 1, None, 4, 100)
            async with asyncio.timeout(20):
                assert [e async for e in events] == []  # cut, not led past them
        async with following(client, last=1) as events:
            reset, event = await take(events, 2)
    assert (reset.event, reset.json()["oldest"], event.id) == ("wiredesk.stream.reset", 4, "4")


async def test_a_position_beyond_the_head_is_refused(newsroom: Newsroom, served: httpx.AsyncClient) -> None:
    newsroom.article()
    for accept in ("text/event-stream", "application/json"):
        answer = await served.get("/v1/events?after=2", headers={"Accept": accept})
        assert (answer.status_code, answer.json()["code"], answer.json()["latest"]) == (409, "position_ahead", 1)


@pytest.mark.parametrize("header", ["-1", "x", "99999999999999999999999", "1.5"])
async def test_an_unreadable_last_id_is_refused(served: httpx.AsyncClient, header: str) -> None:
    answer = await served.get("/v1/events", headers={"Accept": "text/event-stream", "Last-Event-ID": header})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_value")
    assert answer.json()["errors"][0]["where"] == "header.Last-Event-ID"


async def test_a_slow_reader_is_cut_and_resumes(
    newsroom: Newsroom, served: httpx.AsyncClient, held: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "MAX_QUEUED", 20)
    big = "x" * 100_000
    async with served.stream("GET", "/v1/events", headers={"Accept": "text/event-stream"}) as slow:
        lines = slow.aiter_lines()
        await anext(lines)
        for n in range(150):  # more than the sockets between hold
            await asyncio.to_thread(newsroom.article, f"{n} {big}")
        async with asyncio.timeout(20):
            while held.hub.followers:
                await asyncio.sleep(0.05)
        seen, reason = [], ""
        try:
            async with asyncio.timeout(20):
                async for line in lines:
                    seen += [int(line[4:])] if line.startswith("id: ") else []
                    reason = line if line.startswith(": ") else reason
        except httpx.RemoteProtocolError:
            reason = reason or "closed"
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) < 150
    assert reason
    resumed = await read_all(served, f"?after={len(seen)}", 150 - len(seen))
    assert resumed == list(range(len(seen) + 1, 151))


async def test_a_reader_that_pauses_and_goes_on_is_given_all_in_order_over_the_same_connection(
    newsroom: Newsroom, served: httpx.AsyncClient, held: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "MAX_QUEUED_BYTES", 50_000_000)
    big = "x" * 100_000
    async with served.stream("GET", "/v1/events", headers={"Accept": "text/event-stream"}) as slow:
        lines = slow.aiter_lines()
        await anext(lines)
        for n in range(120):  # more than the sockets between hold: the rest waits in the queue
            await asyncio.to_thread(newsroom.tell, "wiredesk.feed.quiet.v1", "feeds/1", {"n": n, "text": big})
        assert await held.hub.beyond(119, 20)
        seen: list[int] = []
        async with asyncio.timeout(20):
            while len(seen) < 120:
                line = await anext(lines)
                seen += [int(line[4:])] if line.startswith("id: ") else []
        newsroom.tell("wiredesk.feed.quiet.v1", "feeds/1", {"n": 121})
        async with asyncio.timeout(20):
            while await anext(lines) != "id: 121":
                pass
    assert seen == list(range(1, 121))


async def test_one_that_was_cut_is_given_nothing_behind_the_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MAX_QUEUED", 3)
    follower = stream.Follower(EVERYTHING, 4)
    follower.offer(Batch([Told(n, b"{}", b"") for n in (6, 7)]), 8)
    assert [t.position for t in await follower.take()] == [6, 7]
    follower.offer(Batch([Told(n, b"{}", b"") for n in range(10, 14)]), 20)
    assert (follower.ended is None, follower.after) == (False, 9)  # 9 did not pass the view, 10 was dropped
    follower.offer(Batch([Told(21, b"{}", b"")]), 21)
    assert (await follower.take(), follower.after) == ([], 9)


async def test_the_end_of_the_server_tells_readers_to_come_back(
    newsroom: Newsroom, settings: Settings, held: Resources
) -> None:
    async with (
        serving(settings, held) as (client, server),
        client.stream("GET", "/v1/events", headers={"Accept": "text/event-stream"}) as answer,
    ):
        lines = answer.aiter_lines()
        await anext(lines)
        server.should_exit = True
        async with asyncio.timeout(10):
            rest = [line async for line in lines]
    assert any(line.startswith(": the server goes down") for line in rest)


async def test_a_silent_stream_shows_that_it_is_alive(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, redis_url: str
) -> None:
    monkeypatch.setattr(stream, "BEAT_S", 0.1)
    async with (
        open_resources(settings) as held,
        serving(settings, held) as (client, _),
        client.stream("GET", "/v1/events", headers={"Accept": "text/event-stream"}) as answer,
    ):
        async with asyncio.timeout(10):
            lines = answer.aiter_lines()
            while await anext(lines) != ": still here":
                pass


async def test_a_stream_is_counted_when_it_begins(served: httpx.AsyncClient) -> None:
    counted = 'wiredesk_api_request_seconds_count{method="GET",route="/v1/events",status="200"} 1.0'
    async with following(served):
        assert counted in (await served.get("/metrics")).text


async def test_a_reader_that_left_is_forgotten(served: httpx.AsyncClient, held: Resources) -> None:
    async with following(served):
        async with asyncio.timeout(10):
            while held.hub.followers != 1:
                await asyncio.sleep(0.02)
    async with asyncio.timeout(10):
        while held.hub.followers:
            await asyncio.sleep(0.02)


async def test_a_reader_that_left_before_it_was_answered_is_forgotten_and_harms_nobody(
    newsroom: Newsroom, settings: Settings, held: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = asyncio.Event()

    async def slowly(*given: Any) -> None:
        await go_on.wait()
        await check(*given)

    monkeypatch.setattr(events_route, "check", slowly)
    async with serving(settings, held) as (client, server):
        url = client.base_url
        _, one = await asyncio.open_connection(url.host, url.port)
        one.write(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
        async with asyncio.timeout(20):
            while not server.server_state.tasks:  # it is being answered
                await asyncio.sleep(0.01)
            one.transport.abort()
            while server.server_state.connections:
                await asyncio.sleep(0.01)
            go_on.set()
            while server.server_state.tasks:
                await asyncio.sleep(0.01)
        assert held.hub.followers == 0
        async with following(client, "?after=0") as events:
            newsroom.article("present")
            assert positions(await take(events, 1)) == [1]
    assert not held.reader.done()
