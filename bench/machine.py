"""The installed product as `make run` starts it, in a private home: started, measured, killed, started again."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import httpx
import psutil

ROOT = Path(__file__).resolve().parents[1]
T = TypeVar("T")


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def until(ask: Callable[[], T], timeout_s: float, every_s: float = 0.01) -> T:
    """The first true answer. Raises `TimeoutError`."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        with contextlib.suppress(httpx.TransportError):
            if answer := ask():
                return answer
        time.sleep(every_s)
    raise TimeoutError(f"not within {timeout_s} s")


class Machine:
    """One `python -m deploy.local`. `start` returns seconds until /readyz answers 200."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = (
            {
                k: v
                for k, v in os.environ.items()
                if not k.startswith("WIREDESK_") and k not in ("DATABASE_URL", "REDIS_URL")
            }
            | {
                "WIREDESK_HOME": str(home),
                "WIREDESK_PORT": str(self.port),
                "WIREDESK_INGEST_PORT": str(free_port()),
                "WIREDESK_STARTER_FEEDS": "",
                "WIREDESK_ALLOW_PRIVATE": "127.0.0.0/8",
                "WIREDESK_HOST_GAP_S": "0",
                "WIREDESK_HOST_CONCURRENCY": "1000",
                "WIREDESK_FETCH_PAGES": "false",
            }
            | environment
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start everything; seconds to ready."""
        begun = time.monotonic()
        with (self.home / "run.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "deploy.local"],
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(lambda: httpx.get(self.url + "/readyz", timeout=2).status_code == 200, 60)
        return time.monotonic() - begun

    def kill(self) -> None:
        """kill -9 of the supervisor and of every process below it, engines included."""
        assert self._process
        everyone = [psutil.Process(self._process.pid), *psutil.Process(self._process.pid).children(recursive=True)]
        for process in everyone:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()
        psutil.wait_procs(everyone, timeout=10)

    def memory_mb(self) -> dict[str, float]:
        """Proportional set size by process kind: pages shared by several count once, split among them."""
        assert self._process
        sizes: dict[str, float] = {}
        root = psutil.Process(self._process.pid)
        for process in [root, *root.children(recursive=True)]:
            line = " ".join(process.cmdline())
            kinds = (
                "services.ingest",
                "services.enrich.worker",
                "services.enrich.relay",
                "services.api.deliver",
                "services.api",
            )
            kind = next(
                (k for k in kinds if k in line),
                "postgres" if "postgres" in line else "valkey" if "valkey" in line else "supervisor",
            )
            sizes[kind] = sizes.get(kind, 0.0) + process.memory_full_info().pss / 2**20
        return {k: round(v, 1) for k, v in sorted(sizes.items())}

    def stop(self) -> None:
        """SIGTERM, as Ctrl-C does."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()

    def add_feed(self, url: str) -> int:
        """Subscribe; the feed's id."""
        answer = httpx.post(self.url + "/v1/feeds", json={"url": url}, timeout=30)
        answer.raise_for_status()
        return int(answer.json()["id"])

    def position(self) -> int:
        """The head of the log."""
        return int(httpx.get(self.url + "/v1/articles?limit=1", timeout=30).json()["position"])


@contextlib.contextmanager
def machine(**environment: str) -> Iterator[Machine]:
    """A machine in a temporary home, stopped and removed afterwards."""
    home = Path(tempfile.mkdtemp(prefix="wiredesk-bench-"))
    one = Machine(home, **environment)
    try:
        yield one
    finally:
        one.stop()
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def publisher(feeds: int, items: int, words: int, *, validators: bool = True) -> Iterator[str]:
    """A local publisher in a process of its own; its base address."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.publisher", *(str(int(x)) for x in (port, feeds, items, words, validators))],
        cwd=ROOT,
    )
    base = f"http://127.0.0.1:{port}"
    try:
        until(lambda: httpx.get(base + "/f/0", timeout=30).status_code == 200, 60)
        yield base
    finally:
        process.terminate()
        process.wait()
