"""The API put together: middleware, routes, errors."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api import (
    articles,
    dashboard,
    documents,
    entities,
    event,
    events,
    facets,
    failures,
    history,
    openapi,
    similar,
    socket,
)
from services.api.auth import Gate, Keyring, needs_keys
from services.api.deps import Resources
from services.api.feeds import routes as feeds
from services.api.hosts import Hosts
from services.api.keys import audit
from services.api.keys import routes as keys
from services.api.limits import Limit
from services.api.ops import health, reenrich, sources, workers
from services.api.ops import routes as ops
from services.api.ops.metrics import Metrics, Timed
from services.api.searches import routes as searches
from services.api.webhooks import routes as webhooks
from services.api.websub import routes as websub
from shared.settings import Settings

EXPOSED = ("ETag", "Link", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "Wiredesk-Position")


def create_app(settings: Settings, resources: Resources) -> FastAPI:
    """The app on opened resources. Nothing is opened or closed here."""
    app = FastAPI(title="Wiredesk", version=_version(), openapi_url=None, redirect_slashes=False)
    app.state.resources = resources
    app.state.pages = articles.Pages()
    app.state.metrics = Metrics()
    app.state.keyring = Keyring(resources)
    app.openapi = lambda: openapi.document(app)  # type: ignore[method-assign]  # the documented way to replace it
    for router in (
        similar.router,
        articles.router,
        history.router,
        facets.router,
        entities.router,
        events.router,
        event.router,
        socket.router,
        feeds.opml_router,
        feeds.router,
        sources.router,
        ops.router,
        reenrich.router,
        workers.router,
        keys.router,
        audit.router,
        searches.router,
        webhooks.router,
        websub.router,
        health.router,
        dashboard.router,
    ):
        app.include_router(router)
    documents.install(app)
    failures.install(app)
    if settings.rate_limit:
        app.add_middleware(Limit, client=resources.redis, per_minute=settings.rate_limit)
    app.add_middleware(Gate, held=resources, keyring=app.state.keyring, settings=settings)
    if not needs_keys(settings):
        app.add_middleware(Hosts, settings=settings)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=list(EXPOSED),
        )
    app.add_middleware(Timed, metrics=app.state.metrics)
    app.add_middleware(Head)
    return app


class Head:
    """ASGI middleware: HEAD is GET without the body. Streams know no HEAD."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask as GET, keep the head."""
        if scope["type"] != "http" or scope["method"] != "HEAD" or scope["path"] == "/v1/events":
            await self._app(scope, receive, send)
            return

        async def headless(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"}, receive, headless)


def _version() -> str:
    try:
        return version("wiredesk-server")
    except PackageNotFoundError:
        return "0"
