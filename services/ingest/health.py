"""Ingest's own small listener: liveness, readiness, metrics, and what WebSub hubs say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from services.ingest import store
from services.ingest.resources import Resources
from services.ingest.runner import DATABASE_AWAY
from services.ingest.websub.callback import MOST_BYTES, routes


@asynccontextmanager
async def listening(res: Resources) -> AsyncIterator[int]:
    """Serve on the ingest port; yields the port (chosen by the system where the setting is 0)."""
    app = web.Application(client_max_size=MOST_BYTES)
    app.add_routes([web.get("/healthz", _healthz), web.get("/readyz", _readyz), web.get("/metrics", _metrics)])
    app.add_routes(routes(res))
    app[_RESOURCES] = res
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, res.settings.host, res.settings.ingest_port)
        await site.start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


_RESOURCES = web.AppKey("resources", Resources)


async def _healthz(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def _readyz(request: web.Request) -> web.Response:
    """Redis away is no reason: polling goes on, ids wait."""
    try:
        async with request.app[_RESOURCES].db.connection(timeout=2) as conn:
            await store.alive(conn)
    except DATABASE_AWAY as error:
        return web.json_response({"status": "unready", "reason": f"PostgreSQL cannot be reached: {error}"}, status=503)
    return web.json_response({"status": "ready"})


async def _metrics(request: web.Request) -> web.Response:
    body = request.app[_RESOURCES].metrics.render()
    return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})
