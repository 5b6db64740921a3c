"""When a feed is polled next, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from services.ingest.dates import read_date
from services.ingest.rhythm import Rhythm
from services.ingest.schedule import Bounds, Facts, Plan, fresh_for_s, plan, retry_after
from services.ingest.worth import worth_after_s

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
BOUNDS = Bounds(300, 86_400)


def planned(facts: Facts) -> Plan:
    return plan(facts, BOUNDS, NOW, 0.0)


def decider(plan_: Plan) -> str:
    (rule,) = [rule for rule in plan_.rules if rule.decided]
    return rule.rule


def every(gap: timedelta, count: int = 40, newest: datetime = NOW) -> Rhythm:
    """A feed with an item every `gap`, the last at `newest`."""
    return Rhythm().after([newest - n * gap for n in range(count)], None, True, newest)


MINUTELY = every(timedelta(minutes=1))


def test_a_feed_is_polled_when_a_request_is_worth_its_price() -> None:
    hourly = every(timedelta(minutes=61), 200)
    usual = planned(Facts(hourly))
    assert decider(usual) == "rhythm"
    assert 900 < usual.interval_s < 2400
    slow = planned(Facts(every(timedelta(hours=23.2))))
    assert 5 * usual.interval_s < slow.interval_s < 23 * usual.interval_s  # faster than the root of the rate
    assert planned(Facts(hourly, breaking=True)).interval_s < usual.interval_s / 2
    assert planned(Facts(hourly, price=20)).interval_s > usual.interval_s


def test_what_comes_by_the_clock_is_looked_for_just_after() -> None:
    clockwork = every(timedelta(hours=5), 200, NOW + timedelta(minutes=7))
    polls = [plan(Facts(clockwork), BOUNDS, NOW + timedelta(minutes=m), 0.0).next_poll_at for m in range(10, 130)]
    soon_after = sum(5 <= poll.minute < 15 for poll in polls)
    assert soon_after > len(polls) / 2  # a sixth, were all minutes alike
    assert sum(clockwork.phases()) == pytest.approx(12)
    assert max(clockwork.phases()) == clockwork.phases()[1] > 5


def test_the_moment_that_was_aimed_at_is_missed_by_half_a_minute_at_most() -> None:
    slow = Facts(every(timedelta(hours=23.2)))
    first, last = (plan(slow, BOUNDS, NOW, luck).next_poll_at for luck in (0.0, 0.999))
    assert timedelta(seconds=29) < last - first < timedelta(seconds=30)
    unknown = [plan(Facts(Rhythm()), BOUNDS, NOW, luck).next_poll_at for luck in (0.0, 0.999)]
    assert unknown[1] - unknown[0] > timedelta(minutes=5)


def test_a_rhythm_counted_by_the_hour_is_read_by_the_half_hour() -> None:
    hours = "".join("3" if hour % 24 == 9 else "0" for hour in range(168))
    old = Rhythm.of({"arrivals": [int(NOW.timestamp()), 3600], "hours": hours})
    assert old.slots[18:20] == "21" and len(old.slots) == 336
    assert Rhythm.of(old.stored()) == old


def test_a_feed_that_falls_silent_is_polled_ever_less_and_a_burst_at_once_more() -> None:
    waits = [planned(Facts(every(timedelta(hours=1), newest=NOW - timedelta(days=d)))).interval_s for d in (0, 3, 300)]
    assert waits == sorted(waits) and waits[2] > 5 * waits[0]
    calm = every(timedelta(hours=6), newest=NOW - timedelta(hours=1))
    burst = calm.after([NOW - timedelta(seconds=40 * n) for n in range(5)], None, True, NOW)
    assert planned(Facts(burst)).interval_s < planned(Facts(calm)).interval_s / 3


def test_the_hours_in_which_a_feed_brings_news_are_learned() -> None:
    days = [datetime(2026, 11, 23, tzinfo=UTC) - timedelta(days=n) for n in range(1, 22)]
    dates = sorted((day + timedelta(hours=9, minutes=m) for day in days for m in (5, 25, 45)), reverse=True)
    rhythm = Rhythm().after(dates, None, True, dates[0])
    morning = datetime(2026, 11, 23, 9, 10, tzinfo=UTC).timestamp()
    evening = datetime(2026, 11, 23, 19, 10, tzinfo=UTC).timestamp()
    assert rhythm.share(morning) > 4 > 0.5 > rhythm.share(evening)
    assert sum(rhythm.share(hour * 3600) for hour in range(168)) == pytest.approx(168, rel=0.05)
    night = worth_after_s(rhythm, datetime(2026, 11, 23, 1, tzinfo=UTC).timestamp(), 2.0)
    dawn = worth_after_s(rhythm, datetime(2026, 11, 23, 8, 30, tzinfo=UTC).timestamp(), 2.0)
    assert dawn < night / 2


def test_what_is_remembered_stays_small() -> None:
    rhythm = Rhythm()
    for n in range(3000):
        at = NOW + timedelta(minutes=7 * n)
        rhythm = rhythm.after([at, at - timedelta(minutes=7)], None, True, at)
    assert (len(rhythm.arrivals), len(rhythm.slots)) == (40, 336)
    assert rhythm.history_s == pytest.approx(3000 * 420, rel=0.01)
    assert len(orjson.dumps(rhythm.stored())) < 800


def test_dates_without_news_and_midnights_teach_nothing() -> None:
    stamped = MINUTELY.after([NOW + timedelta(hours=1)], None, False, NOW + timedelta(hours=1))
    assert stamped.arrivals == MINUTELY.arrivals
    assert every(timedelta(days=1), 20, datetime(2026, 11, 23, tzinfo=UTC)).slots == ""


def test_without_dates_the_polls_that_bring_news_are_the_rhythm() -> None:
    rhythm = Rhythm()
    for hour in range(5):
        rhythm = rhythm.after([], None, True, NOW + timedelta(hours=hour))
    assert not rhythm.known  # all of a feed's items come with its first poll: when they came is not known
    rhythm = Rhythm().after([NOW], None, True, NOW)
    for hour in range(1, 5):
        rhythm = rhythm.after([], None, True, NOW + timedelta(hours=hour))
    assert rhythm.gap_s == 3600


def test_the_publisher_may_ask_for_more_distance_and_the_operator_bounds_it() -> None:
    assert decider(planned(Facts(MINUTELY))) == "floor"
    asks = replace(MINUTELY, ttl_s=900.0)
    ttl = planned(Facts(asks))
    assert (ttl.interval_s, decider(ttl)) == (900, "ttl")
    fresh = planned(Facts(asks, fresh_s=1200))
    assert (fresh.interval_s, decider(fresh)) == (1200, "cache_control")
    yearly = planned(Facts(replace(MINUTELY, ttl_s=31_536_000.0)))
    assert (yearly.interval_s, decider(yearly)) == (86_400, "ceiling")


def test_a_feed_that_lost_articles_is_polled_within_what_was_too_long() -> None:
    daily = every(timedelta(days=1), newest=NOW - timedelta(hours=3))
    found = planned(Facts(daily, within_s=700))
    assert (found.interval_s, decider(found)) == (700, "lost_articles")
    assert decider(planned(Facts(daily, within_s=10))) == "floor"
    assert decider(planned(Facts(daily, within_s=80_000))) == "rhythm"


def test_failures_push_the_poll_away_up_to_the_ceiling() -> None:
    waits = [(planned(Facts(Rhythm(), failures=n)).next_poll_at - NOW).total_seconds() for n in (1, 2, 3, 20)]
    assert waits == [300, 600, 1200, 86_400]
    assert decider(planned(Facts(Rhythm(), failures=1))) == "back_off"
    assert planned(Facts(Rhythm(), failures=1, permanent=True)).next_poll_at == NOW + timedelta(hours=1)
    assert planned(Facts(Rhythm(), failures=1, rate_limited=True)).next_poll_at == NOW + timedelta(minutes=15)


def test_retry_after_wins_when_it_is_later() -> None:
    asked = NOW + timedelta(hours=5)
    found = planned(Facts(MINUTELY, failures=1, retry_after_at=asked))
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
    rhythm = every(timedelta(minutes=10)).after([NOW + timedelta(minutes=3)], 60.0, True, NOW + timedelta(minutes=4))
    assert Rhythm.of(orjson.loads(orjson.dumps(rhythm.stored()))) == rhythm
    assert Rhythm.of({"gap_s": 60.0, "newest_at": NOW.isoformat(), "quiet_polls": 2}) == Rhythm(quiet_polls=2)


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
        ("mié, 18 nov 2026 08:00:00 +0000", "2026-11-18T08:00:00+00:00", "second"),
        ("jeu., 15 oct. 2026 10:00:00 +0200", "2026-10-15T08:00:00+00:00", "second"),
        ("Di, 17 Mär 2026 10:00:00 +0100", "2026-03-17T09:00:00+00:00", "second"),
        ("3 março 2026 09:15 -0300", "2026-03-03T12:15:00+00:00", "minute"),
        ("5 giugno 2026 10:00 CEST", "2026-06-05T08:00:00+00:00", "minute"),
        ("20 de noviembre de 2026 10:30", "2026-11-20T10:30:00+00:00", "day"),
        ("5 décembre 2025 à 08:00", "2025-12-05T08:00:00+00:00", "day"),
        ("Freitag, 20. November 2026 10:30 Uhr", "2026-11-20T10:30:00+00:00", "day"),
        ("17. listopada 2026", None, "unknown"),  # November in Polish, October in Croatian
        ("12 lis 2026", None, "unknown"),  # the same, shortened
        ("12 lip 2026", None, "unknown"),  # July in Polish, June in Croatian
        ("12 lipca 2026", "2026-07-12T00:00:00+00:00", "day"),
        ("12 srp 2026", None, "unknown"),  # August in Czech, July in Croatian
        ("12 mrt 2026 10:00 CET", "2026-03-12T09:00:00+00:00", "minute"),
        ("3 iunie 2026", "2026-06-03T00:00:00+00:00", "day"),
        ("22 Νοε 2026", "2026-11-22T00:00:00+00:00", "day"),
        ("٢٢ نوفمبر ٢٠٢٦", "2026-11-22T00:00:00+00:00", "day"),
        ("Thu Nov 19 10:00:00 CET 2026", "2026-11-19T09:00:00+00:00", "second"),
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
        ("26. července 2026", "2026-07-26T00:00:00+00:00", "day"),  # Czech July, which begins like its June
        ("26. června 2026", "2026-06-26T00:00:00+00:00", "day"),
        ("2026-101", "2026-04-11T00:00:00+00:00", "day"),  # ISO 8601: the 101st day, not the 1st of October
        ("2025-366", None, "unknown"),
        ("2026-W47-1T10:00:00Z", "2026-11-16T10:00:00+00:00", "second"),
        ("2026-W54-1", None, "unknown"),
        ("2026-11-22 10:05:00 PM", "2026-11-22T22:05:00+00:00", "day"),
        ("2026-11-22T12:05 AM +0100", "2026-11-21T23:05:00+00:00", "minute"),
        ("2026년 11월 22일 오후 3:05", "2026-11-22T15:05:00+00:00", "day"),
        ("2026年11月22日 下午3:05", "2026-11-22T15:05:00+00:00", "day"),
        ("2026. július 26., 10:00", "2026-07-26T10:00:00+00:00", "day"),
        ("2026 m. lapkričio 22 d.", "2026-11-22T00:00:00+00:00", "day"),
        ("Thursday, 26th of March 2026", "2026-03-26T00:00:00+00:00", "day"),
        ("22 tháng 11, 2026", "2026-11-22T00:00:00+00:00", "day"),
        ("2026-11-22T24:00:00Z", "2026-11-23T00:00:00+00:00", "second"),
        ("2026-11-22T23:59:60Z", "2026-11-23T00:00:00+00:00", "second"),
        ("0000-00-00T00:00:00Z", None, "unknown"),
        ("9999-12-31T23:59:59Z", "2026-11-23T18:00:00+00:00", "unknown"),
    ],
)
def test_dates_are_read_for_certain_or_not_at_all(text: str, expected: str | None, precision: str) -> None:
    found, exactly = read_date(text, NOW)
    assert (found.isoformat() if found else None, exactly) == (expected, precision)


# As dates have them, in the genitive where a language has one; - what a neighbour calls another month.
MONTHS = """
de Januar Februar März April Mai Juni Juli August September Oktober November Dezember
fr janvier février mars avril mai juin juillet août septembre octobre novembre décembre
es enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
pt janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro
it gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre
nl januari februari maart april mei juni juli augustus september oktober november december
fi tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta marraskuuta
  joulukuuta
