"""Whole polls through real engines and a real server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

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
        await desk.rows(
            "SELECT changes, significant FROM article_versions WHERE article_id = %s AND version = 2", row[0][0]
        )
    )[0]
    assert changes == [{"field": "title", "old": "Headline number 1", "new": "Another headline"}]
    assert significant
    assert await desk.one("SELECT version FROM article_queue WHERE article_id = %s", row[0][0]) == 2


async def test_an_article_carried_by_two_feeds_is_stored_once(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    publisher.serve("/world", rss([item(1), item(2)]))
    publisher.serve("/top", rss([item(2, guid="other", description="Told otherwise."), item(3)]))
    world = await desk.subscribe(publisher.url("/world"))
    await desk.first_poll(world)
    top = await desk.subscribe(publisher.url("/top"))
    poll = await desk.first_poll(top)
    assert (poll["counts"]["new"], poll["counts"]["duplicate"]) == (1, 1)
    assert await desk.one("SELECT count(*) FROM articles") == 3
    assert await desk.one("SELECT count(*) FROM article_feeds WHERE feed_id = %s", top) == 2
    assert (await desk.state(top))["articles_total"] == 2
    # Told differently by both, it does not flap.
    assert (await desk.poll_and_wait(world))["counts"]["corrected"] == 0
    assert (await desk.poll_and_wait(top))["counts"]["corrected"] == 0


async def test_feeds_that_bring_the_same_articles_at_the_same_moment_store_each_once(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    paths = [f"/feed{n}" for n in range(12)]
    for path in paths:
        publisher.serve(path, rss([item(n, guid=f"{path}-{n}") for n in range(40)], title=path))
    feeds = [await desk.subscribe(publisher.url(path)) for path in paths]
    polls = [await desk.first_poll(feed) for feed in feeds]
    assert await desk.one("SELECT count(*) FROM articles") == 40
    assert await desk.one("SELECT count(*) FROM article_feeds") == 40 * 12
    assert sum(poll["counts"]["new"] for poll in polls) == 40
    assert all(sum(poll["counts"].values()) == poll["entries"] for poll in polls)


async def test_an_old_copy_seen_again_is_no_correction(desk: Desk, publisher: Publisher, ingest: Resources) -> None:
    publisher.serve("/feed", rss([item(1)]))
    feed = await desk.subscribe(publisher.url("/feed"))
    await desk.first_poll(feed)
    for title, corrected in (("A better headline", 1), ("Headline number 1", 0), ("A better headline", 0)):
        publisher.serve("/feed", rss([item(1, title=title)]))
        assert (await desk.poll_and_wait(feed))["counts"]["corrected"] == corrected
    assert await desk.rows("SELECT version, title FROM articles") == [(2, "A better headline")]


async def test_a_web_page_is_an_error_that_names_its_feeds(desk: Desk, publisher: Publisher, ingest: Resources) -> None:
    page = '<!DOCTYPE html><html><head><link rel="alternate" type="application/rss+xml" href="/rss.xml"></head></html>'
    publisher.serve("/", page, Content_Type="text/html")
    feed = await desk.subscribe(publisher.url("/"))
    poll = await desk.first_poll(feed)
    assert (poll["outcome"], poll["error"]["code"]) == ("not_a_feed", "not_a_feed")
    assert publisher.url("/rss.xml") in poll["error"]["message"]
    assert poll["error"]["candidates"] == [publisher.url("/rss.xml")]
    assert (await desk.state(feed))["status"] == "failing"
    events = await desk.rows("SELECT type, subject FROM events")
    assert events == [("wiredesk.feed.failing.v1", f"feeds/{feed}")]


async def test_a_feed_fails_in_the_third_poll_for_subscribers_and_recovers_once(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    publisher.serve("/feed", b"", status=500)
    feed = await desk.subscribe(publisher.url("/feed"))
    await desk.first_poll(feed)
    assert (await desk.state(feed))["status"] == "failing"
    assert await desk.rows("SELECT type FROM events") == []
    for _ in range(3):
        assert (await desk.poll_and_wait(feed))["outcome"] == "server_error"
    state = await desk.state(feed)
    assert (state["failures"], state["told_failing"], state["error"]["code"]) == (4, True, "server_error")
    publisher.serve("/feed", rss([item(1)]))
    assert (await desk.poll_and_wait(feed))["outcome"] == "updated"
    await desk.poll_and_wait(feed)
    types = [kind for (kind,) in await desk.rows("SELECT type FROM events ORDER BY position")]
    assert types == ["wiredesk.feed.failing.v1", "wiredesk.feed.recovered.v1"]
    state = await desk.state(feed)
    assert (state["status"], state["failures"], state["error"]) == ("ok", 0, None)


async def test_while_retry_after_holds_a_poll_is_refused(desk: Desk, publisher: Publisher, ingest: Resources) -> None:
    publisher.serve("/feed", b"", status=429, Retry_After="600")
    feed = await desk.subscribe(publisher.url("/feed"))
    poll = await desk.first_poll(feed)
    assert poll["outcome"] == "rate_limited"
    state = await desk.state(feed)
    assert state["next_poll_at"] >= state["retry_after_at"]
    answer = await desk.poll_and_wait(feed)
    assert answer["refused"]["code"] == "retry_after"
    assert publisher.times("/feed") == 1


async def test_a_feed_that_is_gone_can_be_asked_again_at_once(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    publisher.serve("/feed", b"", status=410)
    feed = await desk.subscribe(publisher.url("/feed"))
    assert (await desk.first_poll(feed))["outcome"] == "gone"
    state = await desk.state(feed)
    assert state["status"] == "gone"
    publisher.serve("/feed", rss([item(1)]))
    assert (await desk.poll_and_wait(feed))["outcome"] == "updated"
    assert (await desk.state(feed))["status"] == "ok"


async def test_a_damaged_feed_keeps_its_good_items(desk: Desk, publisher: Publisher, ingest: Resources) -> None:
    whole = rss([item(1), item(2), item(3, title="Rock &amp Roll & more")])
    damaged = whole.replace("&amp;amp Roll &amp; more", "&amp Roll & more")
    publisher.serve("/feed", damaged[: damaged.rindex("</channel>")])
    feed = await desk.subscribe(publisher.url("/feed"))
    poll = await desk.first_poll(feed)
    assert (poll["outcome"], poll["counts"]["new"]) == ("updated", 3)
    assert (await desk.state(feed))["status"] == "ok"


async def test_a_private_address_is_a_failing_state(desk: Desk, ingest: Resources) -> None:
    feed = await desk.subscribe("http://10.0.0.1/feed")
    poll = await desk.first_poll(feed)
    assert poll["outcome"] == "address_refused"
    assert "WIREDESK_ALLOW_PRIVATE" in poll["error"]["message"]


async def test_pausing_unpausing_moving_and_removing(desk: Desk, publisher: Publisher, ingest: Resources) -> None:
    publisher.serve("/feed", rss([item(1)]), ETag='"1"')
    publisher.serve("/moved", rss([item(1), item(2)]), ETag='"1"')
    feed = await desk.subscribe(publisher.url("/feed"))
    await desk.first_poll(feed)

    async def edit(assignment: str) -> None:
        await desk.conn.execute(f"UPDATE feeds SET {assignment} WHERE id = %s".encode(), (feed,))
        request = await desk.request(feed, "changed")
        await desk.until(lambda: desk.rows("SELECT 1 FROM feed_answers WHERE request_id = %s", request))

    await edit("paused = true")
    state = await desk.state(feed)
    assert (state["status"], state["next_poll_at"]) == ("paused", None)
    assert (await desk.poll_and_wait(feed))["refused"]["code"] == "paused"
    polled = publisher.times("/feed")
    await edit("paused = false")
    await desk.until(lambda: desk.rows("SELECT 1 FROM polls WHERE outcome = 'not_modified'"))
    assert publisher.times("/feed") == polled + 1
    await edit(f"url = '{publisher.url('/moved')}'")
    await desk.until(lambda: desk.rows("SELECT 1 FROM polls HAVING count(*) = 3"))
    assert "If-None-Match" not in dict(publisher.asked)["/moved"]
    assert await desk.one("SELECT count(*) FROM articles") == 2
    await edit("deleted_at = now()")
    assert await desk.rows("SELECT 1 FROM feed_states") == []
    assert await desk.one("SELECT count(*) FROM articles") == 2


async def test_every_item_ends_in_exactly_one_outcome(desk: Desk, publisher: Publisher, ingest: Resources) -> None:
    rows = [item(1), item(1), item(2, guid=""), {"category": "nothing else"}, {"title": "Only a title"}]
    publisher.serve("/feed", rss(rows))
    feed = await desk.subscribe(publisher.url("/feed"))
    poll = await desk.first_poll(feed)
    assert poll["counts"] == {"new": 3, "corrected": 0, "unchanged": 0, "duplicate": 1, "refused": 1, "capped": 0}
    publisher.serve("/feed", rss([item(n) for n in range(2005)]))
    poll = await desk.poll_and_wait(feed)
    assert poll["entries"] == 2005
    assert (poll["counts"]["capped"], sum(poll["counts"].values())) == (4, 2005)
    assert "items_capped" in [warning["code"] for warning in (await desk.state(feed))["warnings"]]


async def test_a_feed_that_is_longer_than_a_poll_may_be_is_taken_newest_first_until_nothing_is_left(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    start = datetime(2026, 11, 1, tzinfo=UTC)

    def body(count: int) -> str:  # the oldest first, as archives have it
        return rss([item(n, pubDate=format_datetime(start + timedelta(minutes=n), usegmt=True)) for n in range(count)])

    publisher.serve("/feed", body(2_100), ETag='"a"')
    feed = await desk.subscribe(publisher.url("/feed"))
    assert (await desk.first_poll(feed))["counts"]["capped"] == 100
    newest = (await desk.state(feed))["rhythm"]["newest_at"]
    assert datetime.fromisoformat(newest) == start + timedelta(minutes=2_099)
    await desk.conn.execute("UPDATE feed_clocks SET full_at = now() WHERE feed_id = %s", (feed,))
    publisher.serve("/feed", body(2_101), ETag='"b"')
    poll = await desk.poll_and_wait(feed)
    assert (poll["counts"]["new"], poll["counts"]["unchanged"], poll["counts"]["capped"]) == (101, 2_000, 0)
    assert await desk.one("SELECT count(*) FROM articles") == 2_101
    assert "items_capped" not in [warning["code"] for warning in (await desk.state(feed))["warnings"]]
    assert (await desk.poll_and_wait(feed))["outcome"] == "not_modified"


async def test_who_answers_304_to_everybody_gives_no_feed(desk: Desk, publisher: Publisher, ingest: Resources) -> None:
    publisher.serve("/feed", b"", status=304)
    feed = await desk.subscribe(publisher.url("/feed"))
    poll = await desk.first_poll(feed)
    assert (poll["outcome"], poll["http_status"]) == ("http_error", 304)
    assert (await desk.state(feed))["status"] == "failing"
