"""What can go wrong for a caller.

WiredeskError
├── Unreachable    the API did not answer (refused, timed out, broken off)
├── Unexpected     something answered, but not as the API would (another server on that address?)
├── StreamReset    the position to resume from is no longer retained: some events were missed
└── ApiError       the API refused; `status`, `code` and `errors` are those of its problem document (RFC 9457)
    ├── NotAllowed no key, an unknown one, or one without the scope (401, 403)
    ├── NotFound   no such thing (404)
    └── TryLater   right request, wrong moment (409, 425, 429, 5xx); `retry_after_s` where the API says
"""

from __future__ import annotations

import email.utils
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any


class WiredeskError(Exception):
    """Base of all errors of this package."""


class Unreachable(WiredeskError):
    """The API did not answer."""


class Unexpected(WiredeskError):
    """The answer is not one that the API gives."""


class StreamReset(WiredeskError):
    """The asked position is no longer retained. Events up to `oldest` are gone from the stream.

    `catch_up` is where the articles of the time missed can be listed. The resume state already stands before `oldest`:
    calling `follow` again goes on from there.
    """

    def __init__(self, oldest: int, latest: int | None = None, catch_up: str | None = None) -> None:
        told = f"; what was missed: {catch_up}" if catch_up else ""
        super().__init__(f"the stream no longer reaches back to the asked position, it begins at {oldest}{told}")
        self.oldest = oldest
        self.latest = latest
        self.catch_up = catch_up


class ApiError(WiredeskError):
    """The API refused: its problem document, as an exception."""

    def __init__(self, status: int, problem: Mapping[str, Any], retry_after_s: float | None = None) -> None:
        self.status = status
        self.code = str(problem.get("code") or f"http_{status}")
        self.title = str(problem.get("title") or "")
        self.detail = str(problem.get("detail") or "")
        self.errors: list[dict[str, Any]] = [e for e in problem.get("errors") or [] if isinstance(e, dict)]
        self.retry_after_s = retry_after_s
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        """One line: what was wrong, where, and the nearest valid value if the API names one."""
        wheres = [
            f"{e.get('where', '?')}: {e.get('message', '')}"
            + (f" (did you mean {e['suggestion']}?)" if e.get("suggestion") else "")
            for e in self.errors
        ]
        text = "; ".join(wheres) or self.detail or self.title or f"HTTP {self.status}"
        return " ".join(text.split())


class NotAllowed(ApiError):
    """401 or 403."""


class NotFound(ApiError):
    """404 or 410."""


class TryLater(ApiError):
    """The same request may succeed later."""


def from_response(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> ApiError:
    """The exception for an answer of status 400 or above."""
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = None
    problem = parsed if isinstance(parsed, dict) else {"detail": _plain(body)}
    kind = ApiError
    if status in (401, 403):
        kind = NotAllowed
    elif status in (404, 410):
        kind = NotFound
    elif status in (408, 409, 425, 429) or status >= 500:
        kind = TryLater
    return kind(status, problem, retry_after_s(headers.get("retry-after"), now))


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After header asks for (RFC 9110 10.2.3: seconds or a date); None if absent or unreadable."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, (email.utils.parsedate_to_datetime(value) - now).total_seconds())
    except (ValueError, TypeError):
        return None


def _plain(body: bytes) -> str:
    text = body.decode("utf-8", "replace").strip()
    return "" if text.startswith("<") else text[:200]
