"""What api asks ingest to do: rows it writes, answered once by a row of ours. Any replica may answer.

'changed'  the feed was added, edited, paused or removed ─▶ its state is brought in line, and that is the answer
'poll'     ─▶ refused (paused, removed, the publisher's Retry-After holds), or made due: the poll that begins after
           the request answers it when it is saved (`store.finish_polls`), so a crash in between loses nothing
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from services.ingest import store
from services.ingest.hosts import domain_of
from services.ingest.websub import store as hubs
from shared.db import AsyncPool, async_transaction
from shared.errors import AddressRefused
from shared.urls import host_key

CHANNEL = "wiredesk_feed_requests"
MOST = 500


@dataclass(slots=True)
class Answers:
    """What to do about a batch of requests."""

    up: dict[int, tuple[int, str, str, bool]] = field(default_factory=dict)
    removed: set[int] = field(default_factory=set)
    due: set[int] = field(default_factory=set)
    done: list[tuple[int, int, Mapping[str, Any] | None]] = field(default_factory=list)


async def answer_requests(db: AsyncPool) -> bool:
    """Answer what is open; whether a feed became due."""
    due = False
    while True:
        now = datetime.now(UTC)
        async with async_transaction(db) as conn:
            rows = await store.open_requests(conn, now, MOST)
            if not rows:
                return due
            answers = sort_requests(rows, now)
            if answers.up:
                await store.add_hosts(conn, {host: domain_of(host) for _, _, host, _ in answers.up.values()}, now)
                await store.take_up(conn, list(answers.up.values()), now)
                await store.describe(conn, list(answers.up.values()))
            if answers.removed:
                await store.drop_states(conn, sorted(answers.removed))
                await hubs.end(conn, sorted(answers.removed), now)
            if answers.due:
                await store.make_due(conn, sorted(answers.due), now)
            if answers.done:
                await store.answer(conn, answers.done)
        due = due or bool(answers.due or answers.up)
        if len(rows) < MOST:
            return due


def sort_requests(rows: list[tuple[Any, ...]], now: datetime) -> Answers:
    """What each request needs. Rows as `store.open_requests` gives them."""
    answers = Answers()
    for request, kind, feed_id, url, paused, removed, known, retry_after_at in rows:
        if removed:
            answers.removed.add(feed_id)
            answers.done.append((request, feed_id, None if kind == "changed" else _removed()))
            continue
        if kind == "changed" or not known:
            answers.up[feed_id] = (feed_id, url, _host(url), paused)
        if kind == "changed":
            answers.done.append((request, feed_id, None))
        elif paused:
            answers.done.append((request, feed_id, _paused()))
        elif retry_after_at is not None and retry_after_at > now:
            answers.done.append((request, feed_id, _retry_after(retry_after_at)))
        else:
            answers.due.add(feed_id)  # stays open until its poll is saved
    return answers


def _host(url: str) -> str:
    try:
        return host_key(url)
    except AddressRefused:  # the poll will say so in the feed's state
        return "refused"


def _removed() -> dict[str, Any]:
    return {"code": "not_found", "message": "The feed was removed."}


def _paused() -> dict[str, Any]:
    return {"code": "paused", "message": "The feed is paused; unpause it first."}


def _retry_after(at: datetime) -> dict[str, Any]:
    return {
        "code": "retry_after",
        "message": f"The publisher asked not to be polled before {at:%Y-%m-%dT%H:%M:%SZ}.",
        "retry_at": at,
    }
