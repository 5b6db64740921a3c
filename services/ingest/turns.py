"""A host's turn for what is asked beside claimed polls and pages: one clock for all replicas."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from services.ingest import store
from services.ingest.hosts import domain_of
from services.ingest.resources import Resources
from shared.db import async_transaction
from shared.errors import AddressRefused
from shared.urls import host_key


class Crowded(Exception):
    """The host has no turn to give within the time that its asker has."""


async def wait_for_turn(res: Resources, url: str) -> None:
    """Wait until the host of `url` and its domain may be asked again, and take that moment from all others."""
    await asyncio.sleep(await take_turn(res, url))


async def take_turn(res: Resources, url: str, within_s: float | None = None) -> float:
    """Take the next moment of the host of `url` from all others; seconds until then.

    Raises `Crowded` where it is more than `within_s` away.
    """
    gap_s = float(res.settings.host_gap_s)
    try:
        host = host_key(url)
    except AddressRefused:  # the client refuses it, with the reason
        return 0.0
    if gap_s <= 0 or host == res.settings.samplewire:
        return 0.0
    now = datetime.now(UTC)
    most = None if within_s is None else now + timedelta(seconds=within_s)
    async with async_transaction(res.db) as conn:
        at = await store.take_turn(conn, host, domain_of(host), now, gap_s, most)
    if at is None:
        raise Crowded(f"{host} has no turn to give within {within_s:g} s")
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
