"""Merged, withdrawn, re-aliased: the whole way from the feed to the subscriber, while the worker is dead."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from tests.flow.system import System, until
from tests.flow.wire import Wire, rss

pytestmark = pytest.mark.flow

STORY = ("x1", "Bridge falls into the river Tagus", "The old bridge fell at noon; nobody was hurt.")


def told(system: System, kind: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = system.get("/v1/events", after=0, type=f"wiredesk.article.{kind}.v1")["items"]
    return events


def test_an_article_is_merged_withdrawn_and_renamed_once_each(system: System, redis_url: str) -> None:
    north, south = rss("northmail", [STORY]), rss("southpost", [("x2", *STORY[1:])])
    with Wire({"/n.xml": north, "/s.xml": south}) as wire:
        feeds = [system.post("/v1/feeds", {"url": wire.url + path})["id"] for path in ("/n.xml", "/s.xml")]
        until(lambda: len(told(system, "enriched")) == 2, 60, "two articles")
        keep, duplicate = sorted(event["data"]["id"] for event in told(system, "enriched"))
        owner = {a["id"]: a["feeds"][0]["id"] for a in system.get("/v1/articles")["items"]}

        # The northern feed's item turns out to be at the southern one's address; the worker and Redis die meanwhile.
        system.kill("enrich")
        wire.bodies["/n.xml"] = north.replace(b"https://northmail.example/x1", b"https://southpost.example/x2")
        poll = system.post(f"/v1/feeds/{feeds[0]}/poll?wait=30")
        assert (poll["counts"]["new"], poll["counts"]["corrected"]) == (0, 0)
        redis.Redis.from_url(redis_url).flushall()
        system.start("enrich")
        until(lambda: told(system, "merged"), 60, "the merge is told of")
        (merged,) = told(system, "merged")
        assert (merged["subject"], merged["data"]["duplicate_of"]) == (f"articles/{duplicate}", keep)
        assert system.get(f"/v1/articles/{duplicate}")["duplicate_of"] == keep

        # Its owner takes it back.
        number = feeds.index(owner[keep])
        path = ("/n.xml", "/s.xml")[number]
        wire.bodies[path] = wire.bodies[path].replace(b"<title>Bridge", b"<title>WITHDRAWN: Bridge")
        assert system.post(f"/v1/feeds/{feeds[number]}/poll?wait=30")["counts"]["corrected"] == 1
        until(lambda: told(system, "withdrawn"), 60, "the withdrawal is told of")
        (withdrawn,) = told(system, "withdrawn")
        assert (withdrawn["data"]["id"], withdrawn["data"]["status"]) == (keep, "withdrawn")
        diff = system.get(f"/v1/articles/{keep}/diff?from=1&to=2")
        assert diff["significant"] and {"field": "status", "old": "usable", "new": "withdrawn"} in diff["changes"]

        # Other guids are no news.
        head = system.get("/v1/articles")["position"]
        wire.bodies[path] = wire.bodies[path].replace(b"'>x", b"'>urn:new:x")
        assert system.post(f"/v1/feeds/{feeds[number]}/poll?wait=30")["counts"]["unchanged"] == 1
        state = system.get(f"/v1/feeds/{feeds[number]}")["state"]
        assert [warning["code"] for warning in state["warnings"]] == ["guids_changed"]
    assert system.get("/v1/articles")["position"] == head
    assert [len(told(system, kind)) for kind in ("enriched", "merged", "withdrawn")] == [2, 1, 1]
