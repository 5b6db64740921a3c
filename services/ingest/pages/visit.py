"""One page visited: robots → fetch → look → saved, and its article sent to the queue.

    Claimed ─ rules unknown ─ robots.txt asked ─▶ saved, the page is due again at the host's next turn
            ├ disallowed ───────────────────────▶ saved as `robots`
            └ fetch ─ redirect to another host ─▶ due again there: that host's rules and turns hold
                    ├ no page ──────────────────▶ saved with the reason, tried again where it may mend itself
                    └ page ─ look ──────────────▶ stored, or not where something else stands in its place

What a page says of its article's identity is decided in the same transaction (`twins.pages`): another canonical
address is a further name or shows two articles to be one, and a page that is `gone` (410) withdraws its article.
`not_found` may mend itself and says nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

from zstandard import ZstdCompressor

from services.ingest.hosts import domain_of
from services.ingest.pages import store
from services.ingest.pages.look import Look, look
from services.ingest.pages.outcomes import KEPT, OUTCOMES, of_status, retry_in_s
from services.ingest.pages.store import Claimed
from services.ingest.resources import Resources
from services.ingest.robots import UNREACHABLE, Rules, crawl_delay_s, may_fetch, read_rules, robots_url
from services.ingest.schedule import retry_after
from services.ingest.store import add_hosts
from services.ingest.twins.pages import declare_canonical, page_gone
from shared.articles import Lane
from shared.db import async_transaction
from shared.errors import AddressRefused
from shared.http import REDIRECTS, FetchError, Limits, Response
from shared.urls import host_key, identity, resolve

HEADERS = {"Accept": "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"}
LIMITS = Limits(total_s=20.0, silence_s=10.0, sent_bytes=5_000_000, unpacked_bytes=8_000_000, redirects=0)
ROBOTS_LIMITS = Limits(total_s=10.0, silence_s=8.0, sent_bytes=600_000, unpacked_bytes=600_000)
MOST_HOPS = 6


@dataclass(slots=True)
class Found:
    """What a visit found."""

    outcome: str
    http_status: int | None = None
    error: str | None = None
    final_url: str | None = None
    content_type: str | None = None
    body: bytes | None = None
    look: Look | None = None
    retry_at: datetime | None = None


async def visit(res: Resources, page: Claimed) -> str:
    """Visit a claimed page and save what came of it; the outcome, `robots_read`, `elsewhere` or `lease_lost`."""
    if page.robots_due:
        return await _ask_robots(res, page)
    if not may_fetch(Rules(page.rules, page.allowed), page.fetch_url):
        return await _save(res, page, Found("robots" if page.robots_reached else "robots_unreachable"))
    try:
        response = await res.client.get(page.fetch_url, headers=HEADERS, limits=LIMITS)
    except FetchError as error:
        return await _save(res, page, Found(error.code, error=error.message))
    if response.status in REDIRECTS:
        return await _go_on(res, page, response)
    return await _save(res, page, await _judge(page, response))


async def _judge(page: Claimed, response: Response) -> Found:
    failed = of_status(response.status)
    if failed is not None:
        at = retry_after(response.headers, response.received_at) if response.status in (429, 503) else None
        return Found(failed, response.status, retry_at=at)
    # In a thread: a page of some megabytes must not hold up the others.
    seen = await asyncio.to_thread(look, response.body, response.headers, page.url, response.url)
    kept = seen.outcome in KEPT
    return Found(
        seen.outcome,
        response.status,
        final_url=response.url,
        content_type=response.headers.get("content-type", "")[:200] or None,
        body=response.body if kept else None,
        look=seen,
    )


async def _go_on(res: Resources, page: Claimed, response: Response) -> str:
    target = resolve(page.fetch_url, response.headers.get("location", "")) if "location" in response.headers else None
    if target is None or page.hops >= MOST_HOPS:
        return await _save(res, page, Found("redirects", response.status))
    try:
        host = host_key(target)
    except AddressRefused as error:
        return await _save(res, page, Found("address_refused", response.status, error.message))
    return await _put_back(res, page, target, host, page.hops + 1)


async def _put_back(res: Resources, page: Claimed, url: str, host: str, hops: int) -> str:
    now = datetime.now(UTC)
    async with async_transaction(res.db) as conn:
        if host != page.host:
            await add_hosts(conn, {host: domain_of(host)}, now)
        row = {"fetch_url": url, "host": host, "hops": hops, "next_try_at": now}
        ours = await store.put_back(conn, page.article_id, page.token, row)
    res.wanted.set()
    return "elsewhere" if ours else "lease_lost"


async def _ask_robots(res: Resources, page: Claimed) -> str:
    now = datetime.now(UTC)
    status, body, reason = None, b"", None
    try:
        response = await res.client.get(robots_url(page.fetch_url), limits=ROBOTS_LIMITS)
        status, body = response.status, response.body
    except FetchError as error:
        reason = error
    rules, reached = read_rules(status, body)
    if reason is not None and reason.code in ("address_refused", "dns"):  # the page is no better off
        return await _save(res, page, Found(reason.code, error=reason.message))
    row = {
        "fetched_at": now,
        "expires_at": now + (timedelta(hours=24) if reached else timedelta(minutes=10)),
        "http_status": status or UNREACHABLE,
        "rules": rules.text,
        "allowed": rules.allowed,
        "crawl_delay_s": crawl_delay_s(rules),
        "reached": reached,
    }
    async with async_transaction(res.db) as conn:
        await store.save_robots(conn, page.host, row)
    told = await _put_back(res, page, page.fetch_url, page.host, page.hops)
    return "robots_read" if told == "elsewhere" else told


async def _identity(
    conn: store.Conn, page: Claimed, found: Found, queued_at: datetime | None, now: datetime
) -> tuple[int, ...]:
    """What the page says of its article's identity: another address, or that it is gone. The articles to tell of."""
    if found.outcome == "gone":
        return await page_gone(conn, page.article_id, queued_at, now)
    address = found.look.canonical_url if found.look else None
    if address is None or found.look is None or found.outcome not in KEPT or _same(address, page.url):
        return ()
    return (await declare_canonical(conn, page.article_id, address, queued_at, now)).queue


