"""Polls that find nothing write the clock alone, and nothing is lost by it."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from services.ingest import states
from services.ingest.finishing import Polled, finish_all
from services.ingest.outcomes import Failure
from services.ingest.resources import Resources
from services.ingest.rhythm import Rhythm
from services.ingest.schedule import Bounds
from services.ingest.states import Claimed, Result
from tests.ingest.desk import Desk
from tests.ingest.publisher import Publisher, item, rss
from tests.ingest.test_moves import FEED
from tests.ingest.test_outlook import drawn

NOW = datetime(2026, 11, 25, 12, 1, 2, tzinfo=UTC)
BOUNDS = Bounds(300, 86_400)
KEPT = (
    "status",
    "etag",
    "last_modified",
    "failures",
    "told_failing",
    "format",
    "title",
    "site_url",
    "language",
    "moved_to",
)


def known(luck: random.Random, **changes: Any) -> Claimed:
    """A feed as it stands after a good poll, whose own word on everything is stored."""
    feed = replace(FEED, feed_id=luck.randrange(1, 10**9), etag='"1"', body_hash=b"\1" * 32, entries_in_last_poll=9)
    memory = states.Memory(drawn(luck), states.Validators())
    stored = memory.rhythm.stored() | memory.signs.stored() | {"hub": memory.trust.stored()}
    feed = replace(feed, rhythm=orjson.loads(orjson.dumps(stored)), full_at=NOW - timedelta(hours=3), conditional=4)
    return replace(feed, **changes)


def half() -> float:
    return 0.5


def answers(feed: Claimed) -> list[Result]:
    """304, and 200 with the body known."""
    not_modified = Result(NOW, "not_modified", 304, conditional=True, etag=feed.etag)
    same = Result(NOW, "unchanged", 200, size=900, entries=9, etag=feed.etag, body_hash=feed.body_hash)
    same.counts["unchanged"] = 9
    return [not_modified, same]


def polled(feed: Claimed, result: Result) -> Polled:
    return Polled(feed, result, BOUNDS, False, NOW + timedelta(milliseconds=40))


def test_a_poll_that_rests_leaves_all_as_it_would_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    luck = random.Random(1)
    warned = [{"code": "items_capped", "message": "the feed holds 9 items", "since": "2026-11-01T00:00:00Z"}]
    feeds = [known(luck, warnings=luck.choice(([], warned))) for _ in range(200)]
    every = [polled(feed, answer) for feed in feeds for answer in answers(feed)]
    rested = finish_all(every, half)
    monkeypatch.setattr(states, "_rests", lambda *_: False)
    rests = 0
    for poll, short, whole in zip(every, rested, finish_all(every, half), strict=True):
        assert whole.row is not None and short.clock == whole.clock
        if short.row is not None:
            assert short == whole and short.row["status"] == "quiet"  # its silence became too long
            continue
        rests += 1
        assert whole.events == ()
        assert [whole.row[name] for name in KEPT] == [getattr(poll.feed, name) for name in KEPT]
        assert whole.row["body_hash"] in (None, (b"\1" * 32).hex())
        assert whole.row["warnings"] in (None, poll.feed.warnings)
        assert whole.row["entries"] in (None, 9) and not whole.row["linked"] and whole.row["retry_after_at"] is None
        assert orjson.loads(orjson.dumps(whole.row["rhythm"])) == poll.feed.rhythm
    assert rests > 100


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "new"},
        {"status": "quiet"},
        {"status": "quiet", "rhythm": {"quiet_since": "2026-11-25T00:00:00Z"}},  # and is no longer
        {"failures": 2, "status": "failing"},
        {"told_failing": True},
        {"hub": {"state": "active"}},
        {"etag": '"2"'},
        {"last_modified": "yesterday"},
        {"warnings": [{"code": "validators_lie", "message": "", "since": "2026-11-01T00:00:00Z"}]},
        {
            "rhythm": {
                "losses": {
                    "count": 1,
                    "since": "2026-11-25T00:00:00Z",
                    "last_at": "2026-11-25T00:00:00Z",
                    "within_s": 9,
                }
            }
        },
        {
            "rhythm": {
                "moves": {
                    "to": "https://x.example/",
                    "seen": 1,
                    "since": "2026-11-25T00:00:00Z",
                    "last_at": "2026-11-25T00:00:00Z",
                }
            }
        },
        {"rhythm": {"quiet_since": "2026-11-25T00:00:00Z"}},
        {"rhythm": {"validators": {"doubts": 0, "lied_at": "2026-11-25T00:00:00Z"}}},
        {"rhythm": {"hub": {"hits": 0, "missed": 3, "missed_at": "2026-11-25T00:00:00Z"}}},
    ],
)
def test_whatever_else_is_remembered_is_looked_at(changes: dict[str, Any]) -> None:
    feed = known(random.Random(2))
    answer = answers(feed)[0]
    assert finish_all([polled(feed, answer)], half)[0].row is None
    assert finish_all([polled(replace(feed, **changes), answer)], half)[0].row is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"failure": Failure.of("timeout", "no answer")},
        {"permanent_url": "https://x.example/"},
        {"body_hash": b"\2" * 32},
        {"entries": 8},
        {"pushes": [4]},
        {"etag": None},
    ],
)
def test_an_answer_that_is_new_is_written(changes: dict[str, Any]) -> None:
    feed = known(random.Random(2))
    assert finish_all([polled(feed, replace(answers(feed)[1], **changes))], half)[0].row is not None


def test_a_feed_that_stays_silent_rests_too(monkeypatch: pytest.MonkeyPatch) -> None:
    day = [NOW - timedelta(days=9, hours=n) for n in range(40)]
    feed = known(random.Random(3))
    silent = replace(feed, rhythm=Rhythm().after(day, None, True, NOW).stored())
    told = finish_all([polled(silent, answers(feed)[0])], half)[0]
    assert told.row is not None and [event.type for event in told.events] == ["wiredesk.feed.quiet.v1"]
    row = orjson.loads(orjson.dumps(told.row))
    silent = replace(feed, status=row["status"], rhythm=row["rhythm"], warnings=row["warnings"])
    every = [polled(silent, answers(feed)[0])]
    (short,) = finish_all(every, half)
    monkeypatch.setattr(states, "_rests", lambda *_: False)
    (whole,) = finish_all(every, half)
    assert short.row is None and short.clock == whole.clock and whole.events == ()
    written = orjson.loads(orjson.dumps(whole.row))
    assert (written["status"], written["rhythm"], written["warnings"]) == ("quiet", silent.rhythm, silent.warnings)


async def test_the_wide_row_is_written_when_something_changed_and_only_then(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    publisher.serve("/feed", rss([item(n) for n in range(5)]), ETag='"1"')
    feed = await desk.subscribe(publisher.url("/feed"))
    await desk.first_poll(feed)
    written = []
    for n in range(4):
        if n == 3:
            publisher.serve("/feed", rss([item(n) for n in range(6)]), ETag='"2"')
        before = await desk.state(feed)
        await desk.poll_and_wait(feed)
        written.append(await desk.one("SELECT xmin::text FROM feed_states WHERE feed_id = %s", feed))
    after = await desk.state(feed)
    assert written[0] == written[2] != written[3]
    assert (before["conditional"], before["unmodified"], before["outcome"]) == (3, 3, "not_modified")
    assert (after["outcome"], after["entries_in_last_poll"], after["unchanged_total"]) == ("updated", 6, 5)
    assert after["last_polled_at"] > before["last_polled_at"]
    assert [rule[0] for rule in after["rules"]][-2:] == ["floor", "ceiling"]
