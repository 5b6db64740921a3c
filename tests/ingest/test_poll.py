"""Whole polls through real engines and a real server."""

from __future__ import annotations

from services.ingest.resources import Resources
from tests.ingest.desk import Desk
from tests.ingest.publisher import Publisher, item, rss


async def test_a_new_feed_is_polled_at_once_and_its_articles_are_stored_and_queued(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    publisher.serve("/feed", rss([item(1), item(2)]), ETag='"one"')
    feed = await desk.subscribe(publisher.url("/feed"))
    poll = await desk.first_poll(feed)
    assert poll["outcome"] == "updated"
    assert poll["counts"] == {"new": 2, "corrected": 0, "unchanged": 0, "duplicate": 0, "refused": 0, "capped": 0}
    titles = await desk.rows("SELECT title, version, source->>'id' FROM articles ORDER BY title")
    assert titles == [("Headline number 1", 1, "news.example"), ("Headline number 2", 1, "news.example")]
    assert await desk.one("SELECT count(*) FROM article_queue WHERE queued_at IS NOT NULL") == 2
    state = await desk.state(feed)
    assert (state["status"], state["outcome"], state["format"]) == ("ok", "updated", "rss2.0")
    assert (state["articles_total"], state["entries_in_last_poll"], state["title"]) == (2, 2, "Example News")


async def test_an_unchanged_feed_is_not_read_again(desk: Desk, publisher: Publisher, ingest: Resources) -> None:
    publisher.serve("/feed", rss([item(1)]), ETag='"one"')
    feed = await desk.subscribe(publisher.url("/feed"))
    await desk.first_poll(feed)
    poll = await desk.poll_and_wait(feed)
    assert (poll["outcome"], poll["http_status"], poll["entries"]) == ("not_modified", 304, 0)
    assert not any(poll["counts"].values())
    publisher.serve("/feed", rss([item(1)]))
    poll = await desk.poll_and_wait(feed)
    assert (poll["outcome"], poll["counts"]["unchanged"], poll["entries"]) == ("unchanged", 1, 1)
    assert await desk.one("SELECT count(*) FROM articles") == 1


async def test_a_changed_title_makes_a_new_version(desk: Desk, publisher: Publisher, ingest: Resources) -> None:
    publisher.serve("/feed", rss([item(1), item(2)]))
    feed = await desk.subscribe(publisher.url("/feed"))
    await desk.first_poll(feed)
    publisher.serve("/feed", rss([item(1, title="Another headline"), item(2), item(3)]))
    poll = await desk.poll_and_wait(feed)
    assert poll["counts"] == {"new": 1, "corrected": 1, "unchanged": 1, "duplicate": 0, "refused": 0, "capped": 0}
    row = await desk.rows("SELECT id, version, title, status FROM articles WHERE version > 1")
    assert [r[1:] for r in row] == [(2, "Another headline", "corrected")]
    changes, significant = (
        await desk.rows("SELECT changes, significant FROM article_versions WHERE article_id = %s AND version = 2", row[0][0])
    )[0]
    assert changes == [{"field": "title", "old": "Headline number 1", "new": "Another headline"}]
    assert significant
    assert await desk.one("SELECT version FROM article_queue WHERE article_id = %s", row[0][0]) == 2
