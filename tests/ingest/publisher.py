"""A scriptable publisher on loopback: each path answers as the test says, and remembers how it was asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Publisher:
    port: int = 0
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def serve(self, path: str, body: bytes | str, *, status: int = 200, **headers: str) -> None:
        data = body.encode() if isinstance(body, str) else body
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent.setdefault("Content-Type", "application/rss+xml")

        async def answer(request: web.Request) -> web.StreamResponse:
            etag = sent.get("ETag")
            if etag and request.headers.get("If-None-Match") == etag:
                return web.Response(status=304, headers={"ETag": etag})
            return web.Response(body=data, status=status, headers=sent)

        self.answers[path] = answer

    def times(self, path: str) -> int:
        return sum(1 for asked, _ in self.asked if asked == path)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, dict(request.headers)))
        answer = self.answers.get(request.path)
        if answer is None:
            return web.Response(status=404)
        return await answer(request)


@asynccontextmanager
async def publishing(host: str = "127.0.0.1") -> AsyncIterator[Publisher]:
    publisher = Publisher()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", publisher.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, host, 0)
    await site.start()
    publisher.port = runner.addresses[0][1]
    try:
        yield publisher
    finally:
        await runner.cleanup()


def item(number: int, **changes: str) -> dict[str, str]:
    return {
        "guid": f"item-{number}",
        "link": f"https://news.example/articles/{number}",
        "title": f"Headline number {number}",
        "description": f"The lead of article {number}, which says what happened.",
        "pubDate": f"Mon, 23 Nov 2026 10:{number % 60:02d}:00 GMT",
    } | changes


def rss(items: Sequence[dict[str, str]], title: str = "Example News", extra: str = "") -> str:
    rows = "".join(
        "<item>" + "".join(f"<{tag}>{escape(text)}</{tag}>" for tag, text in row.items()) + "</item>" for row in items
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>'
        f"<title>{escape(title)}</title><link>https://news.example/</link><language>en</language>{extra}{rows}"
        "</channel></rss>"
    )
