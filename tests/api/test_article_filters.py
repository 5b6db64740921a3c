"""Filters by place, author and part, and the order of relevance: on lists, and on streams as far as cards tell."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from services.api.deps import Resources
from services.api.query import ARTICLES, RANKED_MOST, Ranked, decode_cursor, encode_ranked, read_articles
from services.api.search import ranking, store
from shared.facts import OF_REST, ON_CARD
from tests.api.conftest import BEGAN, Newsroom
from tests.keeping import alter


async def titles(api: httpx.AsyncClient, query: str) -> list[str]:
    answer = await api.get(f"/v1/articles?{query}")
    assert answer.status_code == 200, answer.text
    return [item["title"] for item in answer.json()["items"]]


def fill(newsroom: Newsroom) -> None:
    newsroom.article(
        "Lisbon",
        places=(("place:lisbon", "PT"), ("place:portugal", "PT")),
        images=("https://p.example/1",),
        topics=("medtop:01000000",),
    )
    newsroom.article("Porto and Paris", places=(("place:porto", "PT"), ("place:paris", "FR")), quotes=("No.",))
    newsroom.article(
        "Paris",
        places=(("place:paris", "FR"),),
        authors=("Ana SÁ", "José"),
        quotes=("Yes.",),
        topics=("medtop:20000170",),
    )
    newsroom.article("Nowhere", authors=(), entities=(), images=("https://p.example/2",))


FILTERS = [
    ("place=PT", {"Lisbon", "Porto and Paris"}),
    ("place=FR", {"Porto and Paris", "Paris"}),
    ("place=PT&place=FR", {"Lisbon", "Porto and Paris", "Paris"}),
    ("place=place:paris", {"Porto and Paris", "Paris"}),
    ("place=place:lisbon&place=place:porto", {"Lisbon", "Porto and Paris"}),
    ("place=place:nowhere", set()),
    ("place=ZZ", set()),
    ("place=PT&author=ana+sá", set()),
    ("author=ana+sá", {"Paris"}),
    ("author=JOSÉ", {"Paris"}),
    ("author=Jos%C3%A9&author=m.+duarte", {"Lisbon", "Porto and Paris", "Paris"}),
    ("author=Ana", set()),
    ("has=image", {"Lisbon", "Nowhere"}),
    ("has=place&has=image", {"Lisbon", "Porto and Paris", "Paris", "Nowhere"}),
    ("has=author", {"Lisbon", "Porto and Paris", "Paris"}),
    ("has=entity&place=FR", {"Porto and Paris", "Paris"}),
    ("topic=medtop:04000000", {"Paris"}),
    ("topic=medtop:20000170&topic=medtop:01000000", {"Paris", "Lisbon"}),
    ("topic=medtop:20000170&has=image", set()),
    ("has=topic", {"Paris", "Lisbon"}),
    ("has=body&has=description", {"Lisbon", "Porto and Paris", "Paris", "Nowhere"}),
]


async def test_place_author_and_part_filter_the_list(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    fill(newsroom)
    for query, expected in FILTERS:
        assert set(await titles(api, query)) == expected, query
    assert set(await titles(api, "has=quote")) == {"Porto and Paris", "Paris"}
    assert set(await titles(api, "has=quote&has=image&place=PT")) == {"Lisbon", "Porto and Paris"}
    for part in ("date", "link", "media"):
        assert await titles(api, f"has={part}") == []


async def test_the_same_filters_on_the_stream_let_the_same_articles_pass(
    newsroom: Newsroom, api: httpx.AsyncClient
) -> None:
    fill(newsroom)
    newsroom.tell("wiredesk.feed.failing.v1", "feeds/1", {"id": 1})
    for query, expected in FILTERS:
        answer = await api.get(f"/v1/events?after=0&{query}")
        assert {event["data"]["title"] for event in answer.json()["items"]} == expected, query


async def test_the_stream_refuses_parts_that_its_events_do_not_tell_of(api: httpx.AsyncClient) -> None:
    for part in OF_REST:
        answer = await api.get(f"/v1/events?after=0&has={part}")
        assert answer.json()["errors"][0]["where"] == "query.has"


async def test_a_webhook_takes_the_same_filters(api: httpx.AsyncClient) -> None:
    filters = {"place": ["PT", "place:paris"], "author": "Ana", "has": sorted(ON_CARD)}
    answer = await api.post("/v1/webhooks", json={"url": "https://hooks.example/x", "filters": filters})
    assert answer.status_code == 201, answer.text
    refused = await api.post("/v1/webhooks", json={"url": "https://hooks.example/x", "filters": {"has": ["quote"]}})
    assert refused.json()["errors"][0]["where"] == "body.filters.has"


async def test_a_card_that_jsonb_cannot_hold_is_found_like_any_other(
    newsroom: Newsroom, api: httpx.AsyncClient
) -> None:
    fill(newsroom)
    newsroom.article("NUL", places=(("place:lisbon", "PT"),))
    alter(newsroom.conn, 5, lambda card, rest: card.update(subtitle="\0"))
    assert (await api.get("/v1/articles/5")).json()["subtitle"] == "\0"
    assert set(await titles(api, "place=PT&has=place")) == {"Lisbon", "Porto and Paris", "NUL"}
    assert len(await titles(api, "")) == 5


async def test_a_very_long_author_can_be_stored(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    newsroom.article("long", authors=("é" * 20_000,))
    assert await titles(api, "has=author") == ["long"]


async def test_relevance_puts_the_best_first(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    newsroom.article("One", body="bridge" + " and very much else of no matter" * 10)
    newsroom.article("Two", body="bridge bridge bridge")
    newsroom.article("Three", body="bridge only")
    newsroom.article("Four", body="nothing")
    assert await titles(api, "q=bridge&sort=relevance") == ["Two", "Three", "One"]
    assert await titles(api, "q=bridge&sort=newest") == ["Three", "Two", "One"]
    assert await titles(api, "q=bridge&q=nothing&sort=relevance&has=image") == []
    assert set(await titles(api, "q=bridge&q=nothing&sort=relevance")) == {"One", "Two", "Three", "Four"}


async def test_pages_by_relevance_neither_skip_nor_repeat_while_articles_arrive(
    newsroom: Newsroom, api: httpx.AsyncClient
) -> None:
    for n in range(25):
        newsroom.article(f"old{n}", body="bridge " * (1 + n % 4) + "word " * (n % 3))  # many ties
    expected = [t for t in await titles(api, "q=bridge&sort=relevance&limit=200")]
    assert len(expected) == 25
    seen: list[str] = []
    url: str | None = "/v1/articles?q=bridge&sort=relevance&limit=4"
    while url:
        page = (await api.get(url)).json()
        seen += [i["title"] for i in page["items"]]
        newsroom.article("new", body="bridge " * 3, published=BEGAN + timedelta(days=1))
        newsroom.article("backfill", body="bridge", published=BEGAN - timedelta(days=1))
        url = page["next"]
        assert len(seen) < 100
    assert [t for t in seen if t.startswith("old")] == expected
    assert "backfill" not in seen


async def test_relevance_ranks_no_more_than_it_says(newsroom: Newsroom, held: Resources) -> None:
    newsroom.conn.execute(
        "INSERT INTO article_lookup SELECT n, %s - n * interval '1 minute', 'en', ARRAY['day=2026-03-01'],"
        " ' | ' || repeat('bridg ', n) FROM generate_series(1, %s) AS n",
        (BEGAN, RANKED_MOST + 50),
    )
    query = read_articles(b"q=bridge&sort=relevance&limit=3")
    async with held.reading() as conn:
        _, found = await store.candidates(conn, query, BEGAN, 0)
    assert {one.article_id for one in found} == set(range(1, RANKED_MOST + 1))
    (first, *_) = ranking.best(found, query.filter.q, BEGAN, None, 3)
    assert first.floor[1] == RANKED_MOST


async def test_a_cursor_of_the_other_order_is_refused(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    for n in range(3):
        newsroom.article(f"n{n}", body="bridge")
    newest = (await api.get("/v1/articles?q=bridge&limit=1")).json()["next"]
    best = (await api.get("/v1/articles?q=bridge&limit=1&sort=relevance")).json()["next"]
    for url in (f"{newest}&sort=relevance", best.replace("sort=relevance", "sort=newest")):
        answer = await api.get(url)
        assert (answer.status_code, answer.json()["errors"][0]["where"]) == (400, "query.cursor")


@pytest.mark.parametrize("rank", [0.0, 0.1, 1e-20, 0.6079271])
def test_a_ranked_cursor_reads_back(rank: float) -> None:
    kept = decode_cursor(encode_ranked(Ranked(rank, (BEGAN, 7), (BEGAN - timedelta(days=9), 3), BEGAN)))
    assert isinstance(kept, Ranked)
    assert (kept.rank, kept.now) == (rank, BEGAN)
    assert (kept.at, kept.floor) == ((BEGAN, 7), (BEGAN - timedelta(days=9), 3))


def test_lists_and_streams_document_the_parts_they_know() -> None:
    (told,) = [p for p in ARTICLES if p.name == "has"]
    assert told.schema["enum"] == sorted({*ON_CARD, *OF_REST})
