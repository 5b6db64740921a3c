"""Pages behind teasers: fetched once, politely, in time for their article or later; and what is not fetched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from zstandard import ZstdDecompressor

from services.ingest import store as ingest_store
from services.ingest.pages import store
from services.ingest.pages.visit import visit
from services.ingest.resources import Resources
from services.ingest.service import open_resources
from services.ingest.sweep import Sweep
from shared.db import async_transaction
from shared.settings import Settings
from tests.ingest.desk import Desk, ingesting
from tests.ingest.publisher import Publisher, item, publishing, rss

PAGE = "<html><head><title>Flood</title>{}</head><body><article><p>The river rose by noon.</p></article></body></html>"
WHOLE = "word " * 300


@pytest.fixture
def fetching(settings: Settings) -> Settings:
    return settings.model_copy(update={"fetch_pages": True, "page_wait_s": 600.0})


@pytest.fixture
async def ingest(fetching: Settings) -> AsyncIterator[Resources]:
    async with ingesting(fetching) as res:
        yield res


def teasers(publisher: Publisher, *paths: str) -> str:
    return rss([item(n, guid=path, link=publisher.url(path), title=f"About {path}") for n, path in enumerate(paths)])


def serve_page(publisher: Publisher, path: str, head: str = "", **more: Any) -> None:
    publisher.serve(path, PAGE.format(head), Content_Type="text/html; charset=utf-8", **more)


async def page_of(desk: Desk, path: str) -> dict[str, Any]:
    """The page's row once its visit is over."""
    names = "status, outcome, http_status, error, final_url, canonical_url, body, edition, attempts, next_try_at"
    found = await desk.until(
        lambda: desk.rows(f"SELECT {names} FROM pages WHERE url LIKE %s AND attempts > 0", "%" + path)
    )
    return dict(zip(names.split(", "), found[0], strict=True))


async def waiting(desk: Desk) -> list[tuple[Any, ...]]:
    return await desk.rows("SELECT queued_at IS NOT NULL, wait_until IS NOT NULL, page_edition FROM article_queue")


