"""Every route of the API has a method of the client, and what each answers fits its model."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from operator import attrgetter

import httpx
import pytest
from psycopg.types.json import Jsonb
from wiredesk import ApiError, AsyncWiredesk, Wiredesk

from tests.api.conftest import Newsroom, held, newsroom, served, settings  # noqa: F401 - fixtures
from tests.client.test_client_real_api import command, url  # noqa: F401 - fixture

ROUTES = {
    "GET /v1/articles": "search",
    "GET /v1/articles/{article_id}": "article",
    "GET /v1/articles/{article_id}/similar": "similar",
    "GET /v1/articles/{article_id}/versions": "versions",
    "GET /v1/articles/{article_id}/trace": "trace",
    "GET /v1/articles/{article_id}/diff": "diff",
    "GET /v1/facets": "facets",
    "GET /v1/timeseries": "timeseries",
    "GET /v1/entities": "entities.find",
    "GET /v1/entities/{entity_id}": "entities.get",
    "GET /v1/entities/{entity_id}/timeline": "entities.timeline",
    "GET /v1/entities/{entity_id}/related": "entities.related",
    "GET /v1/events": "events",
    "GET /v1/events/{position}": "event",
    "GET /v1/feeds.opml": "feeds.export_opml",
    "POST /v1/feeds.opml": "feeds.import_opml",
    "GET /v1/feeds": "feeds.list",
    "POST /v1/feeds": "feeds.add",
    "POST /v1/feeds/doctor": "feeds.doctor",
    "GET /v1/feeds/{feed_id}": "feeds.get",
    "PATCH /v1/feeds/{feed_id}": "feeds.update",
    "DELETE /v1/feeds/{feed_id}": "feeds.remove",
    "POST /v1/feeds/{feed_id}/poll": "feeds.poll",
    "GET /v1/feeds/{feed_id}/polls": "feeds.polls",
    "GET /v1/feeds/{feed_id}/explain": "feeds.explain",
    "GET /v1/sources": "sources",
    "GET /v1/ops/queues": "ops.queues",
    "GET /v1/ops/pipeline": "ops.pipeline",
    "GET /v1/ops/workers": "ops.workers",
    "GET /v1/ops/audit": "ops.audit",
    "GET /v1/ops/reenrich": "ops.reenrichments",
    "POST /v1/ops/reenrich": "ops.reenrich",
    "GET /v1/ops/reenrich/{request_id}": "ops.reenrichment",
    "GET /v1/keys": "keys.list",
    "POST /v1/keys": "keys.create",
    "DELETE /v1/keys/{key_id}": "keys.revoke",
    "GET /v1/searches": "searches.list",
    "POST /v1/searches": "searches.add",
    "POST /v1/searches/preview": "searches.preview",
    "GET /v1/searches/{search_id}": "searches.get",
    "PATCH /v1/searches/{search_id}": "searches.update",
    "DELETE /v1/searches/{search_id}": "searches.remove",
    "GET /v1/searches/{search_id}/preview": "searches.preview_kept",
    "GET /v1/webhooks": "webhooks.list",
    "POST /v1/webhooks": "webhooks.add",
    "GET /v1/webhooks/{webhook_id}": "webhooks.get",
    "PATCH /v1/webhooks/{webhook_id}": "webhooks.update",
    "DELETE /v1/webhooks/{webhook_id}": "webhooks.remove",
    "GET /v1/webhooks/{webhook_id}/deliveries": "webhooks.deliveries",
    "POST /v1/webhooks/{webhook_id}/test": "webhooks.test",
    "POST /v1/webhooks/{webhook_id}/rotate": "webhooks.rotate",
    "POST /v1/webhooks/{webhook_id}/replay": "webhooks.replay",
    "GET /readyz": "ops.ready",
    "GET /metrics": "ops.metrics",
}
IN_A_FORM = {
    "GET /v1/articles.": "export",
    "GET /v1/articles/{article_id}.": "render",
    "GET /v1/searches/{search_id}.": "searches.feed",
}
FOR_OTHERS = {"POST /v1/hub", "GET /healthz"}  # for readers of feeds, and supervisors


async def test_every_route_has_a_method_in_both_clients(served: httpx.AsyncClient) -> None:  # noqa: F811
    paths = (await served.get("/openapi.json")).json()["paths"]
    there = {f"{method.upper()} {path}" for path, told in paths.items() for method in told}
    in_a_form = {route for route in there if route.startswith(tuple(IN_A_FORM))}
    assert len(in_a_form) > 15
    assert there - in_a_form - FOR_OTHERS == set(ROUTES)
    with Wiredesk("http://127.0.0.1:1") as desk:
        async with AsyncWiredesk("http://127.0.0.1:1") as other:
            for name in (*ROUTES.values(), *IN_A_FORM.values(), "articles", "follow", "head"):
                assert callable(attrgetter(name)(desk)) and callable(attrgetter(name)(other)), name


async def test_what_operators_are_told_is_read_as_models(url: str, newsroom: Newsroom) -> None:  # noqa: F811
    newsroom.article("Harbour bridge reopens")
    steps = {"topics": {"revision": "1", "languages": None}}
    newsroom.conn.execute("INSERT INTO enricher_revisions VALUES ('r', %s, now())", (Jsonb(steps),))
    now = datetime.now(UTC)
    newsroom.conn.execute(
        "INSERT INTO enrich_workers VALUES ('vm', 2, 1, 'r', %s, %s, %s, 3, 5, 80, 1, 1000000)", (now, now, now)
    )
    async with AsyncWiredesk(url) as desk:
        (source,) = [one async for one in desk.sources()]
        assert (source.id, source.articles) == ("wire.example", 1)
        assert [lane.lane for lane in (await desk.ops.queues()).lanes] == ["breaking", "normal", "backfill"]
        (worker,) = (await desk.ops.workers()).items
        assert (worker.state, worker.processes[0].busy_articles) == ("busy", 3)
        pipeline = await desk.ops.pipeline()
        assert (pipeline.position, {s.stage for s in pipeline.stages}) == (1, {"published_to_stored", "stored_to_told"})
        asked = await desk.ops.reenrich(lang=["en"], published_from=now, steps=["topics"], dry_run=True)
        assert (asked.status, asked.dry_run, asked.steps, asked.slice["lang"]) == ("waiting", True, ["topics"], ["en"])
        assert (await desk.ops.reenrichment(asked.id)).id == asked.id
        assert [run.id async for run in desk.ops.reenrichments()] == [asked.id]
        with pytest.raises(ApiError) as refused:
            await desk.ops.reenrich(steps=["topcis"])
        assert refused.value.errors[0]["suggestion"] == "topics"
        feed = await desk.feeds.add("https://wire.example/rss")
        assert (await desk.feeds.explain(feed.id)).rules == []
        entries = [entry async for entry in desk.ops.audit()]
        assert [(e.method, e.path, e.status, e.key_id) for e in entries] == [
            ("POST", "/v1/feeds", 201, None),
            ("POST", "/v1/ops/reenrich", 422, None),
            ("POST", "/v1/ops/reenrich", 202, None),
        ]
        assert "wiredesk_events_head 1.0" in await desk.ops.metrics()
    with Wiredesk(url) as sync:
        assert (await asyncio.to_thread(lambda: next(sync.sources()))).id == "wire.example"
        assert len(await asyncio.to_thread(lambda: list(sync.ops.audit()))) == 3


async def test_articles_are_had_in_every_form_and_events_one_by_one(url: str, newsroom: Newsroom) -> None:  # noqa: F811
    newsroom.article("Harbour bridge reopens")
    async with AsyncWiredesk(url) as desk:
        assert (await desk.event(1)).article is not None
        assert b'"NewsArticle"' in await desk.render(1, "jsonld")
        assert (await desk.export("csv", lang="en")).count(b"Harbour bridge reopens") == 1
        assert b"<rss" in await desk.export("rss", "harbour")
        diff = await desk.diff(1)
        assert (diff.start, diff.end, diff.changes) == (1, 1, [])
        assert (await desk.trace(1)).items[0].step == "discovered"
        search = await desk.searches.add("Bridges", {"q": "bridge"})
        assert b"Harbour bridge reopens" in await desk.searches.feed(search.id, "atom")
        looked = await desk.searches.preview({"q": "harbour"}, days=90)
        assert (looked.overlap[0].name if looked.overlap else "Bridges") == "Bridges"
        assert (await desk.searches.preview_kept(search.id, days=7)).days
        with pytest.raises(ApiError) as refused:
            await desk.export("cvs")
        assert refused.value.errors[0]["suggestion"] == "/v1/articles.csv"


async def test_the_commands_for_operators_understand_the_api(url: str, newsroom: Newsroom) -> None:  # noqa: F811
    newsroom.article("Harbour bridge reopens")
    code, told, _ = await command(url, "sources")
    assert (code, [s["id"] for s in told]) == (0, ["wire.example"])
    code, told, _ = await command(url, "reenrich", "--lang", "en", "--dry-run")
    assert (code, told["slice"], told["dry_run"]) == (0, {"lang": ["en"]}, True)
    code, again, _ = await command(url, "reenrich", "--request", str(told["id"]))
    assert (code, again["id"]) == (0, told["id"])
    code, told, _ = await command(url, "keys", "audit", "--limit", "1")
    assert (code, [e["path"] for e in told]) == (0, ["/v1/ops/reenrich"])
    code, feed, _ = await command(url, "feeds", "add", "https://wire.example/rss")
    code, told, _ = await command(url, "feeds", "explain", str(feed["id"]))
    assert (code, told["rules"]) == (0, [])
