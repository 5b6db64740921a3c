"""However an article is kept, and whatever its publisher said since, it is served as it was enriched."""

from __future__ import annotations

import httpx
import pytest

from shared.packing import pack_text, pack_words
from tests.api.conftest import Newsroom
from tests.keeping import alter, unpacked

ASKED = [
    "/v1/articles/1",
    "/v1/articles?include=full",
    "/v1/articles?include=mentions",
    "/v1/articles?fields=body_text,quotes&q=works",
    "/v1/articles?q=works&sort=relevance&include=versions",
    "/v1/articles/1/similar",
    "/v1/articles/1/versions",
    "/v1/events?after=0",
    "/v1/sources",
]


@pytest.mark.parametrize("mixed", [False, True], ids=["all", "some"])
async def test_what_was_kept_unpacked_is_served_like_anything_else(
    newsroom: Newsroom, api: httpx.AsyncClient, mixed: bool
) -> None:
    newsroom.article("Harbour works", entities=(("person:duarte", "person", "Duarte"),), quotes=("soon",))
    newsroom.article("Road works", entities=(("person:duarte", "person", "Duarte"),))
    packed = [(await api.get(path)).json() for path in ASKED]
    unpacked(newsroom.conn)
    if mixed:
        alter(newsroom.conn, 2, lambda card, rest: None)
    told = [(await api.get(path + ("&" if "?" in path else "?") + "limit=7" * ("?" in path))).json() for path in ASKED]
    assert told == packed
    assert told[0]["entities"][0]["mentions"]


async def test_the_body_of_a_version_is_read_beside_the_html_of_that_version(
    newsroom: Newsroom, api: httpx.AsyncClient
) -> None:
    n = newsroom.article("Harbour works", body="It opens in May.")
    first, second = "<p>It opens in May.</p>", "<p>It opens in June, after all.</p>"
    run = newsroom.conn.execute
    run("UPDATE articles SET body_packed = %s WHERE id = %s", (pack_words("Soon.", first), n))
    alter(newsroom.conn, n, lambda card, rest: None, html=first)
    served = (await api.get(f"/v1/articles/{n}")).json()
    assert served["body_text"] == "It opens in May."
    # ingest stored another version, which waits for its enrichment.
    run("UPDATE article_versions SET authors = '{}', body_packed = %s WHERE article_id = %s", (pack_text(first), n))
    run("UPDATE articles SET version = 2, body_packed = %s WHERE id = %s", (pack_text(second), n))
    run("INSERT INTO article_versions (article_id, version, seen_at, title, significant, changes)"
        " VALUES (%s, 2, now(), 't', true, '[]')", (n,))  # fmt: skip
    assert (await api.get(f"/v1/articles/{n}")).json() == served
    listed = (await api.get("/v1/articles?include=full")).json()["items"]
    assert listed == [served]
    told = (await api.get(f"/v1/articles/{n}/diff")).json()
    assert {c["field"]: (c["old"], c["new"]) for c in told["changes"]}["body_text"] == (
        "It opens in May.",
        "It opens in June, after all.",
    )
    # Retention emptied ingest's texts, and this article is next.
    run("UPDATE articles SET body_packed = NULL WHERE id = %s", (n,))
    run("UPDATE article_versions SET body_packed = NULL, authors = NULL WHERE article_id = %s", (n,))
    gone = (await api.get(f"/v1/articles/{n}")).json()
    assert gone["body_text"] is None
    assert gone["title"] == "Harbour works"
