"""Server-sent events as the WHATWG HTML standard writes them (section 9.2). Pure."""

from __future__ import annotations

import orjson

from shared.events import STREAM_RESET

MEDIA_TYPE = "text/event-stream"
RETRY_MS = 2000


def retry(milliseconds: int) -> bytes:
    """How long a reader waits before it comes back. No empty line follows: that would be an event to some readers."""
    return b"retry: %d\n" % milliseconds


def comment(text: str) -> bytes:
    """A line that readers ignore: keeps the connection known to be alive, and says why it ends."""
    return b": %s\n" % text.encode()


def event(position: int, kind: str, data: bytes) -> bytes:
    """One event; its id is the position, from which a reader resumes."""
    return b"id: %d\nevent: %s\n%s\n" % (position, kind.encode(), _data(data))


def reset(told: dict[str, object]) -> bytes:
    """The notice that events were missed for good. It has no id: the reader's last position stays as it is."""
    return b"event: %s\n%s\n" % (STREAM_RESET.encode(), _data(orjson.dumps(told)))


def chunk(frames: bytes) -> bytes:
    """A piece of the stream as HTTP/1.1 carries it in chunked transfer coding (RFC 9112, 7.1)."""
    return b"%x\r\n%s\r\n" % (len(frames), frames)


def _data(data: bytes) -> bytes:
    if b"\n" not in data and b"\r" not in data:
        return b"data: %s\n" % data
    return b"".join(b"data: %s\n" % line for line in data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"))
