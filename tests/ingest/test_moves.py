"""A feed's new address is believed after proof, a feed taken away is looked at rarely, and both come back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from aiohttp import web

from services.ingest import store
from services.ingest.moves import Moves, goes_back
from services.ingest.outcomes import Failure
from services.ingest.resources import Resources
from services.ingest.schedule import Bounds
from services.ingest.states import Claimed, Finished, Result, finish
from tests.ingest.desk import Desk
from tests.ingest.publisher import Publisher, item, rss

MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
OLD, NEW = "https://old.example/rss", "https://new.example/rss"
FEED = Claimed(
    feed_id=1,
    token=1,
    url=OLD,
    host="old.example:443",
    priority="normal",
    own_title=None,
    own_source=None,
    status="ok",
    etag=None,
    last_modified=None,
    body_hash=None,
    failures=0,
    told_failing=False,
    last_success_at=None,
    entries_in_last_poll=0,
    articles_total=0,
    format=None,
    title=None,
    site_url=None,
    language=None,
    hub=None,
    rhythm={},
    warnings=(),
    own_url=OLD,
)


def polled(feed: Claimed, at: datetime, led_to: str | None = None, failure: Failure | None = None) -> Finished:
    """The feed's state after a poll that was answered 304 (after redirects) or failed."""
    result = Result(at, failure.code if failure else "not_modified", permanent_url=led_to, failure=failure)
    return finish(feed, result, Bounds(300, 86_400), False, at, 0.5)


def after(feed: Claimed, finished: Finished) -> Claimed:
    """The feed as the next poll claims it."""
    row = orjson.loads(orjson.dumps(finished.row))
    kept = {name: row[name] for name in ("host", "moved_to", "failures", "told_failing", "rhythm", "status")}
    return replace(feed, **kept, url=row["moved_to"] or OLD, warnings=row["warnings"] or feed.warnings)


def codes(finished: Finished) -> list[str]:
    return [warning["code"] for warning in finished.row["warnings"]]


def moved() -> Claimed:
    feed = FEED
    for n in range(5):
        feed = after(feed, polled(feed, MONDAY + n * 7 * HOUR, NEW))
    return feed


def test_an_address_moves_after_five_sightings_over_a_day() -> None:
    feed, seen = FEED, []
    for n in range(5):
        done = polled(feed, MONDAY + n * 6 * HOUR, NEW)
        seen.append((done.row["moved_to"], done.row["host"], codes(done)))
        feed = after(feed, done)
    assert seen[:4] == [(None, "old.example:443", ["moved_unproven"])] * 4
    assert seen[4] == (NEW, "new.example:443", [])
    assert (feed.url, feed.own_url) == (NEW, OLD)
    there = polled(feed, MONDAY + 30 * HOUR)
    assert (there.row["moved_to"], codes(there)) == (NEW, [])


def test_many_sightings_within_a_day_and_few_over_many_prove_nothing() -> None:
    often = rarely = FEED
    for n in range(23):
        often = after(often, polled(often, MONDAY + n * HOUR, NEW))
    for n in range(4):
        rarely = after(rarely, polled(rarely, MONDAY + n * 24 * HOUR, NEW))
    assert (often.moved_to, rarely.moved_to) == (None, None)
    assert "seen 23 times since 2026-11-23T12:00:00Z" in often.warnings[0]["message"]


def test_another_target_or_an_answer_without_a_redirect_begins_anew() -> None:
    moves = Moves()
    for n in range(4):
        moves = moves.after(NEW, MONDAY + n * 10 * HOUR)
    assert moves.after(NEW, MONDAY + 50 * HOUR).proven
    assert moves.after("https://third.example/", MONDAY + 50 * HOUR).seen == 1
    assert moves.after(None, MONDAY + 50 * HOUR) == Moves()
    assert Moves.of(orjson.loads(orjson.dumps(moves.stored()))) == moves
    assert Moves.of({}) == Moves()


def test_a_failure_proves_nothing_and_disproves_nothing() -> None:
    feed = FEED
    for n in range(4):
        feed = after(feed, polled(feed, MONDAY + n * 10 * HOUR, NEW))
    feed = after(feed, polled(feed, MONDAY + 40 * HOUR, NEW, Failure.of("server_error", "status 500")))
    assert (feed.moved_to, feed.rhythm["moves"]["seen"]) == (None, 4)
    assert after(feed, polled(feed, MONDAY + 41 * HOUR, NEW)).moved_to == NEW


def test_a_feed_whose_new_address_fails_goes_back_to_the_old_one() -> None:
    feed = moved()
    for n, there in enumerate((NEW, NEW, None)):
        feed = after(feed, polled(feed, MONDAY + (40 + n) * HOUR, failure=Failure.of("not_found", "status 404")))
        assert feed.moved_to == there
    assert (feed.url, feed.host) == (OLD, "old.example:443")
    assert after(moved(), polled(moved(), MONDAY, failure=Failure.of("gone", "status 410"))).url == OLD
    assert not goes_back(None, 9, True)


