"""Strings that break things, through every filter and back: no 5xx, and an exact echo."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from services.api.problems import CODES
from shared.settings import Settings
from tests.api.conftest import Newsroom

BLNS = Path(__file__).resolve().parents[3] / "shared/data/hostile/blns"
HEADERS = ("Accept", "Accept-Encoding", "If-None-Match", "Last-Event-ID", "Authorization", "Origin", "Host", "Cookie")
FILTERS = ("q", "lang", "source", "feed", "entity", "entity_type", "place", "topic", "author", "from", "since", "has")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"allowed_hosts": ("*",)})  # a Host of any kind gets as far as links


@pytest.fixture(scope="module")
def naughty() -> list[str]:
    files = sorted(BLNS.rglob("blns.json")) if BLNS.exists() else []
    if not files:
        pytest.skip(f"the list of naughty strings is not under {BLNS}")
    strings: list[str] = json.loads(files[0].read_text("utf-8"))
    assert len(strings) > 400
    return strings


def places(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(path, where, name) of everything that a text can be put into by an address, and of headers that are read."""
    found = []
    for path, operations in document["paths"].items():
        if "get" not in operations:
            continue
        for told in operations["get"].get("parameters", []):
            if told["name"] != "wait":
                found.append((path, told["in"], told["name"]))
        found.append((path, "name", ""))
    return found + [("/v1/events" if name == "Last-Event-ID" else "/v1/articles", "header", name) for name in HEADERS]


def asking(place: tuple[str, str, str], text: str) -> tuple[str, dict[str, str], dict[str, bytes]]:
    """The path, the parameters and the headers that put the text into its place."""
    path, where, name = place
    in_path = quote(text, safe="") or "x"
    filled = re.sub(r"\{(\w+)\}", lambda found: in_path if (where, name) == ("path", found[1]) else "1", path)
    asked = {"query": {name: text}, "name": {text or "x": text}}.get(where, {})
    if path.startswith("/v1/facets"):
        asked.setdefault("field", "source")
    headers = {name: text.encode()} if where == "header" else {}
    return filled, asked, headers | ({"Accept": b"text/event-stream"} if name == "Last-Event-ID" else {})


async def test_everything_that_takes_a_text_takes_or_refuses_them(
    naughty: list[str], newsroom: Newsroom, api: httpx.AsyncClient
) -> None:
    newsroom.article()
    await api.post("/v1/searches", json={"name": "n", "filters": {"q": "harbour"}})
    every = places((await api.get("/openapi.json")).json())
    assert {(where, name) for _, where, name in every} >= {
        *(
            ("query", name)
            for name in (*FILTERS, "to", "cursor", "prefix", "type", "fields", "include", "tag", "after")
        ),
        *(("path", name) for name in ("article_id", "entity_id", "feed_id", "search_id", "webhook_id", "request_id")),
        *(("header", name) for name in HEADERS),
    }
    turns = itertools.cycle(every)
    asked = 0
    for text in naughty:
        for place in itertools.islice(turns, 2):
            path, parameters, headers = asking(place, text)
            if any(byte < 32 or byte == 127 for value in headers.values() for byte in value):
                continue  # no header: a server refuses it before us
            if place[2] == "Last-Event-ID" and text.strip().isdigit():
                continue  # a position: the stream begins
            answer = await api.get(path, params=parameters, headers=headers)
            assert answer.status_code in (200, 400, 404, 406, 409), (place, text, answer.text)
            assert answer.status_code < 400 or answer.json()["code"] in CODES
            asked += 1
    assert asked > len(every)


async def test_every_filter_of_articles_takes_or_refuses_them(
    naughty: list[str], newsroom: Newsroom, api: httpx.AsyncClient
) -> None:
    newsroom.article()
    for n, text in enumerate(naughty):
        # All at once finds what one filter does to another; one by one, in turn, what hides behind a refusal.
        turns = (
            ("/v1/articles", {"q": text, "sort": "relevance", "source": text, "entity": text, "author": text}),
            ("/v1/articles", {FILTERS[n // 6 % len(FILTERS)]: text}),
            ("/v1/articles", {text or "x": text}),
            ("/v1/events", {"after": "0", "q": text}),
            ("/v1/entities", {"prefix": text}),
            ("/v1/facets", {"field": "source", "q": text, "place": text}),
        )
        for path, asked in (("/v1/articles", {"q": text}), turns[n % 6]):
            answer = await api.get(path, params=asked)
            assert answer.status_code in (200, 400), (path, asked, answer.text)


async def test_what_is_kept_of_them_comes_back_as_it_was(naughty: list[str], api: httpx.AsyncClient) -> None:
    kept = 0
    for n, text in enumerate(naughty):
        url = f"https://wire.example/{n}"
        turns = (
            ("/v1/feeds", {"url": url, "title": text, "tags": [text]}, ("title",)),
            ("/v1/searches", {"name": text, "filters": {"q": text, "author": [text]}}, ("name", "filters")),
            ("/v1/webhooks", {"url": url, "filters": {"author": [text]}}, ("filters",)),
        )
        path, body, names = turns[n % 3]
        answer = await api.post(path, json=body)
        assert answer.status_code in (201, 422), (body, answer.text)
        if answer.status_code == 201:
            found = (await api.get(answer.headers["location"])).json()
            for name in names:
                wanted: Any = body[name]
                assert found[name] == (wanted.strip() if isinstance(wanted, str) else wanted), body
            kept += 1
    assert kept > len(naughty) // 2
    listed = (await api.get("/v1/feeds?limit=200")).json()["items"]
    for feed in listed[::10]:
        answer = await api.get("/v1/feeds", params={"tag": feed["tags"][0], "limit": 200})
        if answer.status_code == 200:
            assert feed["id"] in [one["id"] for one in answer.json()["items"]], feed


async def test_they_come_back_as_they_were(naughty: list[str], newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    kept = [text for text in naughty if "\x00" not in text]
    ids = {newsroom.article(text, authors=(text,), relay=False): text for text in kept}
    seen: dict[int, str] = {}
    url: str | None = "/v1/articles?limit=200"
    while url:
        page = (await api.get(url)).json()
        seen |= {item["id"]: item["title"] for item in page["items"]}
        assert all(item["authors"] == [item["title"]] for item in page["items"])
        url = page["next"]
    assert seen == ids
    for article_id, text in list(ids.items())[::7]:
        answer = await api.get("/v1/articles", params={"author": text, "limit": 200})
        if answer.status_code == 200:
            assert article_id in [item["id"] for item in answer.json()["items"]], text


async def test_the_hub_takes_or_refuses_them(naughty: list[str], api: httpx.AsyncClient) -> None:
    assert (await api.post("/v1/searches", json={"name": "n", "filters": {"q": "x"}})).status_code == 201
    good = {
        "hub.mode": "subscribe",
        "hub.topic": "http://localhost/v1/searches/1.rss",
        "hub.callback": "http://r.example/",
    }
    taken = 0
    for n, text in enumerate(naughty):
        turns = (
            {"hub.callback": f"http://r.example/?{text}"},
            {"hub.secret": text},
            {"hub.topic": f"http://localhost{text}"},
            {text: text},
        )
        answer = await api.post("/v1/hub", data=good | turns[n % 4])
        assert answer.status_code in (202, 422), (turns[n % 4], answer.text)
        taken += answer.status_code == 202
    assert taken > len(naughty) // 2
