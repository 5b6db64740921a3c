from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, ClassVar

import httpx
import psycopg
import pytest

from services.api.deps import Resources
from services.api.schemas import ArticleCard, ArticlePage, ArticleWhole
from services.api.search.finding import store as finding
from shared import log
from tests.api.conftest import BEGAN, Newsroom


async def titles(api: httpx.AsyncClient, query: str = "") -> list[str]:
    answer = await api.get(f"/v1/articles{query}")
    assert answer.status_code == 200, answer.text
    return [item["title"] for item in answer.json()["items"]]


async def test_the_list_is_newest_first_and_names_the_position_to_follow_from(
    newsroom: Newsroom, api: httpx.AsyncClient
) -> None:
    newsroom.article("older", published=BEGAN)
    newsroom.article("newest", published=BEGAN + timedelta(hours=2))
    newsroom.article("undated", published=BEGAN + timedelta(hours=1), undated=True)
    page = (await api.get("/v1/articles")).json()
    assert [(i["title"], i["position"]) for i in page["items"]] == [("newest", 2), ("undated", 3), ("older", 1)]
    assert page["position"] == 3
    assert page["next"] is None


async def test_an_empty_store_is_an_empty_list(api: httpx.AsyncClient) -> None:
    assert (await api.get("/v1/articles")).json() == {"items": [], "next": None, "position": 0}


