from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from psycopg.types.json import Jsonb

from services.api.schemas import FeedObject, FeedPage, OpmlAnswer, PollObject, PollPage
from tests.api.conftest import Newsroom

WIRE = "https://wire.example/rss"


def requests(newsroom: Newsroom) -> list[tuple[int, str]]:
    return newsroom.conn.execute("SELECT feed_id, kind FROM feed_requests ORDER BY id").fetchall()


async def subscribe(api: httpx.AsyncClient, url: str = WIRE, **more: Any) -> dict[str, Any]:
    answer = await api.post("/v1/feeds", json={"url": url, **more})
    assert answer.status_code in (200, 201), answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_a_feed_is_subscribed_and_ingest_is_told(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    newsroom.conn.execute("LISTEN wiredesk_feed_requests")
    answer = await api.post(
        "/v1/feeds",
        json={
            "url": WIRE,
            "title": "Wire",
            "tags": ["a", "b", "a"],
            "source": {"name": "Wire"},
            "priority": "breaking",
        },
    )
    feed = answer.json()
    FeedObject.model_validate(feed)
    assert (answer.status_code, answer.headers["location"]) == (201, f"/v1/feeds/{feed['id']}")
    assert (feed["url"], feed["title"], feed["tags"], feed["priority"]) == (WIRE, "Wire", ["a", "b"], "breaking")
    assert (feed["source"], feed["paused"], feed["state"]["status"]) == ({"name": "Wire"}, False, "new")
    assert requests(newsroom) == [(feed["id"], "changed")]
    assert len(list(newsroom.conn.notifies(timeout=5, stop_after=1))) == 1


async def test_another_spelling_of_an_address_is_the_same_feed(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    first = await subscribe(api)
    again = await api.post("/v1/feeds", json={"url": "HTTPS://Wire.Example:443/rss#top"})
    assert (again.status_code, again.json()["id"]) == (200, first["id"])
    assert len(requests(newsroom)) == 1


async def test_the_key_in_an_address_is_kept_and_never_told(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    added = await api.post("/v1/feeds", json={"url": "https://jo:hunter2@locked.example/feed"})
    feed = added.json()["id"]
    newsroom.conn.execute(
        "INSERT INTO feed_states (feed_id, moved_to) VALUES (%s, 'https://jo:hunter2@locked.example/new')"
        " ON CONFLICT (feed_id) DO UPDATE SET moved_to = excluded.moved_to",
        (feed,),
    )
    told = [added, await api.get(f"/v1/feeds/{feed}"), await api.get("/v1/feeds"), await api.get("/v1/feeds.opml")]
    assert not any("hunter2" in answer.text for answer in told)
    assert told[1].json()["url"] == "https://locked.example/feed"
    assert told[1].json()["state"]["moved_to"] == "https://locked.example/new"
    kept = newsroom.conn.execute("SELECT url FROM feeds WHERE id = %s", (feed,)).fetchall()
    assert kept == [("https://jo:hunter2@locked.example/feed",)]


async def test_one_address_asked_for_at_once_is_one_feed(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(api.post("/v1/feeds", json={"url": WIRE}) for _ in range(6)))
    assert sorted(a.status_code for a in answers) == [200] * 5 + [201]
    assert len({a.json()["id"] for a in answers}) == 1


@pytest.mark.parametrize(
    "url",
    [
        "ftp://wire.example/rss", "javascript:alert(1)", "wire.example/rss", "http://", "http://127.0.0.1/rss",
        "http://10.0.0.1/", "http://[::1]/", "http://2130706433/", "http://[::ffff:127.0.0.1]/", "file:///etc/passwd",
    ],
)  # fmt: skip
async def test_an_address_that_must_not_be_fetched_is_refused(api: httpx.AsyncClient, url: str) -> None:
    answer = await api.post("/v1/feeds", json={"url": url})
    assert (answer.status_code, answer.json()["code"]) == (422, "address_refused")
    assert answer.json()["errors"][0]["where"] == "body.url"


@pytest.mark.parametrize(
    ("body", "where", "suggestion"),
    [
        ({}, "body.url", None),
        ({"url": 7}, "body.url", None),
        ({"url": WIRE, "tittle": "x"}, "body.tittle", "title"),
        ({"url": WIRE, "priority": "urgent"}, "body.priority", None),
        ({"url": WIRE, "tags": ["a", 3]}, "body.tags.1", None),
        ({"url": WIRE, "source": {"name": "x", "country": "portugal"}}, "body.source.country", None),
        ({"url": WIRE, "source": {"country": "US", "admin1": "Georgia"}}, "body.source.admin1", None),
        ({"url": WIRE, "source": {"admin1": "GA"}}, "body.source", None),
    ],
)
async def test_a_wrong_shape_is_told_by_its_place(
    api: httpx.AsyncClient, body: dict[str, Any], where: str, suggestion: str | None
) -> None:
    answer = await api.post("/v1/feeds", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_body")
    (error,) = answer.json()["errors"]
    assert (error["where"], error.get("suggestion")) == (where, suggestion)


async def test_a_change_keeps_what_it_does_not_name(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    feed = await subscribe(api, title="Wire", tags=["a"], source={"name": "Wire", "country": "PT"})
    changed = await api.patch(f"/v1/feeds/{feed['id']}", json={"paused": True})
    assert changed.status_code == 200
    assert (changed.json()["title"], changed.json()["tags"], changed.json()["paused"]) == ("Wire", ["a"], True)
    assert changed.json()["state"]["status"] == "paused"
    cleared = (await api.patch(f"/v1/feeds/{feed['id']}", json={"title": None, "source": None, "tags": []})).json()
    assert (cleared["title"], cleared["source"], cleared["tags"], cleared["paused"]) == (None, None, [], True)
    assert [kind for _, kind in requests(newsroom)] == ["changed"] * 3
    assert (await api.patch(f"/v1/feeds/{feed['id']}", json={"url": WIRE})).status_code == 422


async def test_a_feeds_home_needs_no_name(api: httpx.AsyncClient) -> None:
    feed = await subscribe(api, source={"country": "US", "admin1": "GA"})
    assert feed["source"] == {"country": "US", "admin1": "GA"}
    moved = (await api.patch(f"/v1/feeds/{feed['id']}", json={"source": {"country": "GB", "admin1": "ENG"}})).json()
    assert moved["source"] == {"country": "GB", "admin1": "ENG"}


async def test_a_deleted_feed_is_gone_and_can_come_back(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    feed = await subscribe(api)
    assert (await api.delete(f"/v1/feeds/{feed['id']}")).status_code == 204
    for method in ("GET", "DELETE"):
        assert (await api.request(method, f"/v1/feeds/{feed['id']}")).json()["code"] == "not_found"
    assert (await api.get("/v1/feeds")).json()["items"] == []
    assert (await subscribe(api))["id"] != feed["id"]


async def test_the_list_can_be_narrowed_and_paged(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    for n in range(5):
        await subscribe(api, f"https://wire.example/{n}", tags=["even" if n % 2 == 0 else "odd"], paused=n == 4)
    newsroom.conn.execute(
        "INSERT INTO feed_states (feed_id, status) SELECT id, 'failing' FROM feeds WHERE url LIKE '%/1'"
    )
    urls: list[str] = []
    url: str | None = "/v1/feeds?limit=2"
    while url:
        page = (await api.get(url)).json()
        FeedPage.model_validate(page)
        urls += [feed["url"][-1] for feed in page["items"]]
        url = page["next"]
    assert urls == ["0", "1", "2", "3", "4"]

    async def found(query: str) -> list[str]:
        return [feed["url"][-1] for feed in (await api.get(f"/v1/feeds?{query}")).json()["items"]]

    assert await found("tag=even") == ["0", "2", "4"]
    assert await found("status=failing") == ["1"]
    assert await found("status=paused&status=new&tag=even") == ["0", "2", "4"]
    assert await found("priority=breaking") == []


async def test_a_poll_asked_for_is_a_row_for_ingest(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    feed = await subscribe(api)
    answer = await api.post(f"/v1/feeds/{feed['id']}/poll")
    assert answer.status_code == 202
    assert requests(newsroom)[-1] == (feed["id"], "poll")


async def test_a_poll_waited_for_comes_with_its_outcome(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    feed = await subscribe(api)
    asked = asyncio.create_task(api.post(f"/v1/feeds/{feed['id']}/poll?wait=30"))
    while not (open_ones := newsroom.conn.execute("SELECT id FROM feed_requests WHERE kind = 'poll'").fetchall()):
        await asyncio.sleep(0.05)
    counts = {"new": 2, "corrected": 0, "unchanged": 0, "duplicate": 0, "refused": 0, "capped": 0}
    ((poll_id,),) = newsroom.conn.execute(
        "INSERT INTO polls (feed_id, at, took_ms, outcome, http_status, bytes, entries, counts)"
        " VALUES (%s, now(), 12, 'ok', 200, 900, 2, %s) RETURNING id",
        (feed["id"], Jsonb(counts)),
    ).fetchall()
    newsroom.conn.execute(
        "INSERT INTO feed_answers (request_id, feed_id, poll_id) VALUES (%s, %s, %s)",
        (open_ones[0][0], feed["id"], poll_id),
    )
    answer = await asked
    assert (answer.status_code, answer.json()["outcome"], answer.json()["counts"]) == (200, "ok", counts)
    PollObject.model_validate(answer.json())
    page = (await api.get(f"/v1/feeds/{feed['id']}/polls")).json()
    PollPage.model_validate(page)
    assert [p["took_ms"] for p in page["items"]] == [12]


async def test_a_publisher_that_asked_for_rest_gets_it(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    feed = await subscribe(api)
    newsroom.conn.execute(
        "INSERT INTO feed_states (feed_id, retry_after_at) VALUES (%s, %s)",
        (feed["id"], datetime.now(UTC) + timedelta(minutes=5)),
    )
    answer = await api.post(f"/v1/feeds/{feed['id']}/poll")
    assert (answer.status_code, answer.json()["code"]) == (409, "retry_after")
    assert 0 < int(answer.headers["retry-after"]) <= 300
    assert requests(newsroom) == [(feed["id"], "changed")]


async def test_answered_requests_are_forgotten_after_an_hour(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    feed = await subscribe(api)
    await subscribe(api, "https://other.example/rss")
    for age, request in (("2 hours", 1), ("1 minute", 2)):
        newsroom.conn.execute(
            "INSERT INTO feed_answers (request_id, feed_id, answered_at) VALUES (%s, 1, now() - %s::interval)",
            (request, age),
        )
    await api.post(f"/v1/feeds/{feed['id']}/poll")
    assert newsroom.conn.execute("SELECT id FROM feed_requests ORDER BY id").fetchall() == [(2,), (3,)]


OPML = """<?xml version="1.0" encoding="UTF-8"?>
<opml version="2.0"><head><title>mine</title></head><body>
  <outline text="Europe"><outline text="South">
    <outline type="rss" text="Wire" xmlUrl="https://wire.example/rss"/>
    <outline type="rss" text="Twice" xmlUrl="https://WIRE.example/rss"/>
  </outline></outline>
  <outline text="Top" xmlUrl="https://top.example/feed"/>
  <outline text="Inside" xmlUrl="http://192.168.1.1/feed"/>
  <outline text="Old" xmlUrl="https://known.example/rss"/>
</body></opml>"""
AS_OPML = {"Content-Type": "text/x-opml"}


async def test_an_opml_list_comes_in_and_goes_out(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    await subscribe(api, "https://known.example/rss")
    answer = await api.post("/v1/feeds.opml", content=OPML, headers=AS_OPML)
    told = OpmlAnswer.model_validate(answer.json())
    assert (answer.status_code, told.added, told.known) == (200, 2, 2)
    assert [r.url for r in told.refused] == ["http://192.168.1.1/feed"]
    feeds = {f["url"]: f for f in (await api.get("/v1/feeds")).json()["items"]}
    assert feeds["https://wire.example/rss"]["tags"] == ["Europe/South"]
    assert feeds["https://top.example/feed"]["title"] == "Top"
    assert [kind for _, kind in requests(newsroom)] == ["changed"] * 3
    out = await api.get("/v1/feeds.opml")
    assert out.headers["content-type"].startswith("text/x-opml")
    again = await api.post("/v1/feeds.opml", content=out.content, headers=AS_OPML)
    assert (again.json()["added"], again.json()["known"], again.json()["refused"]) == (0, 3, [])


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<opml>", b"not xml", b"<rss version='2.0'/>",
        b'<!DOCTYPE opml [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><opml><body><outline text="&b;"/></body></opml>',
        b'<!DOCTYPE opml [<!ENTITY x SYSTEM "file:///etc/passwd">]><opml><body><outline text="&x;"/></body></opml>',
    ],
)  # fmt: skip
async def test_what_is_no_opml_is_refused(api: httpx.AsyncClient, body: bytes) -> None:
    answer = await api.post("/v1/feeds.opml", content=body, headers=AS_OPML)
    assert (answer.status_code, answer.json()["code"]) == (422, "unreadable")


async def test_opml_of_any_depth_is_read(api: httpx.AsyncClient) -> None:
    deep = "<outline text='f'>" * 200 + "<outline xmlUrl='https://deep.example/'/>" + "</outline>" * 200
    answer = await api.post("/v1/feeds.opml", content=f"<opml><body>{deep}</body></opml>", headers=AS_OPML)
    assert (answer.status_code, answer.json()["added"]) == (200, 1)


async def test_the_address_that_a_feed_moved_to_is_that_feed(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    old = (await api.post("/v1/feeds", json={"url": "https://old.example/rss"})).json()
    newsroom.conn.execute(
        "INSERT INTO feed_states (feed_id, moved_to) VALUES (%s, 'https://new.example/rss/')"
        " ON CONFLICT (feed_id) DO UPDATE SET moved_to = excluded.moved_to",
        (old["id"],),
    )
    for url in ("https://new.example/rss/", "HTTPS://New.example:443/rss/", "https://old.example/rss"):
        answer = await api.post("/v1/feeds", json={"url": url})
        assert (answer.status_code, answer.json()["id"]) == (200, old["id"]), url
    opml = '<opml version="2.0"><body><outline xmlUrl="https://new.example/rss/"/></body></opml>'
    told = await api.post("/v1/feeds.opml", content=opml, headers={"Content-Type": "text/x-opml"})
    assert told.json() == {"added": 0, "known": 1, "refused": []}
    assert (await api.post("/v1/feeds", json={"url": "https://new.example/other"})).status_code == 201
    await api.delete(f"/v1/feeds/{old['id']}")
    assert (await api.post("/v1/feeds", json={"url": "https://new.example/rss/"})).status_code == 201
