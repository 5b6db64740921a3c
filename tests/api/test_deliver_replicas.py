"""Replicas of deliver share what is due, give back what they hold, and take over what others leave."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.api import deliver, replicas
from services.api.webhooks import push
from shared.settings import Settings
from tests.api.conftest import Newsroom
from tests.api.receiving import Delivered, Receiver
from tests.api.test_deliver_process import start
from tests.api.test_hub import Reader, ask, subscriptions
from tests.api.test_searches import kept
from tests.api.test_webhooks import delivering, subscribe, until

HOOKS = 6


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    given: dict[str, Any] = {"allow_private": "127.0.0.0/8", "webhook_backoff_s": "0.05,0.05"}
    return Settings(database_url=database_url, redis_url=redis_url, home=tmp_path, port=0, **given)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Receivers made with it answer once it is open."""
    event = threading.Event()
    yield event
    event.set()


def waiting(gate: threading.Event, came: list[str] | None = None) -> Receiver:
    def answer(delivered: Delivered) -> tuple[int, dict[str, str]]:
        if came is not None:
            came.append(delivered.id)
        gate.wait(60)
        return 204, {}

    return Receiver(answer)


def leased(newsroom: Newsroom, table: str = "webhooks") -> int:
    row = newsroom.conn.execute(f"SELECT count(*) FROM {table} WHERE lease_until > now()".encode()).fetchone()
    assert row
    return int(row[0])


def serving(newsroom: Newsroom) -> list[int]:
    return [n for (n,) in newsroom.conn.execute("SELECT serving FROM deliver_replicas ORDER BY serving").fetchall()]


def positions(newsroom: Newsroom) -> set[int]:
    return {p for (p,) in newsroom.conn.execute("SELECT position FROM webhook_cursors").fetchall()}


async def two_that_know_of_each_other(newsroom: Newsroom) -> None:
    both = "SELECT count(*) = 2 AND min(seen_at) > max(started_at) FROM deliver_replicas"
    await until(lambda: newsroom.conn.execute(both).fetchone() == (True,), "two that know of each other")


