from __future__ import annotations

import json

import httpx
import pytest

from services.api.problems import CODES
from services.api.schemas import ProblemDocument
from tests.api.conftest import Newsroom


async def problem(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    told = ProblemDocument.model_validate(answer.json())
    assert (told.status, CODES[told.code][0]) == (answer.status_code, answer.status_code)
    return told.code


async def test_an_unknown_path_is_a_problem(api: httpx.AsyncClient) -> None:
    for path in ("/nothing", "/v1", "/v1/articles/", "/v1/articles/1/nothing"):
        assert await problem(await api.get(path)) == "not_found", path


@pytest.mark.parametrize("article_id", ["0", "-1", "x", "1.0", "99999999999999999999", "٣", "1%00", "%27"])
async def test_an_unknown_article_is_a_problem(api: httpx.AsyncClient, article_id: str) -> None:
    for tail in ("", "/versions", "/trace"):
        assert await problem(await api.get(f"/v1/articles/{article_id}{tail}")) == "not_found"


async def test_a_wrong_method_names_all_the_right_ones(api: httpx.AsyncClient) -> None:
    for path, allowed in (
        ("/v1/feeds", {"GET", "HEAD", "POST"}),
        ("/v1/feeds/1", {"GET", "HEAD", "PATCH", "DELETE"}),
        ("/v1/articles", {"GET", "HEAD"}),
        ("/v1/feeds/1/poll", {"POST"}),
        ("/v1/feeds/doctor", {"POST"}),
        ("/v1/searches/1.rss", {"GET", "HEAD"}),
        ("/v1/events", {"GET"}),
    ):
        answer = await api.request("PUT", path)
        assert await problem(answer) == "method_not_allowed"
        assert set(answer.headers["allow"].split(", ")) == allowed


async def test_head_is_get_without_the_body(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    newsroom.article()
    got, head = await api.get("/v1/articles"), await api.head("/v1/articles")
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", got.headers["etag"])


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "application/json;q=0", "image/*, text/plain"])
async def test_a_type_that_is_not_served_is_not_acceptable(api: httpx.AsyncClient, accept: str) -> None:
    for path in ("/v1/articles", "/v1/feeds", "/v1/sources"):
        assert await problem(await api.get(path, headers={"Accept": accept})) == "not_acceptable"


@pytest.mark.parametrize("accept", ["*/*", "application/*", "text/html, */*;q=0.1", "APPLICATION/JSON"])
async def test_a_type_that_is_served_is_acceptable(api: httpx.AsyncClient, accept: str) -> None:
    assert (await api.get("/v1/articles", headers={"Accept": accept})).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_another_body_type_is_unsupported(api: httpx.AsyncClient, kind: str) -> None:
    answer = await api.post("/v1/feeds", content=b"{}", headers={"Content-Type": kind})
    assert await problem(answer) == "unsupported_media_type"
    answer = await api.post("/v1/feeds.opml", content=b"<opml/>", headers={"Content-Type": "application/json"})
    assert await problem(answer) == "unsupported_media_type"


async def test_a_body_too_large_is_not_read(api: httpx.AsyncClient) -> None:
    body = json.dumps({"url": "https://wire.example/" + "x" * 1_100_000})
    answer = await api.post("/v1/feeds", content=body, headers={"Content-Type": "application/json"})
    assert await problem(answer) == "too_large"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"{'url': 1}", b'{"url": NaN}', b"\xff", b'{"url": "\\ud800"}', b"[" * 5000]
)
async def test_what_is_no_json_is_a_400(api: httpx.AsyncClient, body: bytes) -> None:
    answer = await api.post("/v1/feeds", content=body, headers={"Content-Type": "application/json"})
    assert await problem(answer) == "bad_json"
    assert answer.status_code == 400


@pytest.mark.parametrize("body", ["[]", "null", "7", '"x"', '{"url": "https://wire.example/", "title": "a\\u0000b"}'])
async def test_json_of_another_shape_is_a_422(api: httpx.AsyncClient, body: str) -> None:
    answer = await api.post("/v1/feeds", content=body, headers={"Content-Type": "application/json"})
    assert await problem(answer) == "bad_body"


async def test_what_is_nested_too_deep_is_a_400(api: httpx.AsyncClient) -> None:
    for depth in (101, 300, 990, 1020):
        for open_, close in ("[]", ('{"a":', "}")):
            deep = f"{open_ * depth}1{close * depth}"
            for body in (deep, f'{{"name": "n", "filters": {{"q": {deep}}}}}'):
                answer = await api.post("/v1/searches", content=body, headers={"Content-Type": "application/json"})
                assert await problem(answer) == "bad_json", (depth, body[:9])


async def test_an_error_of_ours_is_a_problem_too(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    newsroom.conn.execute("ALTER TABLE enriched_articles RENAME TO gone")
    answer = await api.get("/v1/articles")
    assert (await problem(answer), answer.status_code) == ("internal", 500)
    assert "enriched_articles" not in answer.text


async def test_a_position_beyond_the_newest_event_is_ahead_wherever_it_is_given(
    newsroom: Newsroom, api: httpx.AsyncClient
) -> None:
    newsroom.article()
    assert (await api.post("/v1/searches", json={"name": "n", "filters": {"q": "harbour"}})).status_code == 201
    for path in (
        *(f"/v1/articles{tail}?" for tail in ("", ".json", ".rss", ".ninjs")),
        "/v1/searches/1.json?",
        "/v1/facets?field=lang&",
        "/v1/timeseries?",
        "/v1/entities/place:lisbon/timeline?",
        "/v1/entities/place:lisbon/related?",
        "/v1/events?after=0&",
    ):
        assert (await api.get(f"{path}since=1")).status_code == 200, path
        answer = await api.get(f"{path}since=2")
        assert await problem(answer) == "position_ahead", path
        assert answer.json()["latest"] == 1


async def test_a_wrong_choice_in_a_body_names_the_nearest(api: httpx.AsyncClient) -> None:
    answer = await api.post("/v1/feeds", json={"url": "https://wire.example/rss", "priority": "braeking"})
    (wrong,) = answer.json()["errors"]
    assert (wrong["where"], wrong["suggestion"]) == ("body.priority", "breaking")
    answer = await api.post("/v1/keys", json={"name": "n", "scopes": ["raed"]})
    assert answer.json()["errors"][0]["suggestion"] == "read"