def _same(one: str, other: str) -> bool:
    try:
        return identity(one) == identity(other)
    except AddressRefused:
        return True  # nothing that an article could go by


async def _save(res: Resources, page: Claimed, found: Found) -> str:
    now = datetime.now(UTC)
    wait_s = retry_in_s(found.outcome, page.attempts + 1)
    again_at = None if wait_s is None else max(now + timedelta(seconds=wait_s), found.retry_at or now)
    queued_at = res.sender.queued_at(now)
    row: dict[str, Any] = {
        "host": host_key(page.url),
        "outcome": found.outcome,
        "http_status": found.http_status,
        "error": (found.error or (None if found.outcome in KEPT else OUTCOMES[found.outcome])),
        "fetched_at": now,
        "final_url": found.final_url,
        "canonical_url": found.look.canonical_url if found.look else None,
        "content_type": found.content_type,
        "charset": found.look.charset if found.look and found.body is not None else None,
        "body": None,
        "body_hash": None,
        "next_try_at": again_at,
        "queued_at": queued_at,
    }
    if found.body is not None:
        row["body"] = await asyncio.to_thread(ZstdCompressor(level=6).compress, found.body)
        row["body_hash"] = blake2b(found.body, digest_size=16).digest()
    told: tuple[int, ...] = ()
    async with async_transaction(res.db) as conn:
        ours, queued = await store.save(conn, page.article_id, page.token, row)
        if found.retry_at is not None:
            await store.leave_alone(conn, page.host, found.retry_at)
        if ours:
            told = await _identity(conn, page, found, queued_at, now)
    ids = list(dict.fromkeys([*([page.article_id] if queued else ()), *told]))
    if ids:
        lane: Lane = "breaking" if page.lane == "breaking" else "backfill" if page.lane == "backfill" else "normal"
        res.sender.put(ids, lane, queued_at)
    return found.outcome if ours else "lease_lost"
