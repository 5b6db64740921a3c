from __future__ import annotations

import asyncio
import time

import httpx
import pytest

from shared.events import CloudEvent
from tests.api.conftest import Newsroom

BATCH = {"Accept": "application/cloudevents-batch+json"}


async def test_pages_follow_one_another_to_the_head(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    for n in range(7):
        newsroom.article(f"n{n}")
    seen: list[int] = []
    url: str | None = "/v1/events?after=0&limit=3"
    while url:
        page = (await api.get(url)).json()
        seen += [int(e["id"]) for e in page["items"]]
        url = page["next"]
    assert seen == [1, 2, 3, 4, 5, 6, 7]
    assert page["position"] == 7


async def test_a_filtered_page_says_how_far_it_looked(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    for n in range(4):
        newsroom.article(f"n{n}", lang="en" if n % 2 else "es")
    first = (await api.get("/v1/events?after=0&lang=es&limit=1")).json()
    assert ([e["id"] for e in first["items"]], first["position"]) == (["1"], 1)
    rest = (await api.get(first["next"])).json()
    assert [e["id"] for e in rest["items"]] == ["3"]
    last = (await api.get(rest["next"])).json()
    assert (last["items"], last["position"], last["next"]) == ([], 4, None)


async def test_without_a_position_a_page_starts_now(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    newsroom.article()
    assert (await api.get("/v1/events")).json() == {"items": [], "next": None, "position": 1}


async def test_an_empty_page_keeps_its_position(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    newsroom.article()
    assert (await api.get("/v1/events?after=1")).json() == {"items": [], "next": None, "position": 1}


async def test_a_waiting_page_comes_with_the_event(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    asked = asyncio.create_task(api.get("/v1/events?after=0&wait=30&lang=es"))
    await asyncio.sleep(0.1)
    newsroom.article(lang="en")
    await asyncio.sleep(0.1)
    assert not asked.done()
    newsroom.article("Puente", lang="es")
    async with asyncio.timeout(20):
        page = (await asked).json()
    assert [e["data"]["title"] for e in page["items"]] == ["Puente"]


async def test_a_page_that_waited_in_vain_is_empty(api: httpx.AsyncClient) -> None:
    begun = time.monotonic()
    page = (await api.get("/v1/events?after=0&wait=1")).json()
    assert (page["items"], page["position"]) == ([], 0)
    assert time.monotonic() - begun >= 1


async def test_a_batch_is_the_bare_array(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    newsroom.article()
    answer = await api.get("/v1/events?after=0", headers=BATCH)
    assert answer.headers["content-type"] == "application/cloudevents-batch+json"
    assert [CloudEvent.model_validate(e).id for e in answer.json()] == ["1"]
    assert answer.headers["wiredesk-position"] == "1"


async def test_events_can_carry_whole_articles_or_some_members(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    newsroom.article(body="All of it.")
    newsroom.tell("wiredesk.feed.failing.v1", "feeds/1", {"id": 1, "url": "https://wire.example/"})
    whole, feed = (await api.get("/v1/events?after=0&include=full")).json()["items"]
    assert whole["data"]["body_text"] == "All of it."
    assert whole["data"]["entities"][0]["mentions"]
    assert feed["data"] == {"position": 2, "id": 1, "url": "https://wire.example/"}
    some, feed = (await api.get("/v1/events?after=0&fields=url,body_text")).json()["items"]
    assert set(some["data"]) == {"id", "title", "version", "position", "url", "body_text"}


@pytest.mark.parametrize("name", ["after=-1", "after=x", "after=1.0", "limit=0", "limit=1001", "wait=61", "type=x"])
async def test_values_out_of_range_are_refused_by_name(api: httpx.AsyncClient, name: str) -> None:
    answer = await api.get(f"/v1/events?{name}")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_value")
    assert answer.json()["errors"][0]["where"] == f"query.{name.partition('=')[0]}"


async def test_another_type_cannot_be_had(api: httpx.AsyncClient) -> None:
    answer = await api.get("/v1/events", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
    assert "text/event-stream" in answer.json()["offered"]
