"""The signature of a push: `X-Hub-Signature: method=hex` (WebSub, 7.1). Pure."""

from __future__ import annotations

import hashlib
import hmac

METHODS = ("sha1", "sha256", "sha384", "sha512")


def sign(method: str, secret: str, body: bytes) -> str:
    """The header's value for a body."""
    return f"{method}={hmac.new(secret.encode(), body, getattr(hashlib, method)).hexdigest()}"


def is_signed(header: str | None, secret: str, body: bytes) -> bool:
    """Whether the header proves that the body comes from who knows the secret."""
    method, _, given = (header or "").strip().partition("=")
    method = method.lower()
    if method not in METHODS or not given.isascii():
        return False
    return hmac.compare_digest(sign(method, secret, body), f"{method}={given.strip().lower()}")
