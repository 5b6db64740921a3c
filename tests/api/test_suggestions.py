"""What is almost right is refused with what may have been meant, wherever it stands."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.conftest import Newsroom


@pytest.mark.parametrize(
    ("asked", "where", "suggestion"),
    [
        ("/v1/articles?lnag=en", "query.lnag", "lang"),
        ("/v1/articles?lang=en-GB", "query.lang", "en"),
        ("/v1/articles?lang=portugese", "query.lang", "pt"),
        ("/v1/articles?place=pt", "query.place", "PT"),
        ("/v1/articles?topic=04000000", "query.topic", "medtop:04000000"),
        ("/v1/articles?fields=title,urll", "query.fields", "url"),
        ("/v1/articles?include=versoins", "query.include", "versions"),
        ("/v1/articles?has=bodyy", "query.has", "body"),
        ("/v1/events?type=wiredesk.article.enriched", "query.type", "wiredesk.article.enriched.v1"),
        ("/v1/facets?field=langg", "query.field", "lang"),
        ("/v1/timeseries?interval=dya", "query.interval", "day"),
        ("/v1/article", "path", "/v1/articles"),
        ("/v1/ops/queue", "path", "/v1/ops/queues"),
        ("/v1/articles/", "path", "/v1/articles"),
    ],
)
async def test_an_address_that_is_nearly_right(api: httpx.AsyncClient, asked: str, where: str, suggestion: str) -> None:
    answer = await api.get(asked)
    assert answer.status_code in (400, 404)
    (wrong,) = answer.json()["errors"]
    assert (wrong["where"], wrong.get("suggestion")) == (where, suggestion)


@pytest.mark.parametrize(
    ("path", "body", "where", "suggestion"),
    [
        ("/v1/feeds", {"url": "https://a.example/", "titel": "x"}, "body.titel", "title"),
        ("/v1/feeds", {"url": "https://a.example/", "source": {"contry": "PT"}}, "body.source.contry", "country"),
        ("/v1/feeds", {"url": "https://a.example/", "source": {"country": "pt"}}, "body.source.country", "PT"),
        ("/v1/feeds", {"url": "a.example/feed.xml"}, "body.url", "https://a.example/feed.xml"),
        ("/v1/feeds", {"url": "a.example:8080"}, "body.url", "https://a.example:8080"),
        ("/v1/feeds", {"url": "ftp://a.example/"}, "body.url", None),
        ("/v1/feeds", {}, "body.url", None),
        ("/v1/feeds/doctor", {"url": "a.example"}, "body.url", "https://a.example"),
        ("/v1/webhooks", {"url": "https://a.example/", "filters": {"lnag": "en"}}, "body.filters.lnag", "lang"),
        ("/v1/webhooks", {"url": "https://a.example/", "filters": {"lang": "en-GB"}}, "body.filters.lang", "en"),
        ("/v1/searches", {"name": "x", "filters": {"topc": "x"}}, "body.filters.topc", "topic"),
        ("/v1/searches", {"name": "x", "filters": {}}, "body.filters", None),
        ("/v1/keys", {"name": "x", "scopes": ["raed"]}, "body.scopes.0", "read"),
        ("/v1/ops/reenrich", {"dryrun": True}, "body.dryrun", "dry_run"),
        ("/v1/ops/reenrich", {"lang": ["english"]}, "body.lang.0", None),
        (
            "/v1/ops/reenrich",
            {"from": "2026-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z"},
            "body.from",
            None,
        ),
    ],
)
async def test_a_body_that_is_nearly_right(
    api: httpx.AsyncClient, path: str, body: dict[str, Any], where: str, suggestion: str | None
) -> None:
    answer = await api.post(path, json=body)
    assert answer.status_code == 422, answer.text
    (wrong,) = answer.json()["errors"]
    assert (wrong["where"], wrong.get("suggestion")) == (where, suggestion)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/asyncapi.json"])
async def test_probes_and_documents_refuse_what_they_do_not_know_too(api: httpx.AsyncClient, path: str) -> None:
    assert (await api.get(path)).status_code == 200
    answer = await api.get(path, params={"verbose": "1"})
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_parameter")
    assert answer.json()["errors"][0]["where"] == "query.verbose"


async def test_the_documents_are_not_sent_twice_and_are_packed(api: httpx.AsyncClient) -> None:
    for path in ("/openapi.json", "/asyncapi.json"):
        answer = await api.get(path, headers={"accept-encoding": "gzip"})
        assert answer.headers["content-encoding"] == "gzip"
        again = await api.get(path, headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


async def test_steps_cannot_be_named_before_a_worker_told_of_its_own(
    newsroom: Newsroom, api: httpx.AsyncClient
) -> None:
    answer = await api.post("/v1/ops/reenrich", json={"steps": ["topics"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert newsroom.conn.execute("SELECT count(*) FROM reenrich_requests").fetchone() == (0,)
    assert (await api.post("/v1/ops/reenrich", json={"dry_run": True})).status_code == 202
