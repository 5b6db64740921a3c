from __future__ import annotations

from datetime import timedelta

import httpx

from tests.api.conftest import BEGAN, Newsroom


async def titles(api: httpx.AsyncClient, query: str = "") -> list[str]:
    answer = await api.get(f"/v1/articles{query}")
    assert answer.status_code == 200, answer.text
    return [item["title"] for item in answer.json()["items"]]


async def test_the_list_is_newest_first_and_names_the_position_to_follow_from(
    newsroom: Newsroom, api: httpx.AsyncClient
) -> None:
    newsroom.article("older", published=BEGAN)
    newsroom.article("newest", published=BEGAN + timedelta(hours=2))
    newsroom.article("undated", published=BEGAN + timedelta(hours=1), undated=True)
    page = (await api.get("/v1/articles")).json()
    assert [(i["title"], i["position"]) for i in page["items"]] == [("newest", 2), ("undated", 3), ("older", 1)]
    assert page["position"] == 3
    assert page["next"] is None


async def test_an_empty_store_is_an_empty_list(api: httpx.AsyncClient) -> None:
    assert (await api.get("/v1/articles")).json() == {"items": [], "next": None, "position": 0}
