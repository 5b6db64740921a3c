"""Hubs asked to tell us: to subscribe, to renew at half the lease, to try again, and to stop.

due ─ claim (SKIP LOCKED) ─▶ the hub's turn ─ POST ─▶ 2xx: it verifies at our callback; else: tried again, ever later
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from services.ingest.resources import Resources
from services.ingest.runner import AWAY_S, DATABASE_AWAY
from services.ingest.turns import wait_for_turn
from services.ingest.websub import store
from services.ingest.websub.store import Subscription
from shared.db import async_transaction
from shared.http import FetchError, Limits

LEASE_S = 864_000  # wished for; the hub decides
LIMITS = Limits(total_s=10.0, connect_s=5.0, silence_s=8.0, sent_bytes=64_000, unpacked_bytes=64_000)
WORK = timedelta(seconds=60)
AT_ONCE = 8
IDLE_S = 1.0
FIRST_RETRY = timedelta(minutes=10)
LONGEST_RETRY = timedelta(days=1)
DENIED = timedelta(days=7)  # as Feedbin
GOODBYES = 3  # tries to unsubscribe

_log = logging.getLogger(__name__)


def callback_url(base: str, token: str) -> str:
    """Where a hub reaches us about one subscription."""
    return f"{base.rstrip('/')}/websub/{token}"


class Subscriber:
    """Asks hubs until cancelled. Several may run; without a public address there is nothing to do."""

    def __init__(self, res: Resources) -> None:
        self._res = res

    async def run(self) -> None:
        """Ask what is due, look again now and then."""
        while True:
            try:
                if not await self.round(datetime.now(UTC)):
                    await asyncio.sleep(IDLE_S)
            except DATABASE_AWAY as error:
                _log.warning("the database cannot be reached", extra={"reason": str(error)})
                await asyncio.sleep(AWAY_S)

    async def round(self, now: datetime) -> int:
        """Ask the hubs that are due; how many."""
        if not self._res.settings.public_ingest_url:
            return 0
        async with async_transaction(self._res.db) as conn:
            due = await store.claim_due(conn, now, now + WORK, AT_ONCE)
        await asyncio.gather(*(self._ask(subscription) for subscription in due))
        return len(due)

    async def _ask(self, wanted: Subscription) -> None:
        leaving = wanted.state == "unsubscribing"
        form = {
            "hub.mode": "unsubscribe" if leaving else "subscribe",
            "hub.topic": wanted.topic_url,
            "hub.callback": callback_url(self._res.settings.public_ingest_url, wanted.token),
        }
        if not leaving:
            form |= {"hub.secret": wanted.secret, "hub.lease_seconds": str(LEASE_S)}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        await wait_for_turn(self._res, wanted.hub_url)
        try:
            answer = await self._res.client.post(
                wanted.hub_url, urlencode(form).encode(), headers=headers, limits=LIMITS
            )
            state, error = _meaning(answer.status, answer.body)
        except FetchError as failure:
            state, error = ("refused" if failure.code == "address_refused" else "failed"), failure.message
        with suppress(*DATABASE_AWAY):
            await self._note(wanted, state, error)

    async def _note(self, wanted: Subscription, state: str, error: str | None) -> None:
        now = datetime.now(UTC)
        async with async_transaction(self._res.db) as conn:
            if wanted.state == "unsubscribing":
                if wanted.failures + 1 >= GOODBYES:
                    return await store.forget(conn, wanted.token)
                state = "unsubscribing"
            again = DENIED if state in ("denied", "refused") else _later(wanted.failures)
            assert wanted.requested_at is not None
            await store.asked(conn, wanted.token, wanted.requested_at, state, now + again, wanted.failures + 1, error)
        self._res.metrics.hubs.labels(state).inc()


def _meaning(status: int, body: bytes) -> tuple[str, str | None]:
    if 200 <= status < 300:
        return "requested", None
    said = " ".join(body[:300].decode("utf-8", "replace").split()).replace("\x00", "")
    error = f"the hub answered with status {status}: {said}" if said else f"the hub answered with status {status}"
    return ("denied" if 400 <= status < 500 and status not in (408, 429) else "failed"), error


def _later(failures: int) -> timedelta:
    return min(LONGEST_RETRY, FIRST_RETRY * float(2 ** min(failures, 10)))
