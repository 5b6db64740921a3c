"""A small HTTP/1.1 load generator: `python -m bench.load HOST PORT PATH CONNECTIONS SECONDS` prints JSON.

Keep-alive connections, one request in flight on each; responses are counted by Content-Length, never parsed, so that
the generator costs far less than the server. Any status but 200 counts as an error. `{n:06}` in PATH becomes the number
of the request.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import dataclass

from bench.machine import ROOT
from bench.report import percentile


@dataclass(frozen=True)
class Load:
    """What a run saw."""

    requests_per_s: float
    p50_ms: float
    p99_ms: float
    errors: int
    bytes_each: int


async def _hammer(host: str, port: int, request: str, until_s: float, times: list[float], sizes: set[int]) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    errors = 0
    while time.monotonic() < until_s:
        begun = time.perf_counter()
        writer.write(request.replace("{n:06}", f"{len(times):06}").encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        times.append(time.perf_counter() - begun)
        sizes.add(length)
        errors += not head.startswith(b"HTTP/1.1 200")
    writer.close()
    return errors


async def _run(host: str, port: int, path: str, connections: int, seconds: float) -> Load:
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\n\r\n"
    times: list[float] = []
    sizes: set[int] = set()
    end = time.monotonic() + seconds
    errors = await asyncio.gather(*(_hammer(host, port, request, end, times, sizes) for _ in range(connections)))
    return Load(
        len(times) / seconds, percentile(times, 0.5) * 1000, percentile(times, 0.99) * 1000, sum(errors), max(sizes)
    )


def load(port: int, path: str, *, connections: int = 16, seconds: float = 5) -> Load:
    """Run the generator in a process of its own."""
    command = [sys.executable, "-m", "bench.load", "127.0.0.1", str(port), path, str(connections), str(seconds)]
    answer = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return Load(**json.loads(answer.stdout))


def main() -> None:
    """Entry of the generator's process."""
    host, port, path, connections, seconds = sys.argv[1:6]
    import uvloop

    seen = uvloop.run(_run(host, int(port), path, int(connections), float(seconds)))
    print(json.dumps({k: getattr(seen, k) for k in Load.__dataclass_fields__}))


if __name__ == "__main__":
    main()
