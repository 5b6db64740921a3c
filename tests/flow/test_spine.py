"""One article's whole way: feed, store, queue, worker, event, stream, reader; and the same while things die."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import psycopg
import pytest
import redis

from tests.flow.following import Follower, enriched
from tests.flow.system import COMMANDS, System, until
from tests.flow.wire import Wire, rss

pytestmark = pytest.mark.flow

TOWNS = ("Lisbon", "Tournai", "Nairobi", "Quito", "Hanoi")


def items(feed: int, count: int) -> list[tuple[str, str, str]]:
    return [
        (
            f"f{feed}-{n}",
            f"Council of {TOWNS[n % 5]} votes on plan {feed}.{n}",
            f"Maria Duarte told the council of {TOWNS[n % 5]} that plan {feed}.{n} would open in spring.",
        )
        for n in range(count)
    ]


def wire_of(feeds: int, each: int) -> Wire:
    return Wire({f"/{f}.xml": rss(f"wire{f}", items(f, each)) for f in range(feeds)})


def subscribe(system: System, wire: Wire) -> list[int]:
    return [system.post("/v1/feeds", {"url": wire.url + path})["id"] for path in wire.bodies]


def waiting(database_url: str) -> int:
    with psycopg.connect(database_url) as conn:
        (count,) = conn.execute(
            "SELECT count(*) FROM articles a LEFT JOIN enriched_articles e ON e.article_id = a.id"
            " WHERE e.article_id IS NULL OR e.version < a.version"
        ).fetchall()[0]
    return int(count)


def stored(database_url: str) -> set[int]:
    with psycopg.connect(database_url) as conn:
        return {i for (i,) in conn.execute("SELECT id FROM articles").fetchall()}


def assert_complete(follower: Follower, database_url: str) -> None:
    """Every stored article told of exactly once, positions without gap, double or disorder."""
    with psycopg.connect(database_url) as conn:
        head = int(conn.execute("SELECT max(position) FROM events").fetchall()[0][0])
    until(lambda: len(follower.events) >= head, 30, f"the follower has all {head} events, not {len(follower.events)}")
    # Compared piece by piece: a diff of thousands of positions would take longer than the test.
    broken = [(n, p) for n, p in enumerate(follower.positions, 1) if n != p]
    assert broken[:3] == []
    doubled = [article for article, count in Counter(enriched(follower.events)).items() if count > 1]
    assert doubled[:3] == []
    told, kept = set(enriched(follower.events)), stored(database_url)
    assert (sorted(kept - told)[:3], sorted(told - kept)[:3]) == ([], [])


def test_an_article_goes_the_whole_way(system: System) -> None:
    with Wire({"/a.xml": rss("northmail", items(1, 2))}) as wire:
        feed = system.post("/v1/feeds", {"url": wire.url + "/a.xml"})
        until(lambda: len(system.get("/v1/articles")["items"]) == 2, 60, "two articles")
        listed = system.get("/v1/articles")
    assert all(a["enriched_at"] for a in listed["items"])
    whole = system.get(f"/v1/articles/{listed['items'][0]['id']}")
    for entity in whole["entities"]:
        for mention in entity["mentions"]:
            text = whole["title"] if mention["field"] == "title" else whole["body_text"]
            assert text[mention["start"] : mention["end"]] == mention["text"]
    assert any("Duarte" in e["name"] for e in whole["entities"])
    state = system.get(f"/v1/feeds/{feed['id']}")["state"]
    assert (state["status"], state["entries_in_last_poll"], state["articles_total"]) == ("ok", 2, 2)
    pages = system.get("/v1/events", after=0)
    assert [int(e["id"]) for e in pages["items"]] == [1, 2]
    assert pages["position"] == 2


def test_a_changed_item_becomes_a_correction_that_says_what_changed(system: System) -> None:
    with Wire(
        {"/a.xml": rss("northmail", [("g1", "Bridge closed after flood", "The bridge is closed since noon.")])}
    ) as wire:
        feed = system.post("/v1/feeds", {"url": wire.url + "/a.xml"})
        until(lambda: system.get("/v1/articles")["items"], 60, "the article")
        wire.bodies["/a.xml"] = rss(
            "northmail", [("g1", "Bridge reopened after flood", "The bridge is open since noon.")]
        )
        poll = system.post(f"/v1/feeds/{feed['id']}/poll?wait=30")
        assert poll["counts"]["corrected"] == 1
        corrected: list[dict[str, Any]] = until(
            lambda: system.get("/v1/events", after=0, type="wiredesk.article.corrected.v1")["items"],
            30,
            "the correction",
        )
    assert len(corrected) == 1
    changes = {c["field"]: (c["old"], c["new"]) for c in corrected[0]["data"]["changes"]}
    assert changes["title"] == ("Bridge closed after flood", "Bridge reopened after flood")
    assert corrected[0]["data"]["significant"] is True
    (article,) = system.get("/v1/articles")["items"]
    assert (article["version"], article["title"]) == (2, "Bridge reopened after flood")


def test_nothing_is_lost_or_doubled_when_every_kind_of_process_is_killed_and_redis_wiped(
    system: System, database_url: str, redis_url: str
) -> None:
    follower = Follower(system.url)
    with wire_of(feeds=30, each=20) as wire:
        feeds = subscribe(system, wire)
        for round_, kind in enumerate(COMMANDS):
            system.kill(kind)
            # What changes while it is away must come through all the same.
            wire.bodies[f"/{round_}.xml"] = rss(f"wire{round_}", items(round_, 24))
            time.sleep(0.5)
            system.start(kind)
            until(lambda: system.get("/v1/feeds")["items"], 60, "the API answers")
            system.post(f"/v1/feeds/{feeds[round_]}/poll")
        redis.Redis.from_url(redis_url).flushall()
        until(lambda: len(stored(database_url)) == 30 * 20 + 5 * 4, 60, "every item is stored", every_s=0.5)
        until(lambda: waiting(database_url) == 0, 120, "every article is enriched", every_s=0.5)
    assert_complete(follower, database_url)
    follower.stop()
