"""Connections to publishers, each under the guard: the address that is checked is the address connected to.

name ─ looked up, remembered a minute ─▶ addresses ─ those the guard lets through ─▶ connection ─▶ kept for seconds
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from shared.addresses import Allowances, may_reach
from shared.wire import Connection

REMEMBERED_S = 60.0  # what a name leads to
NAMES = 10_000  # remembered at most
IDLE_S = 5.0  # a connection is kept for the host's next request
IDLE_MOST = 256  # of them at once
STAGGER_S = 0.25  # until a name's next address is tried beside the first (RFC 8305)

Address = tuple[int, str]  # family, textual address


class Refused(Exception):
    """A name leads to private addresses only. `addresses`: which."""

    def __init__(self, addresses: Sequence[str]) -> None:
        super().__init__(", ".join(addresses))
        self.addresses = addresses


class Origin(NamedTuple):
    """What connections are made to and kept for."""

    secure: bool
    host: str  # a name, or an address without brackets
    port: int


class Connections:
    """The connections of a process."""

    def __init__(self, allowances: Allowances) -> None:
        self._allowances = allowances
        self._context = ssl.create_default_context()
        # Threads of its own: a dead name server delays nobody but those who ask it.
        self._threads = ThreadPoolExecutor(max_workers=32, thread_name_prefix="dns")
        self._names: dict[tuple[str, int], tuple[float, asyncio.Future[list[Address]]]] = {}
        self._idle: dict[Origin, list[Connection]] = {}
        self._idle_count = 0
        self._sweep: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def kept(self, origin: Origin) -> Connection | None:
        """An open connection that nobody uses."""
        kept = self._idle.get(origin)
        while kept:
            connection = kept.pop()
            self._idle_count -= 1
            if not kept:
                del self._idle[origin]
            if connection.open:
                return connection
        return None

    def keep(self, origin: Origin, connection: Connection) -> None:
        """Keep it for a moment."""
        if self._idle_count >= IDLE_MOST:
            connection.close()
            return
        connection.idle_since = self._loop.time()
        self._idle.setdefault(origin, []).append(connection)
        self._idle_count += 1
        if self._sweep is None:
            self._sweep = self._loop.call_later(IDLE_S, self._close_idle)

    async def look_up(self, origin: Origin) -> list[Address]:
        """The addresses that the guard lets through. Raises `Refused` without one, and `socket.gaierror`."""
        name, now = (origin.host, origin.port), self._loop.time()
        until, found = self._names.get(name, (0.0, None))
        if found is None or until <= now:
            if len(self._names) >= NAMES:
                self._names.clear()
            found = asyncio.ensure_future(self._ask(origin))
            found.add_done_callback(lambda asked: asked.cancelled() or asked.exception())  # if nobody waits any more
            self._names[name] = (now + REMEMBERED_S, found)
        try:
            addresses = await asyncio.shield(found)
        except OSError:
            self._names.pop(name, None)
            raise
        allowed = [address for address in addresses if may_reach(address[1], origin.port, self._allowances)]
        if not allowed:
            raise Refused(list(dict.fromkeys(address for _, address in addresses)))
        return allowed

    async def connect(self, origin: Origin, addresses: Sequence[Address]) -> Connection:
        """A connection to one of these, those of two families in turn, the next tried beside a slow one.

        Raises `OSError`, which may be an `ssl.SSLError`.
        """
        if len(addresses) == 1:
            return await self._open(origin, addresses[0])
        return await self._race(origin, in_turn(addresses))

    def close(self) -> None:
        """Close what is kept."""
        if self._sweep is not None:
            self._sweep.cancel()
        for kept in self._idle.values():
            for connection in kept:
                connection.close()
        self._idle.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, origin: Origin) -> list[Address]:
        try:
            literal = ipaddress.ip_address(origin.host)
        except ValueError:
            ask = partial(socket.getaddrinfo, origin.host, origin.port, socket.AF_UNSPEC, socket.SOCK_STREAM)
            found = await self._loop.run_in_executor(self._threads, ask)
            return [(family, str(address[0])) for family, _, _, _, address in found]
        return [(socket.AF_INET if literal.version == 4 else socket.AF_INET6, origin.host)]

    async def _open(self, origin: Origin, address: Address) -> Connection:
        if not may_reach(address[1], origin.port, self._allowances):  # the guard: nothing stands between it and this
            raise Refused([address[1]])
        _, connection = await self._loop.create_connection(
            partial(Connection, self._loop),
            address[1],
            origin.port,
            ssl=self._context if origin.secure else None,
            server_hostname=origin.host.rstrip(".") if origin.secure else None,
        )
        return connection

    async def _race(self, origin: Origin, addresses: Sequence[Address]) -> Connection:
        tries: set[asyncio.Task[Connection]] = set()
        last: BaseException | None = None
        try:
            for n, address in enumerate(addresses, 1):
                tries.add(asyncio.create_task(self._open(origin, address)))
                while tries:
                    wait_s = STAGGER_S if n < len(addresses) else None
                    done, tries = await asyncio.wait(tries, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
                    won = [attempt.result() for attempt in done if attempt.exception() is None]
                    for spare in won[1:]:
                        spare.close()
                    if won:
                        return won[0]
                    last = next((attempt.exception() for attempt in done), last)
                    if n < len(addresses):
                        break
        finally:
            for attempt in tries:
                attempt.add_done_callback(_discard)
                attempt.cancel()
        assert last is not None
        raise last

    def _close_idle(self) -> None:
        self._sweep = None
        before = self._loop.time() - IDLE_S
        for origin, kept in list(self._idle.items()):
            stay = [connection for connection in kept if connection.open and connection.idle_since > before]
            for connection in kept:
                if connection not in stay:
                    connection.close()
            self._idle_count -= len(kept) - len(stay)
            if stay:
                self._idle[origin] = stay
            else:
                del self._idle[origin]
        if self._idle:
            self._sweep = self._loop.call_later(1.0, self._close_idle)


def _discard(attempt: asyncio.Task[Connection]) -> None:
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().close()


def in_turn(addresses: Sequence[Address]) -> list[Address]:
    """Addresses with the families in turn, beginning with the first one's; otherwise in their order (RFC 8305, 4)."""
    first = [address for address in addresses if address[0] == addresses[0][0]]
    other = [address for address in addresses if address[0] != addresses[0][0]]
    mixed = [address for pair in zip(first, other, strict=False) for address in pair]
    fewer = min(len(first), len(other))
    return mixed + first[fewer:] + other[fewer:]
