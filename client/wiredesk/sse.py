"""Server-sent events, decoded without I/O by the text of the WHATWG HTML standard, section 9.2.6.

Feed it the bytes as they come; it gives back the events that became complete. `last_id` and `retry_ms` are the
stream's state, to be used for reconnecting.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from wiredesk.errors import Unexpected

MAX_EVENT_CHARS = 64 * 1024 * 1024  # an event that never ends must not fill the memory


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One dispatched event. `id` is the last event id at that moment, which later events inherit."""

    type: str
    data: str
    id: str


class Decoder:
    """The state of one stream; make a new one for each connection, with the id that the last one ended with."""

    def __init__(self, last_id: str = "") -> None:
        self.last_id = last_id
        self.retry_ms: int | None = None
        self._text = codecs.getincrementaldecoder("utf-8")("replace")
        self._at_start = True
        self._after_cr = False
        self._pending: list[str] = []  # pieces of a line whose end has not come yet
        self._size = 0
        self._clear()

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """The events completed by these bytes. Raises `Unexpected` if one grows beyond all measure."""
        text = self._text.decode(data)
        if self._at_start and text:
            self._at_start = False
            text = text.removeprefix("\ufeff")
        events: list[ServerSentEvent] = []
        for line in self._lines(text):
            event = self._line(line)
            if event is not None:
                events.append(event)
        return events

    def _lines(self, text: str) -> list[str]:
        """Whole lines. They end with CR LF, LF or CR alone; a CR at the end of a chunk may be half of a CR LF."""
        if self._after_cr and text:
            self._after_cr = False
            text = text.removeprefix("\n")
        if text.endswith("\r"):
            self._after_cr = True
        parts = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._grow(len(text))
        if len(parts) == 1:
            self._pending.append(parts[0])
            return []
        parts[0] = "".join(self._pending) + parts[0]
        last = parts.pop()
        self._pending = [last] if last else []
        return parts

    def _line(self, line: str) -> ServerSentEvent | None:
        if not line:
            return self._dispatch()
        name, colon, value = line.partition(":")
        if colon and not name:
            return None  # a comment
        self._field(name, value.removeprefix(" "))
        return None

    def _field(self, name: str, value: str) -> None:
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._type = value
        elif name == "id":
            if "\0" not in value:
                self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry_ms = int(value)

    def _dispatch(self) -> ServerSentEvent | None:
        self.last_id = self._id
        event = ServerSentEvent(self._type or "message", "\n".join(self._data), self.last_id) if self._data else None
        self._clear()
        return event

    def _clear(self) -> None:
        self._data: list[str] = []
        self._type = ""
        self._id = self.last_id
        self._size = 0

    def _grow(self, by: int) -> None:
        self._size += by
        if self._size > MAX_EVENT_CHARS:
            raise Unexpected(f"an event of the stream is longer than {MAX_EVENT_CHARS} characters")
