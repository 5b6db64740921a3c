from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import httpx
import psycopg
import pytest
import redis

from deploy.local.engines import Postgres
from services.api.app import create_app
from services.api.deps import Resources, open_resources
from services.api.schemas import Pipeline, Queues, Readiness, Trace, Versions
from shared.settings import Settings
from tests.api.conftest import Newsroom


async def test_the_depth_is_what_really_waits(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    done = newsroom.article()
    for article_id, lane, sent in (
        (done, "normal", True),
        (901, "normal", True),
        (902, "normal", False),
        (903, "breaking", False),
    ):
        newsroom.conn.execute(
            "INSERT INTO article_queue VALUES (%s, 1, %s, now() - interval '90 seconds', %s)",
            (article_id, lane, datetime.now(UTC) if sent else None),
        )
    with redis.Redis.from_url(newsroom.redis_url) as client:
        client.lpush("wiredesk.enrich.normal", "m1", "m2")
        client.hset("unacked", "tag", "m0")
    told = Queues.model_validate((await api.get("/v1/ops/queues")).json())
    assert (told.pending, told.messages_waiting, told.messages_reserved) == (3, 2, 1)
    assert told.oldest_age_s is not None
    assert told.oldest_age_s >= 90
    assert {lane.lane: (lane.pending, lane.sent, lane.messages_waiting) for lane in told.lanes} == {
        "breaking": (1, 0, 0),
        "normal": (2, 1, 2),
        "backfill": (0, 0, 0),
    }


async def test_the_pipeline_tells_latencies_of_the_last_hour(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    newsroom.article(published=datetime.now(UTC))
    newsroom.article()  # long ago
    told = Pipeline.model_validate((await api.get("/v1/ops/pipeline")).json())
    assert told.articles_enriched == 1
    assert [(s.stage, s.p99_s) for s in told.stages] == [("published_to_stored", 0.0), ("stored_to_told", 0.0)]
    assert told.events == [{"type": "wiredesk.article.enriched.v1", "count": 1}]


async def test_an_article_tells_its_versions_and_its_way(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    article_id = newsroom.article("first")
    versions = Versions.model_validate((await api.get(f"/v1/articles/{article_id}/versions")).json())
    assert [(v.version, v.position, v.title, v.changes) for v in versions.items] == [(1, 1, "first", [])]
    trace = Trace.model_validate((await api.get(f"/v1/articles/{article_id}/trace")).json())
    assert [s.step for s in trace.items] == ["discovered", "seen_in_feed", "version_stored", "enriched", "event"]


async def test_the_way_of_an_article_tells_of_its_page(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    for outcome, status, edition in (("article", 200, 1), ("robots", None, 0)):
        article_id = newsroom.article("teaser")
        newsroom.conn.execute(
            "INSERT INTO pages (article_id, url, fetch_url, host, lane, wanted_at, fetched_at, attempts, outcome,"
            " http_status, edition) SELECT id, url, url, 'wire.example:443', 'normal', discovered_at,"
            " discovered_at + interval '1 second', 1, %s, %s, %s FROM articles WHERE id = %s",
            (outcome, status, edition, article_id),
        )
    steps = [(await api.get(f"/v1/articles/{n}/trace")).json()["items"] for n in (1, 2)]
    assert [s["step"] for s in steps[0] if s["step"].startswith("page")] == ["page_wanted", "page_stored"]
    missed = next(s for s in steps[1] if s["step"] == "page_missed")
    assert (missed["outcome"], missed["http_status"], missed["attempts"]) == ("robots", None, 1)


async def test_ready_says_how_each_dependency_is(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    newsroom.article()
    newsroom.article(relay=False)
    told = Readiness.model_validate((await api.get("/readyz")).json())
    assert told.status == "ready"
    assert told.checks["stream"]["lag"] == 1


async def test_a_missing_migration_is_not_ready(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    newsroom.conn.execute("DELETE FROM schema_migrations WHERE name LIKE '0005%'")
    answer = await api.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.json()["checks"]["migrations"]["missing"] == ["0005_api.sql"]


async def test_without_postgresql_it_is_not_ready_and_says_so(
    postgres: Postgres, database_url: str, settings: Settings, held: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.api.deps.POOL_WAIT_S", 0.5)  # what one request waits for a connection
    name = database_url.partition("?")[0].rpartition("/")[2]
    transport = httpx.ASGITransport(create_app(settings, held), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as api:
        away = psycopg.connect(postgres.url("postgres"), autocommit=True)
        away.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        away.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            (name,),
        )
        try:
            ready = await api.get("/readyz")
            assert (ready.status_code, ready.json()["checks"]["database"]["ok"]) == (503, False)
            answer = await api.get("/v1/articles")
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
            assert int(answer.headers["retry-after"]) >= 1
            assert (await api.get("/healthz")).status_code == 200
            assert (await api.get("/metrics")).status_code == 200
        finally:
            away.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
            away.close()
        while (await api.get("/readyz")).status_code != 200:
            pass
        assert (await api.get("/v1/articles")).status_code == 200


async def test_metrics_tell_of_requests_and_queues(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    newsroom.article()
    newsroom.conn.execute("INSERT INTO article_queue VALUES (901, 1, 'normal', now(), NULL)")
    await api.get("/v1/articles/1")
    lines = (await api.get("/metrics")).text.splitlines()
    assert "wiredesk_events_head 1.0" in lines
    assert 'wiredesk_queue_pending_articles{lane="normal"} 1.0' in lines
    assert (
        'wiredesk_api_request_seconds_count{method="GET",route="/v1/articles/{article_id}",status="200"} 1.0' in lines
    )
    assert any(line.startswith("process_resident_memory_bytes") for line in lines)


async def test_without_redis_the_depth_says_so(settings: Settings, tmp_path: Path) -> None:
    alone = settings.model_copy(update={"redis_url": f"unix://{tmp_path}/nobody.sock"})
    async with open_resources(alone) as held:
        transport = httpx.ASGITransport(create_app(alone, held))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as api:
            told = Queues.model_validate((await api.get("/v1/ops/queues")).json())
            assert (told.pending, told.messages_waiting, told.redis["ok"]) == (0, None, False)  # type: ignore[attr-defined]
            assert (await api.get("/metrics")).status_code == 200
