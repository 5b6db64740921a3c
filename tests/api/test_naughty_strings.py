"""Strings that break things, through every filter and back: no 5xx, and an exact echo."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from tests.api.conftest import Newsroom

BLNS = Path(__file__).resolve().parents[3] / "shared/data/hostile/blns"
FILTERS = ("q", "lang", "source", "feed", "entity", "entity_type", "place", "topic", "author", "from", "since", "has")


@pytest.fixture(scope="module")
def naughty() -> list[str]:
    files = sorted(BLNS.rglob("blns.json")) if BLNS.exists() else []
    if not files:
        pytest.skip(f"the list of naughty strings is not under {BLNS}")
    strings: list[str] = json.loads(files[0].read_text("utf-8"))
    assert len(strings) > 400
    return strings


async def test_every_filter_takes_or_refuses_them(
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
        for path, asked in (("/v1/articles", {"q": text}), ("/v1/articles", {"author": text}), turns[n % 6]):
            answer = await api.get(path, params=asked)
            assert answer.status_code in (200, 400), (path, asked, answer.text)


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
    good = {"hub.mode": "subscribe", "hub.topic": "http://api/v1/searches/1.rss", "hub.callback": "http://r.example/"}
    taken = 0
    for n, text in enumerate(naughty):
        turns = (
            {"hub.callback": f"http://r.example/?{text}"},
            {"hub.secret": text},
            {"hub.topic": f"http://api{text}"},
            {text: text},
        )
        answer = await api.post("/v1/hub", data=good | turns[n % 4])
        assert answer.status_code in (202, 422), (turns[n % 4], answer.text)
        taken += answer.status_code == 202
    assert taken > len(naughty) // 2