async def test_what_is_served_is_what_the_models_say(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    article_id = newsroom.article()
    page = (await api.get("/v1/articles")).json()
    ArticlePage.model_validate(page)
    assert set(page["items"][0]) <= set(ArticleCard.model_fields)
    full = (await api.get("/v1/articles?include=full")).json()["items"][0]
    one = (await api.get(f"/v1/articles/{article_id}")).json()
    assert full == one
    ArticleWhole.model_validate(one)
    assert set(one) <= set(ArticleWhole.model_fields)
    assert one["entities"][0]["mentions"]
    assert one["entities"][0]["aliases_seen"] == ["Lisbon"]


@pytest.mark.parametrize(
    "filters",
    ["", "&lang=en&source=wire.example", "&q=bridge&entity=place:lisbon", "&q=%22carries+traffic%22", "&since=0"],
)
async def test_pages_neither_skip_nor_repeat_while_articles_arrive(
    newsroom: Newsroom, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, filters: str
) -> None:
    monkeypatch.setattr(finding, "WALK", 5)  # so that pages are made of every look there is
    monkeypatch.setattr(finding, "WALK_WORDS", 5)
    monkeypatch.setattr(finding, "LOOKS", 3)
    for n in range(30):
        newsroom.article(f"old{n}", published=BEGAN + timedelta(minutes=n // 3))  # ties in time
    expected = [f"old{n}" for n in range(30)]
    seen: list[str] = []
    url: str | None = f"/v1/articles?limit=4{filters}"
    while url:
        page = (await api.get(url)).json()
        seen += [i["title"] for i in page["items"]]
        if len(seen) < 30:
            newsroom.article("new", published=BEGAN + timedelta(days=1))
            newsroom.article("backfill", published=BEGAN - timedelta(days=1))
        url = page["next"]
        assert len(seen) < 100
    assert [t for t in seen if t.startswith("old")] == sorted(expected, key=lambda t: -int(t[3:]))
    assert "new" not in seen


async def test_the_next_page_is_in_the_link_header_too(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    newsroom.article("a")
    newsroom.article("b")
    answer = await api.get("/v1/articles?limit=1&lang=en")
    assert answer.headers["link"] == f'<{answer.json()["next"]}>; rel="next"'
    assert "lang=en" in answer.json()["next"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("lang=es", {"Puente"}),
        ("lang=ES&lang=fr", {"Puente", "Pont"}),
        ("source=b.example", {"Pont"}),
        ("feed=7", {"Pont"}),
        ("feed=1&feed=7&lang=fr", {"Pont"}),
        ("entity=person:duarte", {"Puente"}),
        ("entity=person:duarte&entity=place:lisbon", {"Bridge", "Puente"}),
        ("entity=place:lisbon&entity_type=person", {"Puente"}),
        ("q=reabre", {"Puente"}),
        ("q=réouvre", {"Pont"}),
        ("q=REOUVRE", {"Pont"}),
        ("q=reabre&q=reouvre", {"Puente", "Pont"}),
        ("q=bridge -pont", {"Bridge"}),
        ('q="carries traffic"', {"Bridge"}),
        ('q="traffic carries"', set()),
        ("q=%26%7C!", set()),
        ("from=2026-03-01T08:02:00Z", {"Puente", "Pont"}),
        ("from=2026-03-01T10:02:00%2B02:00&to=2026-03-01T08:03:00Z", {"Puente"}),
        ("to=2026-03-01T08:02:00Z", {"Bridge"}),
        ("from=2026-03-02", set()),
        ("since=2", {"Pont"}),
        ("since=0", {"Bridge", "Puente", "Pont"}),
    ],
)
async def test_filters_combine(newsroom: Newsroom, api: httpx.AsyncClient, query: str, expected: set[str]) -> None:
    both = (("place:lisbon", "place", "Lisbon"), ("person:duarte", "person", "Duarte"))
    newsroom.article("Bridge")
    newsroom.article("Puente", body="El puente reabre.", lang="es", entities=both)
    newsroom.article("Pont", body="Le pont réouvre.", lang="fr", source="b.example", feed=7, entities=())
    assert set(await titles(api, f"?{query}")) == expected


async def test_fields_keep_what_is_asked_for(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    newsroom.article(body="All of it.")
    (item,) = (await api.get("/v1/articles?fields=url,body_text")).json()["items"]
    assert set(item) == {"id", "title", "version", "position", "url", "body_text"}
    one = (await api.get("/v1/articles/1?fields=url")).json()
    assert set(one) == {"id", "title", "version", "position", "url"}


@pytest.mark.parametrize(
    ("query", "where", "suggestion"),
    [
        ("lnag=en", "query.lnag", "lang"),
        ("zzzzzz=1", "query.zzzzzz", None),
        ("entity_types=person", "query.entity_types", "entity_type"),
    ],
)
async def test_an_unknown_parameter_is_named_with_the_nearest(
    api: httpx.AsyncClient, query: str, where: str, suggestion: str | None
) -> None:
    answer = await api.get(f"/v1/articles?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_parameter")
    assert answer.headers["content-type"] == "application/problem+json"
    (error,) = answer.json()["errors"]
    assert (error["where"], error.get("suggestion")) == (where, suggestion)


BAD_VALUES = [
    "limit=0", "limit=201", "limit=ten", "limit=1e2", "limit=%2B5", "cursor=abc", "cursor=AAAAAAAAAAAAAAAAAAAAA%3D",
    "since=-1", "since=9223372036854775808", "lang=english", "lang=", "q=", "q=%20", "q=a%00b", "q=%ff", "q=%C3",
    "feed=0", "feed=abc", "entity_type=robot", "from=yesterday", "from=2026-13-01", "to=0000-00-00", "sort=oldest",
    "include=all", "fields=urll", "fields=", "limit=1&limit=2", "from=20260301",
    "sort=relevance", "place=pt", "place=Portugal", "has=teeth", "has=body,image",
    "cursor=f_________________8", "cursor=gAAAAAAAAAAAAAAAAAAAAA", "cursor=f____________________w",
]  # fmt: skip


async def test_a_bad_value_is_refused_and_never_clamped(api: httpx.AsyncClient) -> None:
    for query in BAD_VALUES:
        answer = await api.get(f"/v1/articles?{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_value"), query


async def test_a_page_that_is_known_is_not_sent_again(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    newsroom.article()
    first = await api.get("/v1/articles")
    again = await api.get("/v1/articles", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    newsroom.article()
    later = await api.get("/v1/articles?limit=50", headers={"If-None-Match": first.headers["etag"]})
    assert later.status_code == 200


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "identity"])
async def test_pages_are_packed_as_asked(newsroom: Newsroom, api: httpx.AsyncClient, encoding: str) -> None:
    for n in range(5):
        newsroom.article(f"n{n}")
    plain = (await api.get("/v1/articles", headers={"Accept-Encoding": "identity"})).json()
    packed = await api.get("/v1/articles", headers={"Accept-Encoding": encoding})
    assert packed.headers.get("content-encoding", "identity") == encoding
    assert packed.json() == plain


async def test_a_page_never_lacks_what_a_follower_was_told(
    newsroom: Newsroom, api: httpx.AsyncClient, held: Resources
) -> None:
    for n in range(1, 20):
        article_id = await asyncio.to_thread(newsroom.article, f"n{n}")
        await held.hub.beyond(n - 1, 20)
        page = (await api.get("/v1/articles")).json()
        assert page["position"] >= n
        assert page["items"][0]["id"] == article_id


class Counting(psycopg.AsyncCursor[Any]):
    """Notes the statements that read articles; the stream's reader looks at the log beside us."""

    seen: ClassVar[list[bytes]] = []

    async def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(query, bytes) and (b"enriched_articles" in query or b"article_lookup" in query):
            Counting.seen.append(query)
        return await super().execute(query, *args, **kwargs)


async def test_a_page_is_one_statement_whatever_it_holds(
    newsroom: Newsroom, api: httpx.AsyncClient, held: Resources
) -> None:
    for n in range(25):
        newsroom.article(f"n{n}")
    await held.hub.beyond(24, 20)
    connections = [await held.pool.getconn() for _ in range(held.pool.max_size)]
    for conn in connections:
        conn.cursor_factory = Counting
        await held.pool.putconn(conn)
    for query in (
        "limit=1",
        "limit=20",
        "limit=20&include=full",
        "limit=20&q=bridge&entity=place:lisbon",
        "q=bridge&sort=relevance&has=quote&place=PT",
    ):
        Counting.seen.clear()
        assert (await api.get(f"/v1/articles?{query}")).status_code == 200
        assert len(Counting.seen) == (2 if "relevance" in query else 1), query  # ranked by words first, then read


async def test_the_vector_is_served_only_when_it_is_asked_for(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    english, other = newsroom.article(), newsroom.article("Die Brücke", lang="de")
    packed = bytes([127, 0, 129, *[0] * 253])  # 127, 0, -127
    newsroom.conn.execute("INSERT INTO article_vectors (article_id, vector) VALUES (%s, %s)", (english, packed))
    page = (await api.get("/v1/articles?fields=embedding")).json()["items"]
    told = {item["id"]: item["embedding"] for item in page}
    assert told[english][:4] == [0.70711, 0.0, -0.70711, 0.0]
    assert len(told[english]) == 256
    assert told[other] is None
    one = (
        (await api.get(f"/v1/articles/{english}?fields=embedding,lang")).status_code,
        (await api.get(f"/v1/articles/{english}?fields=embedding")).json(),
    )
    assert one[0] == 400
    assert one[1]["embedding"] == told[english]
    assert "embedding" not in (await api.get(f"/v1/articles/{english}")).json()
    assert "embedding" not in (await api.get("/v1/articles?include=full")).json()["items"][0]


async def test_mentions_and_versions_are_put_beside_the_card(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    article_id = newsroom.article()
    versions = (await api.get(f"/v1/articles/{article_id}/versions")).json()["items"]
    for url in ("include=mentions,versions", "include=mentions&include=versions"):
        (item,) = (await api.get(f"/v1/articles?{url}")).json()["items"]
        assert item["entities"][0]["mentions"][0]["field"] == "body_text"
        assert [v["version"] for v in item["versions"]] == [v["version"] for v in versions] == [1]
        assert "body_text" not in item
    (item,) = (await api.get("/v1/articles?include=full,versions&fields=url")).json()["items"]
    assert set(item) == {"id", "title", "version", "position", "url", "versions"}
    one = (await api.get(f"/v1/articles/{article_id}?include=versions")).json()
    assert (one["versions"][0]["position"], "body_text" in one) == (1, True)
    assert (await api.get("/v1/events?after=0&include=versions")).status_code == 400


async def test_what_changed_since_is_whole_though_the_log_was_trimmed(
    newsroom: Newsroom, api: httpx.AsyncClient
) -> None:
    for n in range(12):
        newsroom.article(f"Harbour {n}", relay=False)
    newsroom.relay()
    for kept in (12, 10, 4, 1):
        with newsroom.conn.transaction():
            log.trim(newsroom.conn, kept, None, 12, 1000)
        for asked in ("since=5", "since=5&sort=relevance&q=harbour", "since=0&limit=5"):
            found: list[int] = []
            url: str | None = f"/v1/articles?{asked}&to=203{kept % 10}-01-01"  # another page each time: none is kept
            while url:
                page = (await api.get(url)).json()
                found += [item["id"] for item in page["items"]]
                url = page["next"]
            assert sorted(found) == list(range(1 if "since=0" in asked else 6, 13)), (kept, asked)
