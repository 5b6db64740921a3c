"""What a publisher asks for is kept, and a feed that seemed dead is found again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web

from services.ingest.resources import Resources
from shared.settings import Settings
from tests.ingest.desk import Desk, ingesting
from tests.ingest.publisher import Publisher, item, rss


async def passes(desk: Desk, feed: int, time: timedelta) -> None:
    """As if everything planned had been planned that much earlier."""
    await desk.conn.execute(
        "WITH due AS (UPDATE feed_clocks SET next_poll_at = next_poll_at - %s WHERE feed_id = %s)"
        " UPDATE feed_states SET retry_after_at = retry_after_at - %s WHERE feed_id = %s",
        (time, feed, time, feed),
    )


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_retry_after_is_kept_in_both_its_forms(
    desk: Desk, publisher: Publisher, ingest: Resources, status: int, form: str
) -> None:
    until = datetime.now(UTC) + timedelta(hours=2)
    asked = "7200" if form == "seconds" else format_datetime(until, usegmt=True)
    publisher.serve("/feed", b"", status=status, Retry_After=asked)
    feed = await desk.subscribe(publisher.url("/feed"))
    await desk.first_poll(feed)
    state = await desk.state(feed)
    assert abs(state["retry_after_at"] - until) < timedelta(seconds=60)
    assert state["next_poll_at"] >= state["retry_after_at"]
    assert [rule for rule, _, _, decided in state["rules"] if decided] == ["retry_after"]
    refused = (await desk.poll_and_wait(feed))["refused"]
    assert (refused["code"], publisher.times("/feed")) == ("retry_after", 1)
    publisher.serve("/feed", rss([item(1)]))
    await passes(desk, feed, timedelta(hours=3))
    await desk.until(lambda: desk.rows("SELECT 1 FROM feed_states WHERE feed_id = %s AND status = 'ok'", feed))
    assert (await desk.state(feed))["retry_after_at"] is None


async def test_an_endless_retry_after_is_a_day_and_a_good_answer_asks_for_nothing(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    publisher.serve("/feed", b"", status=503, Retry_After="99999999")
    publisher.serve("/good", rss([item(1)]), Retry_After="7200")
    feed, good = [await desk.subscribe(publisher.url(path)) for path in ("/feed", "/good")]
    await desk.first_poll(feed)
    await desk.first_poll(good)
    asked: datetime = (await desk.state(feed))["retry_after_at"]
    assert timedelta(hours=23) < asked - datetime.now(UTC) <= timedelta(days=1)
    assert (await desk.state(good))["retry_after_at"] is None


SY = "http://purl.org/rss/1.0/modules/syndication/"
IN_FOUR_HOURS = "in four hours"  # of the test


@pytest.mark.parametrize(
    ("extra", "headers", "rule"),
    [
        ("<ttl>240</ttl>", {}, "ttl"),
        (
            f'<u:updatePeriod xmlns:u="{SY}">daily</u:updatePeriod>'
            f'<u:updateFrequency xmlns:u="{SY}">6</u:updateFrequency>',
            {},
            "ttl",
        ),
        ("", {"Cache_Control": "public, max-age=14400"}, "cache_control"),
        ("", {"Expires": IN_FOUR_HOURS}, "cache_control"),
        ("<ttl>30</ttl>", {"Cache_Control": "max-age=14400"}, "cache_control"),
        ("<ttl>240</ttl>", {"Cache_Control": "no-cache", "Expires": IN_FOUR_HOURS}, "ttl"),
    ],
)
async def test_what_the_publisher_says_of_its_pace_decides_when_it_is_slower_than_ours(
    desk: Desk, publisher: Publisher, ingest: Resources, extra: str, headers: dict[str, Any], rule: str
) -> None:
    now = datetime.now(UTC)
    busy = [item(n, pubDate=format_datetime(now - timedelta(minutes=n), usegmt=True)) for n in range(30)]
    expires = format_datetime(now + timedelta(hours=4), usegmt=True)
    sent: dict[str, Any] = {name: expires if value == IN_FOUR_HOURS else value for name, value in headers.items()}
    publisher.serve("/feed", rss(busy, extra=extra), **sent)
    feed = await desk.subscribe(publisher.url("/feed"))
    await desk.first_poll(feed)
    state = await desk.state(feed)
    assert [name for name, _, _, decided in state["rules"] if decided] == [rule]
    assert state["interval_s"] == pytest.approx(4 * 3600, abs=120)


async def test_a_feed_dead_for_forty_polls_is_still_looked_at_daily_and_found_again(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    feed = await desk.subscribe(publisher.url("/feed"))  # 404
    await desk.first_poll(feed)
    for _ in range(39):
        await desk.poll_and_wait(feed)
    state = await desk.state(feed)
    assert state["status"] == "failing"
    assert timedelta(0) < state["next_poll_at"] - datetime.now(UTC) < timedelta(days=1.2)
    publisher.serve("/feed", rss([item(1)]))
    await passes(desk, feed, timedelta(days=2))
    await desk.until(lambda: desk.rows("SELECT 1 FROM feed_states WHERE feed_id = %s AND status = 'ok'", feed))
    kinds = [kind for (kind,) in await desk.rows("SELECT type FROM events ORDER BY position")]
    assert kinds == ["wiredesk.feed.failing.v1", "wiredesk.feed.recovered.v1"]


async def test_two_replicas_prove_a_move_together_and_each_sighting_counts_once(
    desk: Desk, publisher: Publisher, settings: Settings
) -> None:
    async def moved(request: web.Request) -> web.StreamResponse:
        return web.Response(status=308, headers={"Location": publisher.url("/new", "localhost")})

    publisher.answers["/old"] = moved
    publisher.serve("/new", rss([item(n, pubDate="") for n in range(3)]))
    async with ingesting(settings), ingesting(settings):
        feed = await desk.subscribe(publisher.url("/old"))
        await desk.first_poll(feed)
        for _ in range(5):
            await desk.poll_and_wait(feed)
    state = await desk.state(feed)
    assert (state["rhythm"]["moves"]["seen"], publisher.times("/old"), state["moved_to"]) == (6, 6, None)
    assert await desk.one("SELECT count(*) FROM polls WHERE feed_id = %s", feed) == 6


async def test_a_body_that_breaks_off_gives_what_is_whole_and_the_rest_is_asked_for_again(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    whole = rss([item(1), item(2), item(3)])
    publisher.serve("/feed", rss([item(1)]), ETag='"a"')
    feed = await desk.subscribe(publisher.url("/feed"))
    await desk.first_poll(feed)
    await desk.conn.execute("UPDATE feed_clocks SET full_at = now() WHERE feed_id = %s", (feed,))
    publisher.serve("/feed", whole[: whole.index("which says", whole.index("item-3"))], ETag='"b"')
    poll = await desk.poll_and_wait(feed)
    assert (poll["outcome"], poll["counts"]["new"]) == ("updated", 1)
    publisher.serve("/feed", whole, ETag='"b"')
    poll = await desk.poll_and_wait(feed)
    assert (poll["outcome"], poll["counts"]["new"], poll["counts"]["corrected"]) == ("updated", 1, 0)
    assert (await desk.state(feed))["warnings"] == []  # the validators did not lie
    texts = await desk.rows("SELECT title, description FROM articles ORDER BY id")
    assert texts == [(f"Headline number {n}", f"The lead of article {n}, which says what happened.") for n in (1, 2, 3)]
    publisher.serve("/feed", whole[: whole.index("<item>")], ETag='"c"')  # nothing is whole in it
    poll = await desk.poll_and_wait(feed)
    assert (poll["outcome"], (await desk.state(feed))["entries_in_last_poll"]) == ("unreadable", 3)
