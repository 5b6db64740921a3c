"""Versions and what changed between them, over HTTP."""

from __future__ import annotations

import itertools

import httpx
from psycopg.types.json import Jsonb

from shared import log
from tests.api.conftest import BEGAN, Newsroom


def corrected(newsroom: Newsroom) -> int:
    """An article at version 3: other words, then taken back; as ingest stores it."""
    n = newsroom.article("Bridge to open in May", relay=False)
    run = newsroom.conn.execute
    run(
        "UPDATE article_versions SET description = 'Two years of work end.', body_html = '<p>It opens in May.</p>',"
        " authors = '{Jo}' WHERE article_id = %s",
        (n,),
    )
    run(
        "UPDATE articles SET version = 3, title = 'Bridge to open in June', description = 'Two years of work end.',"
        " body_html = '<p>It opens in June, 40 days late.</p>', authors = '{Jo}', status = 'withdrawn' WHERE id = %s",
        (n,),
    )
    changes = [{"field": "title", "old": "Bridge to open in May", "new": "Bridge to open in June"}]
    taken_back = [{"field": "status", "old": "corrected", "new": "withdrawn"}]
    for version, told in ((2, changes), (3, taken_back)):
        run(
            "INSERT INTO article_versions VALUES (%s, %s, %s, 'Bridge to open in June', NULL, true, %s)",
            (n, version, BEGAN, Jsonb(told)),
        )
    return n


async def test_what_changed_between_two_versions(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    n = corrected(newsroom)
    told = (await api.get(f"/v1/articles/{n}/diff", params={"from": 1, "to": 2})).json()
    assert told == {
        "from": 1,
        "to": 2,
        "significant": True,
        "changes": [
            {"field": "title", "old": "Bridge to open in May", "new": "Bridge to open in June"},
            {"field": "body_text", "old": "It opens in May.", "new": "It opens in June, 40 days late."},
        ],
    }
    latest = (await api.get(f"/v1/articles/{n}/diff")).json()
    assert (latest["from"], latest["to"]) == (2, 3)
    assert latest["changes"] == [{"field": "status", "old": "usable", "new": "withdrawn"}]
    backwards = (await api.get(f"/v1/articles/{n}/diff", params={"from": 3, "to": 1})).json()
    assert [change["field"] for change in backwards["changes"]] == ["title", "body_text", "status"]
    same = (await api.get(f"/v1/articles/{n}/diff", params={"from": 2, "to": 2})).json()
    assert (same["changes"], same["significant"]) == ([], False)


async def test_versions_list_each_with_its_changes(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    items = (await api.get(f"/v1/articles/{corrected(newsroom)}/versions")).json()["items"]
    assert [item["version"] for item in items] == [1, 2, 3]
    assert set(items[0]) == {"version", "position", "seen_at", "title", "modified_at", "significant", "changes"}


async def test_versions_that_are_not_there(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    n = newsroom.article()
    missing = await api.get(f"/v1/articles/{n}/diff", params={"from": 1, "to": 7})
    assert (missing.status_code, missing.json()["code"]) == (400, "bad_value")
    assert missing.json()["errors"][0]["where"] == "query.to"
    assert (await api.get(f"/v1/articles/{n}/diff", params={"form": 1})).json()["errors"][0]["suggestion"] == "from"
    assert (await api.get("/v1/articles/99999/diff")).status_code == 404


async def test_a_versions_position_is_of_its_own_event_or_none(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    article_id = newsroom.article("first")
    card = {"id": article_id, "version": 1}
    kind = "wiredesk.article.reannotated.v1"
    assert newsroom.tell(kind, f"articles/{article_id}", card, article_id) == 2

    limits = itertools.count(1)

    async def positions() -> list[int | None]:
        listed = (await api.get(f"/v1/articles/{article_id}/versions")).json()["items"]
        page = (await api.get(f"/v1/articles?include=versions&limit={next(limits)}")).json()["items"]  # none is kept
        assert [v["position"] for v in page[0]["versions"]] == [v["position"] for v in listed]
        return [v["position"] for v in listed]

    assert await positions() == [1]
    with newsroom.conn.transaction():
        assert log.trim(newsroom.conn, 1, None, 2, 100) == 1
    assert await positions() == [None]  # not that of the later reading, which is still there
