"""The doctor: an address examined before anybody subscribes to it, and the feeds of a site found."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from services.ingest import store
from services.ingest.resources import Resources
from services.ingest.service import serve
from shared.settings import Settings
from tests.ingest.desk import Desk, ingesting
from tests.ingest.publisher import Publisher, item, rss

PAGE = "<!doctype html><html><head>{}</head><body>News of the day</body></html>"


def dated(count: int, every: timedelta) -> list[dict[str, str]]:
    now = datetime.now(UTC)
    return [item(n, pubDate=format_datetime(now - every * n)) for n in range(1, count + 1)]


def codes(report: dict[str, Any], *severities: str) -> set[str]:
    return {found["code"] for found in report["findings"] if found["severity"] in severities}


async def test_a_good_feed_is_found_good(ingest: Resources, desk: Desk, publisher: Publisher) -> None:
    publisher.serve("/feed", rss(dated(30, timedelta(hours=3))), ETag='"1"')
    publisher.serve("/robots.txt", "User-agent: *\nDisallow: /private", Content_Type="text/plain")
    report = await desk.examine(publisher.url("/feed"))
    assert (report["verdict"], report["format"], report["entries"]) == ("good", "rss2.0", 30)
    assert {"guids", "dates", "validators_honoured", "robots_allow", "depth", "hub_none"} <= codes(report, "info")
    assert 300 <= report["predicted_interval_s"] <= 86_400
    assert report["candidates"] == []
    assert await desk.one("SELECT count(*) FROM articles") == 0  # nobody subscribed to it


async def test_what_will_cost_articles_dates_or_requests_is_told(
    ingest: Resources, desk: Desk, publisher: Publisher
) -> None:
    ahead = format_datetime(datetime.now(UTC) + timedelta(days=40))
    items = [
        item(1, guid="same", pubDate="3/4/2026"),
        item(2, guid="same", pubDate=ahead),
        item(3, pubDate="") | {"link": ""},
        item(4, pubDate="23 de novembro de 2026"),
        *dated(4, timedelta(minutes=1))[3:],
    ]
    hub = '<link xmlns="http://www.w3.org/2005/Atom" rel="hub" href="/hub"/>'
    publisher.serve("/old", b"", status=301, Location="/feed")
    publisher.serve("/feed", rss(items, extra=hub), Last_Modified="Mon, 23 Nov 2026 10:00:00 GMT")
    publisher.serve("/robots.txt", "User-agent: *\nDisallow: /feed", Content_Type="text/plain")
    publisher.serve("/hub", b"", status=503)
    report = await desk.examine(publisher.url("/old"))
    assert report["verdict"] == "usable"
    assert codes(report, "warning") >= {
        "moved",
        "guids_shared",
        "dates_unreadable",
        "dates_ahead",
        "dates_missing",
        "validators_ignored",
        "robots_disallow",
        "hub_unreachable",
    }
    evidence = {found["code"]: found["evidence"] for found in report["findings"]}
    assert evidence["moved"] == {"to": publisher.url("/feed")}
    assert evidence["dates_unreadable"]["examples"] == ["3/4/2026"]


async def test_a_page_leads_to_the_feeds_it_names(ingest: Resources, desk: Desk, publisher: Publisher) -> None:
    links = '<link rel="alternate" type="application/rss+xml" href="/{}">'
    publisher.serve("/", PAGE.format(links.format("dead") + links.format("small") + links.format("big")))
    publisher.serve("/small", rss([item(1)]))
    publisher.serve("/big", rss([item(1), item(2)]))
    report = await desk.examine(publisher.url("/"))
    assert (report["verdict"], codes(report, "error")) == ("refused", {"not_a_feed"})
    assert report["candidates"] == [publisher.url("/big"), publisher.url("/small")]


async def test_a_page_that_names_none_leads_to_where_feeds_usually_stand(
    ingest: Resources, desk: Desk, publisher: Publisher
) -> None:
    publisher.serve("/world/", PAGE.format(""))
    publisher.serve("/world/feed", rss([item(1)]))
    publisher.serve("/rss.xml", PAGE.format(""))
    publisher.serve("/atom.xml", rss([item(1), item(2)]))
    report = await desk.examine(publisher.url("/world/"))
    assert report["candidates"] == [publisher.url("/atom.xml"), publisher.url("/world/feed")]
    subscribed = await desk.subscribe(publisher.url("/world/"))
    poll = await desk.first_poll(subscribed)
    assert poll["error"]["candidates"] == report["candidates"]
    assert publisher.url("/atom.xml") in poll["error"]["message"]
    again = await desk.poll_and_wait(subscribed)
    assert again["outcome"] == "not_a_feed"
    assert (await desk.state(subscribed))["error"]["candidates"] == report["candidates"]  # not looked for again
    assert publisher.times("/index.xml") == 0


async def test_what_cannot_be_reached_is_refused_with_the_reason(
    ingest: Resources, desk: Desk, publisher: Publisher
) -> None:
    for url, code in (
        (publisher.url("/nothing"), "not_found"),
        ("http://10.0.0.1/feed", "address_refused"),
        ("http://nobody.invalid/", "dns"),
    ):
        report = await desk.examine(url)
        assert (report["verdict"], codes(report, "error")) == ("refused", {code})


async def test_every_request_takes_its_hosts_turn(settings: Settings, desk: Desk, publisher: Publisher) -> None:
    gap_s, began = 0.2, datetime.now(UTC)
    publisher.serve("/feed", rss([item(1)]), ETag='"1"')
    async with ingesting(settings.model_copy(update={"host_gap_s": gap_s})):
        await asyncio.gather(desk.examine(publisher.url("/feed")), desk.examine(publisher.url("/feed")))
    assert len(publisher.asked) == 6  # the feed twice and robots.txt, each of both times
    assert await desk.one("SELECT next_start_at FROM hosts") >= began + timedelta(seconds=6 * gap_s)


async def test_the_service_has_a_doctor(settings: Settings, desk: Desk, publisher: Publisher) -> None:
    publisher.serve("/feed", rss([item(1)]))
    stop = asyncio.Event()
    service = asyncio.create_task(serve(settings, stop))
    try:
        assert (await desk.examine(publisher.url("/feed")))["entries"] == 1
    finally:
        stop.set()
        await service


async def test_a_request_whose_process_died_is_taken_over(desk: Desk, publisher: Publisher) -> None:
    publisher.serve("/feed", rss([item(1)]))
    request = await desk.one("INSERT INTO doctor_requests (url) VALUES (%s) RETURNING id", publisher.url("/feed"))
    now, minute = datetime.now(UTC), timedelta(minutes=1)
    asked = now - minute
    assert await store.claim_examinations(desk.conn, now, asked, now + minute, 4) == [(request, publisher.url("/feed"))]
    assert await store.claim_examinations(desk.conn, now, asked, now + minute, 4) == []
    later = now + 2 * minute
    assert len(await store.claim_examinations(desk.conn, later, asked, later + minute, 4)) == 1
    await store.report_examination(desk.conn, request, {"verdict": "good"})
    await store.report_examination(desk.conn, request, {"verdict": "refused"})
    assert await desk.one("SELECT report->>'verdict' FROM doctor_answers") == "good"
    assert await store.claim_examinations(desk.conn, later + 2 * minute, asked, later + 3 * minute, 4) == []


async def test_what_a_hub_does_for_other_feeds_is_told(ingest: Resources, desk: Desk, publisher: Publisher) -> None:
    extra = '<link xmlns="http://www.w3.org/2005/Atom" rel="hub" href="/hub"/>'
    publisher.serve("/feed", rss(dated(3, timedelta(hours=3)), extra=extra))
    publisher.serve("/hub", b"")

    async def told() -> dict[str, Any]:
        report = await desk.examine(publisher.url("/feed"))
        (found,) = [found for found in report["findings"] if found["code"].startswith("hub_")]
        return {"code": found["code"]} | {
            name: found["evidence"][name] for name in ("subscribed_feeds", "pushing_feeds")
        }

    assert await told() == {"code": "hub_declared", "subscribed_feeds": 0, "pushing_feeds": 0}
    await desk.rows(
        "INSERT INTO hub_subscriptions (feed_id, token, secret, hub_url, topic_url, state)"
        " SELECT n, n::text, 's', %s, 't', 'active' FROM generate_series(901, 903) n RETURNING 1",
        publisher.url("/hub"),
    )
    assert await told() == {"code": "hub_silent", "subscribed_feeds": 3, "pushing_feeds": 0}
    await desk.rows("UPDATE hub_subscriptions SET pinged_at = now() WHERE feed_id < 903 RETURNING 1")
    assert await told() == {"code": "hub_pushes", "subscribed_feeds": 3, "pushing_feeds": 2}
