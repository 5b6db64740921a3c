"""The examples of client/examples as a downstream team would run them: killed again and again while events arrive, and
nothing is missing and nothing doubled in the end.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psycopg
from confluent_kafka import Consumer, Producer, TopicPartition

from shared import log
from tests.api.conftest import Newsroom, held, newsroom, served, settings  # noqa: F401 - fixtures

EXAMPLES = Path(__file__).resolve().parents[2] / "client/examples"
ROUNDS = 3  # of starting, waiting for some and killing
EACH = 40


class Program:
    """An example as a process."""

    def __init__(self, url: str, home: Path, name: str, *arguments: str) -> None:
        self._line = [sys.executable, str(EXAMPLES / name), *arguments]
        self._home = home
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith("WIREDESK_")}
        self._environment |= {"WIREDESK_URL": url}

    @contextlib.contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        with (self._home / "said").open("ab") as said:
            process = subprocess.Popen(self._line, cwd=self._home, env=self._environment, stdout=said, stderr=said)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def said(self) -> str:
        return (self._home / "said").read_text(errors="replace")[-2000:]


async def killed_and_resumed(program: Program, room: Newsroom, seen: Callable[[], int]) -> None:
    """Runs it until all is there, with a kill -9 in the middle of each round."""
    for n in range(ROUNDS + 1):
        with program.running():
            for m in range(EACH):
                room.article(f"Harbour {n}.{m} & <more>", body=f"Ferry {m} 🚢", relay=False)
            room.relay()
            wanted = EACH * (n + 1) if n == ROUNDS else EACH * n + 3
            await until(lambda wanted=wanted: seen() >= wanted, program)  # type: ignore[misc]


async def until(holds: Callable[[], bool], program: Program) -> None:
    end = time.monotonic() + 60
    while not await asyncio.to_thread(holds):
        assert time.monotonic() < end, program.said()
        await asyncio.sleep(0.02)


def all_ids() -> list[int]:
    return list(range(1, EACH * (ROUNDS + 1) + 1))


async def test_sqlite_has_every_article_once(served: httpx.AsyncClient, newsroom: Newsroom, tmp_path: Path) -> None:  # noqa: F811
    program = Program(str(served.base_url), tmp_path, "to_database.py", "news.db")

    def rows(what: str) -> list[Any]:
        with contextlib.closing(sqlite3.connect(tmp_path / "news.db")) as conn:
            try:
                return conn.execute(f"SELECT {what} FROM articles ORDER BY id").fetchall()
            except sqlite3.OperationalError:  # it has not begun
                return []

    await killed_and_resumed(program, newsroom, lambda: len(rows("id")))
    assert [i for (i,) in rows("id")] == [p for (p,) in rows("position")] == all_ids()
    assert json.loads(rows("whole")[0][0])["body_text"] == "Ferry 0 🚢"


async def test_postgresql_has_every_article_once_though_the_stream_was_lost(
    served: httpx.AsyncClient,  # noqa: F811
    newsroom: Newsroom,  # noqa: F811
    tmp_path: Path,
) -> None:
    with psycopg.connect(newsroom.database_url, autocommit=True) as conn:
        conn.execute("CREATE SCHEMA theirs")
        theirs = f"{newsroom.database_url}&options=-csearch_path%3Dtheirs"
        program = Program(str(served.base_url), tmp_path, "to_database.py", theirs)

        def count() -> int:
            try:
                return int(conn.execute("SELECT count(*) FROM theirs.articles").fetchall()[0][0])
            except psycopg.errors.UndefinedTable:
                return 0

        await killed_and_resumed(program, newsroom, count)
        # Away for so long that the stream was dropped behind it: a reset, and the rest by the list.
        for m in range(EACH):
            newsroom.article(f"While away {m}", relay=False)
        newsroom.relay()
        head = EACH * (ROUNDS + 2)
        with newsroom.conn.transaction():
            assert log.trim(newsroom.conn, 5, None, head, 10_000) == head - 5
        newsroom.wipe()
        newsroom.relay()
        with program.running():
            await until(lambda: count() == head, program)
            newsroom.article("And on")
            await until(lambda: count() == head + 1, program)
        ids = conn.execute("SELECT id FROM theirs.articles ORDER BY position").fetchall()
        assert [i for (i,) in ids] == list(range(1, head + 2))
        assert conn.execute("SELECT position FROM theirs.stands_at").fetchall() == [(head + 1,)]


async def test_kafka_has_every_event_once_and_each_articles_in_order(
    served: httpx.AsyncClient,  # noqa: F811
    newsroom: Newsroom,  # noqa: F811
    tmp_path: Path,
) -> None:
    # librdkafka brings brokers for tests: they speak the protocol over TCP to any client, and live as long as this one.
    broker = Producer({"bootstrap.servers": "none", "test.mock.num.brokers": 1, "log_level": 0})
    brokers = ",".join(f"{b.host}:{b.port}" for b in broker.list_topics(timeout=10).brokers.values())
    program = Program(str(served.base_url), tmp_path, "to_kafka.py", brokers, "news")
    reader = Consumer({"bootstrap.servers": brokers, "group.id": "test", "log_level": 0})

    def parts() -> list[TopicPartition]:  # none until something was sent
        told = reader.list_topics("news", timeout=10).topics["news"]
        return [TopicPartition("news", n, 0) for n in told.partitions]

    def count() -> int:
        return sum(reader.get_watermark_offsets(part, timeout=10)[1] for part in parts())

    await killed_and_resumed(program, newsroom, count)
    total = count()
    reader.assign(parts())
    records = [message for _ in range(total) if (message := reader.poll(10)) is not None]
    reader.close()
    by_part: dict[Any, list[int]] = collections.defaultdict(list)
    for record in records:
        told = json.loads(record.value() or b"")
        headers = dict(record.headers() or [])
        assert headers["position"] == told["id"].encode()
        assert record.key() == told["subject"].encode()
        by_part[record.partition()].append(int(told["id"]))
    assert sorted(p for positions in by_part.values() for p in positions) == all_ids()
    assert len(by_part) > 1
    assert all(positions == sorted(positions) for positions in by_part.values())


class Room:
    """A chat room's incoming webhook: now and then it is busy or broken, and drops what it has by its key."""

    def __init__(self) -> None:
        self.messages: dict[str, str] = {}
        self.refused = 0
        asked = 0
        room = self

        class Hook(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                nonlocal asked
                asked += 1
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                status = {7: 429, 13: 503}.get(asked % 20, 200)
                room.refused += status != 200
                if status == 200:
                    room.messages.setdefault(self.headers["idempotency-key"], body["text"])
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it was killed
                    self.send_response(status)
                    self.send_header("Content-Length", "0")
                    if status == 429:
                        self.send_header("Retry-After", "0")
                    self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


async def test_the_chat_room_reads_of_every_article_once(
    served: httpx.AsyncClient,  # noqa: F811
    newsroom: Newsroom,  # noqa: F811
    tmp_path: Path,
) -> None:
    room = Room()
    (tmp_path / "state").write_text("0\n")
    program = Program(
        str(served.base_url), tmp_path, "to_chat.py", room.url, "--state", "state", "--query", "harbour", "--lang", "en"
    )
    try:
        newsroom.article("A puerto", lang="es")
        await killed_and_resumed(program, newsroom, lambda: len(room.messages))
    finally:
        room.server.shutdown()
        room.server.server_close()
    assert [int(key) for key in room.messages] == [i + 1 for i in all_ids()]
    assert room.refused > 0
    assert room.messages["2"] == "Harbour 0.0 &amp; &lt;more&gt; (Wire.Example)\nhttps://wire.example/2"


def test_an_example_says_what_it_needs() -> None:
    for file in sorted(EXAMPLES.glob("*.py")):
        done = subprocess.run([sys.executable, str(file), "--help"], capture_output=True, timeout=60, check=True)
        assert b"WIREDESK_URL" in done.stdout, file
