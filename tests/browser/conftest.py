"""A real newsroom for the browser: all processes on the test engines, a local publisher, and a Chromium."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from deploy.local.engines import Postgres, Valkey
from tests.conftest import TEMPLATE
from tests.flow.system import COMMANDS, System, until
from tests.flow.wire import Wire

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
FEED = "/wire.json"
_STARTED = datetime.now(UTC) - timedelta(hours=1)


@dataclass
class Publisher:
    """A JSON Feed whose items tests add and change; titles in it are plain text by its standard."""

    system: System
    database_url: str
    redis_url: str
    wire: Wire
    items: list[dict[str, Any]] = field(default_factory=list)
    feed_id: int = 0

    def publish(self, title: str, text: str, **more: str) -> int:
        """Publish an article and poll; its id once it can be read."""
        name = f"https://browser.example/{len(self.items) + 1}"
        # Newest first, whatever the other tests published: each is a minute after the one before.
        # And of today: a feed of old items only is a quiet one.
        stamp = (_STARTED + timedelta(minutes=len(self.items))).isoformat()
        item = {"id": name, "url": name, "title": title, "content_text": text, "date_published": stamp}
        self.items.append(item | more)
        self.poll()
        return until(lambda: self._id_of(name), 60, f"{title!r} is enriched")

    def poll(self) -> None:
        """Show the feed as it is now to ingest."""
        feed = {"version": "https://jsonfeed.org/version/1.1", "title": "Browser wire", "items": self.items[::-1]}
        self.wire.bodies[FEED] = json.dumps(feed).encode()
        if not self.feed_id:
            self.feed_id = self.system.post("/v1/feeds", {"url": self.wire.url + FEED})["id"]
        else:
            self.system.post(f"/v1/feeds/{self.feed_id}/poll?wait=20")

    def article(self, article_id: int) -> dict[str, Any]:
        found: dict[str, Any] = self.system.get(f"/v1/articles/{article_id}")
        return found

    def _id_of(self, url: str) -> int:
        found = self.system.get("/v1/articles", limit=200)["items"]
        return next((int(a["id"]) for a in found if a["url"] == url), 0)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One Chromium for the tests of a file. While it is open no other event loop can run in this thread: not longer."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def publisher(
    postgres: Postgres, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> Iterator[Publisher]:
    """The running product with one feed, shared by the tests of a file."""
    name = f"browser{os.getpid()}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    database_url = postgres.url(name)
    system = System(tmp_path_factory.mktemp("browser"), database_url, valkey.url())
    try:
        with Wire({}) as wire:
            system.start_all()
            yield Publisher(system, database_url, valkey.url(), wire)
    finally:
        system.stop()
        for kind in COMMANDS:
            print(system.tail(kind))
        with psycopg.connect(postgres.url("postgres"), autocommit=True) as conn:
            conn.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@dataclass
class Desk:
    """An open dashboard, and what the browser complained of."""

    page: Page
    complaints: list[str]

    def row(self, article_id: int) -> Any:
        return self.page.locator(f'#list [data-article-id="{article_id}"]')

    def read(self, article_id: int) -> None:
        """Open an article and wait until its text stands there."""
        self.row(article_id).click()
        self.page.locator(f'#list [data-article-id="{article_id}"][aria-current]').wait_for()
        self.page.locator("#reader #body").wait_for()


@pytest.fixture
def desk(publisher: Publisher, browser: Browser) -> Iterator[Desk]:
    """The dashboard in a fresh browser profile; any complaint of the browser fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB", timezone_id="UTC")
    page = context.new_page()
    complaints: list[str] = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(publisher.system.url + "/")
    page.locator('#link[data-state="live"]').wait_for()
    yield Desk(page, complaints)
    context.close()
    assert complaints == []
