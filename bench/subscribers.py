"""Many subscribers in one process, each faithful to one log: `python -m bench.subscribers PLAN.json`.

    connect -> follow -> lost (a replica died, or cut us) -> wait a little -> resume by position on another replica ...

SSE clients resume by Last-Event-ID, WebSocket clients by `after`. A line on stdin tells the last position of each
query; when every client has it, or the time is over, what each was given is written to the plan's `result`.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import re
import socket
import sys
import time
from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

EVENT = re.compile(rb'id: (\d+)\nevent: [^\n]+\ndata: \{"specversion":"1\.0","id":"(\d+)"[^\n]*\}\n\n')
SOCKET = re.compile(rb'\{"specversion":"1\.0","id":"(\d+)"')
OPCODE_TEXT, OPCODE_CLOSE, OPCODE_PING = 1, 8, 9


@dataclass
class Subscriber:
    """One of them. `seen` are positions as they came; `stalls` ones stop reading for a while, now and then."""

    kind: str  # sse, ws
    query: str
    stalls: bool
    after: int
    seen: array[int] = field(default_factory=lambda: array("q"))
    connected: int = 0
    refused: int = 0
    wrong: int = 0

    @property
    def last(self) -> int:
        """The position it resumes from."""
        return self.seen[-1] if self.seen else self.after


class Wire(asyncio.Protocol):
    """One connection of a subscriber: what comes is cut into whole events; a torn one at the end counts as not come."""

    def __init__(self, one: Subscriber, port: int) -> None:
        self.one, self._port = one, port
        self.over = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None
        self._rest = b""
        self._answered = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self.transport = cast(asyncio.Transport, transport)
        self.one.connected += 1
        ask = "&".join(part for part in (self.one.query, f"after={self.one.last}") if part)
        if self.one.kind == "ws":
            key = base64.b64encode(random.randbytes(16)).decode()
            head = (
                f"GET /v1/events/ws?{ask} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nConnection: Upgrade\r\n"
                f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
            )
        else:
            head = (
                f"GET /v1/events?{self.one.query} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
                f"Accept: text/event-stream\r\nLast-Event-ID: {self.one.last}\r\n\r\n"
            )
        self.transport.write(head.encode())

    def data_received(self, data: bytes) -> None:
        """Take what is whole."""
        self._rest += data
        if not self._answered:
            head, mark, rest = self._rest.partition(b"\r\n\r\n")
            if not mark:
                return
            self._answered, self._rest = True, rest
            if head.split(b" ", 2)[1] not in (b"200", b"101"):
                self.one.refused += 1
                self._close()
                return
        if self.one.kind == "ws":
            self._frames()
        else:
            self._events()

    def _events(self) -> None:
        end = self._rest.rfind(b"\n\n")
        whole, self._rest = (self._rest[: end + 2], self._rest[end + 2 :]) if end >= 0 else (b"", self._rest)
        found = 0
        for match in EVENT.finditer(whole):
            found += 1
            self.one.wrong += match[1] != match[2]
            self.one.seen.append(int(match[1]))
        self.one.wrong += whole.count(b"\nevent: ") != found
        if b"\r\n0\r\n\r\n" in self._rest:
            self._close()

    def _frames(self) -> None:
        while len(self._rest) >= 2:
            opcode, size, at = self._rest[0] & 15, self._rest[1], 2
            if size >= 126:
                wide = 2 if size == 126 else 8
                size, at = int.from_bytes(self._rest[2 : 2 + wide], "big"), 2 + wide
            if len(self._rest) < at + size:
                return
            frame, self._rest = self._rest[at : at + size], self._rest[at + size :]
            if opcode == OPCODE_PING and self.transport:
                self.transport.write(bytes([0x8A, 0x80 | len(frame), 0, 0, 0, 0]) + frame)  # masked by zeros
            elif opcode == OPCODE_CLOSE:
                self._close()
            elif opcode == OPCODE_TEXT and (match := SOCKET.match(frame)):
                self.one.seen.append(int(match[1]))

    def _close(self) -> None:
        if self.transport:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The replica died, or ended the stream."""
        if not self.over.done():
            self.over.set_result(None)


class Crowd:
    """All subscribers of this process."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._plan = plan
        self.all = [
            Subscriber(group["kind"], group["query"], bool(group.get("stalls")), plan["after"])
            for group in plan["groups"]
            for _ in range(group["count"])
        ]
        self._goal: dict[str, int] | None = None
        self._dice = random.Random(plan["seed"])

    async def run(self) -> None:
        """Follow until everybody has everything, or the time is over after the goal was told."""
        begun = time.monotonic()
        tasks = [asyncio.create_task(self._follow(one, n)) for n, one in enumerate(self.all)]
        reading = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
        end = begun + 3600
        while time.monotonic() < end:
            await asyncio.sleep(0.5)
            if self._goal is None and reading.done():
                self._goal = json.loads(reading.result())
                end = time.monotonic() + self._plan["patience_s"]
            print(json.dumps(self._progress()), flush=True)
            if self._goal is not None and not self._behind():
                await asyncio.sleep(1)  # whatever comes twice comes now
                break
        for task in tasks:
            task.cancel()

    def _behind(self) -> int:
        assert self._goal is not None
        return sum(one.last < self._goal[one.query] for one in self.all)

    def _progress(self) -> dict[str, int]:
        return {
            "given": sum(len(one.seen) for one in self.all),
            "connections": sum(one.connected for one in self.all),
            "following": sum(one.connected > 0 for one in self.all),
            "refused": sum(one.refused for one in self.all),
            "behind": self._behind() if self._goal is not None else -1,
        }

    async def _follow(self, one: Subscriber, number: int) -> None:
        ports = self._plan["ports"]
        turn = number
        await asyncio.sleep(number / self._plan["connects_per_s"])
        while True:
            port = ports[turn % len(ports)]
            turn += 1
            try:
                wire = await self._connect(one, port)
            except OSError:
                await asyncio.sleep(self._dice.uniform(0.2, 0.6))
                continue
            if one.stalls and self._goal is None:
                await self._stall(wire)
            await wire.over
            await asyncio.sleep(self._dice.uniform(0.1, 0.5))

    async def _connect(self, one: Subscriber, port: int) -> Wire:
        sock = socket.socket()
        sock.setblocking(False)
        if one.stalls:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)  # so that the server's side fills up soon
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_connect(sock, ("127.0.0.1", port))
            return (await loop.create_connection(lambda: Wire(one, port), sock=sock))[1]
        except OSError:
            sock.close()
            raise

    async def _stall(self, wire: Wire) -> None:
        """Read nothing for a while."""
        await asyncio.sleep(self._dice.uniform(1, 3))
        if wire.transport and not wire.transport.is_closing():
            wire.transport.pause_reading()
            await asyncio.wait({wire.over}, timeout=self._plan["stall_s"])
            if not wire.transport.is_closing():
                wire.transport.resume_reading()


def main() -> None:
    """Entry."""
    import uvloop

    plan = json.loads(Path(sys.argv[1]).read_text())
    crowd = Crowd(plan)
    uvloop.run(crowd.run())
    told = [
        {
            "kind": one.kind,
            "query": one.query,
            "stalls": one.stalls,
            "seen": list(one.seen),
            "connected": one.connected,
            "refused": one.refused,
            "wrong": one.wrong,
        }
        for one in crowd.all
    ]
    Path(plan["result"]).write_text(json.dumps(told))


if __name__ == "__main__":
    main()
