"""Following the stream without I/O: what to ask for, what the bytes mean, how long to wait after a break.

ask ──▶ (connect) ──▶ received(bytes) → events, resets ──▶ broken() → seconds to wait ──▶ ask again, after the last id
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
from pydantic import ValidationError

from wiredesk.calls import Call
from wiredesk.errors import StreamReset, TryLater, Unexpected, from_response
from wiredesk.models import RESET, Event
from wiredesk.sse import Decoder, ServerSentEvent

SILENCE_S = 45.0  # the server says something at least every 15 s; three times that is a dead connection
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0


class Following:
    """The state of one subscription over all its connections. Positions are exclusive: it stands after `position`."""

    def __init__(
        self, position: int, params: Sequence[tuple[str, str]], *, chance: Callable[[], float] = random.random
    ) -> None:
        self.position = position
        self._params = tuple(params)
        self._chance = chance
        self._decoder = Decoder(str(position))
        self._retry_s = FIRST_WAIT_S
        self._breaks = 0  # in a row, without a single byte between

    def ask(self) -> Call:
        """The request to make now."""
        self._decoder = Decoder(str(self.position))
        return Call(
            "GET",
            "/v1/events",
            (*self._params, ("after", str(self.position))),
            headers={
                "accept": "text/event-stream",
                "cache-control": "no-store",
                "last-event-id": str(self.position),
            },
            timeout_s=SILENCE_S,
        )

    def answered(self, response: httpx.Response, body: bytes) -> float | None:
        """None: read on. Otherwise the seconds to wait before asking again.

        Raises `ApiError` where asking again would not help, `Unexpected` where it is no event stream.
        """
        if response.status_code >= 400:
            error = from_response(response.status_code, response.headers, body, datetime.now(UTC))
            if isinstance(error, TryLater) and error.status != 409:
                wait_s = self.broken()
                return max(wait_s, error.retry_after_s or 0.0)
            raise error
        kind = response.headers.get("content-type", "")
        if response.status_code != 200 or not kind.startswith("text/event-stream"):
            raise Unexpected(f"{response.request.url} answered {response.status_code} {kind or 'without a type'}")
        return None

    def received(self, data: bytes) -> list[Event | StreamReset]:
        """What these bytes completed, in order. Call `done` for each once it is dealt with."""
        if data:
            self._breaks = 0
        found: list[Event | StreamReset] = []
        for sent in self._decoder.feed(data):
            item = read_event(sent)
            if isinstance(item, Event) and item.position <= self.position:
                continue  # a server that ignores where we stand; never deliver twice
            found.append(item)
        if self._decoder.retry_ms is not None:
            self._retry_s = self._decoder.retry_ms / 1000
        return found

    def done(self, item: Event | StreamReset) -> int:
        """Move on past it; the position to remember."""
        self.position = item.position if isinstance(item, Event) else max(item.oldest - 1, 0)
        return self.position

    def broken(self) -> float:
        """The connection ended; seconds to wait: the server's own figure, doubled at each break in a row, spread.

        All that was received is dealt with by then, so an id that came without an event (a filter that nothing passes)
        moves us on as well.
        """
        if self._decoder.last_id.isdigit():
            self.position = max(self.position, int(self._decoder.last_id))
        wait_s = min(self._retry_s * float(2**self._breaks), max(LONGEST_WAIT_S, self._retry_s))
        self._breaks = min(self._breaks + 1, 10)
        return wait_s * (0.75 + 0.5 * self._chance())


def read_event(sent: ServerSentEvent) -> Event | StreamReset:
    """An event of the stream as its model, or the reset that the server tells of. Raises `Unexpected`."""
    try:
        if sent.type == RESET:
            return _reset(json.loads(sent.data))
        return Event.model_validate_json(sent.data)
    except (ValidationError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unexpected(f"an event of the stream after {sent.id!r} cannot be read") from error


def _reset(told: Any) -> StreamReset:
    members = told.get("data", told) if "oldest" not in told else told
    return StreamReset(int(members["oldest"]), members.get("latest"), members.get("catch_up"))
