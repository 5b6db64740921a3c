"""The processes of Wiredesk on one machine: what each is started with, and when it counts as ready."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.binaries import private_root
from deploy.local.logs import open_log
from deploy.local.process import spawn

SOURCE = Path(__file__).parents[2]  # where `shared`, `services` and `deploy` lie, installed or not


@dataclass
class Process:
    """One child of the supervisor. It says READY=1 on NOTIFY_SOCKET (the sd_notify protocol) when it serves."""

    name: str
    command: tuple[str, ...]
    home: Path
    env: Mapping[str, str]
    stop_order: int = 0  # those of one number stop together, lower numbers first
    stop_within_s: float = 13.0  # the worker gives its running tasks 10 s
    stop_signal: signal.Signals = signal.SIGTERM
    once: bool = False
    child: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _notify: socket.socket | None = field(default=None, init=False)
    _heard: bool = field(default=False, init=False)

    def prepare(self) -> None:
        """Open a fresh socket for its word that it is ready: a late one of its predecessor must not count."""
        self.close()
        self._heard = False
        folder = private_root() / "notify"  # its name must be short: a socket's path has at most 107 bytes
        folder.mkdir(mode=0o700, exist_ok=True)
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._notify.bind(str(folder / f"{os.getpid()}-{secrets.token_hex(4)}"))

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start it; it is killed at once, with no word, if we die."""
        env = dict(self.env) | {"NOTIFY_SOCKET": self._notify.getsockname()} if self._notify else dict(self.env)
        with open_log(self.home, self.name) as log:
            self.child = spawn(self.command, cwd=self.home, env=env, output=log, death_signal=signal.SIGKILL)
        return self.child

    def ready(self) -> bool:
        """Whether it has said so since it was last started."""
        if self._notify is not None and not self._heard:
            try:
                self._heard = b"READY=1" in self._notify.recv(4096).split(b"\n")
            except BlockingIOError:
                return False
            if self._heard:
                self.close()
        return self._heard

    def close(self) -> None:
        """Remove its socket."""
        if self._notify is not None:
            Path(self._notify.getsockname()).unlink(missing_ok=True)
            self._notify.close()
            self._notify = None


def wiredesk(home: Path, env: Mapping[str, str], samplewire_port: int | None) -> list[Process]:
    """All processes of the product. `env` holds DATABASE_URL, REDIS_URL and the user's settings."""
    common = child_env(home, env)
    if samplewire_port:
        common["WIREDESK_SAMPLEWIRE"] = f"127.0.0.1:{samplewire_port}"  # the one private address that feeds may have
    remap = {"REMAP_SIGTERM": "SIGQUIT"}  # Celery: give running tasks a moment, hand the others back, then go
    worker = ("-m", "celery", "-A", "services.enrich.worker", "worker", "-P", "prefork", "--without-gossip")

    def python(name: str, *arguments: str, more: Mapping[str, str] | None = None, order: int = 0) -> Process:
        return Process(name, (sys.executable, *arguments), home, common | dict(more or {}), order)

    processes = [
        python("ingest", "-m", "services.ingest"),
        python("enrich", *worker, "--without-mingle", more=remap, order=1),
        python("relay", "-m", "services.enrich.relay", order=2),
        python("api", "-m", "services.api"),
        python("deliver", "-m", "services.api.deliver"),
    ]
    if samplewire_port:
        port = {"WIREDESK_SAMPLEWIRE_PORT": str(samplewire_port)}
        processes.append(python("samplewire", "-m", "deploy.samplewire", more=port))
    return processes


def starter(home: Path, env: Mapping[str, str], arguments: tuple[str, ...]) -> Process:
    """What subscribes the starter feeds: it runs once, beside the others, when the API serves."""
    return Process(
        "feeds", (sys.executable, "-m", "deploy.local.starter", *arguments), home, child_env(home, env), once=True
    )


def child_env(home: Path, env: Mapping[str, str]) -> dict[str, str]:
    """The environment of every child: our own source first, the state folder by its full name."""
    path = os.pathsep.join(filter(None, (str(SOURCE), env.get("PYTHONPATH", ""))))
    return dict(env) | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "WIREDESK_HOME": str(home)}
