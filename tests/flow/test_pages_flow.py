"""A teaser and its page, the whole way: in time, late, and not at all."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.flow.system import COMMANDS, System, until

pytestmark = pytest.mark.flow

TEXT = "".join(
    f"<p>Inês Castro told the council of Tournai on Monday that bridge number {n} would be repaired before spring.</p>"
    for n in range(12)
)
PAGE = f"<html><head><title>%s</title></head><body><nav>Home</nav><article><h1>%s</h1>{TEXT}</article></body></html>"
TITLES = {"prompt": "The bridges of Tournai", "late": "The bridges of Antwerp", "missing": "The bridges of Bruges"}


class Publisher:
    """A feed of three teasers; the page of `late` is held back until `let_go` is set."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        publisher = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.strip("/")
                if name == "feed":
                    self._answer(200, "application/rss+xml", publisher.feed())
                elif name in ("prompt", "late"):
                    if name == "late":
                        publisher.let_go.wait(60)
                    self._answer(200, "text/html; charset=utf-8", PAGE % (TITLES[name], TITLES[name]))
                else:
                    self._answer(404, "text/plain", "")

            def _answer(self, status: int, kind: str, body: str) -> None:
                self.send_response(status)
                self.send_header("content-type", kind)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def feed(self) -> str:
        items = "".join(
            f"<item><guid>{self.url}/{name}</guid><link>{self.url}/{name}</link><title>{title}</title>"
            "<description>What the council heard.</description></item>"
            for name, title in TITLES.items()
        )
        return f"<rss version='2.0'><channel><title>Bridges</title><link>{self.url}/</link>{items}</channel></rss>"

    def close(self) -> None:
        self.let_go.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def fetching(tmp_path: Path, database_url: str, redis_url: str) -> Iterator[System]:
    running = System(tmp_path / "home", database_url, redis_url, WIREDESK_FETCH_PAGES="true", WIREDESK_PAGE_WAIT_S="2")
    try:
        running.start_all()
        yield running
    finally:
        running.stop()
        for kind in COMMANDS:
            print(running.tail(kind))


def test_a_teaser_is_told_of_once_with_its_page_and_a_late_page_says_what_changed(fetching: System) -> None:
    publisher = Publisher()
    try:
        fetching.post("/v1/feeds", {"url": publisher.url + "/feed"})

        def events(kind: str) -> dict[str, dict[str, Any]]:
            items = fetching.get("/v1/events", after=0, type=f"wiredesk.article.{kind}.v1")["items"]
            return {event["data"]["title"]: event["data"] for event in items}

        enriched = until(lambda: found if len(found := events("enriched")) == 3 else None, 60, "three articles")
        sources = {title: card["body_source"] for title, card in enriched.items()}
        assert sources == {TITLES["prompt"]: "page", TITLES["late"]: "feed", TITLES["missing"]: "feed"}
        assert events("reannotated") == {}
        publisher.let_go.set()
        (late,) = until(lambda: events("reannotated").values(), 60, "the late page")
        changes = {change["field"]: change for change in late["changes"]}
        assert (late["title"], late["body_source"], late["version"]) == (TITLES["late"], "page", 1)
        assert (changes["body_source"]["old"], changes["body_source"]["new"]) == ("feed", "page")
        assert "bridge number 2" in changes["body_text"]["new"]
        assert len(fetching.get("/v1/events", after=0)["items"]) == 4
        whole = fetching.get(f"/v1/articles/{late['id']}")
        assert "bridge number 11" in whole["body_text"]
        assert "Inês Castro" in [entity["name"] for entity in whole["entities"]]
    finally:
        publisher.close()
