"""`/v1/ops/workers` with a real Celery worker: seen at work, gone when stopped, silent when killed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.api.schemas import WorkerObject, WorkerPage
from shared.queue import make_celery, send
from shared.settings import Settings
from tests.api.conftest import Newsroom
from tests.flow.system import System


@pytest.fixture
def system(tmp_path: Path, database_url: str, redis_url: str) -> Iterator[System]:
    ours = System(tmp_path / "home", database_url, redis_url, WIREDESK_NER="rules", WIREDESK_ENRICH_WORKERS="2")
    try:
        yield ours
    finally:
        ours.stop()
        print(ours.tail("enrich"))


async def workers(api: httpx.AsyncClient) -> list[WorkerObject]:
    answer = await api.get("/v1/ops/workers")
    assert answer.status_code == 200, answer.text
    return WorkerPage.model_validate(answer.json()).items


async def until(api: httpx.AsyncClient, holds: Callable[[list[WorkerObject]], Any]) -> list[WorkerObject]:
    end = time.monotonic() + 60
    while not holds(found := await workers(api)):
        assert time.monotonic() < end, found
        await asyncio.sleep(0.1)
    return found


async def test_a_worker_tells_what_it_does_and_did(
    system: System, newsroom: Newsroom, api: httpx.AsyncClient, settings: Settings
) -> None:
    assert await workers(api) == []
    system.start("enrich")
    (worker,) = await until(api, lambda found: found and len(found[0].processes) == 2)
    assert (worker.state, worker.messages, worker.articles) == ("idle", 0, 0)
    assert worker.rss_bytes == sum(one.rss_bytes for one in worker.processes) > 10_000_000
    assert worker.id == f"{worker.host}:{worker.pid}"
    ids = [newsroom.article(f"Harbour {n}") for n in range(3)]
    with make_celery(settings) as app:
        send(app, ids, "normal")
    (worker,) = await until(api, lambda found: found[0].messages == 1)
    assert (worker.articles, worker.failures, worker.state) == (3, 0, "idle")
    revision = newsroom.conn.execute("SELECT revision FROM enricher_revisions").fetchone()
    assert revision == (worker.revision,)
    await asyncio.to_thread(system.stop)
    assert await workers(api) == []


async def test_a_killed_worker_is_silent_and_one_stuck_is_seen_busy(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    for pid, seen_s, busy in ((11, 0, True), (12, 300, True), (13, 1, False)):
        newsroom.conn.execute(
            "INSERT INTO enrich_workers VALUES ('desk', %s, 10, 'r1', now(), now() - %s * interval '1 second',"
            " CASE WHEN %s THEN now() - interval '50 seconds' END, 32, 4, 100, 1, 1000)",
            (pid, seen_s, busy),
        )
    newsroom.conn.execute(
        "INSERT INTO enrich_workers VALUES ('other', 7, 6, 'r2', now(), now() - interval '2 minutes', NULL, 0, 0, 0, 0,"
        " 9)"
    )
    desk, other = await workers(api)
    assert [(one.pid, one.state) for one in desk.processes] == [(11, "busy"), (12, "silent"), (13, "idle")]
    assert (desk.id, desk.state, desk.messages, desk.articles, desk.failures) == ("desk:10", "busy", 12, 300, 3)
    assert (other.id, other.state, other.revision) == ("other:6", "silent", "r2")
    assert (await api.get("/v1/ops/workers?limit=1")).status_code == 400
    depth = (await api.get("/v1/ops/queues")).json()
    assert (depth["messages_running"], depth["articles_running"]) == (1, 32)  # not the one that is silent
    newsroom.conn.execute("INSERT INTO enrich_attempts SELECT n, 1, n, now() FROM generate_series(1, 4) AS n")
    wrong = (await api.get("/v1/ops/pipeline")).json()["failures"]
    assert wrong == {"articles_tried_again": 3, "articles_tried_thrice": 2, "messages": 3}
