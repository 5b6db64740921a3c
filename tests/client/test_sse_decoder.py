"""The event stream is read as the WHATWG text says, however the bytes are cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wiredesk.sse import Decoder, ServerSentEvent


def decode(*chunks: bytes, last_id: str = "") -> list[ServerSentEvent]:
    decoder = Decoder(last_id)
    return [event for chunk in chunks for event in decoder.feed(chunk)]


def test_the_examples_of_the_standard() -> None:
    assert decode(b"data: YHOO\ndata: +2\ndata: 10\n\n") == [ServerSentEvent("message", "YHOO\n+2\n10", "")]
    stream = b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n"
    assert decode(stream) == [
        ServerSentEvent("message", "first event", "1"),
        ServerSentEvent("message", "second event", ""),
        ServerSentEvent("message", " third event", ""),
    ]
    assert decode(b"data\n\ndata\ndata\n\ndata:") == [
        ServerSentEvent("message", "", ""),
        ServerSentEvent("message", "\n", ""),
    ]
    assert decode(b"data:test\n\ndata: test\n\n") == [ServerSentEvent("message", "test", "")] * 2


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_lines_end_with_any_of_three(end: bytes) -> None:
    assert decode(end.join([b"event: a", b"data: 1", b"data: 2", b"id: 7", b"", b""])) == [
        ServerSentEvent("a", "1\n2", "7")
    ]


def test_a_byte_order_mark_at_the_start_is_dropped_and_elsewhere_kept() -> None:
    assert decode("\ufeffdata: a\n\n\ufeffdata: b\n\ndata: \ufeffc\n\n".encode()) == [
        ServerSentEvent("message", "a", ""),
        ServerSentEvent("message", "\ufeffc", ""),
    ]


def test_the_id_stays_until_another_comes_and_a_null_in_it_is_ignored() -> None:
    assert [e.id for e in decode(b"data: a\n\nid: 8\ndata: b\n\nid: 9\0\ndata: c\n\n", last_id="7")] == ["7", "8", "8"]


def test_an_id_without_data_counts_once_its_block_is_whole() -> None:
    decoder = Decoder("3")
    assert decoder.feed(b"id: 9\n") == []
    assert decoder.last_id == "3"
    assert decoder.feed(b"\n") == []
    assert decoder.last_id == "9"


def test_retry_takes_digits_only() -> None:
    decoder = Decoder()
    decoder.feed(b"retry: 2500\nretry: 1.5\nretry: -3\nretry: \xd9\xa3\n\n")
    assert decoder.retry_ms == 2500


def test_a_block_that_does_not_end_is_never_given_out() -> None:
    assert decode(b"data: half\n") == []


LINES = st.lists(
    st.one_of(
        st.sampled_from(["", "", "data", "data:", "id", ":", "retry: 10", "event: x", "data: ", "unknown: 1"]),
        st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=8).map("data: {}".format),
        st.integers(0, 99).map("id: {}".format),
    ),
    max_size=12,
)


@given(
    lines=LINES,
    ends=st.lists(st.sampled_from(["\n", "\r", "\r\n"]), min_size=12, max_size=12),
    cuts=st.sets(st.integers(0, 200)),
)
def test_how_the_bytes_are_cut_changes_nothing(lines: list[str], ends: list[str], cuts: set[int]) -> None:
    body = "".join(line + end for line, end in zip(lines, ends, strict=False)).encode()
    edges = [0, *sorted(c for c in cuts if c < len(body)), len(body)]
    pieces = [body[a:b] for a, b in itertools.pairwise(edges)]
    assert decode(*pieces) == decode(body)
