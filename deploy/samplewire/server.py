"""The HTTP side: routes, validators, conditional GET (RFC 9110, 13). Nothing runs between requests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256

from aiohttp import web

from deploy.samplewire.pages import article_page, front_page, index_page
from deploy.samplewire.picture import png
from deploy.samplewire.render import MEDIA_TYPES, render_feed, render_opml, render_subscriptions
from deploy.samplewire.wire import Article, Item, Publisher, Wire, dated, edition_at, feed_at, wire_at

MAX_AGE_S = 15
RELATED = 4
HTML = "text/html; charset=utf-8"


def make_app(wire: Wire, started: datetime, base: str, clock: Callable[[], datetime]) -> web.Application:
    """The application serving `wire` as it stands at `clock()` when the replay began at `started`."""
    pages = _Pages(wire, started, base, clock)
    app = web.Application()
    app.add_routes(
        [
            web.get("/", pages.index),
            web.get("/robots.txt", pages.robots),
            web.get("/wire.opml", pages.opml),
            web.get("/feeds.json", pages.subscriptions),
            web.get("/{publisher}/", pages.front),
            web.get("/{publisher}/articles/{slug}", pages.article),
            web.get("/{publisher}/images/{slug}.png", pages.image),
            web.get("/{publisher}/{feed}", pages.feed),
        ]
    )
    return app


class _Pages:
    """The handlers; each asks the pure parts what there is now and answers it with validators."""

    def __init__(self, wire: Wire, started: datetime, base: str, clock: Callable[[], datetime]) -> None:
        self._wire, self._started, self._base, self._clock = wire, started, base, clock
        self._by_slug = {article.slug: article for article in wire.articles}

    async def index(self, request: web.Request) -> web.StreamResponse:
        return _answer(request, index_page(self._wire).encode(), HTML, self._started)

    async def robots(self, request: web.Request) -> web.StreamResponse:
        return _answer(request, b"User-agent: *\nAllow: /\n", "text/plain; charset=utf-8", self._started)

    async def opml(self, request: web.Request) -> web.StreamResponse:
        text = render_opml(self._wire, self._base, self._started)
        return _answer(request, text.encode(), "text/x-opml; charset=utf-8", self._started)

    async def subscriptions(self, request: web.Request) -> web.StreamResponse:
        return _answer(request, render_subscriptions(self._wire, self._base), "application/json", self._started)

    async def feed(self, request: web.Request) -> web.StreamResponse:
        publisher = self._publisher(request)
        feed = self._wire.feed(f"{publisher.slug}/{request.match_info['feed']}")
        if feed is None:
            raise web.HTTPNotFound
        state = feed_at(self._wire, feed, self._clock(), self._started)
        text = render_feed(state, publisher, self._base)
        return _answer(request, text.encode(), MEDIA_TYPES[feed.format], state.changed)

    async def front(self, request: web.Request) -> web.StreamResponse:
        publisher = self._publisher(request)
        # A withdrawal makes a headline vanish without a newer date: the tag alone tells that the page changed.
        return _answer(request, front_page(publisher, self._items(publisher), self._base).encode(), HTML, None)

    async def article(self, request: web.Request) -> web.StreamResponse:
        publisher = self._publisher(request)
        item = self._item(self._article(request), publisher)
        related = self._related(item, publisher)
        # The page changes with the titles it links to, so the newest of them dates it.
        changed = max(other.updated or other.published for other in (item, *related))
        return _answer(request, article_page(item, publisher, related, self._base).encode(), HTML, changed)

    async def image(self, request: web.Request) -> web.StreamResponse:
        article = self._article(request)
        if not article.caption:
            raise web.HTTPNotFound
        item = self._item(article, self._publisher(request))
        return _answer(request, png(article.slug), "image/png", item.published)

    def _publisher(self, request: web.Request) -> Publisher:
        publisher = self._wire.publisher(request.match_info["publisher"])
        if publisher is None:
            raise web.HTTPNotFound
        return publisher

    def _article(self, request: web.Request) -> Article:
        article = self._by_slug.get(request.match_info["slug"])
        if article is None:
            raise web.HTTPNotFound
        return article

    def _item(self, article: Article, publisher: Publisher) -> Item:
        """The article as it reads now: 404 before it appears, 410 once it was withdrawn."""
        elapsed_s = self._elapsed_s()
        edition = edition_at(article, elapsed_s)
        if article.publisher != publisher.slug or article.at_s > max(elapsed_s, 0):
            raise web.HTTPNotFound
        if edition is None:
            raise web.HTTPGone
        return dated(edition, self._started)

    def _items(self, publisher: Publisher) -> list[Item]:
        mine = (article for article in self._wire.articles if article.publisher == publisher.slug)
        return [dated(edition, self._started) for edition in wire_at(mine, self._elapsed_s())]

    def _related(self, item: Item, publisher: Publisher) -> list[Item]:
        """Older articles only, and none that will be withdrawn: the links of a page do not come and go."""
        lasting = (other for other in self._items(publisher) if other.article.withdrawn_after_s is None)
        return [other for other in lasting if other.published < item.published][:RELATED]

    def _elapsed_s(self) -> float:
        return (self._clock() - self._started).total_seconds()


def _answer(request: web.Request, body: bytes, media_type: str, changed: datetime | None) -> web.StreamResponse:
    """200 with the body, or 304 when the reader's validators still hold; If-None-Match outranks If-Modified-Since."""
    tag = sha256(body).hexdigest()[:32]
    if request.if_none_match is not None:
        fresh = any(asked.value in ("*", tag) for asked in request.if_none_match)
    else:
        fresh = changed is not None and request.if_modified_since is not None and changed <= request.if_modified_since
    response = web.Response(status=304) if fresh else web.Response(body=body, headers={"Content-Type": media_type})
    response.etag = tag
    if changed is not None:
        response.last_modified = changed
    response.headers["Cache-Control"] = f"max-age={MAX_AGE_S}"
    return response
