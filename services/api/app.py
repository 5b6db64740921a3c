"""The API put together: middleware, routes, errors, the dashboard's files."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api import articles, events, openapi, problems
from services.api.auth import Gate, Keyring
from services.api.deps import Resources
from services.api.feeds import routes as feeds
from services.api.keys import routes as keys
from services.api.ops import health
from services.api.ops import routes as ops
from services.api.ops.metrics import Metrics, Timed
from services.api.problems import Problem
from shared.settings import Settings

DASHBOARD = Path(__file__).parent / "dashboard"
EXPOSED = ("ETag", "Link", "Location", "Retry-After", "Wiredesk-Position")
_POLICY = (
    "default-src 'self'; img-src 'self' data: https: http:; style-src 'self' 'unsafe-inline'; object-src 'none';"
    " base-uri 'none'; frame-ancestors 'none'"
)


def create_app(settings: Settings, resources: Resources) -> FastAPI:
    """The app on opened resources. Nothing is opened or closed here."""
    app = FastAPI(title="Wiredesk", version=_version(), docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.resources = resources
    app.state.pages = articles.Pages()
    app.state.metrics = Metrics()
    app.state.keyring = Keyring(resources)
    app.openapi = lambda: openapi.document(app)  # type: ignore[method-assign]  # the documented way to replace it
    for router in (
        articles.router,
        events.router,
        feeds.opml_router,
        feeds.router,
        ops.router,
        keys.router,
        health.router,
    ):
        app.include_router(router)
    _serve_dashboard(app)
    problems.install(app)
    app.add_middleware(Gate, held=resources, keyring=app.state.keyring)
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


def _serve_dashboard(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    async def index() -> Response:
        page = DASHBOARD / "index.html"
        if not page.is_file():
            raise Problem("not_found", "the dashboard is not installed; the API is under /v1")
        headers = {"Cache-Control": "no-cache", "Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"}
        return FileResponse(page, headers=headers)

    app.mount("/assets", StaticFiles(directory=DASHBOARD / "assets", check_dir=False), name="assets")


def _version() -> str:
    try:
        return version("wiredesk-server")
    except PackageNotFoundError:
        return "0"
