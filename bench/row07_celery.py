"""Row 7: what Celery costs an article, as the product queues it, against a bare task with one id that does nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import redis
from celery import Celery

from bench.ingest_alone import cpu_s
from bench.machine import ROOT
from bench.report import Row, percentile
from deploy.local.engines import Valkey
from shared.queue import BATCH, QUEUES, make_celery, send
from shared.settings import Settings

NOTHING = "bench.nothing"  # the bare task
STARTED = "bench.started"  # list of how long messages took to start, nanoseconds
DONE = "bench.done"  # list with an entry for every run worked off
TASKS = 3_000  # bare ones
ARTICLES = 64_000
IDLE = 300  # messages, one at a time
PAUSE_S = 0.05


@contextlib.contextmanager
def _worker() -> Iterator[tuple[Celery, redis.Redis, Callable[[], float]]]:
    """(the producer's app, Redis, CPU seconds of producer, worker and Redis so far)."""
    home = Path(tempfile.mkdtemp(prefix="wiredesk-bench-"))
    valkey = Valkey(home)
    process: subprocess.Popen[bytes] | None = None
    try:
        valkey.start()
        environment = os.environ | {"REDIS_URL": valkey.url(), "DATABASE_URL": "postgresql://nowhere/none"}
        command = [sys.executable, "-m", "celery", "-A", "bench.celery_worker", "worker", "-P", "prefork", "-c", "1"]
        with (home / "worker.log").open("wb") as log:
            process = subprocess.Popen(
                [*command, "--without-gossip", "--without-mingle"], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
        assert valkey.child
        worker, server = process.pid, valkey.child.pid

        def used() -> float:
            return cpu_s(worker) + cpu_s(server) + time.process_time()

        client = redis.Redis.from_url(valkey.url())
        app = make_celery(Settings(redis_url=valkey.url(), database_url="postgresql://nowhere/none"))
        send(app, [0], "normal")
        _until(client, DONE, 1)
        yield app, client, used
        client.close()
    finally:
        if process:
            process.terminate()
            process.wait(30)
        valkey.stop()
        shutil.rmtree(home, ignore_errors=True)


def _until(client: redis.Redis, key: str, count: int) -> None:
    end = time.monotonic() + 120
    while int(client.llen(key)) < count:
        if time.monotonic() > end:
            raise TimeoutError("the worker did not work everything off")
        time.sleep(0.02)


def run() -> Row:
    """Both under load, one after the other on one worker; then single messages on an idle system."""
    with _worker() as (app, client, used):
        begun, cpu = time.monotonic(), used()
        for n in range(TASKS, -1, -1):
            app.send_task(NOTHING, args=(n,), queue=QUEUES["normal"], ignore_result=True)
        _until(client, DONE, 2)
        bare, bare_s = (used() - cpu) / TASKS * 1000, time.monotonic() - begun
        begun, cpu = time.monotonic(), used()
        for start in range(ARTICLES, 0, -2_000):
            send(app, list(range(start, start - 2_000, -1)), "normal")
        send(app, [0], "normal")
        _until(client, DONE, 3)
        ours, ours_s = (used() - cpu) / ARTICLES * 1000, time.monotonic() - begun
        for n in range(IDLE):
            send(app, [time.time_ns()], "normal")
            _until(client, STARTED, n + 1)
            time.sleep(PAUSE_S)
        found: list[bytes] = client.lrange(STARTED, 0, -1)  # type: ignore[assignment]
    waits = [int(text) / 1e6 for text in found]
    return Row(
        7,
        f"Celery under load, {BATCH} ids to a message, one worker process",
        "<= 0.1 x a bare task with one id; idle enqueue to start p99 < 10 ms",
        {
            "bare task CPU ms": round(bare, 3),
            "bare tasks/s": round(TASKS / bare_s),
            "CPU ms per article": round(ours, 4),
            "articles/s": round(ARTICLES / ours_s),
            "ratio": round(ours / bare, 4),
            "idle enqueue to start p50 ms": round(percentile(waits, 0.5), 2),
            "idle enqueue to start p99 ms": round(percentile(waits, 0.99), 2),
        },
        ours <= 0.1 * bare and percentile(waits, 0.99) < 10,
    )
