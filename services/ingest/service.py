"""The ingest process: opens what it needs, runs its parts side by side, closes in reverse.

requests (LISTEN) ─▶ runner ─▶ polls ─▶ saver, sender        sweep        doctor (LISTEN)
pages ─▶ visits ─▶ sender        health listener
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import redis

from services.ingest.doctor import Doctor
from services.ingest.health import listening
from services.ingest.lookups import Lookups
from services.ingest.metrics import Metrics
from services.ingest.pages.runner import Pages
from services.ingest.pool import ParsePool
from services.ingest.resources import Resources
from services.ingest.runner import CONCURRENCY, Runner
from services.ingest.saver import Saver
from services.ingest.sender import Sender
from services.ingest.spending import keep_budget
from services.ingest.sweep import Sweep
from services.ingest.websub.subscriber import Subscriber
from shared.addresses import Allowances
from shared.db import open_async_pool
from shared.http import DEFAULT_LIMITS, Limits, open_client
from shared.observe import notify_ready
from shared.queue import make_celery
from shared.settings import Settings

CONNECTIONS = 8
GARBAGE = 50_000  # objects between two collections: the items of polls under way are many and all alive
_log = logging.getLogger(__name__)


@asynccontextmanager
async def open_resources(settings: Settings, limits: Limits = DEFAULT_LIMITS) -> AsyncIterator[Resources]:
    """Everything an ingest process holds. Raises `Unavailable` without a database; Redis may be away."""
    metrics = Metrics()
    allowances = Allowances.of(settings.allow_private, settings.samplewire)
    workers = max(2, min(16, 2 * (os.cpu_count() or 2)))
    async with (
        ParsePool(workers) as parser,
        open_async_pool(settings.database_url, "ingest", size=CONNECTIONS, check=False) as db,
        open_client(allowances, limits) as client,
    ):
        queue = redis.Redis.from_url(settings.redis_url, socket_timeout=5, socket_connect_timeout=2)
        app = make_celery(settings)
        sender = Sender(app, queue, db)
        try:
            yield Resources(settings, db, client, parser, Lookups(db), Saver(db), sender, metrics)
        finally:
            await sender.close()
            app.close()
            queue.close()


async def serve(settings: Settings, stop: asyncio.Event, concurrency: int = CONCURRENCY) -> None:
    """Ingest until `stop` is set. Ends with an error if one of its parts does."""
    async with open_resources(settings) as res:
        runner, pages = Runner(res, concurrency), Pages(res)
        parts: list[asyncio.Task[Any]] = [
            asyncio.create_task(part, name=name)
            for name, part in (
                ("save", res.saver.run()),
                ("send", res.sender.run()),
                ("requests", runner.listen()),
                ("leases", runner.keep_leases()),
                ("sweep", Sweep(res).run()),
                ("doctor", Doctor(res).run()),
                ("pages", pages.run()),
                ("hubs", Subscriber(res).run()),
                ("poll", runner.run()),
            )
        ]
        if settings.polls_per_day:
            parts.append(asyncio.create_task(keep_budget(res), name="budget"))
        async with listening(res) as port:
            _log.info("ready", extra={"port": port})
            notify_ready()
            stopped: asyncio.Task[Any] = asyncio.create_task(stop.wait(), name="stop")
            ended, _ = await asyncio.wait([*parts, stopped], return_when=asyncio.FIRST_COMPLETED)
            await asyncio.gather(runner.stop(), pages.stop())
        stopped.cancel()
        await end(parts)
        for part in ended - {stopped}:
            part.result()  # a part that ended by itself ended by an error: say which, and end with it


async def end(parts: Sequence[asyncio.Task[Any]]) -> None:
    """Cancel tasks until they are done: `asyncio.wait_for` of Python 3.11, as psycopg uses it, may swallow one."""
    while left := [part for part in parts if not part.done()]:
        for part in left:
            part.cancel()
        await asyncio.wait(left, timeout=0.5)


async def main(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    gc.freeze()  # what is loaded stays
    gc.set_threshold(GARBAGE, 20, 50)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    await serve(settings, stop)
