"""What a reader asks a hub for, read out of a form; and what the hub says to readers. Pure (WebSub 5.1, 5.3, 7, 8)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, urlencode

from services.api import formats
from services.api.answers import JSON
from services.api.problems import InputError, Problem, nearest, refuse

Mode = Literal["subscribe", "unsubscribe"]
MODES: tuple[Mode, ...] = ("subscribe", "unsubscribe")
PATH = "/v1/hub"
SECRET_BYTES = 200
CALLBACK_CHARS = 2000
USUAL_LEASE_S = 10 * 86400
SHORTEST_LEASE_S, LONGEST_LEASE_S = 60, 30 * 86400  # what is asked for is brought within
TYPES: Mapping[str, str] = {"json": JSON} | {name: form.media_type for name, form in formats.LISTS.items()}
_TOPIC = re.compile(rf"/v1/searches/([0-9]{{1,18}})\.({'|'.join(TYPES)})", re.A)


@dataclass(frozen=True, slots=True)
class Wish:
    """A request as it was sent; `callback` is not checked yet. `search_id` and `form` say which feed `topic` is."""

    mode: Mode
    topic: str
    callback: str
    search_id: int
    form: str
    secret: str | None
    lease_s: int


def read(body: bytes, base: str) -> Wish:
    """The request in a form. `base` is the API's own address. Raises `Problem` 422 naming the member that is wrong.

    What a hub does not know it ignores (5.1).
    """
    try:
        told = dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=50))
    except ValueError as error:
        raise Problem("bad_body", "the body is not percent-encoded UTF-8, or has too many members") from error
    wrong = [
        InputError(f"body.{name}", "is missing or empty")
        for name in ("hub.mode", "hub.topic", "hub.callback")
        if not told.get(name, "").strip()
    ]
    wrong += [InputError(f"body.{name}", "has U+0000 in it") for name, value in told.items() if "\0" in value]
    if wrong:
        raise refuse("bad_body", wrong)
    mode, topic, callback = told["hub.mode"], told["hub.topic"].strip(), told["hub.callback"].strip()
    known = next((m for m in MODES if m == mode), None)
    if known is None:
        raise _wrong("hub.mode", "must be subscribe or unsubscribe", nearest(mode, MODES))
    if len(callback) > CALLBACK_CHARS:
        raise _wrong("hub.callback", f"is longer than {CALLBACK_CHARS} characters")
    secret = told.get("hub.secret") or None
    if secret is not None and len(secret.encode()) > SECRET_BYTES:
        raise _wrong("hub.secret", f"is longer than {SECRET_BYTES} bytes")
    found = _TOPIC.fullmatch(topic[len(base) :]) if topic.startswith(base) else None
    if found is None:
        raise _wrong("hub.topic", f"must be a feed of this API: {base}/v1/searches/{{id}}.{{{','.join(TYPES)}}}")
    lease = _lease(told.get("hub.lease_seconds", ""))
    return Wish(known, topic, callback, int(found[1]), found[2], secret, lease)


def _lease(text: str) -> int:
    if not text:
        return USUAL_LEASE_S
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise _wrong("hub.lease_seconds", "must be a number of seconds")
    return min(max(int(text), SHORTEST_LEASE_S), LONGEST_LEASE_S)


def _wrong(name: str, message: str, suggestion: str | None = None) -> Problem:
    return refuse("bad_body", [InputError(f"body.{name}", message, suggestion)])


def intent(callback: str, mode: str, topic: str, challenge: str, lease_s: int) -> str:
    """The address that asks a reader whether it meant it; the query that its callback has is kept (5.3)."""
    told = {"hub.mode": mode, "hub.topic": topic, "hub.challenge": challenge}
    if mode == "subscribe":
        told["hub.lease_seconds"] = str(lease_s)
    bare, _, query = callback.partition("#")[0].partition("?")
    return f"{bare}?{query}{'&' if query else ''}{urlencode(told)}"


def links(base: str, topic: str) -> str:
    """The `Link` header of a feed, as it is served and as it is pushed (4, 7)."""
    return f'<{base}{PATH}>; rel="hub", <{topic}>; rel="self"'


def base_of(topic: str) -> str:
    """The API's address in a topic that `read` let through."""
    return topic[: topic.rindex("/v1/searches/")]


def signature(secret: str, body: bytes) -> str:
    """The value of `X-Hub-Signature` (8)."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
