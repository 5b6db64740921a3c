"""`/v1/webhooks`: subscriptions to signed push. What is asked for becomes rows; the deliver process does it."""

from __future__ import annotations

import asyncio
import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from services.api import params, query, shape
from services.api.answers import JSON, Body, answer, negotiate
from services.api.bodies import read_json
from services.api.deps import Connection, Resources, resources
from services.api.openapi import described
from services.api.problems import InputError, Problem, refuse
from services.api.webhooks import signing, store, wishes
from services.api.webhooks.models import (
    DeliveryObject,
    DeliveryPage,
    ReplayAsked,
    ReplayIn,
    Rotated,
    WebhookIn,
    WebhookMade,
    WebhookObject,
    WebhookPage,
    WebhookPatch,
)
from services.api.webhooks.signing import Secret
from shared import log
from shared.addresses import Allowances
from shared.urls import check_outbound

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])

OVERLAP = timedelta(days=1)  # how long a secret that was rotated away still signs
PING_WAIT_S = 30.0
LOOK_AGAIN_S = 0.1
PAUSED_BY_HAND = "paused by the operator"
_LIST = (
    params.limit(200, 50),
    params.CURSOR,
)


@router.get("", **described(WebhookPage, takes=_LIST, fails=("not_acceptable",)))
async def webhooks(request: Request) -> Response:
    """The subscriptions, oldest first; secrets are not told again."""
    negotiate(request, (JSON,))
    asked = params.read(request.scope["query_string"], _LIST)
    async with resources(request).reading() as conn:
        rows = await store.page(conn, asked["cursor"] or 0, asked["limit"] + 1)
        head = await log.head_async(conn)
    return _listed(request, rows, asked["limit"], head, "/v1/webhooks", _webhook)


_MAKING = ("bad_json", "bad_body", "address_refused", "position_ahead", "position_gone")


@router.post("", **described(WebhookMade, body=WebhookIn, status=201, fails=_MAKING))
async def subscribe(request: Request) -> Response:
    """Subscribe an address. The answer holds the secret that signs, this once."""
    held = resources(request)
    params.read(request.scope["query_string"], ())
    asked = await read_json(request, WebhookIn)
    wishes.view(asked.filters, asked.include)
    url = _checked(held, asked.url)
    secret = signing.new_secret(secrets.token_bytes(signing.SECRET_BYTES))
    async with held.writing() as conn:
        position = await _begin(conn, asked.after)
        webhook_id = await store.add(conn, url, asked.filters, asked.include, asked.batch, secret)
        await store.add_cursor(conn, webhook_id, position)
        await store.wake(conn)
        row = await _get(conn, str(webhook_id))
    location = {"Location": f"/v1/webhooks/{webhook_id}"}
    return Response(_json(_webhook(row) | {"secret": secret}), 201, location, JSON)


@router.get("/{webhook_id}", **described(WebhookObject, fails=("not_found", "not_acceptable")))
async def one(request: Request, webhook_id: str) -> Response:
    """One subscription: what it asks for and how far it got."""
    negotiate(request, (JSON,))
    params.read(request.scope["query_string"], ())
    async with resources(request).reading() as conn:
        row = await _get(conn, webhook_id)
    return answer(request, Body(_json(_webhook(row))))


_CHANGING = ("not_found", "bad_json", "bad_body", "address_refused")


@router.patch("/{webhook_id}", **described(WebhookObject, body=WebhookPatch, fails=_CHANGING))
async def change(request: Request, webhook_id: str) -> Response:
    """Change a subscription; what is left out stays. `status` active goes on where it stopped, at once."""
    held = resources(request)
    params.read(request.scope["query_string"], ())
    asked = await read_json(request, WebhookPatch)
    values: dict[str, Any] = asked.model_dump(include=asked.model_fields_set)
    status = values.pop("status", None)
    for name in ("url", "filters"):  # there is no subscription without these
        if name in values and values[name] is None:
            raise refuse("bad_body", [InputError(f"body.{name}", "must not be null")])
    if "url" in values:
        values["url"] = _checked(held, values["url"])
    async with held.writing() as conn:
        row = await _get(conn, webhook_id)
        wishes.view(values.get("filters", row["filters"]), values.get("include", row["include"]))
        if values:
            await store.change(conn, row["id"], values)
            await store.unfix_batches(conn, row["id"])
        if status is not None:
            await store.set_status(conn, row["id"], status, None if status == "active" else PAUSED_BY_HAND)
        await store.wake(conn)
        row = await _get(conn, webhook_id)
    return Response(_json(_webhook(row)), media_type=JSON)


@router.delete("/{webhook_id}", **described(None, status=204, fails=("not_found",)))
async def unsubscribe(request: Request, webhook_id: str) -> Response:
    """End a subscription and forget its deliveries."""
    params.read(request.scope["query_string"], ())
    async with resources(request).writing() as conn:
        if not await store.delete(conn, _id(webhook_id)):
            raise _unknown(webhook_id)
    return Response(status_code=204)


@router.get("/{webhook_id}/deliveries", **described(DeliveryPage, takes=_LIST, fails=("not_found", "not_acceptable")))
async def deliveries(request: Request, webhook_id: str) -> Response:
    """The last attempts, newest first: what was sent when, and what came back."""
    negotiate(request, (JSON,))
    asked = params.read(request.scope["query_string"], _LIST)
    async with resources(request).reading() as conn:
        row = await _get(conn, webhook_id)
        rows = await store.attempts(conn, row["id"], asked["cursor"], asked["limit"] + 1)
        head = await log.head_async(conn)
    return _listed(request, rows, asked["limit"], head, f"/v1/webhooks/{row['id']}/deliveries", _delivery)


