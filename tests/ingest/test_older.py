"""A gap between two polls is closed where the feed has pages of older items."""

from __future__ import annotations

import json

import pytest

from services.ingest.resources import Resources
from tests.ingest.desk import Desk
from tests.ingest.publisher import Publisher, item, rss
from tests.ingest.test_parse_bodies import read

ATOM_NS = 'xmlns:atom="http://www.w3.org/2005/Atom"'


def page(numbers: range, older: str = "") -> str:
    link = f'<atom:link {ATOM_NS} rel="next" href="{older}"/>' if older else ""
    return rss([item(n, pubDate="") for n in numbers], extra=link)


async def codes(desk: Desk, feed: int) -> list[str]:
    return [warning["code"] for warning in (await desk.state(feed))["warnings"]]


async def test_what_came_and_went_between_two_polls_is_read_from_older_pages(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    publisher.serve("/feed", page(range(3), "/feed/2"))
    publisher.serve("/feed/2", page(range(50, 60)))
    feed = await desk.subscribe(publisher.url("/feed"))
    await desk.first_poll(feed)
    assert publisher.times("/feed/2") == 0  # an archive is not read because somebody subscribes
    publisher.serve("/feed", page(range(2, 5), "/feed/2"))
    await desk.poll_and_wait(feed)
    assert publisher.times("/feed/2") == 0
    publisher.serve("/feed", page(range(11, 14), "/feed/2"))
    publisher.serve("/feed/2", page(range(8, 12), "/feed/3"))
    publisher.serve("/feed/3", page(range(4, 8), "/feed/4"))
    poll = await desk.poll_and_wait(feed)
    assert (poll["counts"]["new"], poll["counts"]["unchanged"], poll["counts"]["duplicate"]) == (9, 1, 1)
    assert (sum(poll["counts"].values()), poll["entries"]) == (11, 11)
    assert await desk.one("SELECT count(*) FROM articles") == 14
    assert [publisher.times(path) for path in ("/feed/2", "/feed/3", "/feed/4")] == [1, 1, 0]
    assert await codes(desk, feed) == []


async def test_a_gap_that_older_pages_do_not_close_is_a_loss_that_is_told(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    publisher.serve("/feed", page(range(3)))
    feed = await desk.subscribe(publisher.url("/feed"))
    await desk.first_poll(feed)
    publisher.serve("/feed", page(range(21, 24), "/feed/2"))
    publisher.serve("/feed/2", page(range(18, 21), "/feed"))  # in a circle
    poll = await desk.poll_and_wait(feed)
    assert poll["counts"]["new"] == 6
    assert await codes(desk, feed) == ["lost_articles"]
    publisher.serve("/feed", page(range(41, 44), "/feed/2"))
    publisher.serve("/feed/2", "oh no", status=500)
    assert (await desk.poll_and_wait(feed))["counts"]["new"] == 3


@pytest.mark.parametrize("rel", ["next", "prev-archive"])
def test_the_older_page_is_known_in_every_format(rel: str) -> None:
    link = f'rel="{rel}" href="?page=2"/>'
    atom = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>N</title><link {link}<entry><id>1</id></entry></feed>'
    bodies = [
        rss([item(1)], extra=f"<a:link xmlns:a='http://www.w3.org/2005/Atom' {link}"),
        rss([item(1)], extra=f"<a:link xmlns:a='http://www.w3.org/2005/Atom' {link} & "),  # damaged
        atom,
        json.dumps({"version": "https://jsonfeed.org/version/1", "items": [{"id": 1}], "next_url": "?page=2"}),
    ]
    assert [read(body).older for body in bodies] == ["https://news.example/feed?page=2"] * 4
    assert read(rss([item(1)])).older is None