def test_a_feed_taken_away_is_looked_at_once_a_week_and_comes_back() -> None:
    gone = polled(FEED, MONDAY, failure=Failure.of("gone", "status 410"))
    assert (gone.row["status"], [e.type for e in gone.events]) == ("gone", ["wiredesk.feed.failing.v1"])
    assert timedelta(days=7) <= gone.clock.plan.next_poll_at - MONDAY <= timedelta(days=7.8)
    assert [rule.rule for rule in gone.clock.plan.rules if rule.decided] == ["gone"]
    back = polled(after(FEED, gone), MONDAY + timedelta(days=7))
    assert (back.row["status"], [e.type for e in back.events]) == ("ok", ["wiredesk.feed.recovered.v1"])


def redirect(status: int, to: str) -> web.Response:
    return web.Response(status=status, headers={"Location": to})


@pytest.mark.parametrize("status", [301, 302])
async def test_a_moved_feed_is_polled_where_it_is_and_only_permanent_redirects_count(
    desk: Desk, publisher: Publisher, ingest: Resources, status: int
) -> None:
    async def old(request: web.Request) -> web.StreamResponse:
        return redirect(status, publisher.url("/new", "localhost"))

    publisher.answers["/old"] = old
    publisher.serve("/new", rss([item(n, pubDate="") for n in range(3)]))
    feed = await desk.subscribe(publisher.url("/old"))
    await desk.first_poll(feed)
    state = await desk.state(feed)
    assert [w["code"] for w in state["warnings"]] == (["moved_unproven"] if status == 301 else [])
    assert state["moved_to"] is None
    for _ in range(3):
        await desk.poll_and_wait(feed)
    # As if the first of them had been seen yesterday.
    yesterday = (datetime.now(UTC) - timedelta(hours=25)).isoformat()
    await desk.conn.execute(
        "UPDATE feed_states SET rhythm = jsonb_set(rhythm, '{moves,since}', to_jsonb(%s::text))"
        " WHERE rhythm -> 'moves' ? 'since'",
        (yesterday,),
    )
    await desk.poll_and_wait(feed)
    state = await desk.state(feed)
    if status == 302:
        assert (state["moved_to"], state["warnings"], publisher.times("/old")) == (None, [], 5)
        return
    assert (state["moved_to"], state["warnings"]) == (publisher.url("/new", "localhost"), [])
    assert state["host"] == f"localhost:{publisher.port}"
    assert await desk.one("SELECT count(*) FROM hosts WHERE host = %s", state["host"]) == 1
    asked = publisher.times("/old")
    assert (await desk.poll_and_wait(feed))["outcome"] == "unchanged"
    assert publisher.times("/old") == asked
    await desk.request(feed, "changed")  # an edit of the feed's title, say
    assert (await desk.poll_and_wait(feed))["outcome"] == "unchanged"
    assert (await desk.state(feed))["host"] == f"localhost:{publisher.port}"
    publisher.answers.pop("/new")
    publisher.serve("/old", rss([item(n, pubDate="") for n in range(4)]))
    outcomes = [(await desk.poll_and_wait(feed))["outcome"] for _ in range(4)]
    assert outcomes == ["not_found"] * 3 + ["updated"]
    state = await desk.state(feed)
    assert (state["moved_to"], state["host"], state["status"]) == (None, f"127.0.0.1:{publisher.port}", "ok")


async def test_a_feed_that_is_gone_is_due_again_and_comes_back_by_itself(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    publisher.serve("/feed", b"", status=410)
    feed = await desk.subscribe(publisher.url("/feed"))
    assert (await desk.first_poll(feed))["outcome"] == "gone"
    state = await desk.state(feed)
    assert (state["status"], state["next_poll_at"] > datetime.now(UTC) + timedelta(days=6)) == ("gone", True)
    publisher.serve("/feed", rss([item(1, pubDate="")]))
    week = timedelta(days=8)  # passes
    await desk.conn.execute("UPDATE feed_clocks SET next_poll_at = next_poll_at - %s WHERE feed_id = %s", (week, feed))
    await desk.until(lambda: desk.rows("SELECT 1 FROM feed_states WHERE feed_id = %s AND status = 'ok'", feed))
    kinds = [kind for (kind,) in await desk.rows("SELECT type FROM events ORDER BY position")]
    assert kinds == ["wiredesk.feed.failing.v1", "wiredesk.feed.recovered.v1"]


async def test_a_lease_that_was_lost_moves_nothing(desk: Desk, ingest: Resources) -> None:
    row = moved()
    done = polled(row, datetime.now(UTC), NEW)
    assert await store.finish_polls(desk.conn, [done.clock]) == set()
    assert await desk.one("SELECT count(*) FROM hosts") == 0
