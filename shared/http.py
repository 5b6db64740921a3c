"""The one outbound HTTP client: for feeds, pages and webhooks. What it will not do, nobody here does.

- It connects only to addresses the guard lets through. The guard sits where the socket is made, so it sees the final
  address of every connection: literal ones, redirects, and DNS answers that changed since they were last looked at.
- It reads at most so many bytes as sent and at most so many as unpacked, and unpacks in bounded steps.
- Every wait ends: for the connection, for the next byte, and for the whole of it, redirects included.
- Foreign errors become `FetchError` here, once, with a code from a closed list.
"""

from __future__ import annotations

import asyncio
import contextvars
import errno
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from shared.addresses import Allowances, may_reach
from shared.errors import AddressRefused, WiredeskError
from shared.urls import check_outbound, resolve

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
_STEP = 64 * 1024

try:
    _VERSION = version("wiredesk-server")
except PackageNotFoundError:  # run from a tree that was never installed
    _VERSION = "dev"
USER_AGENT = f"Wiredesk/{_VERSION} (news feed reader)"


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

    def __init__(self, session: aiohttp.ClientSession, allowances: Allowances, limits: Limits = DEFAULT_LIMITS) -> None:
        self._session = session
        self._allowances = allowances
        self._limits = limits

    async def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, limits: Limits | None = None
    ) -> Response:
        """GET, redirects followed and each checked. Any status is a response. Raises `FetchError`.

        With `limits.redirects` 0 a redirect is an answer like any other.
        """
        return await self._bounded("GET", url, headers or {}, None, limits or self._limits)

    async def post(
        self, url: str, body: bytes, *, headers: Mapping[str, str] | None = None, limits: Limits | None = None
    ) -> Response:
        """POST a body; a redirect is an answer like any other and not followed. Raises `FetchError`."""
        return await self._bounded("POST", url, headers or {}, body, limits or self._limits)

    async def _bounded(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, limits: Limits
    ) -> Response:
        try:
            async with asyncio.timeout(limits.total_s):
                return await self._follow(method, url, headers, body, limits)
        except TimeoutError as error:
            raise FetchError("timeout", f"no whole answer within {limits.total_s:g} s", url) from error

    async def _follow(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, limits: Limits
    ) -> Response:
        here, permanent, only_permanent = url, None, True
        for _ in range(limits.redirects + 1):
            response = await self._once(method, here, headers, body, limits)
            if method != "GET" or response.status not in REDIRECTS or not limits.redirects:
                return Response(response.status, response.headers, response.body, here, permanent, response.received_at)
            target = resolve(here, response.headers.get("location", ""))
            if not response.headers.get("location") or target is None:
                raise FetchError("redirects", f"status {response.status} without an address to go on to", here)
            only_permanent = only_permanent and response.status in PERMANENT
            here = target
            permanent = here if only_permanent else permanent
        raise FetchError("redirects", f"more than {limits.redirects} redirects", here)

    async def _once(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, limits: Limits
    ) -> Response:
        try:
            checked = check_outbound(url, self._allowances)
        except AddressRefused as error:
            raise FetchError("address_refused", error.message, url) from error
        refused: list[str] = []
        token = _refused.set(refused)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=limits.connect_s, sock_read=limits.silence_s)
        try:
            async with self._session.request(
                method,
                _read_address(checked),
                headers=dict(headers),
                data=body,
                allow_redirects=False,
                timeout=timeout,
            ) as answer:
                status = answer.status
                wanted = method != "GET" or status not in REDIRECTS
                content = await _read(answer, limits, url) if wanted and status != 304 else b""
                return Response(status, _plain(answer.headers), content, url, None, datetime.now(UTC))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _mapped(error, url, refused) from error
        finally:
            _refused.reset(token)


@lru_cache(maxsize=4096)
def _read_address(checked: str) -> URL:
    return URL(checked, encoded=True)


@asynccontextmanager
async def open_client(allowances: Allowances, limits: Limits = DEFAULT_LIMITS) -> AsyncIterator[Client]:
    """The client of a process; `limits` where a request names none.

    Every request has a connection of its own: feeds live on many hosts.
    """
    threads = ThreadPoolExecutor(max_workers=32, thread_name_prefix="dns")
    connector = aiohttp.TCPConnector(
        limit=0,
        force_close=True,
        resolver=_Resolver(threads),
        ttl_dns_cache=60,
        socket_factory=partial(_guarded_socket, allowances),
        ssl=ssl.create_default_context(),
    )
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, deflate"}
    session = aiohttp.ClientSession(
        connector=connector,
        headers=headers,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        max_line_size=32_768,
        max_field_size=32_768,
    )
    try:
        yield Client(session, allowances, limits)
    finally:
        await session.close()
        threads.shutdown(wait=False, cancel_futures=True)


