"""The deliver process: `python -m services.api.deliver`. Run as many as needed; each subscription is served by one.

NOTIFY, or the time of a next attempt -> claim our part of what is due (replicas/) -> webhooks/push.py serves each
                                                                                    `-> websub/hub.py the hub's
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Coroutine
from typing import Any
from uuid import uuid4

import psycopg
import uvloop

from services.api import replicas
from services.api.replicas import store as fleet
from services.api.stream import STORE_AWAY
from services.api.webhooks import push, store
from services.api.webhooks.push import Sender
from services.api.webhooks.store import Claimed
from services.api.websub import hub
from services.api.websub.store import Request, Subscription
from shared import log
from shared.addresses import Allowances
from shared.db import AsyncPool, open_async_pool
from shared.errors import Unavailable
from shared.events import source_of
from shared.http import Client, open_client
from shared.observe import configure_logging, notify_ready
from shared.settings import Settings

AT_ONCE = 64  # subscriptions served at the same time by one process
PINGS_AT_ONCE = 4
PUSHES_AT_ONCE = 16
CONNECTIONS = 8
GATHER_S = 0.02  # events come in bursts: one look for all of them
AWAY_S = 1.0
GRACE_S = 7.0  # for deliveries under way when told to stop, within their leases; what is cut off comes again

Leased = Claimed | Request | Subscription

logger = logging.getLogger("services.api.deliver")


class Deliverer:
    """Claims what is due and has it served."""

    def __init__(self, settings: Settings, pool: AsyncPool, client: Client, deployment: str) -> None:
        self._url = settings.database_url
        self._pool = pool
        self._stop = asyncio.Event()
        self._wake = asyncio.Event()
        self._pings_asked = True
        self._serving: set[asyncio.Task[None]] = set()
        self._pinging: set[asyncio.Task[None]] = set()
        self._pushing: set[asyncio.Task[None]] = set()
        self._id = uuid4()
        self._beat_at = -replicas.BEAT_S
        self._sharing = 1
        self._webhooks: dict[int, int] = {}  # leased, with their tokens
        self._readers = hub.Leases()
        backoff_s = settings.webhook_backoff_s
        source = source_of(deployment)
        self._sender = Sender(pool, client, deployment, source, backoff_s, self._stop.is_set)
        self._hub = hub.Hub(pool, client, source, backoff_s)

    def stop(self) -> None:
        """Claim no more and let what is under way end."""
        self._stop.set()
        self._wake.set()

    @property
    def serving(self) -> int:
        """How many subscriptions it has leased."""
        return len(self._webhooks) + len(self._readers.readers)

    async def run(self) -> None:
        """Work until `stop`. Survives the store's absence."""
        listening = asyncio.create_task(self._listen(), name="listen")
        try:
            while not self._stop.is_set():
                try:
                    await self._wait(await self._look())
                except STORE_AWAY as error:
                    logger.warning("PostgreSQL is away", extra={"reason": str(error)})
                    await self._wait(AWAY_S)
        finally:
            listening.cancel()
            await self._end()

    async def _look(self) -> float:
        """Start all that is due now; seconds until the next look, at most."""
        self._wake.clear()
        async with self._pool.connection(timeout=AWAY_S * 5) as conn:
            if time.monotonic() - self._beat_at >= replicas.BEAT_S:
                await self._beat(conn)
            head = await log.head_async(conn)
            free, held = AT_ONCE - len(self._serving), len(self._webhooks)
            claimed = await store.claim(conn, free, held, self._sharing, head, replicas.LEASE_S) if free else []
            for one in claimed:
                self._begin(self._serving, push.serve(self._sender, one), self._webhooks, one)
            waits = [await store.soonest_s(conn)]
            free, held = PUSHES_AT_ONCE - len(self._pushing), len(self._readers.readers)
            pushes, until_push = await hub.due(self._hub, conn, free, held, self._sharing, head)
            for work in pushes:
                self._begin(self._pushing, work.run, self._readers.of(work.held), work.held)
        if self._pings_asked and len(self._pinging) < PINGS_AT_ONCE:
            self._pings_asked = False
            self._start(self._pinging, self._ping(), "ping")
        until_beat = self._beat_at + replicas.BEAT_S - time.monotonic()
        return max(0.0, min(s for s in (until_beat, until_push, *waits) if s is not None))

    async def _beat(self, conn: store.Connection) -> None:
        """Be counted, keep what is ours, and learn how many we are."""
        await self._renew(conn, replicas.LEASE_S)
        self._sharing = await fleet.beat(
            conn, self._id, socket.gethostname(), os.getpid(), self.serving, replicas.LEASE_S
        )
        self._beat_at = time.monotonic()

    async def _renew(self, conn: store.Connection, lease_s: float | None) -> None:
        if self._webhooks:
            await store.renew(conn, self._webhooks, lease_s)
        await hub.renew(conn, self._readers, lease_s)

    def _begin(
        self, group: set[asyncio.Task[None]], work: Coroutine[Any, Any, None], leases: dict[int, int], held: Leased
    ) -> None:
        """Start what is leased to us. It gives its lease back, or failed: then that ends by itself, as a pause."""

        async def leased() -> None:
            cut_off = False  # then `_end` gives it back
            try:
                await work
            except asyncio.CancelledError:
                cut_off = True
                raise
            finally:
                if not cut_off and leases.get(held.id) == held.token:
                    del leases[held.id]

        leases[held.id] = held.token
        self._start(group, leased(), f"{type(held).__name__} {held.id}")

    async def _ping(self) -> None:
        while not self._stop.is_set() and await push.ping(self._sender):
            pass

    def _start(self, group: set[asyncio.Task[None]], work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(self._guarded(work, name), name=name)
        group.add(task)
        task.add_done_callback(group.discard)
        task.add_done_callback(lambda _task: self._wake.set())  # more may have come while it was ours

    async def _guarded(self, work: Coroutine[Any, Any, None], name: str) -> None:
        try:
            await work
        except STORE_AWAY as error:
            logger.warning("PostgreSQL went away", extra={"work": name, "reason": str(error)})
        except Exception as error:  # noqa: BLE001 - one subscription must not stop the others; its lease ends by itself
            told = "".join(traceback.format_exception(error))
            logger.error("delivering failed", extra={"work": name, "error": told})

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        if not self._stop.is_set():
            await asyncio.sleep(GATHER_S)

    async def _listen(self) -> None:
        """Wake the loop at every event and request; a connection of its own, made again when it breaks."""
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as conn:
                    await store.listen(conn)
                    self._pings_asked = True
                    self._wake.set()
                    async for note in conn.notifies():
                        self._pings_asked |= note.channel == store.CHANNEL
                        self._wake.set()
            except psycopg.OperationalError:
                await asyncio.sleep(AWAY_S)

    async def _end(self) -> None:
        """Give what is under way a moment, then cut it off and give back what is left: others go on at once."""
        with contextlib.suppress(*STORE_AWAY):
            async with self._pool.connection(timeout=AWAY_S) as conn:
                await self._renew(conn, replicas.LEASE_S)
                await fleet.leave(conn, self._id)
        under_way = self._serving | self._pinging | self._pushing
        if under_way:
            _, late = await asyncio.wait(under_way, timeout=GRACE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        with contextlib.suppress(*STORE_AWAY):  # their leases end by themselves
            async with self._pool.connection(timeout=AWAY_S) as conn:
                await self._renew(conn, None)


async def deliver(settings: Settings) -> None:
    """Deliver until told to stop. Raises `Unavailable` where PostgreSQL cannot be reached."""
    async with (
        open_async_pool(settings.database_url, "deliver", size=CONNECTIONS, statement_timeout_s=30.0) as pool,
        open_client(Allowances.of(settings.allow_private)) as client,
    ):
        async with pool.connection() as conn:
            deployment = await log.deployment_async(conn)
        deliverer = Deliverer(settings, pool, client, deployment)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, deliverer.stop)
        logger.info("ready")
        notify_ready()
        await deliverer.run()


def main() -> int:
    """Entry: 0 after a clean stop, 1 where PostgreSQL cannot be reached, 2 where a setting is missing."""
    configure_logging("deliver")
    settings = Settings()
    if not settings.database_url:
        print("DATABASE_URL is not set: name the database", file=sys.stderr)
        return 2
    try:
        uvloop.run(deliver(settings))
    except Unavailable as error:
        print(error.message, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
