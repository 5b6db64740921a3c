"""One log behind every channel: leave one, resume on another, on another replica, and nothing is missing or doubled."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import httpx_sse
import pytest
from websockets.sync.client import connect

from tests.api.conftest import Newsroom
from tests.flow.system import System, until

COUNT = 90


@pytest.fixture
def replicas(tmp_path: Path, database_url: str, redis_url: str) -> Iterator[tuple[System, System]]:
    """Two API processes on one store; the relay runs beside the first."""
    one, two = (System(tmp_path / name, database_url, redis_url) for name in ("one", "two"))
    try:
        one.start("relay")
        for each in (one, two):
            each.start("api")
        for each in (one, two):
            until(lambda url=each.url: httpx.get(url + "/readyz").status_code == 200, 60, each.tail("api"))  # type: ignore[misc]
        yield one, two
    finally:
        one.stop()
        two.stop()


@pytest.fixture
def newsroom(database_url: str, redis_url: str) -> Iterator[Newsroom]:
    """Writes what ingest and enrich would, without them."""
    room = Newsroom(database_url, redis_url)
    yield room
    room.conn.close()


def by_sse(url: str, after: int, count: int) -> list[str]:
    """So many CloudEvents after a position, as they were sent."""
    with (
        httpx.Client(timeout=30) as client,
        httpx_sse.connect_sse(client, "GET", url + "/v1/events", headers={"Last-Event-ID": str(after)}) as source,
    ):
        events = source.iter_sse()
        return [next(events).data for _ in range(count)]


def by_socket(url: str, after: int, count: int) -> list[str]:
    """The same by WebSocket; control frames are left out."""
    found: list[str] = []
    with connect(f"{url.replace('http', 'ws')}/v1/events/ws?after={after}") as ws:
        while len(found) < count:
            frame = str(ws.recv(30))
            found += [frame] if "specversion" in json.loads(frame) else []
    return found


def by_pages(url: str, after: int, count: int) -> list[str]:
    """The same by pages that are waited for."""
    found: list[str] = []
    while len(found) < count:
        page = httpx.get(url + f"/v1/events?after={after}&wait=20&limit={count - len(found)}", timeout=40).json()
        after = page["position"]
        found += [json.dumps(event) for event in page["items"]]
    return found


def test_one_channel_goes_on_where_another_was_left(replicas: tuple[System, System], newsroom: Newsroom) -> None:
    one, two = replicas

    def write() -> None:
        for n in range(COUNT):
            newsroom.article(f"Bridge {n}", relay=False)

    writing = threading.Thread(target=write)
    writing.start()
    try:
        first = by_sse(one.url, 0, 30)
        one.kill("api")  # the reader's replica is gone for good: it turns to the other, by another channel
        second = by_socket(two.url, int(json.loads(first[-1])["id"]), 30)
        third = by_pages(two.url, int(json.loads(second[-1])["id"]), 30)
    finally:
        writing.join()
    told = [json.loads(event) for event in first + second + third]
    assert [int(event["id"]) for event in told] == list(range(1, COUNT + 1))
    one.start("api")
    until(lambda: httpx.get(one.url + "/readyz").status_code == 200, 60, one.tail("api"))
    for channel in (by_sse, by_socket, by_pages):
        for replica in (one, two):
            assert [json.loads(event) for event in channel(replica.url, 0, COUNT)] == told
