"""The name and password in a feed's address open its publisher's door, and are told to nobody else."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime

import pytest
from aiohttp import web

from services.ingest.findings import Seen, report
from services.ingest.moves import Moves
from services.ingest.resources import Resources
from shared.urls import shown, with_userinfo_of
from tests.ingest.desk import Desk
from tests.ingest.publisher import Publisher, item, rss

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)

SECRET = "hunter2"


def locked(publisher: Publisher, path: str, answer: web.Response | None = None, body: str = "") -> None:
    async def served(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != "Basic " + b64encode(f"jo:{SECRET}".encode()).decode():
            return web.Response(status=401)
        if answer is not None:
            return web.Response(status=answer.status, headers={"Location": answer.headers["Location"]})
        return web.Response(text=body, content_type="application/rss+xml")

    publisher.answers[path] = served


async def test_what_opens_a_feed_is_in_no_article_no_event_and_no_report(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    text = '<a href="/more">More</a> <img src="/p.jpg">' + " and so on" * 300
    body = rss([item(1, link="/articles/1", description=text), {"title": "Without a link"}])
    body = body.replace("<link>https://news.example/</link>", "")
    locked(publisher, "/feed", body=body)
    locked(publisher, "/old", web.Response(status=301, headers={"Location": publisher.url("/feed")}))
    address = publisher.url("/old").replace("://", f"://jo:{SECRET}@")
    feed = await desk.subscribe(address)
    assert (await desk.first_poll(feed))["outcome"] == "updated"  # also behind the redirect
    articles = await desk.rows("SELECT to_jsonb(a) FROM articles a")
    assert len(articles) == 2
    assert SECRET not in json.dumps(articles)
    assert {article["url"] for (article,) in articles} == {publisher.url("/articles/1"), publisher.url("/feed")}
    assert SECRET not in json.dumps((await desk.state(feed))["warnings"])
    assert SECRET not in json.dumps(await desk.examine(address))
    publisher.answers.clear()
    for _ in range(3):
        await desk.poll_and_wait(feed)
    told = await desk.rows("SELECT data FROM events WHERE type = 'wiredesk.feed.failing.v1'")
    assert len(told) == 1
    assert SECRET not in json.dumps(told)
    assert json.loads(told[0][0])["url"] == publisher.url("/old")


@pytest.mark.parametrize(
    ("there", "carried"),
    [
        ("https://news.example/new", True),
        ("http://news.example/new", True),
        ("https://other.example/new", False),
        ("https://news.example:8443/new", False),
        ("https://me:mine@news.example/new", False),
    ],
)
def test_a_redirect_keeps_the_key_on_its_own_host_alone(there: str, carried: bool) -> None:
    sent = with_userinfo_of("http://jo:hunter2@news.example/feed", there)
    assert (SECRET in sent) is carried
    assert shown(sent) == shown(there)


def test_a_key_is_never_sent_in_the_clear_that_was_not_before() -> None:
    assert SECRET not in with_userinfo_of("https://jo:hunter2@news.example/feed", "http://news.example/feed")


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("https://jo:p%40ss@news.example/feed", "https://news.example/feed"),
        ("https://jo:p@ss@news.example:8443?x=1", "https://news.example:8443?x=1"),
        ("https://news.example/@jo/feed", "https://news.example/@jo/feed"),
        ("https://news.example?q=a@b", "https://news.example?q=a@b"),
    ],
)
def test_an_address_is_shown_without_its_key(address: str, told: str) -> None:
    assert shown(address) == told


def test_reports_and_warnings_show_addresses_without_their_key() -> None:
    address = f"https://jo:{SECRET}@news.example/feed"
    seen = Seen(address, NOW, final_url=address + "/x", permanent_url=address + "/x", robots=False)
    assert SECRET not in json.dumps(report(seen))
    assert SECRET not in Moves().after(address, NOW).message()
