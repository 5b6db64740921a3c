"""Articles found to be one, guids that change, titles twice, and what publishers take back: through whole polls."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from psycopg.types.json import Jsonb

from services.ingest.resources import Resources
from services.ingest.twins.pages import declare_canonical, page_gone
from shared.db import async_transaction
from tests.ingest.desk import Desk
from tests.ingest.publisher import Publisher, item, rss

NOW = datetime(2026, 11, 24, tzinfo=UTC)


async def warned(desk: Desk, feed: int) -> list[str]:
    return [warning["code"] for warning in (await desk.state(feed))["warnings"]]


async def test_an_article_carries_the_home_its_feed_was_given(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    given = {"domain": "a.example", "country": "US", "admin1": "GA"}, {"domain": "b.example", "country": "PT"}
    for number, source in enumerate(given):
        publisher.serve(f"/{number}", rss([item(number)]))
        await desk.first_poll(await desk.subscribe(publisher.url(f"/{number}"), source=Jsonb(source)))
    found = [row[0] for row in await desk.rows("SELECT source FROM articles ORDER BY id")]
    assert [(one["id"], one["country"], one.get("admin1")) for one in found] == [
        ("a.example", "US", "GA"),
        ("b.example", "PT", None),
    ]


async def test_a_feed_that_changes_all_its_guids_brings_nothing_new(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    publisher.serve("/feed", rss([item(n) for n in range(5)]))
    feed = await desk.subscribe(publisher.url("/feed"))
    await desk.first_poll(feed)
    publisher.serve("/feed", rss([item(n, guid=f"urn:new:{n}") for n in range(5)]))
    poll = await desk.poll_and_wait(feed)
    assert (poll["counts"]["unchanged"], poll["counts"]["new"], poll["counts"]["corrected"]) == (5, 0, 0)
    assert await warned(desk, feed) == ["guids_changed"]
    assert await desk.one("SELECT count(*) FROM events") == 0
    # The new guids are names now: an item that moves to another address is known by its own.
    publisher.serve("/feed", rss([item(n, guid=f"urn:new:{n}", link=f"https://news.example/b/{n}") for n in range(5)]))
    assert (await desk.poll_and_wait(feed))["counts"]["new"] == 0
    assert await desk.one("SELECT count(*) FROM articles") == 5


async def test_guids_that_change_in_every_poll_are_no_longer_noted(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    publisher.serve("/feed", rss([item(n) for n in range(4)]))
    feed = await desk.subscribe(publisher.url("/feed"))
    await desk.first_poll(feed)
    names: list[int] = []
    for turn in range(6):
        publisher.serve("/feed", rss([item(n, guid=f"{turn}-{n}") for n in range(4)]))
        poll = await desk.poll_and_wait(feed)
        assert poll["counts"]["unchanged"] == 4
        names.append(await desk.one("SELECT count(*) FROM article_keys"))
    assert names[3:] == [names[3]] * 3
    assert await desk.one("SELECT count(*) FROM articles") == 4


async def test_a_feed_that_moves_to_another_site_does_not_flood(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    publisher.serve("/feed", rss([item(n) for n in range(5)]))
    feed = await desk.subscribe(publisher.url("/feed"))
    await desk.first_poll(feed)
    moved = [item(n, guid=f"m{n}", link=f"https://other.example/{n}") for n in range(5)]
    publisher.serve("/feed", rss(moved).replace("https://news.example/</link>", "https://other.example/</link>"))
    poll = await desk.poll_and_wait(feed)
    assert (poll["counts"]["unchanged"], poll["counts"]["new"]) == (5, 0)
    assert "guids_changed" in await warned(desk, feed)


async def test_one_title_within_a_week_and_a_source_is_one_article(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    title = "Council votes on the harbour plan"
    day = "Mon, {:02d} Nov 2026 10:00:00 GMT"
    publisher.serve("/a", rss([item(1, title=title, pubDate=day.format(2))]))
    publisher.serve("/b", rss([item(2, guid="b2", title=title.upper(), pubDate=day.format(8))]))
    publisher.serve("/c", rss([item(3, guid="c3", title=title, pubDate=day.format(16))]))
    other = rss([item(4, guid="d4", link="https://else.example/4", title=title, pubDate=day.format(2))])
    publisher.serve("/d", other.replace("https://news.example/</link>", "https://else.example/</link>"))
    counts = {}
    for path in ("/a", "/b", "/c", "/d"):
        feed = await desk.subscribe(publisher.url(path))
        poll = await desk.first_poll(feed)
        counts[path] = (poll["counts"]["new"], poll["counts"]["duplicate"])
    assert counts == {"/a": (1, 0), "/b": (0, 1), "/c": (1, 0), "/d": (1, 0)}
    assert sorted(await desk.rows("SELECT count(*) FROM article_feeds GROUP BY article_id")) == [(1,), (1,), (2,)]


async def test_a_title_twice_in_one_body_is_a_duplicate_and_stays_one(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    rows = [item(1, title="One and the same headline"), item(2, title="One and the same headline"), item(3)]
    publisher.serve("/feed", rss(rows))
    feed = await desk.subscribe(publisher.url("/feed"))
    poll = await desk.first_poll(feed)
    assert (poll["counts"]["new"], poll["counts"]["duplicate"]) == (2, 1)
    publisher.serve("/feed", rss([*rows, item(4)]))
    poll = await desk.poll_and_wait(feed)
    assert poll["counts"] == {"new": 1, "corrected": 0, "unchanged": 2, "duplicate": 1, "refused": 0, "capped": 0}


async def two_articles(desk: Desk, publisher: Publisher) -> tuple[int, int]:
    """One story under two addresses, by two sources that nothing connects yet; the feeds."""
    publisher.serve("/a", rss([item(1, title="Bridge falls into the river")]))
    other = item(1, guid="b", title="Bridge falls into the river", link="https://else.example/bridge")
    publisher.serve("/b", rss([other]).replace("https://news.example/</link>", "https://else.example/</link>"))
    first = await desk.subscribe(publisher.url("/a"))
    await desk.first_poll(first)
    second = await desk.subscribe(publisher.url("/b"))
    await desk.first_poll(second)
    assert await desk.one("SELECT count(*) FROM articles") == 2
    return first, second


async def test_names_of_two_articles_in_one_item_make_them_one(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    first, second = await two_articles(desk, publisher)
    publisher.serve("/a", rss([item(1, title="Bridge falls into the river", link="https://else.example/bridge")]))
    poll = await desk.poll_and_wait(first)
    assert (poll["counts"]["new"], poll["counts"]["unchanged"]) == (0, 1)
    (keep, none), (duplicate, of) = await desk.rows("SELECT id, duplicate_of FROM articles ORDER BY id")
    assert (none, of) == (None, keep)
    assert await desk.rows("SELECT feed_id FROM article_feeds WHERE article_id = %s ORDER BY 1", keep) == [
        (first,),
        (second,),
    ]
    assert await desk.one("SELECT queued_at IS NOT NULL FROM article_queue WHERE article_id = %s", duplicate)
    # Whatever name it comes by, it is the one that was kept: a new title there makes a version of that.
    publisher.serve("/a", rss([item(1, title="Bridge is rebuilt", link="https://else.example/bridge")]))
    assert (await desk.poll_and_wait(first))["counts"]["corrected"] == 1
    assert await desk.rows("SELECT id, version FROM articles ORDER BY id") == [(keep, 2), (duplicate, 1)]
    assert (await desk.poll_and_wait(second))["counts"]["new"] == 0


async def test_a_page_that_names_another_articles_address_merges_or_aliases(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    await two_articles(desk, publisher)
    keep, duplicate = [row[0] for row in await desk.rows("SELECT id FROM articles ORDER BY id")]
    cases = [
        (keep, "https://news.example/", "ignored"),
        (keep, "https://news.example/articles/1?utm_source=x", "alias"),
        (keep, "https://news.example/bridge", "alias"),
        (keep, "https://third.example/bridge", "ignored"),
        (duplicate, "https://news.example/bridge", "merged"),
        (duplicate, "https://news.example/bridge", "ignored"),
    ]
    for article_id, address, outcome in cases:
        async with async_transaction(ingest.db) as conn:
            declared = await declare_canonical(conn, article_id, address, None, NOW)
        assert (address, declared.outcome) == (address, outcome)
    assert await desk.one("SELECT canonical_url FROM articles WHERE id = %s", keep) == "https://news.example/bridge"
    assert await desk.one("SELECT duplicate_of FROM articles WHERE id = %s", duplicate) == keep


async def test_a_page_that_is_gone_withdraws_its_article_once(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    publisher.serve("/feed", rss([item(1)]))
    await desk.first_poll(await desk.subscribe(publisher.url("/feed")))
    article_id = await desk.one("SELECT id FROM articles")
    for told in ((article_id,), ()):
        async with async_transaction(ingest.db) as conn:
            assert await page_gone(conn, article_id, None, NOW) == told
    assert await desk.rows("SELECT status, version FROM articles") == [("withdrawn", 2)]
    assert await desk.one("SELECT changes FROM article_versions WHERE version = 2") == [
        {"field": "status", "old": "usable", "new": "withdrawn"}
    ]


async def test_a_mark_in_the_title_withdraws_and_its_end_brings_back(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    publisher.serve("/feed", rss([item(1)]))
    feed = await desk.subscribe(publisher.url("/feed"))
    await desk.first_poll(feed)
    states = []
    for title in ("WITHDRAWN: Headline number 1", "WITHDRAWN: Headline number 1", "Headline number 1"):
        publisher.serve("/feed", rss([item(1, title=title)]))
        await desk.poll_and_wait(feed)
        states.append((await desk.rows("SELECT status, version FROM articles"))[0])
    assert states == [("withdrawn", 2), ("withdrawn", 2), ("corrected", 3)]


async def test_a_notice_of_its_own_withdraws_the_article_with_its_title(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    publisher.serve("/feed", rss([item(1), item(2)]))
    feed = await desk.subscribe(publisher.url("/feed"))
    await desk.first_poll(feed)
    kill = item(9, title="MANDATORY KILL: Headline number 1", description="Editors, kill this story.")
    for n in (3, 4):
        publisher.serve("/feed", rss([kill, item(1), item(2), item(n)]))
        poll = await desk.poll_and_wait(feed)
        assert (poll["counts"]["new"], poll["counts"]["duplicate"]) == (1, 1)
        rows = await desk.rows("SELECT status, version FROM articles ORDER BY id LIMIT 2")
        assert rows == [("withdrawn", 2), ("usable", 1)]


ATOM = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:at="http://purl.org/atompub/tombstones/1.0"><title>Wire</title>
<id>urn:wire</id><updated>2026-11-24T10:00:00Z</updated><link href="https://news.example/"/>{}</feed>"""
ENTRY = """<entry><id>urn:{0}</id><title>Story number {0}</title><link href="https://news.example/{0}"/>
<updated>2026-11-24T0{0}:00:00Z</updated><summary>Words of story {0}.</summary></entry>"""


