"""The hub at work, inside the deliver process: asks readers whether they meant it, and pushes feeds to them.

    request      -> GET callback?hub.challenge -> echoed: subscribed after the head · else: forgotten
    subscription -> read the log after its position -> which of these articles the search finds -> the feed of them
                    -> sign -> POST -> taken: position · 410: ended · else: the same again later, until its lease ends

A push holds what changed since the one before, in the feed's own form (WebSub 7). A crash between the answer and the
record sends the same again: at least once, in order.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from services.api import formats, replicas, shape
from services.api.formats import Listing
from services.api.query import ArticleQuery
from services.api.search import condition as conditions
from services.api.search import store as lookup
from services.api.search.store import Stored
from services.api.searches import wishes
from services.api.views import POOL_WAIT_S
from services.api.webhooks.verdict import Answered, judge
from services.api.websub import asking, store
from services.api.websub.store import Connection, Request, Subscription
from shared import log
from shared.db import AsyncPool, async_transaction
from shared.http import Client, FetchError, Limits

READ = 200  # events looked at at once, so articles in one push
ASK_AGAIN_S = (5.0, 60.0)  # where nobody answers; whoever answers wrongly is not asked again
LIMITS = Limits(total_s=20.0, connect_s=10.0, silence_s=20.0, sent_bytes=100_000, unpacked_bytes=100_000, redirects=0)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hub:
    """What pushing needs. `source` is the deployment's name in the feeds."""

    pool: AsyncPool
    client: Client
    source: str
    backoff_s: Sequence[float]


@dataclass(frozen=True, slots=True)
class Work:
    """Something to do that is leased: a request to confirm, or a subscription to push to."""

    run: Coroutine[Any, Any, None]
    held: Request | Subscription


@dataclass(slots=True)
class Leases:
    """What this process has leased, {id: token}."""

    requests: dict[int, int] = field(default_factory=dict)
    readers: dict[int, int] = field(default_factory=dict)

    def of(self, held: Request | Subscription) -> dict[int, int]:
        """Those of a kind."""
        return self.requests if isinstance(held, Request) else self.readers


@dataclass(frozen=True, slots=True)
class Changed:
    """What is to be pushed, newest first, and the position up to which all is done then."""

    rows: list[Stored]
    position: int


async def due(
    hub: Hub, conn: Connection, free: int, held: int, sharing: int, head: int
) -> tuple[list[Work], float | None]:
    """At most `free` things to do now, and in how many seconds the next that waits is due.

    `held` subscriptions are ours already, `sharing` is the number of replicas.
    """
    await store.expire(conn)
    requests = await store.claim_requests(conn, free, replicas.LEASE_S) if free else []
    left = free - len(requests)
    subscriptions = await store.claim(conn, left, held, sharing, head, replicas.LEASE_S) if left else []
    waits_s = await store.soonest_s(conn)
    works = [Work(confirm(hub, one), one) for one in requests] + [Work(push(hub, one), one) for one in subscriptions]
    return works, waits_s


async def renew(conn: Connection, leases: Leases, lease_s: float | None) -> None:
    """Prolong all leases, or without a time give them back."""
    if leases.requests:
        await store.renew_requests(conn, leases.requests, lease_s)
    if leases.readers:
        await store.renew(conn, leases.readers, lease_s)


async def confirm(hub: Hub, asked: Request) -> None:
    """Ask a reader whether it meant it, and do what it asked for (5.3)."""
    challenge = secrets.token_urlsafe(32)
    url = asking.intent(asked.callback, asked.mode, asked.topic, challenge, asked.lease_s)
    try:
        response = await hub.client.get(url, headers={"user-agent": "Wiredesk hub"}, limits=LIMITS)
    except FetchError as error:
        await _unconfirmed(hub, asked, error)
        return
    meant = 200 <= response.status < 300 and response.body.strip() == challenge.encode()
    async with async_transaction(hub.pool) as conn:
        if meant and asked.mode == "subscribe":
            expires = datetime.now(UTC) + timedelta(seconds=asked.lease_s)
            await store.subscribe(conn, asked, await log.head_async(conn), expires)
        elif meant:
            await store.unsubscribe(conn, asked)
        await store.settle_request(conn, asked)
    if not meant:
        logger.info("a reader did not confirm", extra={"topic": asked.topic, "status": response.status})


