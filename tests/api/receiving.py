"""A receiver of webhooks on a real socket: verifies every delivery with the official package and answers as told."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks.webhooks import Webhook


@dataclass(frozen=True)
class Delivered:
    """One request, verified."""

    id: str
    type: str
    signatures: int
    path: str
    body: Any

    @property
    def positions(self) -> list[int]:
        return [int(e["id"]) for e in (self.body if isinstance(self.body, list) else [self.body])]


@dataclass
class Receiver:
    """Keeps what came, in order. `answer` gets each delivery and says (status, headers)."""

    answer: Callable[[Delivered], tuple[int, dict[str, str]]] = lambda _: (204, {})
    secret: str = ""
    got: list[Delivered] = field(default_factory=list)
    unverified: list[str] = field(default_factory=list)

    def __enter__(self) -> Receiver:
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["content-length"]))
                headers = {k.lower(): v for k, v in self.headers.items()}
                if receiver.secret:
                    try:
                        Webhook(receiver.secret).verify(raw, headers)
                    except Exception as error:  # noqa: BLE001 - whatever the official package objects to is kept
                        receiver.unverified.append(f"{headers.get('webhook-id')}: {error!r}")
                came = Delivered(
                    headers["webhook-id"],
                    headers["content-type"],
                    len(headers["webhook-signature"].split()),
                    self.path,
                    json.loads(raw),
                )
                status, more = receiver.answer(came)
                receiver.got.append(came)
                self.send_response(status)
                for name, value in {"content-length": "0", **more}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def positions(self) -> list[int]:
        return [p for d in self.got for p in d.positions]
