"""What hubs say at our listener: `/websub/{token}`.

GET  verification of intent: the challenge is echoed where the hub asks about what we wished for, else 404; or a denial
POST a push: kept for the feed's next poll where its signature is right, else thrown away; 2xx either way (WebSub, 8)
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from aiohttp import web

from services.ingest.resources import Resources
from services.ingest.websub import store
from services.ingest.websub.signature import is_signed
from services.ingest.websub.store import Subscription
from shared.db import async_transaction

MOST_BYTES = 15_000_000
WISH_HOLDS = timedelta(days=1)  # a verification that comes later than this after the request is none of ours
SHORTEST_S, LONGEST_S = 60, 366 * 86_400
DENIED = timedelta(days=7)


def routes(res: Resources) -> list[web.RouteDef]:
    """For the listener's application."""

    async def verify(request: web.Request) -> web.Response:
        return await _verify(res, request)

    async def push(request: web.Request) -> web.Response:
        return await _push(res, request)

    return [web.get("/websub/{token}", verify, allow_head=False), web.post("/websub/{token}", push)]


async def _verify(res: Resources, request: web.Request) -> web.Response:
    asked, now = request.query, datetime.now(UTC)
    mode, challenge = asked.get("hub.mode"), asked.get("hub.challenge", "")
    async with async_transaction(res.db) as conn:
        ours = await store.by_token(conn, request.match_info["token"])
        if ours is None or asked.get("hub.topic") != ours.topic_url:
            return web.Response(status=404)
        if mode == "denied":
            reason = asked.get("hub.reason", "")[:500].replace("\x00", "") or "the hub gives no reason"
            await store.denied(conn, ours.token, reason, now + DENIED)
            return web.Response(status=200)
        wished = ours.requested_at is not None and now - ours.requested_at < WISH_HOLDS
        if not wished or not challenge or mode != _wish(ours):
            return web.Response(status=404)
        if mode == "unsubscribe":
            await store.forget(conn, ours.token)
        else:
            lease_s = _lease_s(asked.get("hub.lease_seconds", ""))
            until, half = now + timedelta(seconds=lease_s), now + timedelta(seconds=lease_s / 2)
            await store.verified(conn, ours.token, until, half, now)
    return web.Response(body=challenge.encode(), content_type="text/plain")


def _wish(ours: Subscription) -> str:
    return "unsubscribe" if ours.state == "unsubscribing" else "subscribe"


def _lease_s(text: str) -> int:
    return min(LONGEST_S, max(SHORTEST_S, int(text))) if text.isdecimal() and len(text) < 12 else 86_400


async def _push(res: Resources, request: web.Request) -> web.Response:
    async with res.db.connection() as conn:
        ours = await store.by_token(conn, request.match_info["token"])
    if ours is None or ours.state == "unsubscribing":
        return web.Response(status=410)  # the hub may end it
    try:
        body = await request.read()
        signed = is_signed(request.headers.get("X-Hub-Signature"), ours.secret, body)
    except web.HTTPRequestEntityTooLarge:
        body, signed = b"", True  # too much to take: who knows the secret path may have the publisher asked instead
    res.metrics.pushes.labels("taken" if signed else "unsigned").inc()
    if signed:
        fat = bool(body.strip()) and request.content_type != "application/x-www-form-urlencoded"
        content_type = request.headers.get("Content-Type", "")[:200] or None
        async with async_transaction(res.db) as conn:
            await store.pushed(conn, ours.feed_id, content_type, body if fat else None, datetime.now(UTC))
        res.due.set()
    return web.Response(status=202)
