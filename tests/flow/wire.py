"""A local publisher: serves feed bodies from memory, counts requests, and can be told to change."""

from __future__ import annotations

import hashlib
import http.server
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

_STARTED = datetime.now(UTC)  # items are fresh, and keep their dates when a feed is made again


@dataclass
class Wire:
    """Path -> body. `validators`: answer conditional requests with 304 on an unchanged body."""

    bodies: dict[str, bytes]
    validators: bool = True
    requests: dict[str, int] = field(default_factory=dict)

    def __enter__(self) -> Wire:
        wire = self

        class Publisher(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = wire.bodies.get(self.path)
                wire.requests[self.path] = wire.requests.get(self.path, 0) + 1
                if body is None:
                    self.send_error(404)
                    return
                tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
                if wire.validators and self.headers.get("if-none-match") == tag:
                    self.send_response(304)
                    self.end_headers()
                    return
                self.send_response(200)
                self.send_header("content-type", "application/xml")
                self.send_header("content-length", str(len(body)))
                if wire.validators:
                    self.send_header("etag", tag)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Publisher)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def rss(name: str, items: list[tuple[str, str, str]]) -> bytes:
    """An RSS 2.0 feed of (guid, title, text) items."""
    entries = "".join(
        f"<item><guid isPermaLink='false'>{guid}</guid><title>{title}</title>"
        f"<link>https://{name}.example/{guid}</link><description>{text}</description>"
        f"<pubDate>{format_datetime(_STARTED - timedelta(minutes=n))}</pubDate></item>"
        for n, (guid, title, text) in enumerate(items)
    )
    return (
        f"<?xml version='1.0' encoding='utf-8'?><rss version='2.0'><channel><title>{name}</title>"
        f"<link>https://{name}.example/</link><description>{name}</description>{entries}</channel></rss>"
    ).encode()
