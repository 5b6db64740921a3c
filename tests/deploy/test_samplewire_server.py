"""The sample wire's server: feeds that parse, pages that hold their text, honest validators, restarts."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from calendar import timegm
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import struct_time
from typing import Any

import aiohttp
import feedparser
import pytest
from aiohttp import web
from lxml import etree
from lxml import html as lxml_html

from deploy.samplewire.programme import load
from deploy.samplewire.server import make_app
from deploy.samplewire.wire import Feed, Item, feed_at

REPO = Path(__file__).parents[2]
WIRE = load()
STARTED = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
END_S = 1200
SLOW_START_S = 30


class Served:
    """A server on a port of its own whose clock the test sets."""

    def __init__(self, base: str, session: aiohttp.ClientSession) -> None:
        self.base, self.session, self.elapsed_s = base, session, 0.0

    def now(self) -> datetime:
        return STARTED + timedelta(seconds=self.elapsed_s)

    async def get(self, path: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        """Status, body, headers by lower-case name."""
        names = {name.replace("_", "-"): text for name, text in headers.items()}
        async with self.session.get(self.base + path, headers=names) as response:
            received = {name.lower(): text for name, text in response.headers.items()}
            return response.status, await response.read(), received

    def items(self, feed: Feed) -> dict[str, Item]:
        """What the feed should list now, by link."""
        return {self.base + item.article.path: item for item in feed_at(WIRE, feed, self.now(), STARTED).items}


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    listener = socket.create_server(("127.0.0.1", 0))
    async with aiohttp.ClientSession() as session:
        server = Served(f"http://127.0.0.1:{listener.getsockname()[1]}", session)
        runner = web.AppRunner(make_app(WIRE, STARTED, server.base, server.now), shutdown_timeout=1)
        await runner.setup()
        await web.SockSite(runner, listener).start()
        yield server
        await runner.cleanup()


def plain(paragraphs: tuple[str, ...]) -> str:
    return squeeze(" ".join(text.removeprefix("## ").removeprefix("> ") for text in paragraphs))


def squeeze(text: str) -> str:
    return " ".join(text.split())


def text_of(html: str) -> str:
    return squeeze(str(lxml_html.fromstring(f"<div>{html}</div>").xpath("string()")))


def moment(parsed: struct_time) -> datetime:
    return datetime.fromtimestamp(timegm(parsed), UTC)


def visible(item: Item) -> tuple[str, ...]:
    return item.paragraphs[:1] if item.article.paywall else item.paragraphs


async def test_xml_feeds_parse_and_say_exactly_what_is_visible(served: Served) -> None:
    for served.elapsed_s in (0, 130, 460, END_S):
        for feed in (feed for feed in WIRE.feeds() if feed.format != "json"):
            status, body, headers = await served.get(f"/{feed.key}")
            assert status == 200
            etree.fromstring(body)  # well-formed beyond what a tolerant parser forgives
            parsed = feedparser.parse(io.BytesIO(body), response_headers=headers, sanitize_html=False)
            assert not parsed.bozo, (feed.key, parsed.get("bozo_exception"))
            assert parsed.version == {"rss": "rss20", "atom": "atom10", "rdf": "rss10"}[feed.format]
            expected = served.items(feed)
            assert [entry.link for entry in parsed.entries] == list(expected)
            for entry in parsed.entries:
                check_entry(feed, entry, expected[entry.link])


def check_entry(feed: Feed, entry: Any, item: Item) -> None:
    assert entry.title == item.title
    assert squeeze(entry.summary) == squeeze(item.summary)
    assert moment(entry.published_parsed) == item.published
    assert [tag.term for tag in entry.tags] == [item.article.section, *item.article.tags]
    assert ("author" in entry) == bool(item.article.authors) or feed.format == "atom"
    if item.updated:
        assert moment(entry.updated_parsed) == item.updated
    if feed.body == "full":
        assert text_of(entry.content[0].value) == plain(visible(item))
    else:
        # feedparser takes a media:description for content
        assert {content.value for content in entry.get("content", ())} <= {item.article.caption}
    if feed.images and item.article.caption:
        assert entry.media_content[0]["url"].endswith(f"/images/{item.article.slug}.png")


async def test_the_json_feed_says_exactly_what_is_visible(served: Served) -> None:
    (feed,) = (feed for feed in WIRE.feeds() if feed.format == "json")
    for served.elapsed_s in (0, 130, 460, END_S):
        _, body, headers = await served.get(f"/{feed.key}")
        document = json.loads(body)
        assert document["version"] == "https://jsonfeed.org/version/1.1"
        assert headers["content-type"].startswith("application/feed+json")
        expected = served.items(feed)
        assert [entry["url"] for entry in document["items"]] == list(expected)
        for entry in document["items"]:
            item = expected[entry["url"]]
            assert (entry["title"], entry["summary"]) == (item.title, item.summary)
            assert datetime.fromisoformat(entry["date_published"]) == item.published
            assert text_of(entry["content_html"]) == plain(visible(item))


async def test_every_link_leads_to_a_page_with_the_article_in_it(served: Served) -> None:
    for served.elapsed_s in (0, 460, END_S):
        for link, item in {k: v for feed in WIRE.feeds() for k, v in served.items(feed).items()}.items():
            status, body, _ = await served.get(link.removeprefix(served.base))
            assert status == 200
            page = lxml_html.fromstring(body)
            assert squeeze(str(page.xpath("string(//div[@class='story-body'])"))) == plain(visible(item))
            assert squeeze(str(page.xpath("string(//h1)"))) == squeeze(item.title)
            assert page.get("lang") == item.article.lang
            assert page.xpath("string(//meta[@property='og:title']/@content)") == item.title


async def test_pages_tell_machines_what_they_are_and_one_that_it_is_not_free(served: Served) -> None:
    served.elapsed_s = END_S
    stated = []
    for item in {item.article: item for feed in WIRE.feeds() for item in served.items(feed).values()}.values():
        _, body, _ = await served.get(item.article.path)
        block = str(lxml_html.fromstring(body).xpath("string(//script[@type='application/ld+json'])"))
        stated += [(item, json.loads(block))] if block else []
    assert all(data["headline"] == item.title for item, data in stated)
    assert all(datetime.fromisoformat(data["datePublished"]) == item.published for item, data in stated)
    closed = [item for item, data in stated if not data["isAccessibleForFree"]]
    assert [item.article.paywall for item in closed] == [True]
    assert 0 < len(stated) < len(WIRE.articles)


async def test_pictures_of_feeds_are_served(served: Served) -> None:
    served.elapsed_s = END_S
    _, body, _ = await served.get("/northmail/news.rss")
    pictures = [media["url"] for entry in feedparser.parse(io.BytesIO(body)).entries for media in
                entry.get("media_content", ())]  # fmt: skip
    assert len(pictures) >= 4
    for url in pictures:
        status, picture, headers = await served.get(url.removeprefix(served.base))
        assert (status, picture[:8]) == (200, b"\x89PNG\r\n\x1a\n")
        assert headers["content-type"] == "image/png"


async def test_validators_hold_until_the_feed_changes(served: Served) -> None:
    path = "/tagus/world.rss"
    _, first, headers = await served.get(path)
    tag, date = headers["etag"], headers["last-modified"]
    assert headers["cache-control"] == "max-age=15"
    served.elapsed_s = 19
    assert (await served.get(path, If_None_Match=tag))[:2] == (304, b"")
    assert (await served.get(path, If_None_Match=f"W/{tag}"))[0] == 304
    assert (await served.get(path, If_Modified_Since=date))[:2] == (304, b"")
    assert (await served.get(path, If_None_Match='"other"', If_Modified_Since=date))[0] == 200
    served.elapsed_s = 20
    status, second, headers = await served.get(path, If_None_Match=tag)
    assert status == 200 and second != first and headers["etag"] != tag
    assert (await served.get(path, If_Modified_Since=date))[0] == 200


async def test_no_validator_outlives_any_change_of_any_feed(served: Served) -> None:
    known: dict[str, tuple[bytes, str, str]] = {}
    for served.elapsed_s in range(0, END_S, 10):
        for feed in WIRE.feeds():
            status, body, headers = await served.get(f"/{feed.key}")
            old_body, tag, date = known.get(feed.key, (b"", "", ""))
            new = (body, headers["etag"], headers["last-modified"])
            assert status == 200
            assert (body == old_body) == (new[1] == tag) == (new[2] == date)
            known[feed.key] = new


async def test_what_is_not_there_yet_is_404_and_what_was_withdrawn_is_410(served: Served) -> None:
    article = next(article for article in WIRE.articles if article.withdrawn_after_s is not None)
    key = article.feeds[0]
    assert (await served.get(article.path))[0] == 404
    served.elapsed_s = article.at_s
    assert (await served.get(article.path))[0] == 200
    assert article.slug.encode() in (await served.get(f"/{key}"))[1]
    served.elapsed_s += article.withdrawn_after_s or 0
    assert (await served.get(article.path))[0] == 410
    assert f"/articles/{article.slug}".encode() not in (await served.get(f"/{key}"))[1]
    for path in ("/nobody/", "/tagus/none.rss", "/tagus/articles/none", f"/orbit/articles/{article.slug}"):
        assert (await served.get(path))[0] == 404, path


async def test_the_subscriptions_name_every_feed_and_its_publisher(served: Served) -> None:
    _, body, _ = await served.get("/feeds.json")
    asked = json.loads(body)
    assert len({one["url"] for one in asked}) == len(asked) >= 7
    assert len({one["source"]["domain"] for one in asked}) >= 5
    assert all(set(one) == {"url", "title", "tags", "source"} for one in asked)


async def test_the_opml_lists_every_feed_in_one_folder(served: Served) -> None:
    _, body, _ = await served.get("/wire.opml")
    root = etree.fromstring(body)
    assert root.get("version") == "2.0"
    (folder,) = root.findall("body/outline")
    assert folder.get("text") == "Sample wire"
    assert [outline.get("xmlUrl") for outline in folder] == [f"{served.base}/{feed.key}" for feed in WIRE.feeds()]


async def test_the_index_front_pages_and_robots_are_served(served: Served) -> None:
    _, index, _ = await served.get("/")
    for publisher in WIRE.publishers:
        assert f'href="/{publisher.slug}/"'.encode() in index
        status, front, _ = await served.get(f"/{publisher.slug}/")
        links = lxml_html.fromstring(front).xpath("//link[@rel='alternate']/@href")
        assert (status, links) == (200, [f"{served.base}/{feed.key}" for feed in publisher.feeds])
    assert (await served.get("/robots.txt"))[1] == b"User-agent: *\nAllow: /\n"


@contextmanager
def running(home: Path, port: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The real process, and its base address once it listens."""
    env = {**os.environ, "WIREDESK_HOME": str(home), "WIREDESK_SAMPLEWIRE_PORT": str(port)}
    command = [sys.executable, "-m", "deploy.samplewire"]
    with subprocess.Popen(command, cwd=REPO, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().split()[-1].removesuffix("/wire.opml")
        finally:
            process.kill()


def feed_of(base: str) -> list[tuple[str, str, str]]:
    with urllib.request.urlopen(f"{base}/orbit/science.atom", timeout=SLOW_START_S) as response:
        entries = feedparser.parse(io.BytesIO(response.read())).entries
    return [(entry.id, entry.link.removeprefix(base), entry.published) for entry in entries]


def test_a_restart_keeps_ids_links_and_dates_and_sigterm_ends_it_cleanly(tmp_path: Path) -> None:
    with running(tmp_path, 0) as (process, base):
        first = feed_of(base)
        process.send_signal(signal.SIGTERM)
        assert process.wait(SLOW_START_S) == 0
    with running(tmp_path, 0) as (process, base):
        assert feed_of(base)[-len(first) :] == first
        process.send_signal(signal.SIGINT)
        assert process.wait(SLOW_START_S) == 0


def test_it_tells_its_supervisor_when_it_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        address = str(tmp_path / "notify")
        notified.bind(address)
        notified.settimeout(SLOW_START_S)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        with running(tmp_path, 0) as (_, base):
            assert b"READY=1" in notified.recv(4096)
            assert feed_of(base)


@pytest.mark.parametrize("port", ["", "many", "-1", "99999"])
def test_a_missing_or_wrong_port_is_said_by_name(tmp_path: Path, port: str) -> None:
    env = {**os.environ, "WIREDESK_HOME": str(tmp_path), "WIREDESK_SAMPLEWIRE_PORT": port}
    command = [sys.executable, "-m", "deploy.samplewire"]
    done = subprocess.run(command, cwd=REPO, env=env, capture_output=True, text=True, timeout=SLOW_START_S)
    assert done.returncode == 2
    assert "WIREDESK_SAMPLEWIRE_PORT" in done.stderr and "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_is_said_by_name(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        env = {**os.environ, "WIREDESK_HOME": str(tmp_path), "WIREDESK_SAMPLEWIRE_PORT": str(taken.getsockname()[1])}
        command = [sys.executable, "-m", "deploy.samplewire"]
        done = subprocess.run(command, cwd=REPO, env=env, capture_output=True, text=True, timeout=SLOW_START_S)
    assert done.returncode == 2
    assert "in use" in done.stderr
