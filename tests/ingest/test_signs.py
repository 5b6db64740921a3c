"""What must never go unnoticed: lost articles, a feed that fell silent, validators that lie."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from aiohttp import web

from services.ingest.losses import Losses, is_lost
from services.ingest.resources import Resources
from services.ingest.rhythm import Rhythm
from services.ingest.signs import Signs
from services.ingest.silence import allowed_s, is_quiet
from services.ingest.validators import DOUBTS, MOST_CONDITIONAL, SUSPICIOUS, Answer, Trust, same
from tests.ingest.desk import Desk
from tests.ingest.publisher import Publisher, item, rss

MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
UNMODIFIED = Answer(conditional=True, not_modified=True, same=True, news=False)
FULL_NEWS = Answer(conditional=False, not_modified=False, same=False, news=True)


def every(gap: timedelta, count: int, newest: datetime) -> Rhythm:
    return Rhythm().after([newest - n * gap for n in range(count)], None, True, newest)


def dated(numbers: range, newest: datetime, gap: timedelta) -> str:
    """Items, the last of them the newest."""
    dates = {n: newest - gap * (numbers[-1] - n) for n in numbers}
    return rss([item(n, pubDate=dates[n].strftime("%a, %d %b %Y %H:%M:%S GMT")) for n in reversed(numbers)])


# --- lost articles --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("had", "shared", "fresh", "lost"),
    [(10, 0, 10, True), (10, 1, 9, False), (0, 0, 10, False), (10, 0, 0, False), (1, 0, 1, True)],
)
def test_articles_may_be_lost_when_two_bodies_share_no_item(had: int, shared: int, fresh: int, lost: bool) -> None:
    assert is_lost(had, shared, fresh) == lost


def test_losses_are_counted_and_halve_the_time_to_the_next_poll() -> None:
    first = Losses().after(True, False, 3600.0, MONDAY)
    assert (first.count, first.since, first.within_s) == (1, MONDAY, 1800.0)
    again = first.after(True, False, 1800.0, MONDAY + timedelta(minutes=30))
    assert (again.count, again.since, again.within_s) == (2, MONDAY, 900.0)
    assert "2 times" in again.message() and "2026-11-23T12:30:00Z" in again.message()
    better = again.after(False, True, 900.0, MONDAY + timedelta(hours=1))
    assert better.within_s is not None and 900 < better.within_s < 1800
    assert again.after(False, False, 900.0, MONDAY + timedelta(hours=1)) == again
    assert Losses.of(orjson.loads(orjson.dumps(again.stored()))) == again


def test_a_loss_is_told_for_a_week() -> None:
    lost = Losses().after(True, False, 3600.0, MONDAY)
    assert lost.after(False, True, 60.0, MONDAY + timedelta(days=6)).count == 1
    assert lost.after(False, True, 60.0, MONDAY + timedelta(days=8)) == Losses()


async def test_two_polls_that_share_no_item_are_a_warning_and_hurry_the_next(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    def body(numbers: range) -> str:
        return rss([item(n, pubDate="") for n in numbers])

    publisher.serve("/feed", body(range(10)))
    feed = await desk.subscribe(publisher.url("/feed"))
    await desk.first_poll(feed)
    publisher.serve("/feed", body(range(9, 19)))
    await desk.poll_and_wait(feed)
    assert (await desk.state(feed))["warnings"] == []
    for count, numbers in ((1, range(30, 40)), (2, range(50, 60))):
        publisher.serve("/feed", body(numbers))
        assert (await desk.poll_and_wait(feed))["counts"]["new"] == 10
        state = await desk.state(feed)
        (warning,) = state["warnings"]
        assert warning["code"] == "lost_articles"
        assert state["rhythm"]["losses"]["count"] == count
        assert state["rhythm"]["losses"]["since"] == warning["since"]
    assert any(rule[0] == "lost_articles" for rule in state["rules"])
    assert ingest.metrics.losses._value.get() == 2
    assert (await desk.poll_and_wait(feed))["outcome"] == "unchanged"
    assert (await desk.state(feed))["warnings"] == [warning]


# --- silence --------------------------------------------------------------------------------------------------------


def test_a_silence_longer_than_the_rhythm_allows_is_quiet() -> None:
    hourly = every(timedelta(hours=1), 40, MONDAY)
    assert allowed_s(hourly) == 12 * 3600
    assert not is_quiet(hourly, MONDAY + timedelta(hours=11))
    assert is_quiet(hourly, MONDAY + timedelta(hours=13))
    assert allowed_s(every(timedelta(minutes=1), 40, MONDAY)) == 6 * 3600
    assert not is_quiet(every(timedelta(hours=1), 5, MONDAY), MONDAY + timedelta(days=99))  # too little to tell


def test_a_feed_with_long_gaps_is_allowed_longer_ones() -> None:
    dates = [MONDAY - timedelta(hours=n) for n in range(10)] + [MONDAY - timedelta(hours=40 + n) for n in range(10)]
    rhythm = Rhythm().after(dates, None, True, MONDAY)
    assert allowed_s(rhythm) == 3 * 31 * 3600


def test_a_weekend_is_no_silence_before_the_first_was_seen() -> None:
    friday = datetime(2026, 11, 20, 20, tzinfo=UTC)
    sunday = datetime(2026, 11, 22, 23, tzinfo=UTC)
    fresh = every(timedelta(hours=1), 40, friday)
    assert not is_quiet(fresh, sunday)
    assert is_quiet(fresh, sunday + timedelta(hours=14))
    seasoned = every(timedelta(hours=1), 200, friday)
    assert is_quiet(seasoned, sunday)


async def test_a_feed_that_fell_silent_is_told_once_and_its_return_too(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=9)
    publisher.serve("/feed", dated(range(20), long_ago, timedelta(minutes=10)))
    feed = await desk.subscribe(publisher.url("/feed"))
    await desk.first_poll(feed)
    state = await desk.state(feed)
    assert (state["status"], [w["code"] for w in state["warnings"]]) == ("quiet", ["quiet"])
    publisher.serve("/feed", b"", status=410)
    await desk.poll_and_wait(feed)
    publisher.serve("/feed", dated(range(20), long_ago, timedelta(minutes=10)))
    await desk.poll_and_wait(feed)
    assert (await desk.state(feed))["status"] == "quiet"
    publisher.serve("/feed", dated(range(5, 25), datetime.now(UTC), timedelta(minutes=10)))
    await desk.poll_and_wait(feed)
    state = await desk.state(feed)
    assert (state["status"], state["warnings"]) == ("ok", [])
    rows = await desk.rows("SELECT type, data FROM events ORDER BY position")
    kinds = [kind.split(".")[2] for kind, _ in rows]
    assert kinds == ["quiet", "failing", "recovered", "recovered"]
    told: dict[str, Any] = rows[0][1] if isinstance(rows[0][1], dict) else orjson.loads(rows[0][1])
    assert (told["id"], told["state"]["status"]) == (feed, "quiet")
    assert told["silence"]["allowed_s"] == 6 * 3600


# --- validators -----------------------------------------------------------------------------------------------------


def test_at_the_latest_every_twentieth_poll_and_once_a_day_is_unconditional() -> None:
    trust = Trust().after(Answer(False, False, False, True), MONDAY)
    asked = 0
    while trust.may_ask(MONDAY):
        trust, asked = trust.after(UNMODIFIED, MONDAY), asked + 1
    assert asked == MOST_CONDITIONAL == 19
    fresh = Trust().after(Answer(False, False, False, True), MONDAY)
    assert fresh.may_ask(MONDAY + timedelta(hours=23))
    assert not fresh.may_ask(MONDAY + timedelta(hours=24))
    assert not Trust().may_ask(MONDAY)


def test_validators_that_stay_while_items_change_are_distrusted_for_a_month() -> None:
    lied = Trust().after(Answer(conditional=False, not_modified=False, same=True, news=True), MONDAY)
    assert lied.distrusted(MONDAY) and not lied.may_ask(MONDAY)
    assert replace(Trust.of(orjson.loads(orjson.dumps(lied.stored()))), full_at=MONDAY) == lied
    later = MONDAY + timedelta(days=31)
    assert lied.after(UNMODIFIED, later).lied_at is None
    volatile = Answer(conditional=False, not_modified=False, same=True, news=False)  # a build date, no item
    assert not Trust().after(volatile, MONDAY).distrusted(MONDAY)


def test_a_server_that_never_tells_of_news_when_asked_conditionally_is_found_out() -> None:
    trust = Trust().after(FULL_NEWS, MONDAY)
    for _ in range(DOUBTS):
        assert not trust.distrusted(MONDAY)
        for _ in range(SUSPICIOUS):
            trust = trust.after(UNMODIFIED, MONDAY)
        trust = trust.after(FULL_NEWS, MONDAY)
    assert trust.distrusted(MONDAY)


def test_a_server_that_tells_of_news_now_and_then_is_believed() -> None:
    trust = Trust().after(FULL_NEWS, MONDAY)
    for _ in range(10):
        for _ in range(SUSPICIOUS):
            trust = trust.after(UNMODIFIED, MONDAY)
        trust = trust.after(FULL_NEWS, MONDAY)
        trust = trust.after(Answer(conditional=True, not_modified=False, same=False, news=True), MONDAY)
    assert not trust.distrusted(MONDAY)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (('"a"', None), ('"a"', "today"), True),
        (('"a"', "today"), ('"b"', "today"), False),
        ((None, "today"), (None, "today"), True),
        ((None, None), (None, None), False),
        (('"a"', "today"), (None, "today"), False),
    ],
)
def test_an_etag_speaks_before_a_date(
    before: tuple[str | None, str | None], now: tuple[str | None, str | None], expected: bool
) -> None:
    assert same(before, now) == expected


def test_signs_survive_being_stored() -> None:
    signs = Signs(Losses().after(True, False, 60.0, MONDAY), Trust().after(FULL_NEWS, MONDAY), MONDAY)
    kept = Signs.of(orjson.loads(orjson.dumps(signs.stored())))
    assert replace(kept, trust=replace(kept.trust, full_at=MONDAY)) == signs  # that stands with the feed's clock
    assert Signs.of({}) == Signs()


async def test_a_constant_etag_is_found_lying_and_no_longer_sent(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    items = [1]

    async def lying(request: web.Request) -> web.StreamResponse:
        if "If-None-Match" in request.headers:
            return web.Response(status=304, headers={"ETag": '"x"'})
        return web.Response(
            text=rss([item(n) for n in items]), headers={"ETag": '"x"', "Content-Type": "application/rss+xml"}
        )

    publisher.answers["/feed"] = lying
    feed = await desk.subscribe(publisher.url("/feed"))
    await desk.first_poll(feed)
    items.append(2)
    outcomes = [(await desk.poll_and_wait(feed))["outcome"] for _ in range(20)]
    assert outcomes == ["not_modified"] * 19 + ["updated"]
    state = await desk.state(feed)
    assert [warning["code"] for warning in state["warnings"]] == ["validators_lie"]
    items.append(3)
    assert (await desk.poll_and_wait(feed))["counts"]["new"] == 1
    assert "If-None-Match" not in publisher.asked[-1][1]
