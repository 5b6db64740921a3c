"""A local publisher in a process of its own: `python -m bench.publisher PORT FEEDS ITEMS WORDS VALIDATORS`.

GET /f/N: feed N. GET /bump?feed=N: one new item on top of feed N (its seed is the answer), or `count` of them. Nothing
is cached by chance: bodies are built once, so that serving costs little next to what is measured.
"""

from __future__ import annotations

import hashlib
import sys

from aiohttp import web

from bench.text import rss, rss_item


class Publisher:
    """Feeds by number; each is (items, body, etag)."""

    def __init__(self, base: str, feeds: int, items: int, words: int, validators: bool) -> None:
        self._base, self._words, self._validators = base, words, validators
        self._items = {f: [rss_item(f * 1_000_000 + i, words, base) for i in range(items)] for f in range(feeds)}
        self._ready = {f: self._render(f) for f in self._items}
        self._bumps = 0

    def _render(self, feed: int) -> tuple[bytes, str]:
        body = rss(self._items[feed], f"bench{feed}")
        return body, f'"{hashlib.sha256(body).hexdigest()[:16]}"'

    async def feed(self, request: web.Request) -> web.Response:
        """One feed, 304 when asked conditionally and unchanged."""
        body, etag = self._ready[int(request.match_info["feed"])]
        if not self._validators:
            return web.Response(body=body, content_type="application/rss+xml")
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={"ETag": etag})
        return web.Response(body=body, content_type="application/rss+xml", headers={"ETag": etag})

    async def bump(self, request: web.Request) -> web.Response:
        """Add items; the seed of the newest."""
        feed = int(request.query["feed"])
        for _ in range(int(request.query.get("count", 1))):
            self._bumps += 1
            seed = feed * 1_000_000 + 500_000 + self._bumps
            self._items[feed] = [rss_item(seed, self._words, self._base), *self._items[feed][:49]]
        self._ready[feed] = self._render(feed)
        return web.json_response({"seed": seed})


def main() -> None:
    """Entry."""
    port, feeds, items, words, validators = (int(a) for a in sys.argv[1:6])
    publisher = Publisher(f"http://127.0.0.1:{port}", feeds, items, words, bool(validators))
    app = web.Application()
    app.add_routes([web.get("/f/{feed}", publisher.feed), web.get("/bump", publisher.bump)])
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main()
