"""Many SSE clients in one process: `python -m bench.sse_readers PORT PATH CLIENTS EVENTS TIMEOUT` prints JSON.

`ready` once every client was answered; then, when each has `EVENTS` events or the time is over, what they saw. The data
of an event carries `"sent":<Unix time>,`; frames are cut and counted, never parsed.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

from bench.machine import ROOT
from bench.report import percentile

MARK = b'"sent":'


@dataclass(frozen=True)
class Seen:
    """What all clients together were given."""

    delivered: int
    p50_ms: float
    p99_ms: float
    max_ms: float


class Reader(asyncio.Protocol):
    """One client: asks, then notes the age of every event at its arrival."""

    def __init__(self, request: bytes, ages: list[float]) -> None:
        self._request, self._ages = request, ages
        self._rest = b""
        self.answered = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        transport.write(self._request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        """Cut what came into events; the last piece waits for its end."""
        self.answered = True
        now = time.time()
        *frames, self._rest = (self._rest + data).replace(b"\r\n\r\n", b"\n\n").split(b"\n\n")
        for frame in frames:
            at = frame.find(MARK)
            if at >= 0:
                at += len(MARK)
                self._ages.append(now - float(frame[at : frame.index(b",", at)]))


async def _run(port: int, path: str, clients: int, events: int, timeout_s: float) -> Seen:
    loop = asyncio.get_running_loop()
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/event-stream\r\n\r\n".encode()
    ages: list[float] = []
    readers = []
    for n in range(clients):
        readers.append((await loop.create_connection(lambda: Reader(request, ages), "127.0.0.1", port))[1])
        if n % 50 == 49:
            while not readers[-1].answered:
                await asyncio.sleep(0.005)
    while not all(reader.answered for reader in readers):
        await asyncio.sleep(0.05)
    print("ready", flush=True)
    end = time.monotonic() + timeout_s
    while len(ages) < clients * events and time.monotonic() < end:
        await asyncio.sleep(0.1)
    times = [1000 * age for age in ages] or [float("inf")]
    return Seen(len(ages), percentile(times, 0.5), percentile(times, 0.99), max(times))


class Readers:
    """The same from outside: made when all clients follow."""

    def __init__(self, port: int, path: str, clients: int, events: int, timeout_s: float) -> None:
        told = [str(x) for x in (port, path, clients, events, timeout_s)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.sse_readers", *told], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError("the readers did not connect")

    def seen(self) -> Seen:
        """Wait for the end."""
        out, _ = self._process.communicate()
        return Seen(**json.loads(out))


def main() -> None:
    """Entry of the clients' process."""
    port, path, clients, events, timeout_s = sys.argv[1:6]
    import uvloop

    print(json.dumps(asdict(uvloop.run(_run(int(port), path, int(clients), int(events), float(timeout_s))))))


if __name__ == "__main__":
    main()
