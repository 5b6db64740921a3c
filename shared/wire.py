"""HTTP/1.1 over one connection: a request written, its answer read by llhttp as it comes.

idle ─ ask ─▶ head ─▶ body, handed to the sink piece by piece ─▶ whole ─▶ idle again, or closed
         └── silence, the deadline, too much, nonsense, the end of the connection ─▶ an error, closed

A sink decides what becomes of the bytes and may refuse them; what it raises is what `ask` raises.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

import httptools

HEAD_BYTES = 65_536  # of an answer's status line and headers
_BODILESS = frozenset({204, 304})  # RFC 9112, 6.3


class WireError(Exception):
    """An exchange that failed: the clock ended it, the connection broke, it was too much, or no HTTP."""

    def __init__(self, code: Literal["timeout", "connect", "too_big", "protocol"], message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Sink(Protocol):
    """Where an answer goes."""

    def begin(self, status: int, headers: Mapping[str, str]) -> bool:
        """The head is here (names in lower case, repeated ones joined by `, `); whether the body is wanted."""

    def feed(self, piece: bytes) -> None:
        """The next piece of the body."""


class Bounds(NamedTuple):
    """Of one exchange. `silence_s`: until the first byte and between any two; `deadline` is of the loop's clock."""

    silence_s: float
    deadline: float
    sent_bytes: int  # of the body and its chunking


class Connection(asyncio.Protocol):
    """One connection, made by a loop's `create_connection`; one request at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: Any = None
        self._exchange: _Exchange | None = None
        self.open = True
        self.silent = True  # not one byte answered the last request
        self.idle_since = 0.0

    async def ask(self, request: bytes, sink: Sink, bounds: Bounds) -> bool:
        """Send a request and hand its answer to the sink; whether the connection may be asked again.

        Raises `WireError` and what the sink raises; the connection is closed then.
        """
        if not self.open:
            raise WireError("connect", "the connection broke")
        exchange = self._exchange = _Exchange(self._loop, sink, bounds)
        self._transport.write(request)
        again = False
        try:
            await exchange.ended
            again = self.open and exchange.leaves_open
        finally:
            self._exchange, self.silent = None, not exchange.received
            exchange.forget()
            if not again:
                self.close()
        return again

    def close(self) -> None:
        """Close it now, whatever is under way."""
        self.open = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is there."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Bytes came; such as nobody asked for end the connection."""
        if self._exchange is None:
            self.close()
        else:
            self._exchange.read(data)

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone."""
        self.open = False
        if self._exchange is not None:
            self._exchange.cut(error)


class _Exchange:
    """One answer as it comes. The methods named `on_` are llhttp's."""

    def __init__(self, loop: asyncio.AbstractEventLoop, sink: Sink, bounds: Bounds) -> None:
        self._loop, self._sink, self._bounds = loop, sink, bounds
        self.ended: asyncio.Future[None] = loop.create_future()
        self.received = 0
        self._status = 0  # once the head is here
        self._headers: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []
        self._begun = self._whole = self._stays = self._more = False
        self._two_lengths = False  # it says where it ends in two ways: nobody knows what comes behind
        self._until_closed = False  # the end of the connection is the end of the body
        self._parser = httptools.HttpResponseParser(self)
        # What aiohttp and browsers let pass: odd bytes in headers, bare line feeds, spaces after a chunk's size,
        # a length beside chunks, which count (RFC 9112, 6.3).
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_chunked_length=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )
        self._heard_at = loop.time()
        self._timer = loop.call_later(min(bounds.silence_s, bounds.deadline - self._heard_at), self._look)

    @property
    def leaves_open(self) -> bool:
        """Whether both sides may go on after this answer."""
        return self._whole and self._stays and not self._more and not self._two_lengths

    def forget(self) -> None:
        """No more clock, and nothing that holds this in a circle."""
        self._timer.cancel()
        del self._parser

    def read(self, data: bytes) -> None:
        """The next bytes."""
        if self.ended.done():
            self._more = True
            return
        self.received += len(data)
        self._heard_at = self._loop.time()
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self._whole:
                self._fail(WireError("protocol", f"the answer cannot be read as HTTP: {error}"))
                return
            self._more = True
        try:
            self._pass_on()
        except Exception as error:  # noqa: BLE001 - what the sink says is what `ask` says
            self._fail(error)

    def cut(self, error: Exception | None) -> None:
        """The connection ended."""
        if self.ended.done():
            return
        if error is None and self._begun and self._until_closed:
            self.ended.set_result(None)
        elif error is not None:
            self._fail(WireError("connect", f"the connection broke: {error}"))
        else:
            self._fail(WireError("protocol", "the answer cannot be read as HTTP: it broke off"))

    def on_message_begin(self) -> None:
        self._more = self._whole  # a second answer was not asked for

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._status:  # else a trailer
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            self._headers.clear()
        elif not self._status:
            self._status = status

    def on_body(self, piece: bytes) -> None:
        if not self._whole:
            self._pieces.append(piece)

    def on_message_complete(self) -> None:
        self._whole = self._status > 0  # else it was an interim answer
        self._stays = bool(self._parser.should_keep_alive())  # only now: llhttp forgets it

    def _pass_on(self) -> None:
        if not self._begun:
            head = sum(len(name) + len(value) for name, value in self._headers) if self._status else self.received
            if head > HEAD_BYTES:
                raise WireError("protocol", f"the answer's headers are longer than {HEAD_BYTES} bytes")
        if not self._status:
            return
        wanted = True
        if not self._begun:
            self._begun = True
            headers = joined(self._headers)
            counted, chunked = "content-length" in headers, "chunked" in headers.get("transfer-encoding", "").lower()
            self._two_lengths = counted and chunked
            self._until_closed = not (counted or chunked) and self._status not in _BODILESS
            wanted = self._sink.begin(self._status, headers)
        pieces, self._pieces = self._pieces, []
        if self.received > self._bounds.sent_bytes + HEAD_BYTES:
            raise WireError("too_big", f"more than {self._bounds.sent_bytes} bytes sent")
        if wanted:
            for piece in pieces:
                self._sink.feed(piece)
        if self._whole or not wanted:
            self.ended.set_result(None)

    def _look(self) -> None:
        """Whether it is too late."""
        now, bounds = self._loop.time(), self._bounds
        left_s = min(self._heard_at + bounds.silence_s, bounds.deadline) - now
        if left_s <= 0.001:
            self._fail(WireError("timeout", "no next byte in time"))
        else:
            self._timer = self._loop.call_later(left_s, self._look)

    def _fail(self, error: Exception) -> None:
        if not self.ended.done():
            self.ended.set_exception(error)


def joined(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name, repeated ones joined by `, `. Bytes that are no UTF-8 are read as Latin-1."""
    found: dict[str, str] = {}
    for name, value in headers:
        key = name.decode("latin-1").lower()
        try:
            text = value.decode()
        except UnicodeDecodeError:
            text = value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def request_bytes(method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
    """A request as it is sent. Raises `ValueError` where a header would end its line."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    text = "\r\n".join(lines)
    if text.count("\n") != len(lines) - 1 or text.count("\r") != len(lines) - 1 or "\0" in text:
        raise ValueError("a header of the request holds the end of a line")
    return text.encode() + b"\r\n\r\n" + (body or b"")