async def _unconfirmed(hub: Hub, asked: Request, error: FetchError) -> None:
    logger.info("a reader could not be asked", extra={"topic": asked.topic, "reason": error.message})
    async with async_transaction(hub.pool) as conn:
        if asked.failures < len(ASK_AGAIN_S) and error.code != "address_refused":
            wait = timedelta(seconds=ASK_AGAIN_S[asked.failures])
            await store.postpone_request(conn, asked, datetime.now(UTC) + wait)
        else:
            await store.settle_request(conn, asked)


async def push(hub: Hub, held: Subscription) -> None:
    """Push what came after the position of a subscription, one stretch of the log; what is left is claimed anew."""
    wanted = wishes.kept(held.filters)
    async with hub.pool.connection(timeout=POOL_WAIT_S) as conn:
        changed = await _changed(conn, held, wanted)
    body = _rendered(hub, held, wanted, changed) if changed.rows else None
    answered = await _send(hub, held, body, changed.position) if body is not None else None
    async with async_transaction(hub.pool) as conn:
        if answered is None or answered.taken:
            await store.reached(conn, held, changed.position)
            return
        # The last wait is repeated: a reader is given up by its lease, or by itself.
        verdict = judge(answered, min(held.failures + 1, len(hub.backoff_s)), hub.backoff_s, datetime.now(UTC))
        if verdict.next_attempt_at is None:
            await store.end(conn, held)
        else:
            await store.postpone(conn, held, verdict.next_attempt_at)
    logger.warning("not pushed", extra={"topic": held.topic, "attempt": held.failures + 1, "verdict": verdict.kind})


async def _changed(conn: Connection, held: Subscription, wanted: ArticleQuery) -> Changed:
    """The articles of the next stretch that the search finds. What the log no longer has is made good by the newest."""
    events = await log.read_async(conn, held.position, READ)
    if not events:
        return Changed([], held.position)
    if events[0].position != held.position + 1:
        head = await log.head_async(conn)
        page = await lookup.newest(conn, replace(wanted, limit=READ), datetime.now(UTC), head, rest=False)
        return Changed(page.rows[:READ], events[0].position - 1)
    ids = sorted({e.article_id for e in events if e.article_id is not None})
    asked = wanted.filter
    found = await store.among(conn, ids, conditions.condition(asked), conditions.bounds(asked)) if ids else []
    rows = (await lookup.articles(conn, found, rest=False)).values() if found else ()
    newest = sorted(rows, key=lambda row: (row.sort_at, row.article_id), reverse=True)
    return Changed(newest, events[-1].position)


def _rendered(hub: Hub, held: Subscription, wanted: ArticleQuery, changed: Changed) -> bytes:
    items = [shape.article(row.kept, row.position, wanted.form) for row in changed.rows]
    if held.form == "json":
        return shape.page(items, None, changed.position)
    base = asking.base_of(held.topic)
    listing = Listing(
        title=held.name,
        self_url=held.topic,
        home_url=base + "/",
        next_url=None,
        origin=hub.source,
        ready=items,
        hub_url=base + asking.PATH,
    )
    return formats.LISTS[held.form].render(listing)


async def _send(hub: Hub, held: Subscription, body: bytes, position: int) -> Answered:
    headers = {
        "content-type": asking.TYPES[held.form],
        "link": asking.links(asking.base_of(held.topic), held.topic),
        "user-agent": "Wiredesk hub",
        "wiredesk-position": str(position),  # from where any other channel goes on
    }
    if held.secret:
        headers["x-hub-signature"] = asking.signature(held.secret, body)
    begun = time.monotonic()
    try:
        response = await hub.client.post(held.callback, body, headers=headers, limits=LIMITS)
    except FetchError as error:
        told = {"code": error.code, "message": error.message}
        return Answered(None, round((time.monotonic() - begun) * 1000), error=told)
    return Answered(response.status, round((time.monotonic() - begun) * 1000), response.headers.get("retry-after"))
