"""Real feeds, as captured, through the whole product."""

from __future__ import annotations

import io
import json
import re
import time

import feedparser
import httpx
import psycopg
import pytest
import redis

from services.api.formats import Item, ninjs
from services.api.schemas import ArticleWhole
from shared.events import CloudEvent
from tests.api.test_article_formats import flaws
from tests.flow.following import Follower
from tests.flow.system import COMMANDS, ROOT, System, until
from tests.flow.test_spine import assert_complete, stored, subscribe, waiting
from tests.flow.wire import Wire

CAPTURES = ROOT.parent / "shared" / "data" / "feeds" / "kagi-captures" / "bodies"

pytestmark = [
    pytest.mark.flow,
    pytest.mark.skipif(
        not CAPTURES.is_dir(), reason="the captured feeds are not beside this checkout (../shared/data)"
    ),
]


def captured() -> dict[str, bytes]:
    return {"/" + path.name: path.read_bytes() for path in sorted(CAPTURES.iterdir()) if path.is_file()}


def entries_of(body: bytes) -> tuple[int, int, int]:
    """An independent count: (entries, different titles, different ones), as feedparser reads them.

    One title within a week is one article, so what a feed carries lies between the latter two.

    One captured feed has a broken XML declaration, of which feedparser makes nothing: there the tags are counted.
    """
    entries = feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False).entries
    if not entries:
        items = re.findall(rb"<(?:\w+:)?item>.*?</(?:\w+:)?item>", body, re.DOTALL)
        links = [re.findall(rb"link>(.*?)</", item) for item in items]
        return len(items), 1, len({link[0] for link in links})
    titles = {" ".join(re.findall(r"\w+", e.get("title", "").casefold())) for e in entries}
    names = {e.get("id") or e.get("link") or (e.get("title"), e.get("published")) for e in entries}
    return len(entries), min(len(titles), len(names)), len(names)


def test_real_feeds_end_in_a_stated_state_and_every_entry_is_kept_while_processes_die(
    system: System, database_url: str, redis_url: str
) -> None:
    bodies = captured()
    follower = Follower(system.url)
    with Wire(bodies, validators=False) as wire:
        feeds = dict(zip(subscribe(system, wire), bodies, strict=True))
        for kind in COMMANDS:
            system.kill(kind)
            time.sleep(0.5)
            system.start(kind)
            time.sleep(2)
        redis.Redis.from_url(redis_url).flushall()
        until(lambda: system.get("/v1/feeds")["items"], 60, "the API answers")

        def states() -> dict[int, dict[str, object]]:
            listed, url = [], "/v1/feeds?limit=200"
            while url:
                page = system.get(url)
                listed += page["items"]
                url = page["next"]
            return {f["id"]: f["state"] for f in listed}

        until(
            lambda: all(s["status"] != "new" for s in states().values()),
            180,
            "every feed ends in a stated state",
            every_s=1,
        )
        first = {feed: state for feed, state in states().items()}
        until(lambda: waiting(database_url) == 0, 900, "every article is enriched", every_s=1)
        known = stored(database_url)

        for feed in feeds:  # a second round, nothing changed
            system.post(f"/v1/feeds/{feed}/poll?wait=30")
        assert len(stored(database_url) ^ known) == 0

    with psycopg.connect(database_url) as conn:
        carried: dict[int, int] = dict(
            conn.execute("SELECT feed_id, count(*) FROM article_feeds GROUP BY feed_id").fetchall()
        )
        versions = conn.execute("SELECT count(*) FROM articles WHERE version > 1").fetchall()[0][0]
    wrong = {}
    for feed, path in feeds.items():
        state, body = first[feed], bodies[path]
        if state["status"] == "failing":
            assert state["error"]["code"] and state["error"]["message"], state  # type: ignore[index]
            continue
        kept = (state["entries_in_last_poll"], carried.get(feed, 0))
        entries, least, most = entries_of(body)
        if kept[0] != entries or not least <= kept[1] <= most:
            wrong[path] = (kept, (entries, least, most))
    print("feeds", len(feeds), "articles", len(known), "carried", sum(carried.values()), "versions>1", versions)
    print("states", {s: sum(1 for x in first.values() if x["status"] == s) for s in ("ok", "failing", "gone", "quiet")})
    assert wrong == {}, wrong
    assert_complete(follower, database_url)
    follower.stop()
    assert_every_article_keeps_to_the_standards(system, len(known))


def assert_every_article_keeps_to_the_standards(system: System, articles: int) -> None:
    """Every stored article by the schema of ninjs and our own, some as JSON-LD; every event as a CloudEvent."""
    seen, url = 0, "/v1/articles?limit=200&include=full"
    while url:
        page = system.get(url)
        for told in page["items"]:
            ArticleWhole.model_validate(told)
            document = json.loads(ninjs.render(Item(told, "urn:wiredesk:corpus")))
            assert flaws(document) == [], (told["id"], document)
            if told["id"] % 50 == 0:
                linked = httpx.get(f"{system.url}/v1/articles/{told['id']}.jsonld").json()
                assert (linked["@type"], linked["headline"]) == ("NewsArticle", told["title"])
                assert httpx.get(f"{system.url}/v1/articles/{told['id']}.ninjs").json()["title"] == told["title"]
        seen, url = seen + len(page["items"]), page["next"]
    assert seen == articles
    url = "/v1/events?after=0&limit=1000"
    while url:
        page = system.get(url)
        for event in page["items"]:
            CloudEvent.model_validate(event)
        url = page["next"]
