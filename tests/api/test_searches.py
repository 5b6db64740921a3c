from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import feedparser
import httpx
import pytest

from services.api.searches.models import Preview
from services.api.searches.routes import EXTENSIONS
from tests.api.conftest import Newsroom


async def kept(api: httpx.AsyncClient, name: str = "Bridges", **filters: Any) -> dict[str, Any]:
    answer = await api.post("/v1/searches", json={"name": name, "filters": filters})
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/v1/searches/{told['id']}"
    return told


async def test_a_search_is_kept_changed_listed_and_forgotten(api: httpx.AsyncClient) -> None:
    made = await kept(api, q="bridge", lang=["en", "pt"])
    other = await kept(api, "Ferries", q="ferry")
    at = f"/v1/searches/{made['id']}"
    assert (await api.get(at)).json() == made
    assert made["filters"] == {"q": "bridge", "lang": ["en", "pt"]}
    changed = (await api.patch(at, json={"name": "Crossings"})).json()
    assert (changed["name"], changed["filters"]) == ("Crossings", made["filters"])
    first = (await api.get("/v1/searches", params={"limit": 1})).json()
    assert [one["id"] for one in first["items"]] == [made["id"]]
    assert [one["id"] for one in (await api.get(first["next"])).json()["items"]] == [other["id"]]
    assert (await api.delete(at)).status_code == 204
    for path in (at, f"{at}.rss", f"{at}/preview", "/v1/searches/x", "/v1/searches/x.rss"):
        answer = await api.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"name": "n", "filters": {"lnag": "en"}}, "body.filters.lnag"),
        ({"name": "n", "filters": {"lang": "english"}}, "body.filters.lang"),
        ({"name": "n", "filters": {"since": 3}}, "body.filters.since"),
        ({"name": "n", "filters": {"q": [True]}}, "body.filters.q"),
        ({"name": "n", "filters": {}}, "body.filters"),
        ({"name": " ", "filters": {"q": "x"}}, "body.name"),
    ],
)
async def test_what_is_no_search_is_refused_by_its_place(api: httpx.AsyncClient, body: Any, where: str) -> None:
    answer = await api.post("/v1/searches", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, where)


async def test_each_form_serves_what_the_filters_find_and_nothing_else(
    newsroom: Newsroom, api: httpx.AsyncClient
) -> None:
    for n in range(3):
        newsroom.article(f"The bridge, part {n}")
    newsroom.article("A ferry", body="It sails.")
    at = f"/v1/searches/{(await kept(api, q='bridge'))['id']}"
    direct = (await api.get("/v1/articles", params={"q": "bridge"})).json()
    told = (await api.get(f"{at}.json")).json()
    assert told["items"] == direct["items"]
    assert len(told["items"]) == 3
    titles = [one["title"] for one in told["items"]]
    for form in ("rss", "atom"):
        feed = feedparser.parse((await api.get(f"{at}.{form}")).content)
        assert (feed.bozo, feed.feed.title) == (False, "Bridges")
        assert [e.title for e in feed.entries] == titles
    assert [one["title"] for one in (await api.get(f"{at}.jsonfeed")).json()["items"]] == titles
    rows = list(csv.DictReader(io.StringIO((await api.get(f"{at}.csv")).text)))
    assert [row["title"] for row in rows] == titles
    assert (await api.get(f"{at}.ndjson")).text.count("\n") == 3
    assert {(await api.get(f"{at}.{form}")).status_code for form in EXTENSIONS} == {200}


async def test_a_feed_of_a_search_has_pages_and_takes_no_further_filters(
    newsroom: Newsroom, api: httpx.AsyncClient
) -> None:
    made = [newsroom.article(f"The bridge, part {n}") for n in range(5)]
    at = f"/v1/searches/{(await kept(api, q='bridge'))['id']}"
    seen: list[int] = []
    following: str | None = f"{at}.json?limit=2"
    while following:
        page = (await api.get(following)).json()
        seen += [one["id"] for one in page["items"]]
        following = page["next"]
    assert seen == made[::-1]
    answer = await api.get(f"{at}.rss", params={"lang": "en"})
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_parameter")


async def test_a_preview_counts_by_day_and_shows_what_other_searches_find(
    newsroom: Newsroom, api: httpx.AsyncClient
) -> None:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days = {0: 1, 1: 2, 3: 1, 20: 1}  # the last one is too old for seven days
    for ago, count in days.items():
        for n in range(count):
            newsroom.article(
                f"The bridge {ago}-{n}", lang="pt" if ago == 1 else "en", published=today - timedelta(days=ago)
            )
    newsroom.article("A ferry", body="It sails.", published=today)
    portuguese = await kept(api, "Portuguese", lang="pt")
    await kept(api, "Nothing", q="zeppelin")
    answer = await api.post("/v1/searches/preview", json={"filters": {"q": "bridge"}, "days": 7})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    Preview.model_validate(told)
    assert [one["count"] for one in told["days"]] == [0, 0, 0, 1, 0, 2, 1]
    assert (told["total"], told["exact"], told["looked_at"]) == (4, True, 4)
    assert told["sample"][0]["title"] == "The bridge 0-0"
    assert told["overlap"] == [{"id": portuguese["id"], "name": "Portuguese", "count": 2, "share": 0.5}]
    again = (await api.get(f"/v1/searches/{portuguese['id']}/preview", params={"days": 7})).json()
    assert (again["total"], again["overlap"]) == (2, [])  # not held against itself
