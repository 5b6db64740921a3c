"""Events told at a steady rate to many SSE clients of one process: what rows 13 and 14 measure, and the plain rival."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
import psycopg
import redis

from bench.machine import ROOT, free_port, until
from bench.sse_readers import Readers, Seen
from deploy.local.engines import Postgres, Valkey
from shared import log, stream
from shared.events import NewEvent, envelope, source_of
from shared.migrate import migrate

SIZE = 1500  # bytes of an event's data beside its time: about an article's card
VENV = Path(tempfile.gettempdir()) / f"wiredesk-bench-sse-{os.getuid()}"
# sse-starlette as its README shows it: a generator for each client, here on a queue that one producer fills for all.
RIVAL = """
import asyncio, json, sys, time
import uvicorn
from sse_starlette.sse import EventSourceResponse
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
port, events, rate, size = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
queues = set()
async def follow(request):
    async def told():
        queue = asyncio.Queue()
        queues.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            queues.discard(queue)
    return EventSourceResponse(told())
running = []
async def produce():
    begun = time.monotonic()
    for n in range(events):
        await asyncio.sleep(max(0, begun + n / rate - time.monotonic()))
        data = json.dumps({"sent": time.time(), "text": "x" * size}, separators=(",", ":"))
        for queue in queues:
            queue.put_nowait({"id": str(n + 1), "event": "told", "data": data})
async def start(request):
    running.append(asyncio.create_task(produce()))
    return PlainTextResponse("ok")
async def following(request):
    return PlainTextResponse(str(len(queues)))
routes = [Route("/follow", follow), Route("/start", start), Route("/following", following)]
uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=port, log_level="warning", loop="uvloop", http="httptools")
"""


@dataclass(frozen=True)
class Measured:
    """What the clients saw, CPU seconds of the serving process meanwhile, and KB of its memory for each client."""

    seen: Seen
    cpu_s: float
    kb_a_client: float


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


@contextlib.contextmanager
def _process(command: list[str], environment: dict[str, str], ready: str) -> Iterator[psutil.Process]:
    running = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        until(lambda: httpx.get(ready, timeout=5).status_code == 200, 60)
        yield psutil.Process(running.pid)
    finally:
        running.terminate()
        running.wait()


def _tell(database_url: str, redis_url: str, events: int, rate: float) -> None:
    """Append to the log and carry to the stream, as enrich and the relay do, one event at a time."""
    with psycopg.connect(database_url, autocommit=True) as conn, redis.Redis.from_url(redis_url) as client:
        source = source_of(log.deployment(conn))
        begun = time.monotonic()
        for n in range(events):
            time.sleep(max(0.0, begun + n / rate - time.monotonic()))
            data = json.dumps({"sent": time.time(), "text": "x" * SIZE}, separators=(",", ":"))
            with conn.transaction():
                log.append(conn, [NewEvent("wiredesk.feed.quiet.v1", "feeds/1", data, None)], datetime.now(UTC))
            told = log.read(conn, n, 1)
            stream.append(client, n, [(e.position, envelope(e, source)) for e in told])


def wiredesk(clients: int, events: int, rate: float) -> Measured:
    """One API process on engines of its own."""
    home = Path(tempfile.mkdtemp(prefix="wiredesk-bench-"))
    postgres, valkey = Postgres(home), Valkey(home)
    try:
        postgres.start()
        postgres.create_database()
        valkey.start()
        migrate(postgres.url())
        port = free_port()
        environment = {k: v for k, v in os.environ.items() if not k.startswith("WIREDESK_")} | {
            "DATABASE_URL": postgres.url(),
            "REDIS_URL": valkey.url(),
            "WIREDESK_HOME": str(home),
            "WIREDESK_PORT": str(port),
        }
        base = f"http://127.0.0.1:{port}"
        with _process([sys.executable, "-m", "services.api"], environment, base + "/readyz") as serving:
            before = serving.memory_info().rss
            readers = Readers(port, "/v1/events", clients, events, events / rate + 15)
            cpu = _cpu_s(serving)
            _tell(postgres.url(), valkey.url(), events, rate)
            seen = readers.seen()
            held = serving.memory_info().rss - before
            return Measured(seen, _cpu_s(serving) - cpu, held / 1024 / clients)
    finally:
        valkey.stop()
        postgres.stop()
        shutil.rmtree(home, ignore_errors=True)


def sse_starlette(clients: int, events: int, rate: float) -> Measured:
    """The rival, in a virtual environment of its own; its producer lives in the process, so it reads no Redis."""
    python = VENV / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        wanted = ["sse-starlette", "uvicorn", "uvloop", "httptools"]
        subprocess.run([str(python), "-m", "pip", "install", "-q", *wanted], check=True)
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    command = [str(python), "-c", RIVAL, str(port), str(events), str(rate), str(SIZE)]
    with _process(command, dict(os.environ), base + "/following") as serving:
        before = serving.memory_info().rss
        readers = Readers(port, "/follow", clients, events, events / rate + 15)
        until(lambda: httpx.get(base + "/following", timeout=5).text == str(clients), 30)
        cpu = _cpu_s(serving)
        httpx.get(base + "/start", timeout=10)
        seen = readers.seen()
        held = serving.memory_info().rss - before
        return Measured(seen, _cpu_s(serving) - cpu, held / 1024 / clients)
