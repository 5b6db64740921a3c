"""The whole product as real processes on the test engines, to be fed, followed and killed."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx

from shared.parent import set_death_signal

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]
COMMANDS: dict[str, list[str]] = {
    "ingest": ["-m", "services.ingest"],
    "enrich": ["-m", "celery", "-A", "services.enrich.worker", "worker"],
    "relay": ["-m", "services.enrich.relay"],
    "api": ["-m", "services.api"],
    "deliver": ["-m", "services.api.deliver"],
}


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def until(ask: Callable[[], T], timeout_s: float, what: str, every_s: float = 0.1) -> T:
    """The first true answer; fails the test when there is none in time."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        with contextlib.suppress(httpx.TransportError):
            if answer := ask():
                return answer
        time.sleep(every_s)
    raise AssertionError(f"not within {timeout_s} s: {what}")


class System:
    """Five processes. Killed ones stay dead until started again."""

    def __init__(self, home: Path, database_url: str, redis_url: str, **environment: str) -> None:
        self.home = home
        self.logs = home / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = (
            {k: v for k, v in os.environ.items() if not k.startswith("WIREDESK_")}
            | {
                "DATABASE_URL": database_url,
                "REDIS_URL": redis_url,
                "WIREDESK_HOME": str(home),
                "WIREDESK_PORT": str(self.port),
                "WIREDESK_INGEST_PORT": str(free_port()),
                "WIREDESK_ALLOW_PRIVATE": "127.0.0.0/8",
                "WIREDESK_HOST_GAP_S": "0",
                "WIREDESK_HOST_CONCURRENCY": "8",
                "WIREDESK_FETCH_PAGES": "false",
                "REMAP_SIGTERM": "SIGQUIT",
            }
            | environment
        )
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._client = httpx.Client(base_url=self.url)

    def start(self, kind: str) -> None:
        with (self.logs / f"{kind}.log").open("ab") as log:
            self._running[kind] = subprocess.Popen(
                [sys.executable, *COMMANDS[kind]],
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=partial(set_death_signal, os.getpid(), signal.SIGTERM),  # a killed test leaves nobody
            )

    def start_all(self) -> None:
        for kind in COMMANDS:
            self.start(kind)
        until(lambda: self._client.get("/readyz").status_code == 200, 60, f"the system is ready\n{self.tail('api')}")

    def kill(self, kind: str) -> None:
        """kill -9, as a crash would."""
        process = self._running.pop(kind)
        process.kill()
        process.wait()

    def stop(self) -> None:
        for process in self._running.values():
            process.send_signal(signal.SIGTERM)
        for process in self._running.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()
        self._client.close()

    def get(self, path: str, **parameters: Any) -> Any:
        # Empty `params` would take the query out of `path`.
        answer = self._client.get(path, params=parameters or None, headers={"accept": "application/json"}, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: Any = None) -> Any:
        answer = self._client.post(path, json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def tail(self, kind: str, chars: int = 3000) -> str:
        path = self.logs / f"{kind}.log"
        return f"--- {kind}\n{path.read_text(errors='replace')[-chars:]}" if path.exists() else ""
