"""How often a key may ask: a count a minute, shared by all replicas through Redis. Without Redis nobody is held up.

Headers as in draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy` and `RateLimit`.
"""

from __future__ import annotations

import logging
import time

import redis.asyncio
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api import failures
from services.api.auth import key_of
from services.api.problems import Problem

WINDOW_S = 60

logger = logging.getLogger(__name__)


class Limit:
    """ASGI middleware behind the gate: counts requests to `/v1`, by key or, where none is needed, by address."""

    def __init__(self, app: ASGIApp, client: redis.asyncio.Redis, per_minute: int) -> None:
        self._app = app
        self._redis = client
        self._limit = per_minute

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on with what is left told, or answer 429."""
        if scope["type"] not in ("http", "websocket") or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return
        now = time.time()
        count = await self._count(scope, int(now // WINDOW_S))
        left_s = max(1, round(WINDOW_S - now % WINDOW_S))
        told = {
            "RateLimit-Policy": f'"minute";q={self._limit};w={WINDOW_S}',
            "RateLimit": f'"minute";r={max(0, self._limit - count)};t={left_s}',
        }
        if count > self._limit:
            headers = told | {"Retry-After": str(left_s)}
            problem = Problem("rate_limited", f"this key may ask {self._limit} times a minute", headers=headers)
            await failures.answer(problem)(scope, receive, send)
            return

        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(told)
            await send(message)

        await self._app(scope, receive, telling)

    async def _count(self, scope: Scope, window: int) -> int:
        key = key_of(scope)
        who = f"key:{key.id}" if key else f"address:{(scope.get('client') or ('',))[0]}"
        name = f"wiredesk:rate:{who}:{window}"
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.incr(name)
                pipe.expire(name, 2 * WINDOW_S)
                count, _ = await pipe.execute()
        except (redis.RedisError, OSError) as error:
            logger.warning("requests are not counted: Redis is away", extra={"reason": str(error)})
            return 0
        return int(count)
