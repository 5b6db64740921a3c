"""A small HTTP server whose answers a test writes down beforehand, to show the client what a real one seldom does."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import wiredesk


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    """What to say: chunks are sent one by one; `cut` breaks the connection off without ending the body."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    chunks: tuple[bytes, ...] = ()
    cut: bool = False


def sse(*chunks: bytes, cut: bool = False) -> Answer:
    return Answer(200, {"content-type": "text/event-stream"}, chunks, cut)


def as_json(value: object, status: int = 200, **headers: str) -> Answer:
    kind = "application/problem+json" if status >= 400 else "application/json"
    return Answer(status, {"content-type": kind} | {k.replace("_", "-"): v for k, v in headers.items()},
                  (json.dumps(value).encode(),))  # fmt: skip


def event(position: int, title: str = "t", kind: str = wiredesk.models.ENRICHED) -> bytes:
    """An article event as the stream sends it."""
    data = {
        "specversion": "1.0", "id": str(position), "source": "urn:wiredesk:test", "type": kind,
        "subject": f"articles/{position}", "time": "2026-03-02T08:00:00Z", "datacontenttype": "application/json",
        "data": {"position": position, "id": position, "title": title},
    }  # fmt: skip
    return f"id: {position}\nevent: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


Script = Callable[[Asked], Answer]


@contextmanager
def serving(script: Script) -> Iterator[tuple[str, list[Asked]]]:
    """The server's address, and the requests so far."""
    asked: list[Asked] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {k.lower(): v for k, v in self.headers.items()}
            request = Asked(self.command, parts.path, parse_qs(parts.query), headers, body)
            asked.append(request)
            self.say(script(request))

        do_GET = do_POST = do_DELETE = do_PATCH = handle_one

        def say(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in {"transfer-encoding": "chunked", **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            for chunk in answer.chunks:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                self.wfile.flush()
            if answer.cut:
                self.close_connection = True
            else:
                self.wfile.write(b"0\r\n\r\n")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