async def test_a_teaser_waits_for_its_page_and_a_whole_text_does_not(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    let_go = asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        await let_go.wait()
        return web.Response(text=PAGE.format('<link rel="canonical" href="/flood">'), content_type="text/html")

    publisher.answers["/a"] = slow
    whole = item(2, link=publisher.url("/whole"), description=WHOLE)
    publisher.serve("/feed", rss([item(1, link=publisher.url("/a")), whole]))
    await desk.subscribe(publisher.url("/feed"))
    rows = await desk.until(lambda: waiting(desk))
    assert sorted(rows) == [(False, True, 0), (True, False, 0)]
    let_go.set()
    page = await page_of(desk, "/a")
    assert (page["status"], page["outcome"], page["edition"]) == ("stored", "article", 1)
    assert page["canonical_url"] == publisher.url("/flood")
    assert b"The river rose" in ZstdDecompressor().decompress(page["body"])
    assert sorted(await waiting(desk)) == [(True, False, 0), (True, False, 1)]
    assert publisher.times("/robots.txt") == 1
    assert publisher.times("/a") == 1
    assert publisher.times("/whole") == 0
    asked = [headers["User-Agent"] for path, headers in publisher.asked if path == "/a"]
    assert asked[0].startswith("Wiredesk/")


async def test_an_article_waits_no_longer_than_its_time(desk: Desk, fetching: Settings, publisher: Publisher) -> None:
    publisher.serve("/feed", teasers(publisher, "/a"))
    serve_page(publisher, "/a")
    async with open_resources(fetching) as res:
        from services.ingest.requests import answer_requests
        from services.ingest.runner import Runner

        save = asyncio.create_task(res.saver.run())
        runner = Runner(res)
        run = asyncio.create_task(runner.run())
        await desk.subscribe(publisher.url("/feed"))
        await answer_requests(res.db)
        await desk.until(lambda: waiting(desk))
        await runner.stop()
        sweep = Sweep(res)
        async with res.db.connection() as conn:
            await sweep.round(conn, datetime.now(UTC))
            assert await waiting(desk) == [(False, True, 0)]
            await sweep.round(conn, datetime.now(UTC) + timedelta(seconds=601))
        assert await waiting(desk) == [(True, True, 0)]
        # The page comes after all: what was sent without it is sent again.
        (article_id,) = (await desk.rows("SELECT id FROM articles"))[0]
        await desk.rows("DELETE FROM article_queue RETURNING 1")
        now = datetime.now(UTC)
        for _ in range(2):  # the host's rules first
            async with async_transaction(res.db) as conn:
                locked = await store.lock_due(conn, now, 10)
                (page,) = await store.claim(conn, locked, now, now + timedelta(seconds=30), 2, 0.0, "")
            outcome = await visit(res, page)
            now = datetime.now(UTC)
        assert outcome == "article"
        rows = await desk.rows("SELECT article_id, queued_at IS NOT NULL, page_edition FROM article_queue")
        assert rows == [(article_id, True, 1)]
        for task in (save, run):
            task.cancel()
        await asyncio.gather(save, run, return_exceptions=True)


@pytest.mark.parametrize(
    "outcome, answer",
    [
        ("not_found", {"status": 404}),
        ("gone", {"status": 410}),
        ("server_error", {"status": 500}),
        ("not_html", {"Content_Type": "application/json"}),
        ("reserved", {"X_Robots_Tag": "noarchive"}),
    ],
)
async def test_without_a_page_the_article_goes_on_at_once(
    desk: Desk, publisher: Publisher, ingest: Resources, outcome: str, answer: dict[str, Any]
) -> None:
    publisher.serve("/a", PAGE.format(""), **({"Content_Type": "text/html"} | answer))
    publisher.serve("/feed", teasers(publisher, "/a"))
    await desk.subscribe(publisher.url("/feed"))
    page = await page_of(desk, "/a")
    assert (page["outcome"], page["body"], page["edition"]) == (outcome, None, 0)
    assert (page["next_try_at"] is not None) == (outcome in ("not_found", "server_error"))
    assert page["status"] == ("wanted" if page["next_try_at"] else "none")
    assert page["error"]
    assert await waiting(desk) == [(True, False, 0)]


async def test_robots_rules_are_kept(desk: Desk, publisher: Publisher, ingest: Resources) -> None:
    publisher.serve("/robots.txt", "User-agent: *\nDisallow: /closed\n", Content_Type="text/plain")
    serve_page(publisher, "/closed/a")
    serve_page(publisher, "/open/a")
    publisher.serve("/feed", teasers(publisher, "/closed/a", "/open/a"))
    await desk.subscribe(publisher.url("/feed"))
    assert (await page_of(desk, "/closed/a"))["outcome"] == "robots"
    assert (await page_of(desk, "/open/a"))["outcome"] == "article"
    assert publisher.times("/closed/a") == 0
    assert publisher.times("/robots.txt") == 1


async def test_pages_are_left_alone_while_the_rules_cannot_be_read(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    publisher.serve("/robots.txt", "", status=503)
    serve_page(publisher, "/a")
    publisher.serve("/feed", teasers(publisher, "/a"))
    await desk.subscribe(publisher.url("/feed"))
    page = await page_of(desk, "/a")
    assert page["outcome"] == "robots_unreachable"
    assert page["next_try_at"] is not None
    assert publisher.times("/a") == 0


async def test_a_redirect_to_another_host_meets_that_hosts_rules(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    async with publishing() as other:
        other.serve("/robots.txt", "User-agent: *\nDisallow: /closed\n", Content_Type="text/plain")
        serve_page(other, "/open")
        serve_page(other, "/closed")
        for path in ("/open", "/closed"):
            publisher.serve(path, "", status=302, Location=other.url(path))
        publisher.serve("/loop", "", status=301, Location=publisher.url("/loop"))
        publisher.serve("/feed", teasers(publisher, "/open", "/closed", "/loop"))
        await desk.subscribe(publisher.url("/feed"))
        page = await page_of(desk, "/open")
        assert (page["outcome"], page["final_url"]) == ("article", other.url("/open"))
        assert (await page_of(desk, "/closed"))["outcome"] == "robots"
        assert (await page_of(desk, "/loop"))["outcome"] == "redirects"
        assert other.times("/closed") == 0
        hosts = await desk.rows("SELECT DISTINCT host, fetch_url = url FROM pages")
        assert hosts == [(f"127.0.0.1:{publisher.port}", True)]  # the next try begins at the article's own address


async def test_a_page_whose_lease_was_lost_saves_nothing(desk: Desk, fetching: Settings, publisher: Publisher) -> None:
    serve_page(publisher, "/a")
    async with open_resources(fetching) as res:
        await put_article(desk, publisher.url("/a"))
        now = datetime.now(UTC)
        async with async_transaction(res.db) as conn:
            await store.want(conn, [want_row(1, publisher.url("/a"))], now)
            await ingest_store.add_hosts(conn, {f"127.0.0.1:{publisher.port}": None}, now)
        await desk.rows("UPDATE hosts SET robots_until = now() + interval '1 day' RETURNING 1")
        claims = []
        for later_s in (0, 31):
            moment = now + timedelta(seconds=later_s)
            async with async_transaction(res.db) as conn:
                locked = await store.lock_due(conn, moment, 10)
                claims += await store.claim(conn, locked, moment, moment + timedelta(seconds=30), 2, 0.0, "")
        stale, fresh = claims
        assert await visit(res, stale) == "lease_lost"
        assert await desk.one("SELECT attempts FROM pages") == 0
        assert await visit(res, fresh) == "article"
        assert await desk.one("SELECT edition FROM pages") == 1


async def test_one_page_and_its_correction_are_fetched_twice_and_a_same_page_is_no_new_edition(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    serve_page(publisher, "/a")
    publisher.serve("/feed", teasers(publisher, "/a"))
    feed = await desk.subscribe(publisher.url("/feed"))
    assert (await page_of(desk, "/a"))["edition"] == 1
    publisher.serve("/feed", teasers(publisher, "/a").replace("About /a", "About a flood"))
    assert (await desk.poll_and_wait(feed))["counts"]["corrected"] == 1
    await desk.until(lambda: desk.rows("SELECT 1 FROM article_queue WHERE version = 2 AND queued_at IS NOT NULL"))
    assert publisher.times("/a") == 2
    assert (await page_of(desk, "/a"))["edition"] == 1


async def test_retry_after_and_crawl_delay_hold_a_hosts_pages(
    desk: Desk, fetching: Settings, publisher: Publisher
) -> None:
    publisher.serve("/robots.txt", "User-agent: *\nCrawl-delay: 30\n", Content_Type="text/plain")
    publisher.serve("/a", "", status=429, Retry_After="3600")
    serve_page(publisher, "/b")
    async with open_resources(fetching) as res:
        now = datetime.now(UTC)
        for n, path in enumerate(("/a", "/b"), 1):
            await put_article(desk, publisher.url(path), n)
            async with async_transaction(res.db) as conn:
                await store.want(conn, [want_row(n, publisher.url(path))], now)
        assert [await next_visit(res, now)] == ["robots_read"]
        assert await next_visit(res, now + timedelta(seconds=2)) == "rate_limited"
        assert await next_visit(res, now + timedelta(seconds=20)) is None
        assert await next_visit(res, now + timedelta(seconds=200)) is None
        assert await desk.one("SELECT next_try_at FROM pages WHERE article_id = 2") > now + timedelta(seconds=3000)
        assert publisher.times("/b") == 0


async def test_turned_off_nothing_is_fetched_of_what_was_wanted_before(
    desk: Desk, settings: Settings, publisher: Publisher
) -> None:
    serve_page(publisher, "/a")
    publisher.serve("/feed", teasers(publisher, "/b"))
    async with ingesting(settings) as res:
        await put_article(desk, publisher.url("/a"), 1000)
        async with async_transaction(res.db) as conn:
            await store.want(conn, [want_row(1000, publisher.url("/a"))], datetime.now(UTC))
        res.wanted.set()
        await desk.first_poll(await desk.subscribe(publisher.url("/feed")))
        assert await desk.rows("SELECT article_id, attempts, lease_token FROM pages") == [(1000, 0, 0)]
        assert await waiting(desk) == [(True, False, 0)]


async def next_visit(res: Resources, now: datetime) -> str | None:
    """The outcome of the one page that may be visited at a moment; None where none may."""
    async with async_transaction(res.db) as conn:
        locked = await store.lock_due(conn, now, 10)
        claimed = await store.claim(conn, locked, now, now + timedelta(seconds=30), 2, 0.0, "")
    assert len(claimed) < 2
    return await visit(res, claimed[0]) if claimed else None


def want_row(article_id: int, url: str) -> dict[str, Any]:
    return {"article_id": article_id, "url": url, "host": url.split("/")[2], "domain": None, "lane": "normal"}


async def put_article(desk: Desk, url: str, article_id: int = 1) -> None:
    await desk.rows(
        "INSERT INTO articles (id, url, canonical_url, title, discovered_at, fetched_at, source, content_hash)"
        " VALUES (%s, %s, %s, 'T', now(), now(), '{}', 'x') RETURNING 1",
        article_id,
        url,
        url,
    )
