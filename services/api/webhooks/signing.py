"""Standard Webhooks 1.0: secrets, message ids and signatures. Pure.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

PREFIX = "whsec_"
SECRET_BYTES = 32  # the standard asks for 24 to 64


@dataclass(frozen=True, slots=True)
class Secret:
    """A symmetric signing secret as receivers know it, and until when it signs (None: until it is rotated away)."""

    text: str
    until: datetime | None = None


def new_secret(random: bytes) -> str:
    """The text of a secret made of random bytes."""
    return PREFIX + base64.b64encode(random).decode()


def still_signing(secrets: Sequence[Secret], now: datetime) -> list[Secret]:
    """Those that hold now, the newest first."""
    return [s for s in secrets if s.until is None or s.until > now]


def message_id(deployment: str, webhook_id: int, first: int, last: int) -> str:
    """The `webhook-id` of a delivery: the same events to the same subscription always have the same one."""
    stretch = str(first) if first == last else f"{first}-{last}"
    return f"msg_{deployment}_{webhook_id}_{stretch}"


def headers(message: str, body: bytes, secrets: Sequence[Secret], now: datetime) -> dict[str, str]:
    """The three headers; one signature for each secret, so that receivers may know the new or the old one."""
    timestamp = str(int(now.timestamp()))
    signed = b".".join((message.encode(), timestamp.encode(), body))
    signatures = [f"v1,{_sign(secret.text, signed)}" for secret in secrets]
    return {"webhook-id": message, "webhook-timestamp": timestamp, "webhook-signature": " ".join(signatures)}


def _sign(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
