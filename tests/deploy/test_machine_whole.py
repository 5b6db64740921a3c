"""The whole product on one machine, killed process by process: `python -m deploy.local` as users run it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local.engines import free_port
from deploy.local.process import ended, is_running

pytestmark = pytest.mark.flow
FEED = "http://127.0.0.1:9/feed.xml"  # the discard port: nobody answers there


class Desk:
    """One home, and the supervisor that runs in it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.api = f"http://127.0.0.1:{free_port()}"
        mine = {
            "WIREDESK_HOME": str(home),
            "WIREDESK_PORT": self.api.rpartition(":")[2],
            "WIREDESK_INGEST_PORT": str(free_port()),
            "WIREDESK_STARTER_FEEDS": "",
            "WIREDESK_ALLOW_PRIVATE": "127.0.0.0/8",
            "WIREDESK_ENRICH_WORKERS": "1",
        }
        ours = ("WIREDESK_", "DATABASE_URL", "REDIS_URL")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(ours)} | mine
        self.told = home.parent / "told.log"
        self.supervisor: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.told.open("wb") as told:
            command = [sys.executable, "-m", "deploy.local"]
            self.supervisor = subprocess.Popen(command, env=self.env, stdout=told, stderr=told, start_new_session=True)
        self.until(lambda: f"{self.api}/ after" in self.told.read_text())

    def until(self, test: Callable[[], object], timeout_s: float = 120) -> None:
        deadline = time.monotonic() + timeout_s
        while not test():
            assert time.monotonic() < deadline, self.told.read_text()
            assert self.supervisor is None or self.supervisor.poll() is None, self.told.read_text()
            time.sleep(0.05)

    def ask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "deploy.local", *arguments]
        return subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=90)

    def processes(self) -> dict[str, dict[str, Any]]:
        return {p["name"]: p for p in json.loads((self.home / "run.json").read_text())["processes"]}

    def everyone(self) -> list[int]:
        """All processes that carry this home in their environment: children, theirs, and whatever they started."""
        mark = f"WIREDESK_HOME={self.home}\0".encode()
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if mark in environment(pid)]

    def call(self, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.api + path, data=data, headers={"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


def environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes() if is_running(pid) else b""
    except OSError:
        return b""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "home")
    yield made
    if made.supervisor is not None and made.supervisor.poll() is None:
        made.supervisor.terminate()
        made.supervisor.wait(60)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc to see who is there")
def test_everything_survives_the_death_of_anything_and_leaves_nobody(desk: Desk) -> None:
    desk.start()
    feed = desk.call("/v1/feeds", {"url": FEED, "paused": True})

    status = desk.ask("--status")
    assert status.returncode == 0 and desk.api in status.stdout

    worker = desk.processes()["enrich"]["pid"]
    pool = [pid for pid in desk.everyone() if parent(pid) == worker]
    assert pool
    os.kill(worker, signal.SIGKILL)
    desk.until(lambda: "enrich      ready again" in desk.told.read_text())
    assert "enrich      exited with -9; restarted (1)" in desk.told.read_text()
    assert ended(pool, 10)

    os.kill(desk.processes()["postgres"]["pid"], signal.SIGKILL)
    desk.until(lambda: "postgres    ready again" in desk.told.read_text())
    desk.until(lambda: answers(desk))
    assert desk.call(f"/v1/feeds/{feed['id']}")["url"] == FEED

    everyone = desk.everyone()
    assert len(everyone) > 8 and desk.supervisor is not None
    desk.supervisor.kill()
    desk.supervisor.wait()
    assert ended(everyone, 15)
    assert desk.everyone() == []

    desk.start()
    assert desk.call(f"/v1/feeds/{feed['id']}")["url"] == FEED
    assert desk.ask("--down").returncode == 0
    assert desk.supervisor.wait(10) == 0
    assert desk.everyone() == []


def answers(desk: Desk) -> bool:
    try:
        return bool(desk.call("/v1/feeds?limit=1")["items"])
    except OSError:
        return False


def parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
