"""The price of a request kept where all polls together cost what the operator allows: looked at every minute."""

from __future__ import annotations

import asyncio
import logging

from services.ingest import store
from services.ingest.budget import price_of
from services.ingest.resources import Resources
from services.ingest.runner import DATABASE_AWAY

EVERY_S = 60.0

_log = logging.getLogger(__name__)


async def keep_budget(res: Resources) -> None:
    """Set the price by which this process plans polls, until cancelled. Replicas come to the same by the same rows."""
    while True:
        try:
            await set_price(res)
        except DATABASE_AWAY as error:
            _log.warning("the database cannot be reached", extra={"reason": str(error)})
        await asyncio.sleep(EVERY_S)


async def set_price(res: Resources) -> None:
    """One look at what is planned."""
    async with res.db.connection() as conn:
        load = await store.load(conn, res.settings.samplewire)
    price = price_of(load, res.settings.polls_per_day)
    if price is not None:
        res.spending.price = price