@router.post("/{webhook_id}/test", **described(DeliveryObject, fails=("not_found",)))
async def test(request: Request, webhook_id: str) -> Response:
    """Send a signed ping now, whatever the status, and tell what the receiver answered."""
    held = resources(request)
    params.read(request.scope["query_string"], ())
    async with held.writing() as conn:
        row = await _get(conn, webhook_id)
        ping_id = await store.ask_ping(conn, row["id"])
        await store.wake(conn)
    found = await _answered(held, ping_id)
    async with held.writing() as conn:
        await store.forget_ping(conn, ping_id)
    if found is None:
        raise Problem("unavailable", f"no deliver process sent it within {PING_WAIT_S:g} s; does one run?")
    return Response(_json(_delivery(found)), media_type=JSON)


@router.post("/{webhook_id}/rotate", **described(Rotated, fails=("not_found",)))
async def rotate(request: Request, webhook_id: str) -> Response:
    """Make a new secret. For a day both sign, so that no delivery is refused meanwhile."""
    params.read(request.scope["query_string"], ())
    made, now = signing.new_secret(secrets.token_bytes(signing.SECRET_BYTES)), datetime.now(UTC)
    async with resources(request).writing() as conn:
        before = await store.secrets(conn, _id(webhook_id))
        if before is None:
            raise _unknown(webhook_id)
        old = [Secret(s.text, s.until or now + OVERLAP) for s in signing.still_signing(before, now)]
        await store.set_secrets(conn, _id(webhook_id), [Secret(made), *old])
    return Response(_json({"secret": made, "old_until": now + OVERLAP}), media_type=JSON)


@router.post(
    "/{webhook_id}/replay", **described(ReplayAsked, body=ReplayIn, status=202, fails=("not_found", "bad_body"))
)
async def replay(request: Request, webhook_id: str) -> Response:
    """Send a stretch again, before anything newer, under the webhook-ids it had. Without `until`: all up to now."""
    params.read(request.scope["query_string"], ())
    asked = await read_json(request, ReplayIn)
    async with resources(request).writing() as conn:
        row = await _get(conn, webhook_id)
        after = await _position(conn, asked.after)
        until = row["position"] if asked.until is None else await _position(conn, asked.until)
        wrong = _unfit(after, until, row["position"], await log.oldest_async(conn))
        if wrong is not None:
            raise refuse("bad_body", [wrong])
        await store.add_cursor(conn, row["id"], after, until)
        await store.wake(conn)
    return Response(_json({"after": after, "until": until}), 202, media_type=JSON)


def _unfit(after: int, until: int, delivered: int, oldest: int) -> InputError | None:
    if until > delivered:
        return InputError("body.until", f"lies beyond {delivered}, up to which was delivered: the rest comes anyway")
    if after >= until:
        return InputError("body.after", f"there is nothing after {after} up to {until}")
    if after < oldest - 1:
        return InputError("body.after", f"the oldest event still there is {oldest}")
    return None


async def _begin(conn: Connection, after: int | None) -> int:
    """The position to begin after. Raises `Problem` for one that lies beyond the log or is no longer retained."""
    head = await log.head_async(conn)
    if after is None:
        return head
    if after > head:
        raise Problem("position_ahead", f"the newest event is {head}", members={"latest": head})
    oldest = await log.oldest_async(conn)
    if after < oldest - 1:
        members = {"oldest": oldest, "latest": head, "catch_up": f"/v1/articles?since={after}"}
        raise Problem("position_gone", f"events up to {oldest - 1} are gone", members=members)
    return after


async def _position(conn: Connection, asked: int | datetime) -> int:
    """A position as it is, or the last one at or before a time: times rise with positions, so it can be halved for."""
    if isinstance(asked, int):
        return asked
    low, high = max(await log.oldest_async(conn) - 1, 0), await log.head_async(conn)
    while low < high:
        middle = (low + high + 1) // 2
        at = await store.at_or_after(conn, middle)
        low, high = (middle, high) if at is not None and at <= asked else (low, middle - 1)
    return low


async def _answered(held: Resources, ping_id: int) -> dict[str, Any] | None:
    until = time.monotonic() + PING_WAIT_S
    while time.monotonic() < until and held.hub.closing is None:
        async with held.reading() as conn:
            found = await store.ping_answer(conn, ping_id)
        if found is not None:
            return found
        await asyncio.sleep(LOOK_AGAIN_S)
    return None


def _checked(held: Resources, url: str) -> str:
    """The address in the form it is called by. Raises `AddressRefused`."""
    return check_outbound(url, Allowances.of(held.settings.allow_private))


async def _get(conn: Connection, webhook_id: str) -> dict[str, Any]:
    row = await store.get(conn, _id(webhook_id))
    if row is None:
        raise _unknown(webhook_id)
    return row


def _id(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise _unknown(text)
    return int(text)


def _unknown(webhook_id: str) -> Problem:
    return Problem("not_found", f"there is no webhook {webhook_id}")


def _webhook(row: dict[str, Any]) -> dict[str, Any]:
    waits = row["status"] == "active" and row["failures"] > 0
    return row | {"next_attempt_at": row["next_attempt_at"] if waits else None}


def _delivery(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "id" and not (name == "error" and value is None)}


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)


def _listed(request: Request, rows: list[dict[str, Any]], limit: int, head: int, path: str, show: Any) -> Response:
    following = None
    if len(rows) > limit:
        rows = rows[:limit]
        following = query.with_values(path, request.scope["query_string"], cursor=rows[-1]["id"])
    link = {"Link": f'<{following}>; rel="next"'} if following else {}
    return answer(request, Body(shape.page([_json(show(r)) for r in rows], following, head)), headers=link)
