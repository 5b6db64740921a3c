"""The pure parts: parameters, cursors, filters, frames, folding of lists."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api import params, query, shape, sse
from services.api.feeds import opml
from services.api.filters import Filter, matches
from services.api.problems import Problem
from services.api.query import Form, decode_cursor, encode_cursor
from shared.stored import Kept

TIMES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))
IDS = st.integers(1, 2**63 - 1)


@given(TIMES, IDS)
def test_a_cursor_comes_back_as_it_was(at: datetime, article_id: int) -> None:
    assert decode_cursor(encode_cursor(at, article_id)) == (at, article_id)


@given(st.text(max_size=40))
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    try:
        at, _ = decode_cursor(text)
    except ValueError:
        return
    assert at.tzinfo is not None


@given(st.binary(max_size=200))
def test_any_query_string_is_read_or_refused_as_a_problem(raw: bytes) -> None:
    try:
        query.read_articles(raw)
    except Problem as problem:
        assert problem.code in ("bad_value", "unknown_parameter")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00.5Z", datetime(2026, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-03-01T12:00:00+02:00", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01T12:00:00 02:00", datetime(2026, 3, 1, 10, tzinfo=UTC)),  # a plus sign that was not escaped
    ],
)
def test_times_are_read_as_rfc_3339(text: str, expected: datetime) -> None:
    assert params.moment(text) == expected


@pytest.mark.parametrize(
    "text", ["", "now", "2026", "2026-02-30", "12:00", "2026-03-01T25:00:00Z", "0001-01-01T00:00:00+14:00"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a time"):
        params.moment(text)


def test_equal_questions_are_equal_filters() -> None:
    one = query.read_events(b"lang=es&lang=en&q=Caf%C3%A9&lang=en").filter
    other = query.read_events(b"q=+Caf%C3%A9+&lang=en&lang=ES").filter
    assert one == other
    assert hash(one) == hash(other)


def event(**data: Any) -> dict[str, Any]:
    return {"type": "wiredesk.article.enriched.v1", "subject": "articles/1", "data": data}


FEED = {"type": "wiredesk.feed.failing.v1", "subject": "feeds/7", "data": {"id": 7}}
AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wanted", "told", "passes"),
    [
        (Filter(), event(), True),
        (Filter(), FEED, True),
        (Filter(lang=("pt",)), event(language={"code": "pt-BR"}), True),
        (Filter(lang=("pt",)), event(language=None), False),
        (Filter(lang=("pt",)), FEED, False),
        (Filter(feed=(7,)), FEED, True),
        (Filter(feed=(8,)), FEED, False),
        (Filter(type=("wiredesk.feed.failing.v1",)), FEED, True),
        (Filter(type=("wiredesk.feed.failing.v1",)), event(), False),
        (Filter(entity=("a", "b")), event(entities=[{"id": "b", "type": "place"}]), True),
        (Filter(entity=("was",)), event(entities=[{"id": "b", "type": "place", "former_ids": ["was"]}]), True),
        (Filter(entity=("b",), entity_type=("person",)), event(entities=[{"id": "b", "type": "place"}]), False),
        (Filter(start=AT), event(published_at="2026-03-01T00:00:00Z"), True),
        (Filter(end=AT), event(published_at="2026-03-01T00:00:00Z"), False),
        (Filter(start=AT), event(published_at=None, discovered_at="2026-03-02T00:00:00Z"), True),
        (Filter(start=AT), event(), False),
        (Filter(since=5), event(), False),
        (Filter(since=4), event(), True),
        (Filter(q=("bridge",)), event(), False),
        (Filter(q=("found",)), event(), True),
    ],
)
def test_what_passes_a_filter(wanted: Filter, told: dict[str, Any], passes: bool) -> None:
    assert matches(wanted, told, 5, {"found"}) is passes


def test_a_frame_of_several_lines_is_one_event() -> None:
    assert sse.event(7, "x", b'{\n"a":1\r\n}') == b'id: 7\nevent: x\ndata: {\ndata: "a":1\ndata: }\n\n'


def test_the_notice_of_a_reset_has_no_id() -> None:
    assert not any(line.startswith(b"id:") for line in sse.reset({"oldest": 4}).split(b"\n"))


def test_the_rest_wins_over_the_card() -> None:
    card = orjson.dumps({"id": 1, "title": "t", "entities": [{"id": "a"}]}).decode()
    rest = orjson.dumps({"body_text": "b", "entities": [{"id": "a", "mentions": []}]}).decode()
    told = orjson.loads(shape.article(Kept(None, card, rest), 9, Form(full=True)))
    assert told == {"position": 9, "id": 1, "title": "t", "entities": [{"id": "a", "mentions": []}], "body_text": "b"}
    assert orjson.loads(shape.article(Kept(None, card), 9, Form())) == {"position": 9, **orjson.loads(card)}


TEXTS = st.text(
    st.characters(min_codepoint=32, exclude_categories=("Cs",), exclude_characters="\ufffe\uffff"), min_size=1
)


@given(
    st.lists(
        st.tuples(
            st.uuids().map(lambda u: f"https://wire.example/{u}?a=1&b=<2>"),
            TEXTS.map(str.strip).filter(bool) | st.none(),
            st.none(),
            st.lists(st.sampled_from(["a", "a/b", "b & c"]), unique=True, max_size=2),
        ),
        unique_by=lambda f: f[0],
        max_size=5,
    )
)
def test_what_is_written_as_opml_is_read_again(feeds: list[tuple[str, str | None, str | None, list[str]]]) -> None:
    found = opml.read(opml.write(feeds))
    expected = [(url, tag) for url, _, _, tags in feeds for tag in (tags or [""])]
    assert sorted((o.url, tag) for o in found for tag in (o.tags or ("",))) == sorted(expected)
