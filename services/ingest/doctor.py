"""The feed doctor: an address examined before anybody subscribes to it, when api asks for it by a row.

    request ─ claimed with a lease ─ asked ─ parsed ─ asked again with validators ─ robots, hub ─▶ findings ─▶ report
                                       └ a page ─▶ the feeds of its site, each asked

Every request waits for its host's turn. A process that dies leaves a lease, which the next one takes over.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from services.ingest import store
from services.ingest.children import read_children
from services.ingest.discover import discover
from services.ingest.fetch import ACCEPT
from services.ingest.findings import Hub, Seen, report
from services.ingest.outcomes import Failure, of_status
from services.ingest.parse import Job
from services.ingest.refusals import NotAFeed, ParserKilled
from services.ingest.resources import Resources
from services.ingest.rhythm import Rhythm
from services.ingest.robots import allows, robots_url
from services.ingest.runner import AWAY_S, DATABASE_AWAY, IDLE_S
from services.ingest.schedule import Facts, fresh_for_s, plan
from services.ingest.states import Result
from services.ingest.turns import wait_for_turn
from shared.db import async_transaction
from shared.http import FetchError, Limits, Response
from shared.urls import canonical, shown

CHANNEL = "wiredesk_doctor_requests"
AT_ONCE = 4
TIME_S = 45.0  # for one examination
LEASE = timedelta(seconds=60)
ASKED_WITHIN = timedelta(minutes=2)  # whoever asked earlier has gone
BRIEF = Limits(total_s=8.0, connect_s=5.0, silence_s=5.0, sent_bytes=600_000, unpacked_bytes=600_000)

_log = logging.getLogger(__name__)


class Doctor:
    """Examines what is asked for, until cancelled."""

    def __init__(self, res: Resources) -> None:
        self._res = res
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Take up requests: at once when notified, and by looking now and then."""
        try:
            while True:
                try:
                    await self._listen()
                except DATABASE_AWAY as error:
                    _log.warning("the database cannot be reached", extra={"reason": str(error)})
                    await asyncio.sleep(AWAY_S)
        finally:
            for task in self._running:
                task.cancel()

    async def _listen(self) -> None:
        async with await psycopg.AsyncConnection.connect(
            self._res.settings.database_url, autocommit=True, application_name="wiredesk-ingest-doctor"
        ) as conn:
            await store.listen(conn, CHANNEL)
            while True:
                await self._claim(conn)
                async for _ in conn.notifies(timeout=IDLE_S, stop_after=1):
                    pass

    async def _claim(self, conn: store.Conn) -> None:
        room = AT_ONCE - len(self._running)
        now = datetime.now(UTC)
        claimed = await store.claim_examinations(conn, now, now - ASKED_WITHIN, now + LEASE, room) if room else []
        for request_id, url in claimed:
            task = asyncio.create_task(self._answer(request_id, url), name=f"doctor-{request_id}")
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _answer(self, request_id: int, url: str) -> None:
        try:
            told = await examine(self._res, url)
            async with async_transaction(self._res.db) as conn:
                await store.report_examination(conn, request_id, told)
        except DATABASE_AWAY as error:
            _log.warning("an examination could not be saved", extra={"url": shown(url), "reason": str(error)})
        except Exception:  # noqa: BLE001 - the border of an examination: it must not end the others
            _log.exception("an examination failed inside", extra={"url": shown(url)})


async def examine(res: Resources, url: str) -> dict[str, Any]:
    """The report on an address; see `findings.report`."""
    seen = Seen(url, datetime.now(UTC))
    try:
        async with asyncio.timeout(TIME_S):
            seen = await _examine(res, seen)
    except TimeoutError:
        seen = replace(seen, failure=Failure.of("timeout", f"the examination took longer than {TIME_S:.0f} s"))
    return report(seen)


async def _examine(res: Resources, seen: Seen) -> Seen:
    try:
        response = await _get(res, seen.url, {"Accept": ACCEPT})
    except FetchError as error:
        return replace(seen, failure=Failure.of(error.code, error.message))
    seen = replace(seen, now=response.received_at, final_url=response.url, permanent_url=response.permanent_url)
    failure = of_status(response.status)
    if failure is not None:
        found = await discover(res, response.url, (), seen.now) if failure.code == "not_found" else []
        return replace(seen, failure=failure, candidates=tuple(candidate.url for candidate in found))
    job = Job(0, response.url, response.headers.get("content-type"), seen.now)
    try:
        parsed = await res.parser.parse(response.body, job)
        if parsed.children:
            parsed = await read_children(res, parsed, job, Result(seen.now, "updated"))
    except (NotAFeed, ParserKilled, FetchError) as error:
        named = getattr(error, "candidates", ())
        found = await discover(res, response.url, named, seen.now) if error.code == "not_a_feed" else []
        urls = tuple(candidate.url for candidate in found) or tuple(named)
        return replace(seen, failure=Failure.of(error.code, error.message), candidates=urls)
    seen = replace(seen, parsed=parsed, robots=await _robots(res, response.url))
    seen = await _second(res, seen, response)
    seen = replace(seen, hub=await _hub(res, parsed.hub, seen.url) if parsed.hub else None)
    return _predicted(res, seen, response)


async def _get(res: Resources, url: str, headers: dict[str, str], limits: Limits | None = None) -> Response:
    await wait_for_turn(res, url)
    return await res.client.get(url, headers=headers, limits=limits)


async def _second(res: Resources, seen: Seen, first: Response) -> Seen:
    """Asked again at once, with the validators that came."""
    sent = {
        name: first.headers[header]
        for name, header in (("If-None-Match", "etag"), ("If-Modified-Since", "last-modified"))
        if first.headers.get(header)
    }
    names = tuple(header for header in ("etag", "last-modified") if first.headers.get(header))
    if not sent:
        return seen
    try:
        second = await _get(res, first.url, {"Accept": ACCEPT, **sent})
    except FetchError:
        return replace(seen, validators=names)
    same = second.body == first.body
    return replace(seen, validators=names, second_status=second.status, second_same=same)


async def _robots(res: Resources, url: str) -> bool | None:
    try:
        response = await _get(res, robots_url(url), {}, BRIEF)
    except FetchError:
        return None
    return allows(response.body, url) if response.status == 200 else None


async def _hub(res: Resources, hub: str, url: str) -> Hub:
    async with res.db.connection() as conn:
        known = await store.hub_of(conn, canonical(url), hub)
    try:
        response = await _get(res, hub, {}, BRIEF)
    except FetchError as error:
        return Hub(hub, None if error.code != "too_big" else 200, known)
    return Hub(hub, response.status, known)


def _predicted(res: Resources, seen: Seen, response: Response) -> Seen:
    """The interval of the feed if it were subscribed now."""
    assert seen.parsed is not None
    rhythm = Rhythm.of({}).after(seen.parsed.dates, seen.parsed.ttl_s, True, seen.now)
    facts = Facts(rhythm=rhythm, fresh_s=fresh_for_s(response.headers, seen.now))
    return replace(seen, rhythm=rhythm, interval_s=plan(facts, res.bounds, seen.now, 0.5).interval_s)
