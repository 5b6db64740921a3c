"""The last step to a client's socket, past ASGI: bytes that many clients share go to each transport as they are.

    head and end of a stream -> ASGI `send`
    what is past             -> `write`, then `drain`, which waits for a slow client
    what comes live          -> `write`, in one loop over all clients; a full one queues and is told of room

ASGI wakes a coroutine for each client and message, builds a chunk and copies it; here a chunk is made once for all.
"""

from __future__ import annotations

from typing import Protocol

import orjson
from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.api.problems import Problem, document

_KEY = "wiredesk.connection"
MAX_HEAD_BYTES = 65_536  # of a request's line and headers: the parser itself would gather them for ever
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: %d\r\n"
    b"Content-Type: application/problem+json\r\n\r\n%b"
)


class Watcher(Protocol):
    """Whoever writes to a connection by itself."""

    def room(self) -> None:
        """The client took enough of what was written for more."""

    def lost(self) -> None:
        """The client is gone."""


class Connection(HttpToolsProtocol):
    """uvicorn's HTTP connection, which hands itself to the requests that come over it."""

    _watcher: Watcher | None = None
    _gone = False
    _in_head = True
    _head = 0  # bytes of it so far
    _head_ended = False  # by what was received last

    @classmethod
    def of(cls, scope: Scope) -> Connection:
        """The connection of a request."""
        found: Connection = scope["extensions"][_KEY]
        return found

    @property
    def full(self) -> bool:
        """Whether more waits for the client than should: nothing is to be written until `room`."""
        return self.flow.write_paused

    def watch(self, watcher: Watcher | None) -> None:
        """Tell the watcher of room and of the end until there is another or none; at once where it is over already."""
        self._watcher = watcher
        if watcher is not None and self._gone:
            watcher.lost()

    def write(self, chunk: bytes) -> None:
        """Send a ready chunk of a response that has begun; it is kept by reference where it has to wait."""
        if not self._gone:
            self.transport.write(chunk)

    async def drain(self) -> None:
        """Wait until the client took enough for more, or is gone."""
        await self.flow.drain()

    def abort(self) -> None:
        """Close at once, dropping what waits."""
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Bytes of requests; those of a head without end are not gathered."""
        in_head, self._head_ended = self._in_head, False
        super().data_received(data)
        if in_head and not self._head_ended:
            self._head += len(data)
            if self._head > MAX_HEAD_BYTES and not self.transport.is_closing():
                told = orjson.dumps(document(Problem("head_too_large", f"at most {MAX_HEAD_BYTES} bytes are read")))
                self.transport.write(_TOO_LARGE % (len(told), told))
                self.transport.close()

    def on_headers_complete(self) -> None:
        """The head is read."""
        self._in_head, self._head_ended = False, True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is read; another head may follow."""
        self._in_head, self._head = True, 0
        super().on_message_complete()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self.scope["extensions"] = {_KEY: self}  # type: ignore[dict-item]  # ASGI: whatever the server offers

    def resume_writing(self) -> None:
        """The transport says that there is room again."""
        super().resume_writing()
        if self._watcher is not None:
            self._watcher.room()

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport says that the client is gone."""
        super().connection_lost(exc)
        self._gone = True
        if self._watcher is not None:
            self._watcher.lost()
