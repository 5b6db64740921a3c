"""Serving one subscription: what lies after its cursor, in order, one request at a time.

    cursor -> read the log -> what its view shows -> sign -> POST -> verdict -> record -> next
                                                                 `-> failed: wait, pause or stop; the cursor stays

The attempt and what it means are recorded in one transaction. A crash between the answer and the record sends the same
message again, under the same webhook-id: at least once, in order.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import orjson

from services.api import replicas
from services.api.follow import gone
from services.api.problems import Problem
from services.api.views import POOL_WAIT_S, Seen, Told, tell
from services.api.webhooks import signing, store, wishes
from services.api.webhooks.store import Claimed, Cursor
from services.api.webhooks.verdict import GO_ON, Answered, Verdict, judge
from shared import log
from shared.db import AsyncPool, async_transaction
from shared.events import STREAM_RESET, LoggedEvent, batch, envelope
from shared.http import Client, FetchError, Limits

READ = 200  # events looked at at once
LIMITS = Limits(total_s=20.0, connect_s=10.0, silence_s=20.0, sent_bytes=1_000_000, unpacked_bytes=1_000_000)
PING = "wiredesk.webhook.ping"
ONE = "application/cloudevents+json"
MANY = "application/cloudevents-batch+json"
CONTROL = "application/json"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sender:
    """What delivering needs. `source` is the CloudEvents source, `deployment` its short name in message ids."""

    pool: AsyncPool
    client: Client
    deployment: str
    source: str
    backoff_s: Sequence[float]
    stopping: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Turn:
    """How long a subscription may be served now: until a moment (`time.monotonic`), or until we are told to stop."""

    until: float
    stopping: Callable[[], bool]

    @property
    def over(self) -> bool:
        """Whether others are to be served."""
        return self.stopping() or time.monotonic() >= self.until


@dataclass(frozen=True, slots=True)
class Message:
    """One request to make. `last` is the position up to which all is done when it is taken; None for a ping."""

    id: str
    type: str
    body: bytes
    last: int | None


async def serve(sender: Sender, claimed: Claimed) -> None:
    """Deliver until there is nothing more, an attempt fails or its turn is over; then give the lease back."""
    turn = Turn(time.monotonic() + replicas.TURN_S, sender.stopping)
    while not turn.over and await _round(sender, claimed, turn):
        pass
    async with async_transaction(sender.pool) as conn:
        await store.release(conn, claimed)
        await store.trim_attempts(conn, claimed.id)


async def ping(sender: Sender) -> bool:
    """Make one test that was asked for; False where there is none."""
    async with async_transaction(sender.pool) as conn:
        asked = await store.claim_ping(conn)
        if asked is None:
            return False
        told = {"type": PING, "timestamp": datetime.now(UTC), "data": {"webhook": asked.webhook_id}}
        name = f"msg_{sender.deployment}_{asked.webhook_id}_ping-{asked.id}"
        message = Message(name, CONTROL, orjson.dumps(told, option=orjson.OPT_UTC_Z), None)
        answered = await _send(sender, asked.url, asked.secrets, message)
        attempt_id = await store.log_attempt(conn, asked.webhook_id, _attempt(message, 1, answered))
        await store.answer_ping(conn, asked.id, attempt_id)
    return True


async def _round(sender: Sender, claimed: Claimed, turn: Turn) -> bool:
    """Read one stretch and deliver what is wanted of it; whether there may be more to do."""
    async with sender.pool.connection(timeout=POOL_WAIT_S) as conn:
        cursor = await store.cursor_of(conn, claimed.id)
        if cursor is None:
            return False
        found = await log.read_async(conn, cursor.position, READ)
        events = _within(cursor, found)
        if cursor.until is not None and cursor.position >= cursor.until:
            await store.finish(conn, cursor.id)
            return True
        head = await log.head_async(conn)
        # Only after the events: a change made before one of them holds for it.
        held = await store.again(conn, claimed, replicas.LEASE_S)
    if held is None:
        return False
    if found and found[0].position != cursor.position + 1:
        reset = _reset(sender, held, cursor, found[0].position, head)
        return await _deliver(sender, held, cursor, [reset], turn)
    if not events:
        return False
    try:
        view = wishes.view(held.filters, held.include)
    except Problem as problem:  # kept by an earlier version, not known to this one
        pause = Verdict("pause", reason=f"the filters cannot be read: {problem.message}")
        async with sender.pool.connection(timeout=POOL_WAIT_S) as conn:
            await store.settle(conn, held, _outcome(pause, held.failures))
        return False
    seen = [Seen.of(e.position, envelope(e, sender.source)) for e in events]
    shown = (await tell(sender.pool, seen, [view]))[view]
    if not await _deliver(sender, held, cursor, _messages(sender, held, shown), turn):
        return False
    async with sender.pool.connection(timeout=POOL_WAIT_S) as conn:
        await store.advance(conn, cursor.id, events[-1].position)
    return True


def _within(cursor: Cursor, events: Sequence[LoggedEvent]) -> list[LoggedEvent]:
    ends = [end for end in (cursor.until, cursor.pending_until) if end is not None]
    return [e for e in events if not ends or e.position <= min(ends)]


def _messages(sender: Sender, held: Claimed, shown: Sequence[Told]) -> list[Message]:
    size = held.batch or 1
    groups = [shown[i : i + size] for i in range(0, len(shown), size)]
    return [_message(sender, held, group) for group in groups]


def _message(sender: Sender, held: Claimed, group: Sequence[Told]) -> Message:
    first, last = group[0].position, group[-1].position
    body = batch([told.data for told in group]) if held.batch else group[0].data
    name = signing.message_id(sender.deployment, held.id, first, last)
    return Message(name, MANY if held.batch else ONE, body, last)


def _reset(sender: Sender, held: Claimed, cursor: Cursor, oldest: int, head: int) -> Message:
    """The notice that events were missed for good, as every channel gives it."""
    told = {"type": STREAM_RESET} | gone(cursor.position, oldest, head)
    name = f"msg_{sender.deployment}_{held.id}_reset-{cursor.position}"
    return Message(name, CONTROL, orjson.dumps(told), oldest - 1)


async def _deliver(sender: Sender, held: Claimed, cursor: Cursor, messages: Sequence[Message], turn: Turn) -> bool:
    """Send one after another; False as soon as one is not taken, the turn is over, or it is changed or not ours."""
    for n, message in enumerate(messages):
        if sender.stopping() or (n and turn.over):  # one at least: whoever has a turn gets on
            return False
        if held.batch and message.last != cursor.pending_until and message.last is not None:
            async with sender.pool.connection(timeout=POOL_WAIT_S) as conn:
                await store.fix_batch(conn, cursor.id, message.last)
        answered = await _send(sender, held.url, held.secrets, message)
        number = held.failures + 1
        verdict = judge(answered, number, sender.backoff_s, datetime.now(UTC))
        reached = message.last if verdict is GO_ON else None
        async with sender.pool.connection(timeout=POOL_WAIT_S) as conn:
            attempt = _attempt(message, number, answered)
            now = await store.record(conn, held, _outcome(verdict, number), attempt, cursor.id, reached)
        if verdict is not GO_ON:
            told = {"webhook": held.id, "message": message.id, "attempt": number, "verdict": verdict.kind}
            logger.warning("not delivered", extra=told)
            return False
        if now is None or not _same(now, held):
            return False
        held = now
    return True


def _same(now: Claimed, before: Claimed) -> bool:
    """Whether what was prepared for it still holds."""
    return replace(now, secrets=(), failures=0) == replace(before, secrets=(), failures=0)


def _outcome(verdict: Verdict, failures: int) -> store.Outcome:
    return store.Outcome(
        status={"pause": "paused", "disable": "disabled"}.get(verdict.kind, "active"),
        reason=verdict.reason,
        failures=0 if verdict is GO_ON else failures,
        next_attempt_at=verdict.next_attempt_at,
        lease_s=replicas.LEASE_S if verdict is GO_ON else None,
    )


def _attempt(message: Message, number: int, answered: Answered) -> store.Attempt:
    at = datetime.now(UTC) - timedelta(milliseconds=answered.took_ms)
    told = (answered.status_code, answered.took_ms, answered.error)
    return store.Attempt(message.id, message.last, number, at, *told)


async def _send(sender: Sender, url: str, secrets: Sequence[signing.Secret], message: Message) -> Answered:
    """One attempt. Every outcome is an answer."""
    now = datetime.now(UTC)
    headers = signing.headers(message.id, message.body, signing.still_signing(secrets, now), now)
    headers |= {"content-type": message.type, "user-agent": "Wiredesk webhooks"}
    begun = time.monotonic()
    try:
        response = await sender.client.post(url, message.body, headers=headers, limits=LIMITS)
    except FetchError as error:
        return Answered(None, _since(begun), error={"code": error.code, "message": error.message})
    took_ms = _since(begun)
    if 200 <= response.status < 300:
        return Answered(response.status, took_ms)
    refusal = {"code": "not_taken", "message": f"HTTP {response.status}{_excerpt(response.body)}"}
    return Answered(response.status, took_ms, response.headers.get("retry-after"), refusal)


def _excerpt(body: bytes) -> str:
    """The beginning of what the receiver said, fit for a line of text."""
    text = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", body[:1000].decode("utf-8", "replace")).split())
    return f": {text[:200]}" if text else ""


def _since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
