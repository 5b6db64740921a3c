"""Slow readers are bounded and cut with a reason: however many there are, what is held for them is counted here."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import pytest

from services.api import reads, stream
from services.api.__main__ import Server
from services.api.deps import Resources
from services.api.lines import Connection
from services.api.stream import Batch, Follower, Held
from services.api.views import EVERYTHING, Seen, Told
from shared.settings import Settings
from tests.api import conftest
from tests.api.conftest import Newsroom, serving

EVENT = 20_000
KERNEL = 8192  # of a socket's own buffers, so that what does not fit stays with us
HIGH_WATER = 65_536  # uvicorn's: above it a connection is full
MOST_IN_A_CONNECTION = HIGH_WATER + stream.BATCH_BYTES + 2 * EVENT
_before: list[Any] = []
KINDS = ("wiredesk.feed.quiet.v1", "wiredesk.feed.failing.v1", "wiredesk.feed.recovered.v1")


@asynccontextmanager
async def narrow(settings: Settings, held: Resources, patched: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """A server whose connections the system keeps nearly nothing of."""
    bound = conftest.bind

    def bind(given: Settings) -> socket.socket:
        sock = bound(given)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL)
        return sock

    patched.setattr(conftest, "bind", bind)
    async with serving(settings, held) as (_, server):
        yield server


@contextmanager
def asking(server: Server, *queries: str) -> Iterator[list[socket.socket]]:
    """Readers that ask and then do not read."""
    port = server.servers[0].sockets[0].getsockname()[1]
    readers = []
    try:
        for query in queries:
            one = socket.socket()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL)
            one.connect(("127.0.0.1", port))
            head = f"GET /v1/events?{query} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
            one.sendall(head.encode())
            readers.append(one)
        yield readers
    finally:
        for one in readers:
            one.close()


def connections(server: Server) -> list[Connection]:
    return [one for one in server.server_state.connections if isinstance(one, Connection)]


@pytest.fixture(autouse=True)
def before() -> Iterator[None]:
    """What tests before this one left is not counted; it is held, so that nothing else is taken for it."""
    gc.collect()
    _before.extend(one for one in gc.get_objects() if type(one) in (Seen, Told))
    yield
    _before.clear()


def alive(kind: type[Any]) -> list[Any]:
    known = {id(one) for one in _before}
    return [one for one in gc.get_objects() if type(one) is kind and id(one) not in known]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.05)


async def test_readers_of_the_past_who_fell_apart_are_held_nothing_but_a_full_connection(
    newsroom: Newsroom, settings: Settings, held: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, events = 40, 240
    for n in range(events):
        newsroom.tell(KINDS[0], "feeds/1", {"n": n, "text": "x" * EVENT}, relay=n == events - 1)
    assert await held.hub.beyond(events - 1, 30)
    async with narrow(settings, held, monkeypatch) as server:
        with asking(server, *(f"after={4 * n}" for n in range(count))):
            await until(lambda: sum(one.full for one in connections(server)) == count)
            await until(lambda: not held.log.reads._pieces)  # what was kept for others is gone
            waiting = [one.transport.get_write_buffer_size() for one in connections(server)]
            assert max(waiting) <= MOST_IN_A_CONNECTION
            assert len(alive(Seen)) == 0
            assert sum(one.size for one in alive(Told)) == 0


async def test_few_pieces_of_the_past_are_held_at_once_and_none_is_big(
    newsroom: Newsroom, held: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reads, "PIECE_BYTES", 128_000)
    for n in range(120):
        newsroom.tell(KINDS[0], "feeds/1", {"n": n, "text": "x" * EVENT}, relay=False)
    most = 0

    async def read(position: int) -> None:
        nonlocal most
        async with held.log.reads.turns:
            piece = await held.log.reads.after(position)
            assert sum(len(one.raw) for one in piece[:-1]) <= reads.PIECE_BYTES
            assert piece[0].position == position + 1
            most = max(most, sum(len(one.raw) for one in alive(Seen)))

    await asyncio.gather(*(read(position) for position in range(0, 100, 3)))
    assert most <= (reads.TURNS + reads.KEPT + 1) * (reads.PIECE_BYTES + 2 * EVENT)
    await until(lambda: not alive(Seen))


async def test_of_slow_readers_of_what_comes_the_slowest_are_cut_before_too_much_is_held(
    newsroom: Newsroom, settings: Settings, held: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 2_000_000
    monkeypatch.setattr(stream, "MAX_HELD_BYTES", most)
    seen_most = 0
    relieve = held.hub._relieve

    def relieved() -> None:
        nonlocal seen_most
        relieve()
        seen_most = max(seen_most, held.hub.held.bytes)

    monkeypatch.setattr(held.hub, "_relieve", relieved)
    async with narrow(settings, held, monkeypatch) as server:
        with asking(server, *(f"type={kind}" for kind in KINDS for _ in range(4))) as readers:
            await until(lambda: held.hub.followers == len(readers))
            base = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
            async with httpx.AsyncClient(base_url=base, timeout=30) as client:
                headers = {"Accept": "text/event-stream"}
                async with client.stream("GET", "/v1/events?after=0", headers=headers) as quick:
                    lines = quick.aiter_lines()
                    given: list[int] = []
                    for n in range(300):
                        newsroom.tell(KINDS[n % 3], "feeds/1", {"n": n, "text": "x" * EVENT})
                        while len(given) < n + 1:
                            line = await asyncio.wait_for(anext(lines), 30)
                            given += [int(line[4:])] if line.startswith("id: ") else []
                    assert given == list(range(1, 301))  # who reads is given all
            await until(lambda: held.hub.followers == 0)  # 300 events of three kinds are more than may be held
            assert 0 < seen_most <= most
            assert held.hub.held.bytes == 0
            await until(lambda: not connections(server))
    assert alive(Told) == []


async def test_an_event_that_waits_for_many_is_held_once() -> None:
    held, told = Held(), [Told.of(n, "k", b"x" * 100) for n in range(1, 4)]
    followers = [Follower(EVERYTHING, 0) for _ in range(5)]
    for one in followers:
        one.held = held
        one.offer(Batch(told), 3)
    assert held.bytes == sum(one.size for one in told)
    assert [t.position for t in await followers[0].take()] == [1, 2, 3]
    for one in followers[1:]:
        assert held.bytes == sum(t.size for t in told)
        one.end("gone")
    assert (held.bytes, held._times) == (0, {})


async def test_a_queue_gives_so_much_at_a_time_and_all_of_it_after_the_filters_change() -> None:
    follower = Follower(EVERYTHING, 0)
    follower.offer(Batch([Told.of(n, "k", b"x" * 20_000) for n in range(1, 8)]), 7)
    follower.finish("the filters changed")
    taken = []
    while follower.waiting:
        taken.append([t.position for t in await follower.take()])
    assert taken == [[1, 2, 3], [4, 5, 6], [7]]
    assert follower.after == 7
