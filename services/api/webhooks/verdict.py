"""What an attempt means for its subscription: go on, try again, pause or stop. Pure."""

from __future__ import annotations

import email.utils
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

LONGEST_WAIT_S = 86400.0  # however long a receiver asks to be left alone


@dataclass(frozen=True, slots=True)
class Answered:
    """How one attempt ended: a status, or a code and message why there was none."""

    status_code: int | None
    took_ms: int
    retry_after: str | None = None
    error: Mapping[str, str] | None = None

    @property
    def taken(self) -> bool:
        """Only 2xx is a yes; a redirect is not followed, since the secret was agreed with another address."""
        return self.status_code is not None and 200 <= self.status_code < 300


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of the subscription. `next_attempt_at` counts only for `retry`, `reason` for the last two."""

    kind: Literal["go_on", "retry", "pause", "disable"]
    next_attempt_at: datetime | None = None
    reason: str | None = None


GO_ON = Verdict("go_on")


def judge(answered: Answered, attempt: int, backoff_s: Sequence[float], now: datetime) -> Verdict:
    """The verdict on attempt number `attempt` (from 1). `backoff_s`: the waits between attempts; then pause."""
    if answered.taken:
        return GO_ON
    if answered.status_code == 410:
        return Verdict("disable", reason="the receiver answered 410 Gone")
    if attempt > len(backoff_s):
        tries = "1 attempt" if attempt == 1 else f"{attempt} attempts"
        return Verdict("pause", reason=f"paused after {tries} that failed; the last: {told(answered)}")
    wait_s = max(backoff_s[attempt - 1], _asked_wait_s(answered.retry_after, now))
    return Verdict("retry", next_attempt_at=now + timedelta(seconds=wait_s))


def told(answered: Answered) -> str:
    """The outcome in words."""
    if answered.error is not None:
        return answered.error["message"]
    return f"HTTP {answered.status_code}"


def _asked_wait_s(retry_after: str | None, now: datetime) -> float:
    if not retry_after:
        return 0.0
    if retry_after.strip().isascii() and retry_after.strip().isdigit():
        return min(float(retry_after), LONGEST_WAIT_S)
    try:
        return min((email.utils.parsedate_to_datetime(retry_after) - now).total_seconds(), LONGEST_WAIT_S)
    except (ValueError, TypeError):
        return 0.0
