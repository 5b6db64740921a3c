"""`POST /v1/feeds/doctor`: api asks by a row, a real ingest answers by one."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator

import httpx
import pytest

from services.api.schemas import DoctorReport
from shared.settings import Settings
from tests.api.conftest import Newsroom
from tests.ingest.desk import ingesting
from tests.ingest.publisher import Publisher, item, publishing, rss


@pytest.fixture
async def publisher() -> AsyncIterator[Publisher]:
    async with publishing() as server:
        yield server


@pytest.fixture
def settings(settings: Settings) -> Settings:
    loopback = (ipaddress.ip_network("127.0.0.1/32"),)
    return settings.model_copy(update={"allow_private": loopback, "host_gap_s": 0.0})


async def test_a_feed_is_examined_by_ingest(settings: Settings, api: httpx.AsyncClient, publisher: Publisher) -> None:
    publisher.serve("/feed", rss([item(1), item(2)]), ETag='"1"')
    async with ingesting(settings):
        answer = await api.post("/v1/feeds/doctor", json={"url": publisher.url("/feed")}, timeout=60)
    report = DoctorReport.model_validate(answer.json())
    assert (answer.status_code, report.format, report.entries, report.candidates) == (200, "rss2.0", 2, [])
    assert set(answer.json()) == {
        "url", "verdict", "findings", "format", "entries", "predicted_interval_s", "candidates",
    }  # fmt: skip
    assert "validators_honoured" in {finding.code for finding in report.findings}


async def test_the_request_waits_for_whichever_ingest_comes(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    newsroom.conn.execute("LISTEN wiredesk_doctor_requests")
    asked = asyncio.create_task(api.post("/v1/feeds/doctor", json={"url": "https://wire.example/"}, timeout=60))
    while not (rows := newsroom.conn.execute("SELECT id, url FROM doctor_requests").fetchall()):
        await asyncio.sleep(0.02)
    assert rows[0][1] == "https://wire.example/"
    assert len(list(newsroom.conn.notifies(timeout=5, stop_after=1))) == 1
    report = (
        '{"url": "https://wire.example/", "verdict": "refused", "findings": [], "candidates": ["https://x.example/"]}'
    )
    newsroom.conn.execute("INSERT INTO doctor_answers VALUES (%s, now(), %s)", (rows[0][0], report))
    assert (await asked).json()["candidates"] == ["https://x.example/"]


@pytest.mark.parametrize(
    ("body", "code", "where"),
    [
        ({"url": "http://169.254.169.254/"}, "address_refused", "body.url"),
        ({"url": "nonsense"}, "address_refused", "body.url"),
        ({}, "bad_body", "body.url"),
        ({"url": "https://wire.example/", "deep": True}, "bad_body", "body.deep"),
    ],
)
async def test_bad_input_is_told_by_its_place(
    api: httpx.AsyncClient, body: dict[str, object], code: str, where: str
) -> None:
    answer = await api.post("/v1/feeds/doctor", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["errors"][0]["where"] == where
