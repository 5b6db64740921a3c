"""Lists of what is not news: sources, keys and re-readings come in pages that neither skip nor repeat."""

from __future__ import annotations

from typing import Any

import httpx
import psycopg
import pytest

from services.api import cursors, store
from services.api.ops import store as ops_store
from services.api.schemas import SourcePage
from tests.api.conftest import Newsroom


async def pages(api: httpx.AsyncClient, path: str, limit: int, between: Any = None) -> list[list[Any]]:
    """The ids on each page, by following `next`, which `Link` names too."""
    found, following = [], f"{path}?limit={limit}"
    while following:
        answer = await api.get(following)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        following = told["next"]
        assert ("link" in answer.headers) is bool(following)
        assert not following or answer.headers["link"] == f'<{following}>; rel="next"'
        found.append([one["id"] for one in told["items"]])
        if between:
            await between(len(found))
    return found


async def test_sources_are_counted_in_order_of_their_ids(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    for source in ("a.example", "b.example", "b.example"):
        newsroom.article(source=source)
    page = SourcePage.model_validate((await api.get("/v1/sources")).json())
    assert [(s.id, s.articles, s.domain) for s in page.items] == [
        ("a.example", 1, "a.example"),
        ("b.example", 2, "b.example"),
    ]
    assert page.position == 3


async def test_sources_tell_what_became_of_every_item(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    newsroom.article(source="a.example")
    for n, source in enumerate(("a.example", "a.example", "b.example", None), 1):
        feed_id = (await api.post("/v1/feeds", json={"url": f"https://wire.example/{n}", "title": f"Wire {n}"})).json()
        newsroom.conn.execute(
            "INSERT INTO feed_states (feed_id, source_id, new_total, corrected_total, duplicate_total,"
            " refused_total, capped_total) VALUES (%s, %s, %s, 2, 4, 5, 6)",
            (feed_id["id"], source, 10 * n),
        )
        newsroom.conn.execute("INSERT INTO feed_clocks (feed_id, unchanged_total) VALUES (%s, 3)", (feed_id["id"],))
    page = SourcePage.model_validate((await api.get("/v1/sources")).json())
    assert [(s.id, s.name, s.articles, s.feeds, s.newest_at is None) for s in page.items] == [
        ("a.example", "A.Example", 1, 2, False),
        ("b.example", "Wire 3", 0, 1, True),
    ]
    rest = {"corrected": 2, "unchanged": 3, "duplicate": 4, "refused": 5, "capped": 6}
    assert page.items[1].outcomes == {"new": 30, **rest}
    assert page.items[0].outcomes == {"new": 30} | {code: 2 * count for code, count in rest.items()}
    await api.delete("/v1/feeds/3")
    assert [s.id for s in SourcePage.model_validate((await api.get("/v1/sources")).json()).items] == ["a.example"]


async def test_sources_come_in_pages_while_articles_arrive(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    named = [f"s{n}.example" for n in range(7)]
    for name in named:
        newsroom.article(source=name)
    for n, source in enumerate(("s3.example", "s3x.example", "zz.example"), 1):  # two of which have no articles
        feed = (await api.post("/v1/feeds", json={"url": f"https://wire.example/{n}"})).json()
        newsroom.conn.execute("INSERT INTO feed_states (feed_id, source_id) VALUES (%s, %s)", (feed["id"], source))
        newsroom.conn.execute("INSERT INTO feed_clocks (feed_id) VALUES (%s)", (feed["id"],))

    async def more(page: int) -> None:
        for name in ("a-new.example", "s6.example", *([f"s6.example.{page}"] if page < 4 else [])):
            newsroom.article(source=name)

    found = await pages(api, "/v1/sources", 3, more)
    assert [len(page) for page in found[:-1]] == [3] * (len(found) - 1)
    ids = [one for page in found for one in page]
    later = {f"s6.example.{n}" for n in (1, 2, 3)}
    assert [one for one in ids if one not in later] == sorted({*named, "s3x.example", "zz.example"})
    assert len(ids) == len(set(ids))


async def test_a_source_that_is_nowhere_any_more_does_not_end_the_list(
    newsroom: Newsroom, api: httpx.AsyncClient
) -> None:
    for n in range(1, 5):
        feed = (await api.post("/v1/feeds", json={"url": f"https://wire.example/{n}"})).json()
        newsroom.conn.execute(
            "INSERT INTO feed_states (feed_id, source_id) VALUES (%s, %s)", (feed["id"], f"s{n}.example")
        )
        newsroom.conn.execute("INSERT INTO feed_clocks (feed_id) VALUES (%s)", (feed["id"],))
    for n in (1, 2, 3):
        await api.delete(f"/v1/feeds/{n}")
    found = await pages(api, "/v1/sources", 2)
    assert [one for page in found for one in page] == ["s4.example"]


async def test_keys_come_in_pages(api: httpx.AsyncClient) -> None:
    made = [(await api.post("/v1/keys", json={"name": f"k{n}", "scopes": ["read"]})).json()["id"] for n in range(5)]
    await api.delete(f"/v1/keys/{made[2]}")
    assert await pages(api, "/v1/keys", 2) == [[made[0], made[1]], [made[3], made[4]]]


async def test_rereadings_come_in_pages_the_newest_first(api: httpx.AsyncClient) -> None:
    made = [(await api.post("/v1/ops/reenrich", json={"lang": ["en"]})).json()["id"] for _ in range(5)]
    assert await pages(api, "/v1/ops/reenrich", 2) == [made[:2:-1], made[2:0:-1], made[:1]]
    assert (await api.get(f"/v1/ops/reenrich/{made[2]}")).json()["id"] == made[2]
    assert (await api.get(f"/v1/ops/reenrich/{made[-1] + 1}")).status_code == 404


@pytest.mark.parametrize("path", ["/v1/sources", "/v1/entities", "/v1/keys", "/v1/ops/reenrich"])
async def test_a_cursor_that_is_none_is_refused(api: httpx.AsyncClient, path: str) -> None:
    for wrong in ("%00", "~~~", "AA==", "x" * 5000, cursors.encode("a")[:-1] + "!"):
        answer = await api.get(path, params={"cursor": wrong})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_value"), wrong
        assert answer.json()["errors"][0]["where"] == "query.cursor"
    assert (await api.get(path, params={"limit": 201})).status_code == 400


async def test_a_page_of_sources_walks_no_table(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    newsroom.conn.execute(
        """
        INSERT INTO enriched_articles (article_id, version, revision, position, enriched_at, sort_at, lang, source_id,
                                       status, packed)
        SELECT n, 1, 'r', n, now(), now() - n * interval '1 minute', 'en', 's' || mod(n, 500), 'usable', ''
        FROM generate_series(1, 20000) AS n
        """
    )
    newsroom.conn.execute(
        """
        INSERT INTO feeds (url, url_key)
        SELECT 'https://s.example/' || n, 's.example/' || n FROM generate_series(1, 5000) n
        """
    )
    newsroom.conn.execute("INSERT INTO feed_states (feed_id, source_id) SELECT id, 't' || mod(id, 500) FROM feeds")
    newsroom.conn.execute("INSERT INTO feed_clocks (feed_id) SELECT id FROM feeds")
    newsroom.conn.execute("ANALYZE enriched_articles, feed_states, feeds, feed_clocks")
    asked: list[tuple[str, Any]] = []

    class Recorded:
        async def execute(self, statement: str, values: Any) -> Any:
            asked.append((statement, values))
            raise LookupError

    for ask in (
        lambda conn: store.sources(conn, "s2", 50),
        lambda conn: ops_store.outcomes_by_source(conn, [f"t{n}" for n in range(50)]),
    ):
        with pytest.raises(LookupError):
            await ask(Recorded())
    for statement, values in asked:
        cursor = psycopg.ClientCursor(newsroom.conn)
        ((told,),) = cursor.execute("EXPLAIN (FORMAT JSON) " + statement, values).fetchall()  # type: ignore[arg-type]
        scanned = [node["Relation Name"] for node in nodes(told[0]["Plan"]) if node["Node Type"] == "Seq Scan"]
        assert not {"enriched_articles", "feed_states", "events"} & set(scanned), scanned


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", ()) for node in nodes(child))]
