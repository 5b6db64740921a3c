"""The official CloudEvents SDK reads every form in which events leave: structured, binary, batch, and all channels."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import httpx_sse
import jsonschema
import pytest
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from shared import log
from tests.api.conftest import Newsroom

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
SCHEMA = Path(__file__).resolve().parents[3] / "shared/data/standards/cloudevents/formats/cloudevents.json"
ATTRIBUTES = ("id", "source", "specversion", "type", "subject", "datacontenttype", "time")


def read(answer: httpx.Response) -> BaseCloudEvent:
    """As the SDK's user would."""
    return from_http_event(HTTPMessage(dict(answer.headers), answer.content))


def told(event: BaseCloudEvent) -> dict[str, Any]:
    """Everything the SDK found."""
    return {name: event.get_attributes().get(name) for name in ATTRIBUTES} | {"data": event.get_data()}


async def test_one_event_says_the_same_structured_and_binary(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    newsroom.article("Puente — “El Ángel” reabre")
    structured = await api.get("/v1/events/1")
    assert structured.headers["content-type"] == STRUCTURED
    binary = await api.get("/v1/events/1", headers={"Accept": "application/json"})
    assert (binary.headers["content-type"], binary.headers["ce-id"]) == ("application/json", "1")
    one, other = told(read(structured)), told(read(binary))
    assert one == other
    assert (one["id"], one["type"], one["subject"]) == ("1", "wiredesk.article.enriched.v1", "articles/1")
    assert one["data"]["title"] == "Puente — “El Ángel” reabre"
    assert one["time"].tzinfo is not None


async def test_every_event_of_a_batch_is_read(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    for n in range(3):
        newsroom.article(f"n{n}")
    newsroom.tell("wiredesk.feed.quiet.v1", "feeds/7", {"id": 7})
    answer = await api.get("/v1/events?after=0", headers={"Accept": BATCH})
    events = [JSONFormat().read(CloudEvent, json.dumps(one).encode()) for one in answer.json()]
    singles = [read(await api.get(f"/v1/events/{n}")) for n in range(1, 5)]
    assert [told(e) for e in events] == [told(e) for e in singles]


async def test_pages_sse_and_single_events_are_the_same_events(newsroom: Newsroom, served: httpx.AsyncClient) -> None:
    newsroom.article()
    newsroom.tell("wiredesk.feed.failing.v1", "feeds/7", {"id": 7})
    page = (await served.get("/v1/events?after=0")).json()["items"]
    async with (
        asyncio.timeout(20),
        httpx_sse.aconnect_sse(served, "GET", "/v1/events?after=0") as source,
    ):
        stream = source.aiter_sse()
        assert [json.loads((await anext(stream)).data) for _ in page] == page
    assert [(await served.get(f"/v1/events/{n}")).json() for n in (1, 2)] == page


@pytest.mark.skipif(not SCHEMA.exists(), reason=f"the CloudEvents schema is not at {SCHEMA}")
async def test_events_satisfy_the_official_schema(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    newsroom.article()
    newsroom.tell("wiredesk.feed.quiet.v1", "feeds/7", {"id": 7})
    schema = json.loads(SCHEMA.read_text())
    for event in (await api.get("/v1/events?after=0")).json()["items"]:
        jsonschema.Draft7Validator(schema).validate(event)


async def test_what_is_not_there_yet_or_no_more_or_no_position_is_told_apart(
    newsroom: Newsroom, api: httpx.AsyncClient
) -> None:
    for n in range(4):
        newsroom.article(f"n{n}")
    assert log.trim(newsroom.conn, 2, None, 4, 100) == 2
    for path, status, code in (
        ("/v1/events/5", 404, "not_found"),
        ("/v1/events/0", 404, "not_found"),
        ("/v1/events/2", 410, "position_gone"),
        ("/v1/events/x", 400, "bad_value"),
        ("/v1/events/3?lang=en", 400, "unknown_parameter"),
    ):
        answer = await api.get(path)
        assert (answer.status_code, answer.json()["code"]) == (status, code), path
    assert (await api.get("/v1/events/2")).json()["oldest"] == 3
    assert (await api.get("/v1/events/3", headers={"Accept": "text/csv"})).json()["code"] == "not_acceptable"