# What the guard refused during the request of the current task (the connector may connect in tasks of its own, which
# inherit the context and so share the list).
_refused: contextvars.ContextVar[list[str]] = contextvars.ContextVar("refused")


def _guarded_socket(allowances: Allowances, info: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol, _, address = info
    if not may_reach(address[0], address[1], allowances):
        _refused.get([]).append(str(address[0]))
        raise PermissionError(errno.EACCES, f"{address[0]} is a private or reserved address")
    return socket.socket(family, kind, protocol)


class _Resolver(AbstractResolver):
    """getaddrinfo in threads of its own: a dead name server delays nobody but those who ask it."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self._threads = threads

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        look_up = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM)
        found = await loop.run_in_executor(self._threads, look_up)
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """The threads belong to the client."""


async def _read(answer: aiohttp.ClientResponse, limits: Limits, url: str) -> bytes:
    """The body, unpacked. Raises `FetchError` too_big or protocol."""
    declared = answer.content_length
    if declared is not None and declared > limits.sent_bytes:
        raise FetchError("too_big", f"{declared} bytes announced, {limits.sent_bytes} allowed", url)
    encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    unpacker = _unpacker(encoding, limits, url)
    sent, chunks = 0, bytearray()
    async for chunk in answer.content.iter_chunked(_STEP):
        sent += len(chunk)
        if sent > limits.sent_bytes:
            raise FetchError("too_big", f"more than {limits.sent_bytes} bytes sent", url)
        chunks += unpacker.feed(chunk, len(chunks)) if unpacker else chunk
        if len(chunks) > limits.unpacked_bytes:
            raise FetchError("too_big", f"more than {limits.unpacked_bytes} bytes when unpacked", url)
    return bytes(chunks)


def _unpacker(encoding: str, limits: Limits, url: str) -> _Unpacker | None:
    if encoding in ("", "identity", "utf-8", "none"):  # the last two are what some servers say for it
        return None
    if encoding in ("gzip", "x-gzip", "deflate"):
        return _Unpacker(limits.unpacked_bytes, url)
    raise FetchError("protocol", f"the body is packed as {encoding!r}, which was not asked for", url)


class _Unpacker:
    """gzip, zlib and raw deflate (which servers also call deflate), never more than the limit at once."""

    def __init__(self, limit: int, url: str) -> None:
        self._limit, self._url = limit, url
        self._stream: Any = None

    def feed(self, chunk: bytes, so_far: int) -> bytes:
        """The next piece unpacked; cut one byte above the limit, which the caller notices."""
        if self._stream is None:
            self._stream = zlib.decompressobj(47 if _has_header(chunk) else -15)
        try:
            return bytes(self._stream.decompress(chunk, self._limit - so_far + 1))
        except zlib.error as error:
            raise FetchError("protocol", f"the packed body is damaged: {error}", self._url) from error


def _has_header(chunk: bytes) -> bool:
    """RFC 1952, 2.3.1 (gzip) and RFC 1950, 2.2 (zlib)."""
    zlib_header = len(chunk) > 1 and chunk[0] & 15 == 8 and (chunk[0] * 256 + chunk[1]) % 31 == 0
    return chunk[:2] == b"\x1f\x8b" or zlib_header


def _plain(headers: Mapping[str, str]) -> dict[str, str]:
    plain: dict[str, str] = {}
    for name, value in headers.items():
        key = name.lower()
        plain[key] = f"{plain[key]}, {value}" if key in plain else value
    return plain


def _mapped(error: Exception, url: str, refused: list[str]) -> FetchError:
    if refused:
        where = ", ".join(dict.fromkeys(refused))
        message = f"the name leads to {where}, a private or reserved address; WIREDESK_ALLOW_PRIVATE can let it through"
        return FetchError("address_refused", message, url)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return FetchError("dns", f"the name cannot be resolved: {error.os_error.strerror or error.os_error}", url)
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return FetchError("tls", f"no secure connection: {error}", url)
    if isinstance(error, TimeoutError):
        return FetchError("timeout", "no connection, or no next byte, in time", url)
    if isinstance(error, aiohttp.ClientConnectorError):
        return FetchError("connect", f"no connection: {error.os_error.strerror or error.os_error}", url)
    if isinstance(error, ConnectionError | aiohttp.ClientOSError):
        return FetchError("connect", f"the connection broke: {error}", url)
    if isinstance(error, aiohttp.ClientError | ValueError):
        return FetchError("protocol", f"the answer cannot be read as HTTP: {error}", url)
    return FetchError("connect", f"no connection: {error}", url)
