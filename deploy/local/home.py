"""The state folder: who holds it, which ports its processes use, what is written down there for the next start."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import random
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Below the range that systems hand out for outgoing connections, so that the port is free again at the next start.
PORTS = range(20000, 32000)


class HomeBusy(RuntimeError):
    """Another Wiredesk runs in this state folder."""


class PortTaken(RuntimeError):
    """Something else listens where one of our processes should."""


@contextlib.contextmanager
def held(home: Path) -> Iterator[None]:
    """Hold the state folder, which is made if need be. The kernel lets it go when this process ends, however it ends.

    Raises `HomeBusy`, naming the process that holds it.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = holder(home)
            raise HomeBusy(
                f"Wiredesk already runs in {home} (process {pid}). Stop it with `wiredesk down`, or give this one"
                " a state folder of its own with WIREDESK_HOME (and WIREDESK_PORT, WIREDESK_INGEST_PORT)."
            ) from None
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def holder(home: Path) -> int | None:
    """The process that holds the state folder, if any does."""
    try:
        with (home / "lock").open("r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(lock.read() or 0)
    except (OSError, ValueError):
        pass
    return None


def state(home: Path) -> dict[str, Any] | None:
    """What the running supervisor last wrote about its processes; None when none runs."""
    if holder(home) is None:
        return None
    try:
        told: dict[str, Any] = json.loads((home / "run.json").read_text())
    except (OSError, ValueError):
        return {"processes": []}
    return told


def check_port(host: str, port: int, variable: str, patience_s: float = 3.0) -> None:
    """Raise `PortTaken`, naming the variable to set, when something listens there (and goes on: it may be ending)."""
    deadline = time.monotonic() + patience_s
    while port and not can_listen(host, port):
        if time.monotonic() > deadline:
            raise PortTaken(f"Port {port} on {host} is taken by another program. Set {variable} to a free port.")
        time.sleep(0.1)


def can_listen(host: str, port: int) -> bool:
    """Whether a server could listen on `host:port` now. An address that is not ours is not."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError:
        return False
    return True


def kept_port(home: Path, name: str) -> int:
    """A port that stays the same at every start (addresses of feeds contain it), unless another program took it."""
    path = home / f"{name}.port"
    with contextlib.suppress(OSError, ValueError):
        port = int(path.read_text())
        if can_listen("127.0.0.1", port):
            return port
    port = next(p for p in random.sample(PORTS, len(PORTS)) if can_listen("127.0.0.1", p))
    path.write_text(str(port))
    return port


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read (it holds passwords), replacing it as a whole."""
    making = path.with_name(path.name + ".new")
    making.unlink(missing_ok=True)
    with open(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    making.replace(path)
