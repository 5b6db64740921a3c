"""A publisher's worst days, as answers for `publisher.Publisher`: slow, endless, packed, broken, leading elsewhere."""

from __future__ import annotations

import asyncio
import gzip
from contextlib import suppress

from aiohttp import web

from tests.ingest.publisher import Publisher, item, rss

FLOOD = b"<rss " + b" ".join(b'a%d="x"' % n for n in range(16_000)) + b"><channel><item><title>a & b</title>"


async def dripping(request: web.Request) -> web.StreamResponse:
    """A byte now and then, for ever."""
    response = web.StreamResponse()
    await response.prepare(request)
    with suppress(ConnectionError):
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.05)
    return response


async def silent(request: web.Request) -> web.StreamResponse:
    """Takes the request and says nothing."""
    await asyncio.sleep(60)
    return web.Response()


async def endless(request: web.Request) -> web.StreamResponse:
    """Items without end."""
    response = web.StreamResponse()
    await response.prepare(request)
    with suppress(ConnectionError):
        while True:
            await response.write(b"<item><title>more</title></item>" * 2_000)
    return response


async def cut_off(request: web.Request) -> web.StreamResponse:
    """Announces more than it sends."""
    response = web.StreamResponse(headers={"Content-Length": "100000"})
    await response.prepare(request)
    await response.write(rss([item(1)]).encode())
    assert request.transport is not None
    request.transport.close()
    return response


def misbehave(publisher: Publisher) -> dict[str, str]:
    """Set the publisher up; {path: the outcome that a poll of it must have}."""
    publisher.answers |= {"/drip": dripping, "/silent": silent, "/endless": endless, "/cut": cut_off}
    publisher.serve("/bomb", gzip.compress(b"<rss>" + bytes(20_000_000)), Content_Encoding="gzip")
    publisher.serve("/bomb.gz", gzip.compress(b"<rss>" + bytes(20_000_000)))  # no word of it in the headers
    publisher.serve("/torn", b"\x1f\x8b" + b"?" * 60, Content_Encoding="gzip")
    publisher.serve("/loop", b"", status=302, Location="/loop2")
    publisher.serve("/loop2", b"", status=302, Location="/loop")
    publisher.serve("/inside", b"", status=301, Location="http://192.168.7.7/feed")
    publisher.serve("/metadata", b"", status=302, Location="http://169.254.169.254/latest/meta-data/")
    publisher.serve("/file", b"", status=302, Location="file:///etc/passwd")
    publisher.serve(
        "/page", "<!doctype html><html><body>Please enable JavaScript</body></html>", Content_Type="text/html"
    )
    publisher.serve("/flood", FLOOD)
    publisher.serve("/rss.json", '{"rss": {"version": "2.0", "channel": {"item": []}}}')
    publisher.serve("/sitemap", "<urlset><url><loc>https://news.example/about</loc></url></urlset>")
    publisher.serve("/empty", b"")
    publisher.serve("/busy", b"", status=503, Retry_After="3600")
    publisher.serve("/often", b"", status=429, Retry_After="3600")
    publisher.serve("/secret", b"", status=401)
    return {
        "/drip": "timeout",
        "/silent": "timeout",
        "/endless": "too_big",
        "/cut": "protocol",
        "/bomb": "too_big",
        "/bomb.gz": "too_big",
        "/torn": "protocol",
        "/loop": "redirects",
        "/inside": "address_refused",
        "/metadata": "address_refused",
        "/file": "redirects",
        "/page": "not_a_feed",
        "/flood": "unreadable",
        "/rss.json": "rss_in_json",
        "/sitemap": "plain_sitemap",
        "/empty": "empty",
        "/busy": "server_error",
        "/often": "rate_limited",
        "/secret": "unauthorised",
    }
