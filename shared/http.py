"""The one outbound HTTP client: for feeds, pages and webhooks. What it will not do, nobody here does.

- It connects only to addresses the guard lets through. The guard sits where the connection is made (`connections.py`),
  so it sees the final address of every one: literal ones, redirects, and DNS answers that changed since the last look.
- It reads at most so many bytes as sent and at most so many as unpacked, and unpacks in bounded steps.
- Every wait ends: for the connection, for the next byte, and for the whole of it, redirects included.
- Foreign errors become `FetchError` here, once, with a code from a closed list.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import zlib
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Literal, NamedTuple
from urllib.parse import unquote, urlsplit

from shared.addresses import Allowances
from shared.connections import Connections, Origin, Refused
from shared.cookies import Cookies
from shared.errors import AddressRefused, WiredeskError
from shared.unpacking import Unpacker
from shared.urls import DEFAULT_PORTS, check_outbound, resolve, with_userinfo_of
from shared.wire import Bounds, Connection, WireError, request_bytes

FetchCode = Literal[
    "address_refused",  # malformed, not http(s), or private, also after a redirect or by DNS
    "dns",  # the name has no address
    "connect",  # nobody answers there
    "tls",  # the certificate or the handshake
    "timeout",  # connecting, the next byte, or all of it took too long
    "too_big",  # more bytes than allowed, as sent or as unpacked
    "redirects",  # too many, or one that leads nowhere
    "protocol",  # what came is no HTTP, broke off, or cannot be unpacked
]
REDIRECTS = frozenset({301, 302, 303, 307, 308})
PERMANENT = frozenset({301, 308})

try:
    _VERSION = version("wiredesk-server")
except PackageNotFoundError:  # run from a tree that was never installed
    _VERSION = "dev"
USER_AGENT = f"Wiredesk/{_VERSION} (news feed reader)"
_SENT = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}


class FetchError(WiredeskError):
    """A request that brought no response. `code` is a `FetchCode`; `url` is the address that failed."""

    def __init__(self, code: FetchCode, message: str, url: str) -> None:
        super().__init__(message, code=code)
        self.url = url


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one request. Times in seconds, sizes in bytes."""

    total_s: float = 30.0
    connect_s: float = 10.0
    silence_s: float = 15.0  # until the first byte, and between any two
    sent_bytes: int = 15_000_000
    unpacked_bytes: int = 15_000_000
    redirects: int = 5


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Response:
    """What came back. `headers` has lower-case names, repeated ones joined by `, `.

    `url` is where it came from in the end; `permanent_url` the furthest address reached by permanent redirects alone,
    None without one. `received_at` is when the last byte was here.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    permanent_url: str | None
    received_at: datetime


class Client:
    """Requests under the guard. Made by `open_client`, used by many tasks at once."""

    def __init__(self, connections: Connections, allowances: Allowances, limits: Limits = DEFAULT_LIMITS) -> None:
        self._connections = connections
        self._allowances = allowances
        self._limits = limits
        self._loop = asyncio.get_running_loop()

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        limits: Limits | None = None,
        going_on: Callable[[str], Awaitable[None]] | None = None,
    ) -> Response:
        """GET, redirects followed and each checked. Any status is a response. Raises `FetchError`.

        With `limits.redirects` 0 a redirect is an answer like any other. `going_on` is awaited before a redirect's
        target is asked; the time it takes does not count, and what it raises ends the request.
        """
        limits = limits or self._limits
        deadline = self._loop.time() + limits.total_s
        here, permanent, only_permanent, cookies = url, None, True, Cookies()
        for _ in range(limits.redirects + 1):
            response = await self._once(
                "GET", here, {**(headers or {}), **cookies.header(here)}, None, limits, deadline
            )
            if response.status not in REDIRECTS or not limits.redirects:
                return Response(response.status, response.headers, response.body, here, permanent, response.received_at)
            target = resolve(here, response.headers.get("location", ""))
            if not response.headers.get("location") or target is None:
                raise FetchError("redirects", f"status {response.status} without an address to go on to", here)
            if going_on is not None:
                before = self._loop.time()
                await going_on(target)
                deadline += self._loop.time() - before
            only_permanent = only_permanent and response.status in PERMANENT
            cookies.take(here, response.headers.get("set-cookie"))
            here = with_userinfo_of(here, target.partition("#")[0])
            permanent = (here if here != url else None) if only_permanent else permanent
        raise FetchError("redirects", f"more than {limits.redirects} redirects", here)

    async def post(
        self, url: str, body: bytes, *, headers: Mapping[str, str] | None = None, limits: Limits | None = None
    ) -> Response:
        """POST a body; a redirect is an answer like any other and not followed. Raises `FetchError`."""
        limits = limits or self._limits
        return await self._once("POST", url, headers or {}, body, limits, self._loop.time() + limits.total_s)

    async def _once(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, limits: Limits, deadline: float
    ) -> Response:
        try:
            place = _place(check_outbound(url, self._allowances))
        except AddressRefused as error:
            raise FetchError("address_refused", error.message, url) from error
        answer = _Answer(method, url, limits)
        bounds = Bounds(limits.silence_s, deadline, limits.sent_bytes)
        try:
            named = {name.title() if name.islower() else name: value for name, value in headers.items()}
            request = request_bytes(method, place.target, place.headers | named, body)
            await self._exchange(place.origin, request, answer, bounds, limits.connect_s, fresh=body is not None)
        except (WireError, Refused, OSError, ValueError) as error:
            late = isinstance(error, TimeoutError | WireError) and self._loop.time() >= deadline - 0.01
            message = f"no whole answer within {limits.total_s:g} s"
            raise FetchError("timeout", message, url) if late else _mapped(error, url) from error
        return Response(answer.status, answer.headers, answer.body(), url, None, datetime.now(UTC))

    async def _exchange(
        self, origin: Origin, request: bytes, answer: _Answer, bounds: Bounds, connect_s: float, *, fresh: bool
    ) -> None:
        """Over a connection that was kept, or else over a new one."""
        connections = self._connections
        kept = None if fresh else connections.kept(origin)
        if kept is not None:
            try:
                await self._ask(origin, kept, request, answer, bounds)
                return
            except WireError as error:
                if error.code == "timeout" or not kept.silent:
                    raise  # else the server closed it at the same moment: it never saw the request
        left_s = bounds.deadline - self._loop.time()
        async with asyncio.timeout(left_s):
            addresses = await connections.look_up(origin)
        async with asyncio.timeout(min(connect_s, left_s)):
            connection = await connections.connect(origin, addresses)
        await self._ask(origin, connection, request, answer, bounds)

    async def _ask(
        self, origin: Origin, connection: Connection, request: bytes, answer: _Answer, bounds: Bounds
    ) -> None:
        if await connection.ask(request, answer, bounds):
            self._connections.keep(origin, connection)


@asynccontextmanager
async def open_client(allowances: Allowances, limits: Limits = DEFAULT_LIMITS) -> AsyncIterator[Client]:
    """The client of a process; `limits` where a request names none.

    A connection is kept for some seconds: a publisher's next feed or page needs no new handshake.
    """
    connections = Connections(allowances)
    try:
        yield Client(connections, allowances, limits)
    finally:
        connections.close()


class _Place(NamedTuple):
    """An address as a request needs it."""

    origin: Origin
    target: str
    headers: dict[str, str]


@lru_cache(maxsize=8192)
def _place(checked: str) -> _Place:
    parts = urlsplit(checked)
    userinfo, _, named = parts.netloc.rpartition("@")
    headers = {"Host": named} | _SENT
    if userinfo:
        headers["Authorization"] = "Basic " + b64encode(unquote(userinfo).encode()).decode()
    origin = Origin(parts.scheme == "https", parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme])
    return _Place(origin, f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/", headers)


class _Answer:
    """What comes of one request: its head, and its body unpacked as it comes. Raises `FetchError`."""

    def __init__(self, method: str, url: str, limits: Limits) -> None:
        self._method, self._url, self._limits = method, url, limits
        self._unpacker: Unpacker | None = None
        self._pieces: list[bytes] = []
        self._size = 0
        self.status = 0
        self.headers: Mapping[str, str] = {}

    def begin(self, status: int, headers: Mapping[str, str]) -> bool:
        """The head; the body of a redirect that is followed is not wanted."""
        self.status, self.headers, limits = status, headers, self._limits
        if status == 304 or (self._method == "GET" and status in REDIRECTS):
            return False
        declared = headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > limits.sent_bytes:
            raise FetchError("too_big", f"{declared} bytes announced, {limits.sent_bytes} allowed", self._url)
        self._unpacker = _unpacker(headers.get("content-encoding", "").strip().lower(), limits, self._url)
        return True

    def feed(self, piece: bytes) -> None:
        """The next piece of the body."""
        if self._unpacker is not None:
            try:
                piece = self._unpacker.feed(piece)
            except zlib.error as error:
                raise FetchError("protocol", f"the packed body is damaged: {error}", self._url) from error
        self._size += len(piece)
        if self._size > self._limits.unpacked_bytes:
            raise FetchError("too_big", f"more than {self._limits.unpacked_bytes} bytes when unpacked", self._url)
        self._pieces.append(piece)

    def body(self) -> bytes:
        """All of it."""
        return b"".join(self._pieces)


def _unpacker(encoding: str, limits: Limits, url: str) -> Unpacker | None:
    if encoding in ("", "identity", "utf-8", "none"):  # the last two are what some servers say for it
        return None
    if encoding in ("gzip", "x-gzip", "deflate"):
        return Unpacker(limits.unpacked_bytes, may_be_plain=encoding != "deflate")
    raise FetchError("protocol", f"the body is packed as {encoding!r}, which was not asked for", url)


def _mapped(error: Exception, url: str) -> FetchError:
    if isinstance(error, Refused):
        where = ", ".join(error.addresses)
        message = f"the name leads to {where}, a private or reserved address; WIREDESK_ALLOW_PRIVATE can let it through"
        return FetchError("address_refused", message, url)
    if isinstance(error, WireError):
        return FetchError(error.code, error.message, url)
    if isinstance(error, socket.gaierror | UnicodeError):
        return FetchError("dns", f"the name cannot be resolved: {getattr(error, 'strerror', None) or error}", url)
    if isinstance(error, ssl.SSLError):
        return FetchError("tls", f"no secure connection: {error}", url)
    if isinstance(error, TimeoutError):
        return FetchError("timeout", "no connection in time", url)
    if isinstance(error, OSError):
        return FetchError("connect", f"no connection: {error.strerror or error}", url)
    return FetchError("protocol", f"the request cannot be sent: {error}", url)
