"""`/v1/ops/reenrich`: a request is a row with a NOTIFY; its report adds up what enrichment wrote."""

from __future__ import annotations

import httpx
import psycopg
from psycopg.types.json import Jsonb

from services.api.ops.reenrich import ReenrichPage, ReenrichReport
from tests.api.conftest import Newsroom


async def test_a_request_is_stored_as_asked_and_enrichment_is_woken(
    newsroom: Newsroom, api: httpx.AsyncClient, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("LISTEN wiredesk_reenrich")
        asked = {"lang": ["en"], "from": "2026-03-01T00:00:00Z", "dry_run": True}
        answer = await api.post("/v1/ops/reenrich", json=asked)
        assert list(conn.notifies(timeout=20, stop_after=1))
    assert answer.status_code == 202, answer.text
    told = ReenrichReport.model_validate(answer.json())
    assert (told.status, told.dry_run, told.force, told.steps) == ("waiting", True, False, None)
    assert told.slice == {"lang": ["en"], "from": "2026-03-01T00:00:00Z"}
    assert answer.headers["location"] == f"/v1/ops/reenrich/{told.id}"
    page = ReenrichPage.model_validate((await api.get("/v1/ops/reenrich")).json())
    assert [run.id for run in page.items] == [told.id]


async def test_the_report_counts_by_field_with_samples_of_before_and_after(
    newsroom: Newsroom, api: httpx.AsyncClient
) -> None:
    request_id = (await api.post("/v1/ops/reenrich", json={})).json()["id"]
    conn = newsroom.conn
    conn.execute(
        "INSERT INTO reenrich_runs (request_id, revision, started_at, looked, touched, by_step)"
        " VALUES (%s, 'r2', now(), 9, 8, %s)",
        (request_id, Jsonb({"topics": 8})),
    )
    for n in range(1, 8):
        changes = [{"field": "topics", "old": [], "new": ["health"]}] + (
            [{"field": "summary", "old": ["a"], "new": ["b"]}] if n == 3 else []
        )
        conn.execute(
            "INSERT INTO rereads (request_id, article_id, done_at, changes) VALUES (%s, %s, now(), %s)",
            (request_id, n, Jsonb(changes if n < 7 else [])),
        )
    conn.execute("INSERT INTO rereads (request_id, article_id) VALUES (%s, 8)", (request_id,))
    told = ReenrichReport.model_validate((await api.get(f"/v1/ops/reenrich/{request_id}")).json())
    assert (told.status, told.looked, told.touched, told.reread, told.changed) == ("running", 9, 8, 7, 6)
    assert [(f.field, f.articles, len(f.samples)) for f in told.fields] == [("topics", 6, 5), ("summary", 1, 1)]
    assert told.fields[1].samples == [{"id": 3, "old": ["a"], "new": ["b"]}]


async def test_a_step_there_is_none_of_is_refused_with_the_nearest(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    steps = {"topics": {"revision": "1", "languages": None}}
    newsroom.conn.execute("INSERT INTO enricher_revisions VALUES ('r', %s, now())", (Jsonb(steps),))
    assert (await api.post("/v1/ops/reenrich", json={"steps": ["topics"]})).status_code == 202
    answer = await api.post("/v1/ops/reenrich", json={"steps": ["topcis"]})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["where"], error["suggestion"]) == ("body.steps.0", "topics")


async def test_what_makes_no_sense_is_refused_and_what_is_not_there_not_found(
    newsroom: Newsroom, api: httpx.AsyncClient
) -> None:
    for body in ({"langs": ["en"]}, {"ids": [0]}, {"from": "yesterday"}):
        assert (await api.post("/v1/ops/reenrich", json=body)).status_code == 422, body
    assert (await api.get("/v1/ops/reenrich/77")).status_code == 404
    assert (await api.get("/v1/ops/reenrich/x")).status_code == 404
