"""One bad feed harms only itself: whatever a server sends, its poll ends with a reason and others go on."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.http import Limits
from shared.settings import Settings
from tests.ingest.desk import Desk, ingesting
from tests.ingest.misbehaving import misbehave
from tests.ingest.publisher import Publisher, item, rss

BRIEF = Limits(total_s=2.0, connect_s=1.0, silence_s=1.0, sent_bytes=2_000_000, unpacked_bytes=5_000_000)


async def test_every_misbehaving_server_is_an_outcome_with_a_reason_and_harms_nobody_else(
    settings: Settings, desk: Desk, publisher: Publisher
) -> None:
    stated = misbehave(publisher)
    publisher.serve("/good", rss([item(1), item(2)]))
    async with ingesting(settings, concurrency=32, limits=BRIEF):
        feeds = {path: await desk.subscribe(publisher.url(path)) for path in [*stated, "/good"]}
        polls = {path: await desk.first_poll(feed) for path, feed in feeds.items()}
        again = await desk.poll_and_wait(feeds["/good"])
    assert {path: polls[path]["outcome"] for path in stated} == stated
    for path, poll in polls.items():
        if path in stated:
            assert poll["error"]["code"] == stated[path] and len(poll["error"]["message"]) > 20
            state = await desk.state(feeds[path])
            assert (state["status"], state["entries_in_last_poll"]) == ("failing", 0)
    assert (polls["/good"]["counts"]["new"], again["outcome"]) == (2, "unchanged")
    assert await desk.one("SELECT count(*) FROM articles") == 2
    asked = datetime.now(UTC) + timedelta(minutes=50)
    for path in ("/busy", "/often"):
        state = await desk.state(feeds[path])
        assert state["retry_after_at"] > asked and state["next_poll_at"] >= state["retry_after_at"]


async def test_a_name_whose_address_changes_is_refused_at_the_connection(
    settings: Settings, desk: Desk, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name server says one thing to whoever checks and another to whoever connects."""
    real = socket.getaddrinfo
    answers = iter(["127.0.0.1", "10.1.2.3", "169.254.169.254"])

    def changing(host: Any, *rest: Any, **named: Any) -> Any:
        if host != "rebinding.example":
            return real(host, *rest, **named)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), rest[0]))]

    monkeypatch.setattr(socket, "getaddrinfo", changing)
    publisher.serve("/feed", rss([item(1)]))
    url = publisher.url("/feed", host="rebinding.example")
    outcomes = []
    for _ in range(3):  # names are remembered for a minute: a process each
        async with ingesting(settings, limits=BRIEF):
            feed = await desk.subscribe(f"{url}?{len(outcomes)}")
            outcomes.append((await desk.first_poll(feed))["outcome"])
    assert outcomes == ["updated", "address_refused", "address_refused"]
    assert publisher.times("/feed") == 1


async def test_what_was_repaired_refused_or_left_out_is_a_warning_that_ends(
    settings: Settings, desk: Desk, publisher: Publisher
) -> None:
    body = rss([item(n, pubDate="") for n in range(2_010)]).replace(
        "<rss ", '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///x">]><rss '
    )
    publisher.serve("/feed", body.encode().replace(b"Headline number 1<", b"\x93Quoted\x94 &x; \x00<"))
    async with ingesting(settings):
        feed = await desk.subscribe(publisher.url("/feed"))
        poll = await desk.first_poll(feed)
        warned = [warning["code"] for warning in (await desk.state(feed))["warnings"]]
        publisher.serve("/feed", rss([item(1, pubDate="")]))
        await desk.poll_and_wait(feed)
        mended = (await desk.state(feed))["warnings"]
    assert (poll["entries"], poll["counts"]["new"], poll["counts"]["capped"]) == (2_010, 2_000, 10)
    assert warned == ["items_capped", "entities_refused", "encoding_repaired"]
    assert mended == []
    assert await desk.one("SELECT count(*) FROM article_versions WHERE title = '“Quoted” &x;'") == 1
