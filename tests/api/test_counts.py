"""Facets and time series: exact where little passes, estimated by a sample beyond, never without end."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from services.api import facets
from services.api.search.models import Facets, TimeSeries
from tests.api.conftest import BEGAN, Newsroom

LISBON, DUARTE = ("place:lisbon", "place", "Lisbon"), ("person:duarte", "person", "Duarte")


def fill(newsroom: Newsroom) -> None:
    newsroom.article("a", entities=(LISBON, DUARTE), published=BEGAN, topics=("medtop:20000170",))
    newsroom.article("b", lang="es", published=BEGAN + timedelta(hours=1))
    newsroom.article("c", source="b.example", published=BEGAN + timedelta(days=3), entities=())


async def test_facets_count_each_field_of_what_passes(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    fill(newsroom)
    told = (await api.get("/v1/facets")).json()
    Facets.model_validate(told)
    by_field = {facet["field"]: {v["value"]: v["count"] for v in facet["values"]} for facet in told["items"]}
    assert by_field["lang"] == {"en": 2, "es": 1}
    assert by_field["source"] == {"wire.example": 2, "b.example": 1}
    assert by_field["entity"] == {"place:lisbon": 2, "person:duarte": 1}
    assert by_field["topic"] == {"medtop:20000170": 1, "medtop:04000000": 1}
    assert (told["total"], told["exact"], told["sampled"], told["position"], told["next"]) == (3, True, 1.0, 3, None)
    names = {v["value"]: v["name"] for facet in told["items"] for v in facet["values"]}
    assert (names["place:lisbon"], names["medtop:20000170"]) == ("Lisbon", "business information")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("lang=en", {"wire.example": 1, "b.example": 1}),
        ("q=bridge&entity=place:lisbon", {"wire.example": 2}),
        ("q=-bridge", {}),
        ("from=2026-03-02", {"b.example": 1}),
        ("since=2", {"b.example": 1}),
        ("size=1", {"wire.example": 2}),
    ],
)
async def test_facets_take_every_filter(
    newsroom: Newsroom, api: httpx.AsyncClient, query: str, expected: dict[str, int]
) -> None:
    fill(newsroom)
    (facet,) = (await api.get(f"/v1/facets?field=source&{query}")).json()["items"]
    assert {v["value"]: v["count"] for v in facet["values"]} == expected


async def test_a_series_has_every_step(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    fill(newsroom)
    told = (await api.get("/v1/timeseries?from=2026-03-01&to=2026-03-05")).json()
    TimeSeries.model_validate(told)
    assert [(b["start"][:10], b["count"]) for b in told["items"]] == [
        ("2026-03-01", 2), ("2026-03-02", 0), ("2026-03-03", 0), ("2026-03-04", 1),
    ]  # fmt: skip
    hours = (await api.get("/v1/timeseries?interval=hour&from=2026-03-01T08:30:00Z&to=2026-03-01T10:00:00Z")).json()
    assert [b["count"] for b in hours["items"]] == [0, 1]  # the bound cuts the first hour
    months = (await api.get("/v1/timeseries?interval=month&from=2026-02-27&to=2026-03-04&lang=en")).json()
    assert [(b["start"], b["end"], b["count"]) for b in months["items"]] == [
        ("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z", 0), ("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("/v1/facets?field=title", "query.field"),
        ("/v1/facets?size=0", "query.size"),
        ("/v1/facets?limit=5", "query.limit"),
        ("/v1/timeseries?interval=minute", "query.interval"),
        ("/v1/timeseries?from=2026-03-02&to=2026-03-01", "query.from"),
        ("/v1/timeseries?interval=hour&from=2000-01-01&to=2026-01-01", "query.interval"),
        ("/v1/timeseries?from=0001-01-01&to=9999-12-31", "query.interval"),
    ],
)
async def test_what_cannot_be_counted_is_refused(api: httpx.AsyncClient, path: str, where: str) -> None:
    answer = await api.get(path)
    assert (answer.status_code, answer.json()["errors"][0]["where"]) == (400, where)


async def test_many_articles_are_counted_by_a_sample(
    newsroom: Newsroom, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facets, "FACET_ROWS", 200)
    newsroom.conn.execute(
        "INSERT INTO article_lookup SELECT n, now(), 'en', ARRAY['sample=' || n % 256,"
        " 'lang=' || CASE WHEN n % 4 = 0 THEN 'es' ELSE 'en' END], ' bridg ' FROM generate_series(0, 5119) AS n"
    )
    told = (await api.get("/v1/facets?field=lang&q=bridges")).json()
    assert (told["exact"], told["sampled"]) == (False, 10 / 256)
    assert told["total"] == 5120
    assert {v["value"]: v["count"] for v in told["items"][0]["values"]} == {"en": 3584, "es": 1536}  # 7 and 3 of 10


async def test_one_sample_is_the_answer_where_it_has_enough(
    newsroom: Newsroom, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facets, "ENOUGH", 20)
    newsroom.conn.execute(
        "INSERT INTO article_lookup SELECT n, now(), 'en', ARRAY['sample=' || n % 256,"
        " 'source=' || CASE WHEN n / 256 % 4 = 0 THEN 'a' ELSE 'b' END], ' bridg ' FROM generate_series(0, 5119) AS n"
    )
    told = (await api.get("/v1/facets?field=source&q=bridges")).json()
    assert (told["total"], told["sampled"], told["exact"]) == (5120, 1 / 256, False)
    assert {v["value"]: v["count"] for v in told["items"][0]["values"]} == {"b": 3840, "a": 1280}
    fewer = (await api.get("/v1/facets?field=source&q=bridges&source=a")).json()
    assert (fewer["total"], fewer["exact"]) == (1280, True)


async def test_a_phrase_is_looked_for_in_no_more_articles_than_are_counted(
    newsroom: Newsroom, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facets, "PHRASE_ROWS", 200)
    newsroom.conn.execute(
        "INSERT INTO article_lookup SELECT n, now(), 'en', ARRAY['sample=' || n % 256, 'lang=en'], ' a1 b1 '"
        " FROM generate_series(0, 5119) AS n"
    )
    told = (await api.get("/v1/facets", params={"field": "lang", "q": '"b1 a1"'})).json()
    assert (told["total"], told["sampled"], told["exact"]) == (0, 10 / 256, False)
