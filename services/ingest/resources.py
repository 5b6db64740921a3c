"""What an ingest process holds open: made by its entry, passed to everything that works."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from services.ingest.lookups import Lookups
from services.ingest.metrics import Metrics
from services.ingest.pool import ParsePool
from services.ingest.saver import Saver
from services.ingest.schedule import Bounds
from services.ingest.sender import Sender
from services.ingest.worth import PRICE
from shared.db import AsyncPool
from shared.http import Client
from shared.settings import Settings

BODIES = 64  # in memory at once, each at most as large as a response may be


@dataclass(slots=True)
class Spending:
    """What a request must be worth now."""

    price: float = PRICE


@dataclass(frozen=True, slots=True)
class Resources:
    """Opened by `services.ingest.__main__`, closed in reverse."""

    settings: Settings
    db: AsyncPool
    client: Client
    parser: ParsePool
    lookups: Lookups
    saver: Saver
    sender: Sender
    metrics: Metrics
    bodies: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(BODIES))  # fetched and not yet parsed
    spending: Spending = field(default_factory=Spending)
    due: asyncio.Event = field(default_factory=asyncio.Event)  # set when feeds may be due
    wanted: asyncio.Event = field(default_factory=asyncio.Event)  # set when pages may be due

    @property
    def bounds(self) -> Bounds:
        """The operator's bounds for intervals, and the price of a request."""
        floor_s = self.settings.min_poll_s
        return Bounds(floor_s, max(floor_s, self.settings.max_poll_s), self.spending.price)
