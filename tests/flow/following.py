"""A subscriber that never forgets: follows the stream through crashes and writes down every position it was given."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import httpx
import httpx_sse

ENRICHED = "wiredesk.article.enriched.v1"


def enriched(events: list[dict[str, Any]]) -> list[int]:
    """The article ids of the `enriched` events, in order."""
    return [e["data"]["id"] for e in events if e["type"] == ENRICHED]


class Follower:
    """Reads SSE in a thread from position 0, reconnecting with Last-Event-ID as a browser would."""

    def __init__(self, url: str) -> None:
        self.events: list[dict[str, Any]] = []
        self._url = url + "/v1/events"
        self._last = "0"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def positions(self) -> list[int]:
        return [int(e["id"]) for e in self.events]

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except httpx.TransportError:
                time.sleep(0.2)

    def _follow(self) -> None:
        headers = {"accept": "text/event-stream", "last-event-id": self._last}
        # The read timeout is how soon `stop` is noticed on a quiet stream.
        with (
            httpx.Client(timeout=httpx.Timeout(5, read=3)) as client,
            httpx_sse.connect_sse(client, "GET", self._url, headers=headers) as source,
        ):
            for message in source.iter_sse():
                if message.id and message.id != self._last:
                    assert message.event == json.loads(message.data)["type"]
                    self._last = message.id
                    self.events.append(json.loads(message.data))
                if self._stop.is_set():
                    return
