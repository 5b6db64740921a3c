"""The directory of entities: beginnings of names, one entity, its volume and its company; and near articles."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import httpx
import pytest

from services.api.search.models import DirectoryPage, EntityWhole, Related, Similar, TimeSeries
from tests.api.conftest import BEGAN, Newsroom

LISBON = ("place:lisbon", "place", "Lisbon")
SA = ("person:ana-sa", "person", "Ana Sá")
UNION = ("organisation:dockers/union", "organisation", "Dockers' Union of Lisbon")


def fill(newsroom: Newsroom) -> None:
    for n in range(3):
        newsroom.article(f"n{n}", entities=(LISBON,), published=BEGAN + timedelta(days=n))
    newsroom.article("both", entities=(LISBON, SA, UNION), published=BEGAN)
    newsroom.article("again", entities=(SA, UNION), published=BEGAN)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("prefix=lis", ["Lisbon", "Dockers' Union of Lisbon"]),
        ("prefix=LISBON", ["Lisbon", "Dockers' Union of Lisbon"]),
        ("prefix=s%C3%A1", ["Ana Sá"]),
        ("prefix=sa", ["Ana Sá"]),
        ("prefix=ana+s", ["Ana Sá"]),
        ("prefix=an+", []),
        ("prefix=dockers%27+un", ["Dockers' Union of Lisbon"]),
        ("prefix=lis&type=organisation", ["Dockers' Union of Lisbon"]),
        ("prefix=%26%21%27%5C", []),
        ("", ["Lisbon", "Ana Sá", "Dockers' Union of Lisbon"]),
        ("type=person&type=place", ["Lisbon", "Ana Sá"]),
    ],
)
async def test_entities_are_found_by_the_beginnings_of_their_names(
    newsroom: Newsroom, api: httpx.AsyncClient, query: str, expected: list[str]
) -> None:
    fill(newsroom)
    answer = await api.get(f"/v1/entities?{query}")
    DirectoryPage.model_validate(answer.json())
    assert [one["name"] for one in answer.json()["items"]] == expected


async def test_the_directory_is_paged_without_gap_or_double(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    fill(newsroom)
    seen, url = [], "/v1/entities?limit=1"
    while url:
        page = await api.get(url)
        seen += [one["id"] for one in page.json()["items"]]
        url = page.json()["next"]
        assert (url is None) is ("link" not in page.headers)
    assert sorted(seen) == sorted([LISBON[0], SA[0], UNION[0]])
    for cursor in ("abc", "MTIz", "OTk5OTk5OTk5OTk5Ong"):
        assert (await api.get(f"/v1/entities?cursor={cursor}")).status_code == 400


async def test_one_entity_its_timeline_and_its_company(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    fill(newsroom)
    one = (await api.get("/v1/entities/place:lisbon")).json()
    EntityWhole.model_validate(one)
    assert (one["name"], one["articles"]) == ("Lisbon", 4)
    slashed = quote(UNION[0], safe="")
    assert (await api.get(f"/v1/entities/{slashed}")).json()["name"] == UNION[2]
    series = (await api.get("/v1/entities/place:lisbon/timeline?from=2026-03-01&to=2026-03-04")).json()
    TimeSeries.model_validate(series)
    assert [b["count"] for b in series["items"]] == [2, 1, 1]
    company = (await api.get(f"/v1/entities/{slashed}/related")).json()
    Related.model_validate(company)
    assert [(c["id"], c["count"], c["share"]) for c in company["items"]] == [
        ("person:ana-sa", 2, 1.0), ("place:lisbon", 1, 0.5),
    ]  # fmt: skip
    people = (await api.get("/v1/entities/place:lisbon/related?type=person&lang=en")).json()
    assert [c["id"] for c in people["items"]] == ["person:ana-sa"]


@pytest.mark.parametrize("path", ["", "/timeline", "/related"])
async def test_an_unknown_entity_is_not_found(api: httpx.AsyncClient, path: str) -> None:
    for name in ("place:nowhere", "%00", "%F0%9F%98%80"):
        assert (await api.get(f"/v1/entities/{name}{path}")).status_code == 404
    assert (await api.get(f"/v1/entities/x{path}?zzz=1")).status_code == 400


async def test_near_articles_share_what_an_article_is_about(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    fill(newsroom)
    newsroom.article("long ago", entities=(SA, UNION), published=BEGAN - timedelta(days=90))
    page = (await api.get("/v1/articles/4/similar")).json()
    Similar.model_validate(page)
    assert page["items"][0]["title"] == "again"
    assert set(page["items"][0]["because"]) >= {SA[0], UNION[0]}
    assert {one["title"] for one in page["items"]} == {"again", "n0", "n1", "n2"}
    assert [one["similarity"] for one in page["items"]] == sorted(
        (one["similarity"] for one in page["items"]), reverse=True
    )
    assert (await api.get("/v1/articles/99/similar")).status_code == 404
    assert (await api.get("/v1/articles/4/similar?limit=51")).status_code == 400


async def test_vectors_decide_between_articles_that_share_as_much(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    for n in range(3):
        newsroom.article(f"n{n}")
    for n, packed in ((1, [127, 0]), (2, [0, 127]), (3, [120, 10])):
        vector = bytes(packed)
        newsroom.conn.execute("INSERT INTO article_vectors (article_id, vector) VALUES (%s, %s)", (n, vector))
    page = (await api.get("/v1/articles/1/similar")).json()
    assert [one["title"] for one in page["items"]] == ["n2", "n1"]


async def test_an_id_that_was_merged_is_answered_with_what_it_is_now(
    newsroom: Newsroom, api: httpx.AsyncClient
) -> None:
    short, whole = "organisation:dul", UNION[0]
    fill(newsroom)
    newsroom.article("short", entities=((short, "organisation", "DUL"),), published=BEGAN)
    with newsroom.conn.transaction():
        newsroom.conn.execute("UPDATE entities SET merged_into = %s, aliases = '{DUL}' WHERE id = %s", (whole, short))
        newsroom.conn.execute("UPDATE entities SET aliases = '{DUL,Union}' WHERE id = %s", (whole,))
        newsroom.conn.execute("INSERT INTO entity_merges VALUES (%s, %s, %s, 'acronym')", (short, whole, UNION[2]))
        newsroom.conn.execute(
            "INSERT INTO entity_changes (at, kind, id, into_id, why, evidence, articles)"
            " VALUES (%s, 'merged', %s, %s, 'acronym', '3 of 3 articles', 1)",
            (BEGAN, short, whole),
        )
    answer = await api.get(f"/v1/entities/{short}")
    EntityWhole.model_validate(answer.json())
    told = answer.json()
    assert answer.headers["content-location"] == f"/v1/entities/{quote(whole)}"
    assert (told["id"], told["aliases"], told["former_ids"]) == (whole, ["DUL", "Union"], [short])
    assert [(one["kind"], one["id"], one["evidence"]) for one in told["changes"]] == [
        ("merged", short, "3 of 3 articles")
    ]
    itself = await api.get(f"/v1/entities/{quote(whole, safe='')}")
    assert (itself.json(), "content-location" in itself.headers) == (told, False)
    listed = (await api.get("/v1/entities?type=organisation")).json()["items"]
    assert [one["id"] for one in listed] == [whole]
    facets = (await api.get("/v1/facets?field=entity&size=50")).json()["items"][0]["values"]
    assert short not in {one["value"] for one in facets}
    for part in ("timeline", "related"):
        assert (await api.get(f"/v1/entities/{short}/{part}")).status_code == 200
