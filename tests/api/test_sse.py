"""The bytes of a stream, read by the rules of the WHATWG HTML standard (9.2.6), written here as it writes them."""

from __future__ import annotations

import json

from services.api import sse


def parse(stream: bytes) -> tuple[list[tuple[str, str, str]], int | None]:
    """(type, data, last id) of each event dispatched, and the reconnection time."""
    told, retry, last, kind, data = [], None, "", "", ""
    for line in stream.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]:
        if not line:
            if data:
                told.append((kind or "message", data[:-1], last))
            kind = data = ""
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "data":
            data += value + "\n"
        elif name == "id" and "\0" not in value:
            last = value
        elif name == "retry" and value.isdigit():
            retry = int(value)
    return told, retry


def test_events_come_with_type_data_and_id() -> None:
    stream = sse.event(7, "wiredesk.a.v1", b'{"a":1}') + sse.event(8, "wiredesk.b.v1", b'{"b":2}')
    assert parse(stream)[0] == [("wiredesk.a.v1", '{"a":1}', "7"), ("wiredesk.b.v1", '{"b":2}', "8")]


def test_retry_and_comments_dispatch_nothing_and_change_no_id() -> None:
    stream = sse.retry(2000) + sse.comment("following") + sse.event(7, "t", b"{}") + sse.comment("id: 9")
    assert parse(stream + sse.event(8, "t", b"{}")) == ([("t", "{}", "7"), ("t", "{}", "8")], 2000)


def test_data_of_several_lines_arrives_as_it_was() -> None:
    for end in (b"\n", b"\r\n", b"\r"):
        (event,), _ = parse(sse.event(1, "t", b'{"a":' + end + b"1}" + end))
        assert event[1] == '{"a":\n1}\n'
        assert json.loads(event[1]) == {"a": 1}


def test_a_reset_has_no_id_so_that_the_reader_keeps_its_own() -> None:
    stream = sse.event(7, "t", b"{}") + sse.reset({"oldest": 40, "latest": 90})
    assert parse(stream)[0][1] == ("wiredesk.stream.reset", '{"oldest":40,"latest":90}', "7")


def test_an_event_cut_off_by_the_end_is_not_dispatched() -> None:
    whole = sse.event(7, "t", b"{}") + sse.event(8, "t", b"{}")
    for cut in range(1, len(sse.event(8, "t", b"{}"))):
        assert [last for _, _, last in parse(whole[:-cut])[0]] == ["7"]
