"""A host's turn for what is asked beside polls and pages: one clock for all replicas."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from services.ingest import store
from services.ingest.hosts import domain_of
from services.ingest.resources import Resources
from shared.db import async_transaction
from shared.errors import AddressRefused
from shared.urls import host_key


async def wait_for_turn(res: Resources, url: str) -> None:
    """Wait until the host of `url` and its domain may be asked again, and take that moment from all others."""
    gap_s = float(res.settings.host_gap_s)
    try:
        host = host_key(url)
    except AddressRefused:  # the client refuses it, with the reason
        return
    if gap_s <= 0 or host == res.settings.samplewire:
        return
    async with async_transaction(res.db) as conn:
        at = await store.take_turn(conn, host, domain_of(host), datetime.now(UTC), gap_s)
    await asyncio.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds()))
