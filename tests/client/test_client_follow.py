"""`follow()` over real sockets, against servers that break, cut, refuse and forget; sync and async alike."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from scripted import Answer, Asked, as_json, event, serving, sse
from wiredesk import (
    ApiError,
    AsyncWiredesk,
    Event,
    FileState,
    MemoryState,
    StreamReset,
    Unexpected,
    Wiredesk,
    WiredeskError,
)

RETRY = b"retry: 10\n\n"


def follow_sync(url: str, count: int, **options: Any) -> list[Event]:
    with Wiredesk(url) as desk:
        return list(islice(desk.follow(**options), count))


def follow_async(url: str, count: int, **options: Any) -> list[Event]:
    async def run() -> list[Event]:
        found: list[Event] = []
        async with AsyncWiredesk(url) as desk:
            stream = desk.follow(**options)
            async for item in stream:
                found.append(item)
                if len(found) == count:
                    break
            await stream.aclose()  # type: ignore[attr-defined]
        return found

    return asyncio.run(run())


@pytest.fixture(params=[follow_sync, follow_async], ids=["sync", "async"])
def follow(request: pytest.FixtureRequest) -> Iterator[Any]:
    yield request.param


def positions(events: list[Event]) -> list[int]:
    return [e.position for e in events]


def test_a_broken_connection_is_resumed_after_the_last_whole_event(follow: Any) -> None:
    half = event(4)[:-20]

    def script(asked: Asked) -> Answer:
        after = int(asked.headers["last-event-id"])
        assert asked.query["after"] == [str(after)]
        return {0: sse(RETRY, event(1), event(3), half, cut=True), 3: sse(RETRY + event(4), event(5))}[after]

    with serving(script) as (url, asked):
        assert positions(follow(url, 4, after=0)) == [1, 3, 4, 5]
        assert [a.headers["last-event-id"] for a in asked] == ["0", "3"]
        assert asked[0].headers["accept"] == "text/event-stream"


def test_events_that_come_again_are_given_out_once(follow: Any) -> None:
    def script(asked: Asked) -> Answer:
        return sse(RETRY, event(1), event(2), *([event(3)] if asked.headers["last-event-id"] == "2" else []))

    with serving(script) as (url, _):
        assert positions(follow(url, 3, after=0)) == [1, 2, 3]


def test_filters_travel_with_every_request(follow: Any) -> None:
    def script(asked: Asked) -> Answer:
        return sse(RETRY, event(int(asked.headers["last-event-id"]) + 1))

    with serving(script) as (url, asked):
        follow(url, 2, after=6, lang=["es", "en"], type="wiredesk.article.enriched.v1", q='"ferry strike" -boat')
        assert len(asked) == 2
        for request in asked:
            assert request.query["lang"] == ["es", "en"]
            assert request.query["q"] == ['"ferry strike" -boat']
            assert request.query["type"] == ["wiredesk.article.enriched.v1"]


def test_without_a_position_it_begins_at_the_head_so_that_nothing_is_missed_before_the_first_event(follow: Any) -> None:
    def script(asked: Asked) -> Answer:
        if asked.path == "/v1/articles":
            return as_json({"items": [], "next": None, "position": 41})
        return sse(RETRY, event(int(asked.headers["last-event-id"]) + 1))

    with serving(script) as (url, _):
        assert positions(follow(url, 1)) == [42]


def test_an_id_without_an_event_moves_the_resume_point(follow: Any) -> None:
    def script(asked: Asked) -> Answer:
        return sse(RETRY, b"id: 50\n\n") if asked.headers["last-event-id"] == "0" else sse(event(51))

    with serving(script) as (url, asked):
        assert positions(follow(url, 1, after=0)) == [51]
        assert asked[1].headers["last-event-id"] == "50"


def test_a_busy_server_is_asked_again_and_told_about(follow: Any) -> None:
    breaks: list[str] = []

    def script(asked: Asked) -> Answer:
        return as_json({"code": "unavailable"}, 503) if not breaks else sse(event(1))

    with serving(script) as (url, _):
        options = {"after": 0, "on_break": lambda why, wait_s: breaks.append(why)}
        assert positions(follow(url, 1, **options)) == [1]
    assert breaks == ["HTTP 503"]


@pytest.mark.parametrize(("status", "code"), [(400, "bad_value"), (401, "no_key"), (409, "position_ahead")])
def test_a_refusal_that_stays_is_raised_at_once(follow: Any, status: int, code: str) -> None:
    with serving(lambda asked: as_json({"code": code, "detail": "no"}, status)) as (url, asked):
        with pytest.raises(ApiError) as raised:
            follow(url, 1, after=0)
        assert raised.value.code == code
        assert len(asked) == 1


def test_something_else_than_a_stream_is_not_mistaken_for_one(follow: Any) -> None:
    page = Answer(200, {"content-type": "text/html"}, (b"<p>hello</p>",))
    with serving(lambda asked: page) as (url, _), pytest.raises(Unexpected):
        follow(url, 1, after=0)


RESET = b'event: wiredesk.stream.reset\ndata: {"oldest": 90, "latest": 99, "catch_up": "/v1/articles?since=5"}\n\n'


def test_a_reset_is_raised_and_the_next_run_goes_on_from_the_oldest(follow: Any) -> None:
    def script(asked: Asked) -> Answer:
        return sse(RESET, event(90)) if asked.headers["last-event-id"] == "5" else sse(event(90), event(91))

    state = MemoryState(5)
    with serving(script) as (url, asked):
        with pytest.raises(StreamReset) as raised:
            follow(url, 1, resume=state)
        assert (raised.value.oldest, raised.value.latest) == (90, 99)
        assert raised.value.catch_up == "/v1/articles?since=5"
        assert positions(follow(url, 2, resume=state)) == [90, 91]
        assert asked[-1].headers["last-event-id"] == "89"


def test_a_reset_with_a_handler_is_told_and_the_stream_goes_on(follow: Any) -> None:
    told: list[StreamReset] = []
    with serving(lambda asked: sse(RESET, event(90))) as (url, _):
        assert positions(follow(url, 1, after=5, on_reset=told.append)) == [90]
    assert [t.oldest for t in told] == [90]


def test_the_position_outlives_the_program_and_is_saved_only_after_the_event_was_dealt_with(
    follow: Any, tmp_path: Path
) -> None:
    path = tmp_path / "position"

    def script(asked: Asked) -> Answer:
        after = int(asked.headers["last-event-id"])
        return sse(*(event(n) for n in range(after + 1, 10)))

    with serving(script) as (url, _):
        assert positions(follow(url, 3, after=0, resume=FileState(path))) == [1, 2, 3]
        assert path.read_text() == "2\n"  # the third was given out, but nobody said that it was dealt with
        assert positions(follow(url, 2, after=0, resume=FileState(path))) == [3, 4]
    assert [p.name for p in tmp_path.iterdir()] == ["position"]


def test_a_spoilt_position_file_is_an_error_not_a_new_beginning(tmp_path: Path) -> None:
    path = tmp_path / "position"
    path.write_text("tomorrow")
    with pytest.raises(WiredeskError, match="does not hold a position"):
        FileState(path).load()