@contextmanager
def process(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    running = start(settings.database_url, WIREDESK_ALLOW_PRIVATE="127.0.0.1")
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


async def test_each_of_two_replicas_serves_half_and_one_takes_over_when_the_other_is_killed(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings, gate: threading.Event
) -> None:
    with contextlib.ExitStack() as stack:
        receivers = [stack.enter_context(waiting(gate)) for _ in range(HOOKS)]
        for receiver in receivers:
            await subscribe(api, receiver)
        first, _second = stack.enter_context(process(settings)), stack.enter_context(process(settings))
        await two_that_know_of_each_other(newsroom)
        newsroom.article("One", relay=False)
        await until(lambda: leased(newsroom) == HOOKS, "all under way")
        await until(lambda: serving(newsroom) == [HOOKS // 2] * 2, "halves")
        first.kill()
        first.wait()
        gate.set()
        for n in range(3):
            newsroom.article(f"Further {n}", relay=False)
        await until(lambda: positions(newsroom) == {4}, "everything, by the other")
    for receiver in receivers:
        first_ids = [d.id for d in receiver.got if d.positions == [1]]
        assert len(set(first_ids)) == 1 and len(first_ids) <= 2  # again under its id, where the answer met nobody
        assert list(dict.fromkeys(receiver.positions)) == [1, 2, 3, 4]
        assert receiver.positions[len(first_ids) :] == [2, 3, 4]
    assert sum(len(receiver.got) for receiver in receivers) == HOOKS * 4 + HOOKS // 2


async def test_a_replica_that_is_told_to_stop_ends_what_is_under_way_and_gives_the_rest_back(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings, gate: threading.Event
) -> None:
    came: list[str] = []
    with waiting(gate, came) as receiver, process(settings) as one:
        await subscribe(api, receiver)
        newsroom.article("One", relay=False)
        newsroom.article("Two", relay=False)
        await until(lambda: came, "one under way")
        one.send_signal(signal.SIGTERM)
        await until(lambda: serving(newsroom) == [], "one replica less")
        gate.set()
        assert await asyncio.to_thread(one.wait, 30) == 0
        assert (leased(newsroom), positions(newsroom)) == (0, {1})
        async with delivering(settings):
            await until(lambda: positions(newsroom) == {2}, "the rest")
        assert receiver.positions == [1, 2]


async def test_what_is_cut_off_at_the_end_is_given_back_at_once(
    api: httpx.AsyncClient,
    newsroom: Newsroom,
    settings: Settings,
    gate: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deliver, "GRACE_S", 0.1)
    monkeypatch.setattr(replicas, "LEASE_S", 3600.0)
    came: list[str] = []
    with waiting(gate, came) as receiver:
        await subscribe(api, receiver)
        async with delivering(settings):
            newsroom.article("One", relay=False)
            await until(lambda: came, "one under way")
        assert (leased(newsroom), serving(newsroom)) == (0, [])
        gate.set()
        async with delivering(settings):
            await until(lambda: positions(newsroom) == {1}, "the same again")
    assert len(came) == 2 and len(set(came)) == 1


async def test_a_lease_is_kept_while_an_answer_takes_longer(
    api: httpx.AsyncClient,
    newsroom: Newsroom,
    settings: Settings,
    gate: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replicas, "LEASE_S", 2.0)
    monkeypatch.setattr(replicas, "BEAT_S", 0.1)
    with waiting(gate) as receiver:
        await subscribe(api, receiver)
        async with delivering(settings), delivering(settings):
            newsroom.article("One", relay=False)
            await until(lambda: leased(newsroom) == 1, "one under way")
            row = newsroom.conn.execute("SELECT lease_until FROM webhooks").fetchone()
            assert row
            over = "SELECT now() > %s::timestamptz + interval '1 second'"
            await until(lambda: newsroom.conn.execute(over, (row[0],)).fetchone() == (True,), "the first lease over")
            gate.set()
            await until(lambda: positions(newsroom) == {1}, "the answer")
    assert receiver.positions == [1]


async def test_a_new_replica_gets_its_part_of_what_never_rests(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicas, "TURN_S", 0.1)
    monkeypatch.setattr(replicas, "BEAT_S", 0.1)

    def answer(_: Delivered) -> tuple[int, dict[str, str]]:
        threading.Event().wait(0.02)
        return 204, {}

    for n in range(400):
        newsroom.article(f"Article {n}", relay=False)
    async with AsyncExitStack() as stack:
        receivers = [stack.enter_context(Receiver(answer)) for _ in range(4)]
        for receiver in receivers:
            await subscribe(api, receiver, after=0)
        one = await stack.enter_async_context(delivering(settings))
        await until(lambda: one.serving == 4, "all by the one")
        two = await stack.enter_async_context(delivering(settings))
        await until(lambda: one.serving == 2 and two.serving == 2, "halves")
        assert all(len(receiver.got) < 400 for receiver in receivers)
    for receiver in receivers:
        assert receiver.positions == list(range(1, len(receiver.got) + 1))
        assert receiver.unverified == []


async def test_one_with_much_to_deliver_does_not_keep_others_waiting(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "AT_ONCE", 1)
    monkeypatch.setattr(replicas, "TURN_S", 0.05)
    for n in range(300):
        newsroom.article(f"Article {n}", relay=False)
    with Receiver() as much, Receiver() as little:
        await subscribe(api, much, after=0)
        async with delivering(settings):
            await until(lambda: much.got, "a first delivery")
            await subscribe(api, little, after=299)
            await until(lambda: little.got, "the other's")
            assert len(much.got) < 300
            await until(lambda: len(much.got) >= 300, "all")
    assert much.positions == list(range(1, 301))


async def test_a_replica_that_looks_no_more_is_not_counted_and_a_failure_is_not_held_for_ever(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicas, "LEASE_S", 0.3)
    monkeypatch.setattr(replicas, "BEAT_S", 0.1)
    failing = True
    serve = push.serve

    async def broken(sender: Any, claimed: Any) -> None:
        if failing:
            raise ZeroDivisionError
        await serve(sender, claimed)

    monkeypatch.setattr(push, "serve", broken)
    newsroom.conn.execute(
        "INSERT INTO deliver_replicas (id, host, pid, seen_at, serving)"
        " VALUES (gen_random_uuid(), 'dead', 1, now() - interval '2 hours', 3)"
    )
    with Receiver() as receiver:
        await subscribe(api, receiver)
        async with delivering(settings) as one:
            newsroom.article("One", relay=False)
            sought = "SELECT lease_token FROM webhooks WHERE lease_token > 1"
            await until(lambda: newsroom.conn.execute(sought).fetchone(), "a second claim")
            assert serving(newsroom) == [0] or len(serving(newsroom)) == 1  # the dead one is forgotten
            failing = False
            await until(lambda: receiver.got, "the delivery")
            await until(lambda: one.serving == 0, "nothing held")
    assert receiver.positions == [1]


async def test_pushes_of_the_hub_are_shared_and_given_back_too(
    api: httpx.AsyncClient, newsroom: Newsroom, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicas, "BEAT_S", 0.1)
    gate, asked = threading.Event(), 4
    search = await kept(api, q="bridge")
    with contextlib.ExitStack() as stack:
        async with AsyncExitStack() as running:
            one = await running.enter_async_context(delivering(settings))
            two = await running.enter_async_context(delivering(settings))

            def status(_: int) -> int:
                gate.wait(60)
                return 204

            readers = [stack.enter_context(Reader(status=status)) for _ in range(asked)]
            for reader in readers:
                await ask(api, reader, search)
            await until(lambda: subscriptions(newsroom) == asked and one.serving == two.serving == 0, "subscriptions")
            await two_that_know_of_each_other(newsroom)
            newsroom.article("The bridge", relay=False)
            await until(lambda: one.serving == two.serving == asked // 2, "halves")
            assert leased(newsroom, "feed_readers") == asked
            gate.set()
            await until(lambda: all(reader.titles for reader in readers), "all pushes")
        assert leased(newsroom, "feed_readers") == 0
        assert [reader.titles for reader in readers] == [["The bridge"]] * asked
