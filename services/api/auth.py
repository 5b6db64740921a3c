"""Who may ask for what: the one place that decides. Keys are 256 random bits, kept as their SHA-256 only."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api import failures
from services.api.deps import Resources
from services.api.hosts import is_loopback
from services.api.keys import store
from services.api.keys.store import Key
from services.api.problems import Problem
from services.api.stream import STORE_AWAY
from shared.settings import Settings

PREFIX = "wd_"
SUBPROTOCOL = (
    "wiredesk"  # of a WebSocket; a browser's page can say no more than subprotocols, so a key may stand beside
)
REMEMBERED_S = 5.0  # a key revoked on another replica is good here no longer than this; its streams end within twice
REMEMBERED = 1000
KEY_OVER = "the key is expired or revoked"
READING = ("GET", "HEAD", "OPTIONS")
GRANTS = {"admin": {"admin", "write", "read"}, "write": {"write", "read"}, "read": {"read"}}

logger = logging.getLogger(__name__)


def new_key() -> str:
    """A new key."""
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(key: str) -> bytes:
    """What is kept of a key. It is random and long: no salt or stretching would add anything."""
    return hashlib.sha256(key.encode()).digest()


def prefix_of(key: str) -> str:
    """Enough of a key to tell it apart in a list, too little to use."""
    return key[: len(PREFIX) + 6] if len(key) >= 32 else ""


def needs_keys(settings: Settings) -> bool:
    """`auto` is open on loopback and closed on any other bind; the others say it themselves."""
    return settings.auth == "keys" or (settings.auth == "auto" and not is_loopback(settings.host))


def scope_for(method: str, path: str) -> str | None:
    """The scope a request needs; None: open to all (health, the dashboard's files, the API's own description)."""
    if path.startswith(("/v1/keys", "/v1/ops/audit")):
        return "admin"
    if not path.startswith("/v1/") and path != "/metrics":
        return None
    return "read" if method in READING else "write"


async def first_key(held: Resources) -> None:
    """Make sure that somebody can get in: the key of the settings, the one made before, or one made now."""
    settings = held.settings
    async with held.writing() as conn:
        await store.alone(conn)
        file = settings.home / "admin.key"
        key, name = settings.admin_key, "WIREDESK_ADMIN_KEY"
        if not key:
            key, name = (file.read_text().strip() if file.exists() else ""), "admin.key"
        if not key:
            if await store.has_admin(conn):
                return
            key = new_key()
            _keep(file, key)
            print(f"admin key (shown once, kept in {file}): {key}", flush=True)
        await store.make(conn, name, digest_of(key), prefix_of(key), ["admin"], None)


def _keep(file: Path, key: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(key + "\n")


class Keyring:
    """Keys looked up lately, so that not every request asks the store."""

    def __init__(self, held: Resources) -> None:
        self._held = held
        self._known: dict[bytes, tuple[float, Key | None]] = {}
        self._streams: dict[object, tuple[bytes, Callable[[str], None]]] = {}
        self._watching: asyncio.Task[None] | None = None

    def forget(self) -> None:
        """Look every key up anew."""
        self._known.clear()

    async def let_in(self, scope: Scope, needed: str) -> tuple[Key, bytes]:
        """The key that the request came with, and its hash. Raises `Problem` 401 or 403."""
        digest = digest_of(_shown(scope))
        key = await self._find(digest)
        if key is None:
            raise Problem("unauthorized", "the key is unknown, expired or revoked")
        if not any(needed in GRANTS[scope] for scope in key.scopes):
            raise Problem("forbidden", f"the key lacks the scope {needed}", members={"scope": needed})
        return key, digest

    @contextmanager
    def streaming(self, scope: Scope, end: Callable[[str], None]) -> Iterator[None]:
        """While a stream is open, have it ended when the key that it came with is good no more."""
        digest: bytes | None = scope.get("state", {}).get("key_digest")
        if digest is None:
            yield
            return
        one = object()
        self._streams[one] = (digest, end)
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch(), name="keys of streams")
        try:
            yield
        finally:
            del self._streams[one]

    async def _watch(self) -> None:
        """Look at the keys of the open streams now and then, while there are any."""
        while self._streams:
            await asyncio.sleep(REMEMBERED_S)
            for digest in {digest for digest, _ in self._streams.values()}:
                try:
                    key = await self._find(digest)
                except STORE_AWAY:
                    continue  # nothing is told of without it either
                if key is None:
                    for end in [end for one, end in self._streams.values() if one == digest]:
                        end(KEY_OVER)

    async def _find(self, digest: bytes) -> Key | None:
        looked_at, key = self._known.get(digest, (-REMEMBERED_S, None))
        if time.monotonic() - looked_at >= REMEMBERED_S:
            async with self._held.reading() as conn:
                key = await store.find(conn, digest)
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[digest] = (time.monotonic(), key)
        over = key is not None and key.expires_at is not None and key.expires_at <= datetime.now(UTC)
        return None if over else key


class Gate:
    """ASGI middleware: lets in who may, and keeps an audit of what was written."""

    def __init__(self, app: ASGIApp, held: Resources, keyring: Keyring, settings: Settings) -> None:
        self._app = app
        self._held = held
        self._keyring = keyring
        self._closed = needs_keys(settings)
        self._origins = settings.cors_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let in, or answer 401 or 403."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        method = scope.get("method", "GET")
        needed = scope_for(method, scope["path"])
        key: Key | None = None
        digest: bytes | None = None
        # A browser lets a page of any site open a WebSocket and read it; only the server can refuse.
        guarded = "follow" if scope["type"] == "websocket" else "write" if method not in READING else None
        if not self._closed and guarded and _foreign(Headers(scope=scope), self._origins):
            refused = Problem(
                "forbidden", f"a page of another site may not {guarded} here; WIREDESK_CORS_ORIGINS can let it"
            )
            await failures.answer(refused)(scope, receive, send)
            return
        if self._closed and needed is not None and method != "OPTIONS":
            try:
                key, digest = await self._keyring.let_in(scope, needed)
            except Problem as problem:
                await failures.answer(problem)(scope, receive, send)
                return
            except STORE_AWAY:
                away = Problem("unavailable", "PostgreSQL cannot be reached, so the key cannot be checked")
                await failures.answer(away)(scope, receive, send)
                return
        scope.setdefault("state", {}).update(key=key, key_digest=digest)
        if needed is None or method in READING:
            await self._app(scope, receive, send)
        else:
            await self._audited(scope, receive, send, key)

    async def _audited(self, scope: Scope, receive: Receive, send: Send, key: Key | None) -> None:
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            try:
                async with self._held.reading() as conn:
                    await store.note(conn, key.id if key else None, scope["method"], scope["path"][:500], status)
            except STORE_AWAY:
                logger.warning("a write could not be audited", extra={"path": scope["path"], "status": status})


def _shown(scope: Scope) -> str:
    """The key in the header, or in the subprotocols of a WebSocket. Raises `Problem` where there is none."""
    kind, _, text = Headers(scope=scope).get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and text.strip():
        return text.strip()
    offered = scope.get("subprotocols") or ()
    key = next((one for one in offered if one.startswith(PREFIX)), None)
    if key is not None and SUBPROTOCOL in offered:
        return str(key)
    further = f"; in a browser new WebSocket(url, ['{SUBPROTOCOL}', 'wd_…'])" if scope["type"] == "websocket" else ""
    raise Problem("unauthorized", f"send a key: Authorization: Bearer wd_…{further}")


def key_of(scope: Scope) -> Key | None:
    """The key that the gate let in; None where none is needed."""
    key: Key | None = scope.get("state", {}).get("key")
    return key


def _foreign(headers: Headers, allowed: Sequence[str]) -> bool:
    """Whether a browser sends this for a page of another site. Where no key is asked for, anybody's page could."""
    origin = headers.get("origin")
    if origin is None or origin in allowed or "*" in allowed:
        return False
    return origin.partition("://")[2].lower() != headers.get("host", "").lower()
