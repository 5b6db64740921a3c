"""When a feed is polled next, and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.ingest.dates import read_date
from services.ingest.schedule import Bounds, Facts, Plan, Rhythm, fresh_for_s, median_gap_s, plan, retry_after

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
BOUNDS = Bounds(300, 86_400)


def planned(facts: Facts) -> Plan:
    return plan(facts, BOUNDS, NOW, 0.0)


def decider(plan_: Plan) -> str:
    (rule,) = [rule for rule in plan_.rules if rule.decided]
    return rule.rule


def test_a_feed_is_polled_twice_as_often_as_it_brings_news() -> None:
    found = planned(Facts(Rhythm(gap_s=3600, newest_at=NOW)))
    assert (found.interval_s, found.next_poll_at, decider(found)) == (1800, NOW + timedelta(seconds=1800), "rhythm")


def test_the_publisher_may_ask_for_more_distance_and_the_operator_bounds_it() -> None:
    assert decider(planned(Facts(Rhythm(gap_s=60, newest_at=NOW)))) == "floor"
    ttl = planned(Facts(Rhythm(gap_s=60, newest_at=NOW, ttl_s=900)))
    assert (ttl.interval_s, decider(ttl)) == (900, "ttl")
    fresh = planned(Facts(Rhythm(gap_s=60, newest_at=NOW, ttl_s=900), fresh_s=1200))
    assert (fresh.interval_s, decider(fresh)) == (1200, "cache_control")
    yearly = planned(Facts(Rhythm(gap_s=60, newest_at=NOW, ttl_s=31_536_000)))
    assert (yearly.interval_s, decider(yearly)) == (86_400, "ceiling")


def test_failures_push_the_poll_away_up_to_the_ceiling() -> None:
    waits = [(planned(Facts(Rhythm(), failures=n)).next_poll_at - NOW).total_seconds() for n in (1, 2, 3, 20)]
    assert waits == [300, 600, 1200, 86_400]
    assert decider(planned(Facts(Rhythm(), failures=1))) == "back_off"
    assert planned(Facts(Rhythm(), failures=1, permanent=True)).next_poll_at == NOW + timedelta(hours=1)
    assert planned(Facts(Rhythm(), failures=1, rate_limited=True)).next_poll_at == NOW + timedelta(minutes=15)


def test_retry_after_wins_when_it_is_later() -> None:
    asked = NOW + timedelta(hours=5)
    found = planned(Facts(Rhythm(gap_s=60, newest_at=NOW), failures=1, retry_after_at=asked))
    assert (found.next_poll_at, decider(found)) == (asked, "retry_after")
    soon = planned(Facts(Rhythm(), failures=5, retry_after_at=NOW + timedelta(seconds=1)))
    assert decider(soon) == "back_off"


def test_the_sample_wire_is_polled_every_fifteen_seconds_whatever_the_floor() -> None:
    found = plan(Facts(Rhythm(ttl_s=60), samplewire=True, fresh_s=60), BOUNDS, NOW, 0.9)
    assert found.next_poll_at == NOW + timedelta(seconds=15)
    assert planned(Facts(Rhythm(), samplewire=True, failures=1)).next_poll_at > NOW + timedelta(seconds=15)


def test_a_feed_without_dates_is_polled_less_while_it_brings_nothing() -> None:
    quiet = [planned(Facts(Rhythm(quiet_polls=n))).interval_s for n in (0, 3, 50)]
    assert quiet == sorted(quiet) and quiet[-1] == 8 * 3600


def test_a_rhythm_survives_being_stored() -> None:
    rhythm = Rhythm().after([NOW, NOW - timedelta(minutes=10), NOW - timedelta(minutes=30)], 60.0, True)
    stored = planned(Facts(rhythm)).stored(rhythm)
    stored["newest_at"] = stored["newest_at"].isoformat()
    assert Rhythm.of(stored) == rhythm
    assert median_gap_s([NOW]) is None


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"cache-control": "public, max-age=600"}, 600.0),
        ({"cache-control": "no-cache, max-age=600"}, None),
        ({"expires": "Mon, 23 Nov 2026 19:00:00 GMT"}, 3600.0),
        ({"expires": "0"}, None),
        ({"expires": "Mon, 23 Nov 2026 17:00:00 GMT"}, None),
        ({}, None),
    ],
)
def test_how_long_an_answer_stays_fresh(headers: dict[str, str], expected: float | None) -> None:
    assert fresh_for_s(headers, NOW) == expected


@pytest.mark.parametrize(
    ("text", "expected_s"),
    [
        ("120", 120),
        ("Mon, 23 Nov 2026 18:10:00 GMT", 600),
        ("9999999", 86_400),
        ("soon", None),
        ("", None),
        ("0", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, expected_s: int | None) -> None:
    expected = None if expected_s is None else NOW + timedelta(seconds=expected_s)
    assert retry_after({"retry-after": text}, NOW) == expected


@pytest.mark.parametrize(
    ("text", "expected", "precision"),
    [
        ("Mon, 23 Nov 2026 10:00:00 +0100", "2026-11-23T09:00:00+00:00", "second"),
        ("Mon, 23 Nov 2026 10:00 EST", "2026-11-23T15:00:00+00:00", "minute"),
        ("Thu,28 Jul 2022 4:35:5 GMT+9", "2022-07-27T19:35:05+00:00", "second"),
        ("Seg, 24 Set 2018", "2018-09-24T00:00:00+00:00", "day"),
        ("mer, 16 nov 2022", "2022-11-16T00:00:00+00:00", "day"),
        ("23 мая 2021", "2021-05-23T00:00:00+00:00", "day"),
        ("2026年11月23日", "2026-11-23T00:00:00+00:00", "day"),
        ("2026-11-23T10:00:00Z", "2026-11-23T10:00:00+00:00", "second"),
        ("2026-11-23T10:00:00", "2026-11-23T10:00:00+00:00", "day"),
        ("2026-11", "2026-11-01T00:00:00+00:00", "month"),
        ("Mon, 23 Nov 2026 10:00:00 XYZ", "2026-11-23T10:00:00+00:00", "day"),
        ("2027-01-01T00:00:00Z", "2026-11-23T18:00:00+00:00", "unknown"),
        ("2026-11-23T18:05:00Z", "2026-11-23T18:00:00+00:00", "second"),
        ("3/4/2026", None, "unknown"),
        ("31 Jun 2026", None, "unknown"),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None, "unknown"),
        ("yesterday", None, "unknown"),
    ],
)
def test_dates_are_read_for_certain_or_not_at_all(text: str, expected: str | None, precision: str) -> None:
    found, exactly = read_date(text, NOW)
    assert (found.isoformat() if found else None, exactly) == (expected, precision)
