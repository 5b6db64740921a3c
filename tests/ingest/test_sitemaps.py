"""Google News sitemaps and sitemap indexes: what is news is read, what only lists pages is refused."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

import pytest

from services.ingest.items import ParsedFeed
from services.ingest.parse import Job, parse
from services.ingest.refusals import NotAFeed
from services.ingest.resources import Resources
from tests.ingest.desk import Desk
from tests.ingest.publisher import Publisher

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
NEWS = "http://www.google.com/schemas/sitemap-news/0.9"
IMAGE = "http://www.google.com/schemas/sitemap-image/1.1"


def page(number: int, news: bool = True, more: str = "") -> str:
    about = (
        "<n:news><n:publication><n:name>The Tagus Courier</n:name><n:language>pt</n:language></n:publication>"
        f"<n:publication_date>2026-11-23T1{number % 10}:00:00+00:00</n:publication_date>"
        f"<n:title>Ferry {number} &amp; more</n:title><n:keywords>ferry, Peniche</n:keywords></n:news>"
    )
    return f"<url><loc>https://courier.example/a/{number}</loc>{about if news else ''}{more}</url>"


def urlset(*pages: str) -> str:
    names = f'xmlns="{SITEMAP}" xmlns:n="{NEWS}" xmlns:image="{IMAGE}"'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!-- made by hand -->\n<urlset {names}>{"".join(pages)}</urlset>'


def index(*addresses: str) -> str:
    rows = "".join(f"<sitemap><loc>{address}</loc></sitemap>" for address in addresses)
    return f'<?xml version="1.0"?><sitemapindex xmlns="{SITEMAP}">{rows}</sitemapindex>'


def read(body: str | bytes) -> ParsedFeed:
    data = body.encode() if isinstance(body, str) else body
    return parse(data, Job(7, "https://courier.example/news.xml", "text/xml", NOW))


def test_a_news_sitemap_is_a_feed() -> None:
    picture = "<image:image><image:loc>/p.jpg</image:loc><image:caption>A ferry</image:caption></image:image>"
    feed = read(urlset(page(1, more=picture), page(2), page(3, news=False)))
    first, second = feed.items
    assert (feed.format, feed.title, feed.entries) == ("newssitemap", "The Tagus Courier", 2)
    assert (first.title, first.url, first.language) == ("Ferry 1 & more", "https://courier.example/a/1", "pt")
    assert (first.published_at, first.published_precision) == (datetime(2026, 11, 23, 11, tzinfo=UTC), "second")
    assert (first.categories, first.images) == (
        ["ferry", "Peniche"],
        [{"url": "https://courier.example/p.jpg", "caption": "A ferry"}],
    )
    assert second.names.url and second.names.guid is None


def test_a_packed_and_a_damaged_sitemap_keep_their_news() -> None:
    assert len(read(gzip.compress(urlset(page(1)).encode())).items) == 1
    cut = read(urlset(page(1), page(2))[:-40])
    assert (cut.items[0].title, cut.damaged) == ("Ferry 1 & more", True)


@pytest.mark.parametrize(
    ("body", "says"),
    [(urlset(page(1, news=False)), "1 pages without news tags"), (urlset(), "0 pages"), (index(), "names no sitemaps")],
)
def test_a_sitemap_without_news_is_refused_with_the_reason(body: str, says: str) -> None:
    with pytest.raises(NotAFeed) as raised:
        read(body)
    assert raised.value.code == "plain_sitemap" and says in raised.value.message


def test_an_index_names_its_news_first_and_not_too_many() -> None:
    feed = read(index(*(f"/pages-{n}.xml" for n in range(20)), "/sitemap-news.xml"))
    assert feed.children[0] == "https://courier.example/sitemap-news.xml"
    assert len(feed.children) == 5 and (feed.entries, feed.items) == (0, [])


async def test_an_index_is_polled_as_one_feed(ingest: Resources, desk: Desk, publisher: Publisher) -> None:
    children = [publisher.url(f"/{name}.xml") for name in ("news-1", "news-2", "news-pages")]
    publisher.serve("/index.xml", index(*children), ETag='"never-changes"')
    publisher.serve("/news-1.xml", urlset(page(1), page(2)))
    publisher.serve("/news-2.xml", gzip.compress(urlset(page(2), page(3)).encode()))
    publisher.serve("/news-pages.xml", urlset(page(9, news=False)))
    feed_id = await desk.subscribe(publisher.url("/index.xml"))
    first = await desk.first_poll(feed_id)
    counts = first["counts"]
    assert (first["outcome"], first["entries"]) == ("updated", 4)
    assert (counts["new"], counts["duplicate"], sum(counts.values())) == (3, 1, 4)
    assert (await desk.state(feed_id))["format"] == "sitemapindex"

    publisher.serve("/news-1.xml", urlset(page(4), page(1)))
    second = await desk.poll_and_wait(feed_id)  # the index itself says that nothing changed
    assert (second["outcome"], second["counts"]["new"]) == ("updated", 1)


async def test_an_index_whose_sitemaps_all_fail_fails_with_the_reason(
    ingest: Resources, desk: Desk, publisher: Publisher
) -> None:
    publisher.serve("/index.xml", index("http://10.0.0.1/old.xml", publisher.url("/news.xml")))
    feed_id = await desk.subscribe(publisher.url("/index.xml"))
    poll = await desk.first_poll(feed_id)
    assert (poll["outcome"], poll["error"]["code"]) == ("not_a_feed", "not_a_feed")
    assert "status 404" in poll["error"]["message"]