async def test_atoms_tombstones_withdraw(desk: Desk, publisher: Publisher, ingest: Resources) -> None:
    publisher.serve("/feed", ATOM.format(ENTRY.format(1) + ENTRY.format(2)))
    feed = await desk.subscribe(publisher.url("/feed"))
    await desk.first_poll(feed)
    gone = '<at:deleted-entry ref="urn:1" when="2026-11-24T11:00:00Z"/>'
    for _ in range(2):
        publisher.serve("/feed", ATOM.format(ENTRY.format(2) + gone))
        assert (await desk.poll_and_wait(feed))["entries"] == 1
    assert await desk.rows("SELECT title, status, version FROM articles ORDER BY id") == [
        ("Story number 1", "withdrawn", 2),
        ("Story number 2", "usable", 1),
    ]
    assert await desk.one("SELECT count(*) FROM article_queue WHERE version = 2") == 1


async def test_counters_and_boxes_make_no_version_and_authors_do(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    publisher.serve("/feed", rss([item(1, description="The lead. 12 comments")]))
    feed = await desk.subscribe(publisher.url("/feed"))
    await desk.first_poll(feed)
    corrected = []
    for change in ({"description": "The lead. 15 comments"}, {"description": "The lead.", "author": "Maria Duarte"}):
        publisher.serve("/feed", rss([item(1, **change)]))
        corrected.append((await desk.poll_and_wait(feed))["counts"]["corrected"])
    assert corrected == [0, 1]
    changes, significant = (await desk.rows("SELECT changes, significant FROM article_versions WHERE version = 2"))[0]
    assert changes == [{"field": "authors", "old": [], "new": ["Maria Duarte"]}]
    assert not significant


async def test_any_order_of_feeds_and_polls_gives_the_same_articles(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    def carried(stories: list[int], feed: str, decorate: str) -> str:
        def one(n: int) -> dict[str, str]:
            return item(
                n,
                guid="" if feed == "c" else f"{feed}-{n}",
                title=f"Story {n} about the harbour",
                link=f"https://news.example/articles/{n}{decorate}" if feed != "d" else f"https://news.example/d/{n}",
            )

        return rss([one(n) for n in stories])

    bodies = {
        "a": carried([0, 1, 2, 3], "a", ""),
        "b": carried([2, 3, 4, 5], "b", "?utm_source=rss"),
        "c": carried([0, 3, 5, 6], "c", "/amp"),
        "d": carried([1, 4, 6, 7], "d", ""),
    }
    seen = set()
    for seed in range(4):
        order = list(bodies)
        random.Random(seed).shuffle(order)
        feeds = {}
        for name in order:
            publisher.serve(f"/{seed}/{name}", bodies[name].replace("news.example", f"news{seed}.example"))
            feeds[name] = await desk.subscribe(publisher.url(f"/{seed}/{name}"))
            await desk.first_poll(feeds[name])
        for name in random.Random(seed + 10).sample(order, 3):
            await desk.poll_and_wait(feeds[name])
        rows = await desk.rows(
            "SELECT a.title, array_agg(f.feed_id) FROM articles a JOIN article_feeds f ON f.article_id = a.id"
            " WHERE a.duplicate_of IS NULL AND f.feed_id = ANY(%s) GROUP BY a.id, a.title ORDER BY a.title",
            list(feeds.values()),
        )
        by_id = {feed: name for name, feed in feeds.items()}
        seen.add(tuple((title, "".join(sorted(by_id[feed] for feed in ids))) for title, ids in rows))
    assert len(seen) == 1
    assert [carriers for _, carriers in seen.pop()] == ["ac", "ad", "ab", "abc", "bd", "bc", "cd", "d"]
