"""A slice of the store is read again by the real processes, while the one that plans it dies."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.flow.system import System, until
from tests.flow.test_spine import items, subscribe
from tests.flow.wire import Wire, rss
from tests.keeping import alter

pytestmark = pytest.mark.flow

ARTICLES = 60


def as_then(card: dict[str, Any], rest: dict[str, Any]) -> None:
    card["summary"] = []
    rest["annotations"]["summary"]["revision"] = "0"


def test_what_a_step_says_otherwise_is_told_of_once_though_the_relay_is_killed(
    system: System, database_url: str
) -> None:
    with Wire({"/0.xml": rss("wire0", items(0, ARTICLES))}) as wire:
        subscribe(system, wire)
        until(lambda: system.get("/v1/articles", limit=1)["position"] >= ARTICLES, 90, "every article is told of")
    with psycopg.connect(database_url, autocommit=True) as conn:
        # As a worker with an older revision of one step would have left two thirds of them.
        aged = {i for (i,) in conn.execute("SELECT id FROM articles WHERE id % 3 > 0").fetchall()}
        for article_id in aged:
            alter(conn, article_id, as_then)
        conn.execute("UPDATE enriched_articles SET revision = 'older' WHERE article_id % 3 > 0")
    request_id = system.post("/v1/ops/reenrich", {"lang": ["en"]})["id"]
    system.kill("relay")
    system.start("relay")
    path = f"/v1/ops/reenrich/{request_id}"
    until(lambda: system.get(path)["status"] == "done", 90, "the slice is read again")
    told = system.get(path)
    assert (told["looked"], told["touched"], told["reread"], told["changed"]) == (ARTICLES, *[len(aged)] * 3)
    assert told["by_step"] == {"summary": len(aged)}
    assert [field["field"] for field in told["fields"]] == ["summary"]
    events = system.get("/v1/events", after=0, limit=1000, type="wiredesk.article.reannotated.v1")["items"]
    assert sorted(int(event["subject"].removeprefix("articles/")) for event in events) == sorted(aged)
    assert {change["field"] for event in events for change in event["data"]["changes"]} == {"summary"}
    # Once more there is nothing left to do.
    again = system.post("/v1/ops/reenrich", {"dry_run": True})["id"]
    until(lambda: system.get(f"/v1/ops/reenrich/{again}")["status"] == "done", 60, "the dry run is done")
    assert system.get(f"/v1/ops/reenrich/{again}")["touched"] == 0
