"""Receivers of webhooks in a process of their own: `python -m bench.hook_receiver PORT REFUSES_PERCENT`.

POST /hook/N: one delivery to receiver N, verified by the official package with what /secret/N was told. GET /progress:
how many were taken. GET /taken: for each receiver [webhook-id, first and last position, hash of the body] in order.
"""

from __future__ import annotations

import hashlib
import random
import sys
from collections import defaultdict

import orjson
from aiohttp import web
from standardwebhooks.webhooks import Webhook, WebhookVerificationError


class Receivers:
    """What came to each. Some deliveries are refused on purpose: they come again."""

    def __init__(self, refuses_percent: int) -> None:
        self._refuses = refuses_percent / 100
        self._dice = random.Random(7)
        self._secrets: dict[str, Webhook] = {}
        self._taken: dict[str, list[tuple[str, int, int, str]]] = defaultdict(list)
        self._unverified = 0
        self._refused = 0

    async def secret(self, request: web.Request) -> web.Response:
        """Learn the secret of a receiver."""
        self._secrets[request.match_info["n"]] = Webhook(await request.text())
        return web.Response()

    async def hook(self, request: web.Request) -> web.Response:
        """One delivery."""
        body = await request.read()
        n = request.match_info["n"]
        try:
            self._secrets[n].verify(body, {k.lower(): v for k, v in request.headers.items()})
        except (KeyError, WebhookVerificationError):
            self._unverified += 1
            return web.Response(status=401)
        if self._dice.random() < self._refuses:
            self._refused += 1
            return web.Response(status=503)
        told = orjson.loads(body)
        events = told if isinstance(told, list) else [told]
        ends = (int(events[0]["id"]), int(events[-1]["id"]))
        self._taken[n].append((request.headers["webhook-id"], *ends, hashlib.sha256(body).hexdigest()))
        return web.Response(status=204)

    async def progress(self, request: web.Request) -> web.Response:
        """How far they are."""
        lasts = {n: taken[-1][2] for n, taken in self._taken.items()}
        told = {
            "taken": sum(map(len, self._taken.values())),
            "unverified": self._unverified,
            "refused": self._refused,
            "lasts": lasts,
        }
        return web.json_response(told)

    async def taken(self, request: web.Request) -> web.Response:
        """Everything."""
        return web.json_response(self._taken)


def main() -> None:
    """Entry."""
    port, refuses = (int(a) for a in sys.argv[1:3])
    receivers = Receivers(refuses)
    app = web.Application(client_max_size=2**24)
    app.add_routes(
        [
            web.post("/secret/{n}", receivers.secret),
            web.post("/hook/{n}", receivers.hook),
            web.get("/progress", receivers.progress),
            web.get("/taken", receivers.taken),
        ]
    )
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main()
