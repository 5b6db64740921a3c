"""Every form of lists and articles, read back by what reads such forms elsewhere."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import feedparser
import httpx
import jsonschema
import orjson
import pytest
from lxml import etree
from referencing import Registry, Resource

from services.api.formats import Item, Listing, ninjs
from services.enrich.document import Document
from services.enrich.present import card_json, rest_json
from shared.articles import Image
from tests.api.conftest import BEGAN, Newsroom
from tests.enrich.articles import NOW
from tests.enrich.conftest import enriched, resources  # noqa: F401 - fixtures

NINJS = Path(__file__).resolve().parents[3] / "shared/data/standards/ninjs/schema/ninjs-schema_3.1.json"
TYPES = {
    "json": "application/json",
    "rss": "application/rss+xml",
    "atom": "application/atom+xml",
    "jsonfeed": "application/feed+json",
    "ndjson": "application/x-ndjson",
    "csv": "text/csv",
    "ninjs": "application/vnd.iptc.ninjs+json",
}
HOSTILE = [
    "<script>alert(1)</script> & ]]> done",
    "Tom & Jerry &amp; friends",
    "\"quotes\" and 'more'",
    '=HYPERLINK("http://x.example","y")',
    "+1 (555) 0100",
    "@SUM(1)",
    "-2+3",
    "a,b;c",
    "Überraschung: 東京 🎉 עברית",
    "bell\x07 and \x1b escape",
    "not \ufffe a character",
]
CLEAN = [title.replace("\x07", "").replace("\x1b", "").replace("\ufffe", "") for title in HOSTILE]
# GeoJSON as far as places need it (RFC 7946, 3.1.2); the official document lies behind a network address.
POINT = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "type": {"const": "Point"},
        "coordinates": {"type": "array", "items": {"type": "number"}, "minItems": 2},
    },
    "required": ["type", "coordinates"],
    "additionalProperties": False,
}


@cache
def ninjs_schema() -> jsonschema.Draft202012Validator:
    if not NINJS.exists():
        pytest.skip(f"the ninjs schema is not at {NINJS}")
    point = Resource.from_contents(POINT)
    registry = Registry().with_resources([("https://geojson.org/schema/GeoJSON.json", point)])
    checker = jsonschema.FormatChecker()
    return jsonschema.Draft202012Validator(json.loads(NINJS.read_text()), registry=registry, format_checker=checker)


def flaws(document: Any) -> list[str]:
    return [e.message[:300] for e in ninjs_schema().iter_errors(document)]


@pytest.mark.parametrize(("extension", "kind"), TYPES.items())
async def test_a_list_is_the_same_by_extension_and_by_accept(
    newsroom: Newsroom, api: httpx.AsyncClient, extension: str, kind: str
) -> None:
    newsroom.article("Bridge")
    newsroom.article("Puente", lang="es")
    by_name = await api.get(f"/v1/articles.{extension}?lang=es")
    by_accept = await api.get("/v1/articles?lang=es", headers={"Accept": kind})
    assert by_name.status_code == by_accept.status_code == 200
    assert (
        by_name.headers["content-type"].partition(";")[0] == by_accept.headers["content-type"].partition(";")[0] == kind
    )
    assert by_accept.text.replace("/v1/articles?", f"/v1/articles.{extension}?") == by_name.text
    assert "Puente" in by_name.text
    assert "Bridge" not in by_name.text


@pytest.mark.parametrize("extension", TYPES)
async def test_an_empty_list_is_a_valid_document_of_its_form(api: httpx.AsyncClient, extension: str) -> None:
    answer = await api.get(f"/v1/articles.{extension}")
    assert answer.status_code == 200
    if extension in ("rss", "atom"):
        assert feedparser.parse(answer.content).bozo == 0
    elif extension == "csv":
        assert answer.text.startswith("id,url,title,published_at,source,lang,")
    elif extension == "ndjson":
        assert answer.content == b""
    else:
        assert answer.json()


@pytest.mark.parametrize("extension", TYPES)
async def test_every_form_refuses_what_the_list_refuses(api: httpx.AsyncClient, extension: str) -> None:
    answer = await api.get(f"/v1/articles.{extension}?lnag=en")
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_parameter")
    assert (await api.get(f"/v1/articles.{extension}?limit=0")).json()["code"] == "bad_value"


@pytest.mark.parametrize("extension", TYPES)
async def test_every_form_is_paged_and_validated_by_tag(
    newsroom: Newsroom, api: httpx.AsyncClient, extension: str
) -> None:
    for n in range(5):
        newsroom.article(f"title{n}")
    seen = ""
    url: str | None = f"/v1/articles.{extension}?limit=2"
    pages = 0
    while url:
        answer = await api.get(url)
        assert (await api.get(url, headers={"If-None-Match": answer.headers["etag"]})).status_code == 304
        seen += answer.text
        pages += 1
        link = answer.headers.get("link")
        url = link.partition("<")[2].partition(">")[0] if link else None
    assert pages == 3
    assert all(f"title{n}" in seen for n in range(5))


async def test_fields_are_refused_where_they_mean_nothing(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    newsroom.article()
    for extension in ("rss", "atom", "jsonfeed", "ninjs"):
        answer = await api.get(f"/v1/articles.{extension}?fields=url")
        assert answer.json()["errors"][0]["where"] == "query.fields"
    line = (await api.get("/v1/articles.ndjson?fields=url")).json()
    assert set(line) == {"id", "title", "version", "position", "url"}


async def test_unknown_extensions_are_not_found(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    newsroom.article()
    for path in ("/v1/articles.xml", "/v1/articles.jsonld", "/v1/articles/1.rss", "/v1/articles/x.ninjs"):
        assert (await api.get(path)).status_code == 404, path


@pytest.mark.parametrize("extension", ["rss", "atom"])
async def test_feedparser_reads_back_what_is_served(newsroom: Newsroom, api: httpx.AsyncClient, extension: str) -> None:
    newsroom.article("Bridge & ferry", body="First.\n\nSecond < third.", published=BEGAN)
    newsroom.article("Puente", lang="es", undated=True, published=BEGAN - timedelta(hours=1))
    answer = await api.get(f"/v1/articles.{extension}?include=full&limit=1")
    parsed = feedparser.parse(answer.content, sanitize_html=False, resolve_relative_uris=False)
    assert (parsed.bozo, parsed.version) == (0, {"rss": "rss20", "atom": "atom10"}[extension])
    (entry,) = parsed.entries
    card = (await api.get("/v1/articles?limit=1")).json()["items"][0]
    assert (entry.title, entry.link, entry.summary) == (card["title"], card["url"], card["description"])
    assert datetime(*entry.published_parsed[:6], tzinfo=UTC) == BEGAN
    assert [a.name for a in entry.authors] == card["authors"]
    assert [t.term for t in entry.tags] == ["bridge"]
    assert entry.id.startswith("urn:wiredesk:")
    assert entry.id.endswith(":articles:1")
    body = entry.content[0].value
    assert body == ("First.\n\nSecond < third." if extension == "atom" else "<p>First.</p><p>Second &lt; third.</p>")
    links = {link.rel: link.href for link in parsed.feed.links}
    assert links["self"] == f"http://localhost/v1/articles.{extension}?include=full&limit=1"
    following = feedparser.parse((await api.get(links["next"])).content)
    assert [e.title for e in following.entries] == ["Puente"]


async def test_hostile_titles_stay_text_in_rss_and_atom(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    for title in HOSTILE:
        newsroom.article(title)
    for extension, path in (("rss", "./channel/item/title"), ("atom", "./{*}entry/{*}title")):
        root = etree.fromstring((await api.get(f"/v1/articles.{extension}")).content)
        assert [node.text for node in root.findall(path)] == CLEAN[::-1]
        assert root.find(".//{*}script") is None
    parsed = feedparser.parse((await api.get("/v1/articles.atom")).content)
    assert "<script" not in parsed.entries[-1].title.lower() or parsed.entries[-1].title_detail.type == "text/plain"


async def test_json_feed_has_its_version_and_required_members(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    for title in HOSTILE:
        newsroom.article(title)
    told = (await api.get("/v1/articles.jsonfeed?limit=5")).json()
    assert told["version"] == "https://jsonfeed.org/version/1.1"
    assert told["title"]
    assert told["next_url"].startswith("http://localhost/v1/articles.jsonfeed?limit=5&cursor=")
    for item in told["items"]:
        assert isinstance(item["id"], str)
        assert isinstance(item["content_text"], str)
        assert item["authors"] == [{"name": "M. Duarte"}]
        assert None not in item.values()
    assert [item["title"] for item in told["items"]] == HOSTILE[::-1][:5]
    assert len({item["id"] for item in told["items"]}) == 5
    whole = (await api.get("/v1/articles.jsonfeed?limit=1&include=full")).json()["items"][0]
    assert whole["content_text"] == "The bridge carries traffic again."


async def test_ndjson_lines_are_the_items_of_the_list(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    for title in HOSTILE:
        newsroom.article(title)
    lines = (await api.get("/v1/articles.ndjson")).content.split(b"\n")
    assert lines.pop() == b""
    assert [json.loads(line) for line in lines] == (await api.get("/v1/articles")).json()["items"]


async def test_csv_is_a_table_without_formulas(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    for title in HOSTILE:
        newsroom.article(title)
    answer = await api.get("/v1/articles.csv")
    assert answer.text.startswith("id,url,title,published_at,source,lang,")
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    told = [row["title"] for row in rows][::-1]
    assert [title.removeprefix("'") for title in told] == HOSTILE
    assert [t for t in told if t.startswith("'")] == ["'" + t for t in HOSTILE if t[0] in "=+-@"]
    assert not any(value[:1] in "=+-@\t\r" for row in rows for value in row.values() if value)
    card = (await api.get("/v1/articles?limit=1")).json()["items"][0]
    first = rows[0]
    assert first["id"] == str(card["id"])
    assert (first["url"], first["published_at"], first["source"], first["lang"]) == (
        card["url"],
        card["published_at"],
        card["source"]["id"],
        card["language"]["code"],
    )


async def test_csv_has_the_fields_asked_for_after_the_first_six(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    newsroom.article(body="=1+1")
    rows = list(csv.reader(io.StringIO((await api.get("/v1/articles.csv?fields=body_text,authors")).text, newline="")))
    assert rows[0] == ["id", "url", "title", "published_at", "source", "lang", "authors", "body_text"]
    assert rows[1][6:] == ["M. Duarte", "'=1+1"]


@pytest.mark.parametrize(
    ("extension", "kind"),
    [("ninjs", TYPES["ninjs"]), ("jsonld", "application/ld+json"), ("json", "application/json")],
)
async def test_an_article_is_the_same_by_extension_and_by_accept(
    newsroom: Newsroom, api: httpx.AsyncClient, extension: str, kind: str
) -> None:
    newsroom.article()
    by_name = await api.get(f"/v1/articles/1.{extension}")
    by_accept = await api.get("/v1/articles/1", headers={"Accept": kind})
    assert by_name.headers["content-type"] == by_accept.headers["content-type"] == kind
    assert by_name.content == by_accept.content
    assert (await api.get(f"/v1/articles/2.{extension}")).json()["code"] == "not_found"
    assert (await api.get(f"/v1/articles/1.{extension}?lnag=1")).json()["code"] == "unknown_parameter"


async def test_json_ld_is_a_news_article_that_may_stand_in_a_page(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    newsroom.article("</script><script>alert(1)</script>", body="Text.")
    answer = await api.get("/v1/articles/1.jsonld")
    assert b"<" not in answer.content
    told = answer.json()
    assert (told["@context"], told["@type"]) == ("https://schema.org", "NewsArticle")
    assert told["headline"] == "</script><script>alert(1)</script>"
    assert told["articleBody"] == "Text."
    assert told["author"] == [{"@type": "Person", "name": "M. Duarte"}]
    assert told["mentions"] == [{"@type": "Place", "name": "Lisbon", "identifier": "place:lisbon"}]
    assert (told["datePublished"], told["inLanguage"]) == ("2026-03-01T08:01:00Z", "en")


def varied(enriched: Any) -> list[dict[str, Any]]:  # noqa: F811 - a fixture
    """Whole articles as the enrichment writes them, of many kinds."""
    images = (
        Image("https://p.example/ö ü.jpg?a=b c", width=10, height=20, caption="Cap", credit="P. Hotographer"),
        Image("https://p.example/2.jpg"),
    )
    documents: list[Document] = [
        enriched("Ferry strike in Lisbon", "<p>LISBON — Maria Duarte of the United Nations was in Lisbon.</p>"),
        enriched("", ""),
        enriched("Huelga en Madrid", "<p>El presidente Pedro Sánchez habló el lunes en Madrid.</p>", images=images),
        enriched("東京で地震", "<p>東京で地震がありました。</p>", authors=("山田", "佐藤")),
        enriched("French and Germans meet", "<p>French leaders met German ministers in Paris, Texas and Berlin.</p>"),
        *(enriched(title, f"<p>{title}</p>") for title in ("=1", "<b>x</b>", "é" * 300)),
    ]
    return [{"position": 1, **orjson.loads(card_json(d, NOW)), **orjson.loads(rest_json(d))} for d in documents]


@pytest.fixture
def articles(enriched: Any) -> list[dict[str, Any]]:  # noqa: F811 - a fixture
    made = varied(enriched)
    topics = [{"id": "medtop:20000001", "name": "art", "path": ["arts", "art"], "score": 0.731}]
    extra = [
        made[0] | {"status": "withdrawn", "topics": topics, "modified_at": "2026-03-01T08:00:00.123456Z"},
        made[0] | {"status": "corrected", "language": None, "published_at": None, "subtitle": "Sub"},
        made[0] | {"url": "https://wire.example/a b?q=ü|^`{}", "keywords": [{"text": "x", "score": 7.5}]},
        {k: v for k, v in made[0].items() if k not in ("body_text", "quotes", "dates", "numbers", "links", "media")},
    ]
    kinds = ("person", "organisation", "place", "event", "work", "product", "group")
    entities = [made[0]["entities"][0] | {"id": f"{k}:1", "type": k, "ids": {"wikidata": "Q1"}} for k in kinds]
    return [*made, *extra, made[0] | {"entities": entities}]


def test_every_article_is_valid_ninjs(articles: list[dict[str, Any]]) -> None:
    assert any(a["places"] for a in articles)
    for told in articles:
        document = orjson.loads(ninjs.render(Item(told, "urn:wiredesk:abc")))
        assert flaws(document) == [], told["title"]
        assert document.get("title", "") == told["title"]


def test_a_list_of_articles_is_valid_ninjs(articles: list[dict[str, Any]]) -> None:
    ready = [orjson.dumps(told) for told in articles]
    listing = Listing(
        "Articles", "http://localhost/v1/articles.ninjs?q=a", "http://localhost/", None, "urn:wiredesk:abc", ready
    )
    document = orjson.loads(ninjs.render_list(listing))
    assert flaws(document) == []
    assert len(document["associations"]) == len(articles)


def test_the_ninjs_schema_refuses_what_is_not_ninjs() -> None:
    assert flaws({"uri": "urn:x:1", "items": []})


async def test_served_ninjs_is_valid_and_says_what_the_article_says(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    for title in HOSTILE:
        newsroom.article(title)
    one = (await api.get("/v1/articles/1.ninjs")).json()
    assert one["headlines"] == [{"role": "main", "contentType": "text/plain", "value": HOSTILE[0]}]
    assert one["bodies"][0]["value"] == "The bridge carries traffic again."
    assert (one["representationType"], one["pubStatus"], one["by"]) == ("full", "usable", "M. Duarte")
    assert one["places"][0]["name"] == "Lisbon"
    page = (await api.get("/v1/articles.ninjs")).json()
    assert [a["representationType"] for a in page["associations"]] == ["partial"] * len(HOSTILE)
    assert flaws(one) == []
    assert flaws(page) == []


async def test_the_forms_are_in_the_openapi_document(api: httpx.AsyncClient) -> None:
    paths = (await api.get("/openapi.json")).json()["paths"]
    assert set(paths["/v1/articles"]["get"]["responses"]["200"]["content"]) == set(TYPES.values())
    for extension, kind in TYPES.items():
        told = paths[f"/v1/articles.{extension}"]["get"]
        assert set(told["responses"]["200"]["content"]) == {kind}
        assert {p["name"] for p in told["parameters"]} >= {"q", "limit", "cursor"}
    assert set(paths["/v1/articles/{article_id}.jsonld"]["get"]["responses"]["200"]["content"]) == {
        "application/ld+json"
    }
