"""One feed's address asked, conditionally: what came back, sorted into what the poll does next."""

from __future__ import annotations

import asyncio
from hashlib import sha256

from services.ingest.outcomes import Failure, of_status
from services.ingest.resources import Resources
from services.ingest.schedule import fresh_for_s, retry_after
from services.ingest.states import Claimed, Result
from services.ingest.turns import take_turn
from shared.errors import AddressRefused
from shared.http import FetchError, Response
from shared.urls import host_key

ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9,"
    " application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.5"
)


TURN_S = 20.0  # that a redirected poll waits for its turn elsewhere


async def fetch(res: Resources, feed: Claimed, result: Result) -> Response | None:
    """The response if its body is to be parsed; otherwise None, and `result` says how the poll ended.

    Claiming the feed took its own host's turn; where it is redirected to another, that one's is taken on the way.
    Raises `Crowded` where there is none in time.
    """

    async def elsewhere(url: str) -> None:
        if _host(url) != feed.host:
            await _wait(res, await take_turn(res, url, TURN_S))

    try:
        response = await res.client.get(feed.url, headers=_headers(feed, result), going_on=elsewhere)
    except FetchError as error:
        result.failure = Failure.of(error.code, error.message)
        result.outcome = error.code
        return None
    _note(result, response)
    if result.failure is not None:
        result.outcome = result.failure.code
        return None
    if response.status == 304:
        if not result.conditional:  # some caches say so to everybody, for ever
            result.failure = Failure.of("http_error", "the publisher answered 304 to a request without validators")
            result.outcome = result.failure.code
            return None
        result.outcome = "not_modified"
        result.etag = result.etag or feed.etag
        result.last_modified = result.last_modified or feed.last_modified
        return None
    if result.body_hash == feed.body_hash:
        result.outcome = "unchanged"
        result.entries = feed.entries_in_last_poll
        result.counts["unchanged"] = feed.entries_in_last_poll
        return None
    return response


async def _wait(res: Resources, seconds: float) -> None:
    """Nothing has been read so far, so others may read meanwhile."""
    if seconds <= 0:
        return
    res.bodies.release()
    try:
        await asyncio.sleep(seconds)
    finally:
        await res.bodies.acquire()


def _host(url: str) -> str | None:
    try:
        return host_key(url)
    except AddressRefused:  # the client refuses it, with the reason
        return None


def _headers(feed: Claimed, result: Result) -> dict[str, str]:
    headers = {"Accept": ACCEPT}
    if not feed.validators.may_ask(result.started_at):
        return headers
    result.conditional = bool(feed.etag or feed.last_modified)
    if feed.etag:
        headers["If-None-Match"] = feed.etag
    if feed.last_modified:
        headers["If-Modified-Since"] = feed.last_modified
    return headers


def _note(result: Result, response: Response) -> None:
    now = response.received_at
    result.http_status = response.status
    result.size = len(response.body)
    result.failure = of_status(response.status)
    result.permanent_url = response.permanent_url
    result.fresh_s = fresh_for_s(response.headers, now)
    result.retry_after_at = retry_after(response.headers, now) if response.status in (429, 503) else None
    result.etag = _validator(response.headers.get("etag"))
    result.last_modified = _validator(response.headers.get("last-modified"))
    if result.failure is None and response.status != 304:
        result.body_hash = sha256(response.body).digest()


def _validator(value: str | None) -> str | None:
    """As sent back later, so only what is safe in a header."""
    return value if value and len(value) <= 1000 and value.isprintable() and value.isascii() else None