pl stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października - grudnia
cs ledna února března dubna května června července srpna září října listopadu prosince
hr siječnja veljače ožujka travnja svibnja - - kolovoza rujna - studenoga prosinca
sl januar februar marec april maj junij julij avgust september oktober november december
sr јануар фебруар март април мај јун јул август септембар октобар новембар децембар
bg януари февруари март април май юни юли август септември октомври ноември декември
uk січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня
be студзеня лютага сакавіка красавіка мая чэрвеня ліпеня жніўня верасня кастрычніка лістапада снежня
ro ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie
hu január február március április május június július augusztus szeptember október november december
tr Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık
el Ιανουαρίου Φεβρουαρίου Μαρτίου Απριλίου Μαΐου Ιουνίου Ιουλίου Αυγούστου Σεπτεμβρίου Οκτωβρίου Νοεμβρίου Δεκεμβρίου
ar يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر
ca gener febrer març abril maig juny juliol agost setembre octubre novembre desembre
et jaanuar veebruar märts aprill mai juuni juuli august september oktoober november detsember
lv janvāris februāris marts aprīlis maijs jūnijs jūlijs augusts septembris oktobris novembris decembris
lt sausio vasario kovo balandžio gegužės birželio liepos rugpjūčio rugsėjo spalio lapkričio gruodžio
ms Januari Februari Mac April Mei Jun Julai Ogos September Oktober November Disember
fil Enero Pebrero Marso Abril Mayo Hunyo Hulyo Agosto Setyembre Oktubre Nobyembre Disyembre
az yanvar fevral mart aprel may iyun iyul avqust sentyabr oktyabr noyabr dekabr
gl xaneiro febreiro marzo abril maio xuño xullo agosto setembro outubro novembro decembro
"""


@pytest.mark.parametrize("names", MONTHS.replace("\n  ", " ").split("\n")[1:-1], ids=lambda names: names.split()[0])
def test_months_are_read_in_many_languages(names: str) -> None:
    dates = [read_date(f"3 {name} 2025", NOW)[0] for name in names.split()[1:]]
    found = [date.month if date else 0 for date in dates]
    assert found == [number if name != "-" else 0 for number, name in enumerate(names.split()[1:], 1)]
