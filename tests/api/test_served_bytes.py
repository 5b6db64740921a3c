"""What enrichment writes is what the models, and so the OpenAPI and AsyncAPI documents, say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import jsonschema
import orjson
import pytest

from services.api import shape
from services.api.query import Form
from services.api.schemas import ArticleCard, ArticleWhole
from services.enrich.document import Document
from services.enrich.present import card, card_json, rest
from shared.articles import Image, Media
from shared.stored import Kept, pack
from tests.enrich.articles import NOW
from tests.enrich.conftest import enriched, resources  # noqa: F401 - fixtures

Enriched = Callable[..., Document]
ASYNCAPI = Path(__file__).resolve().parents[3] / "shared/data/standards/asyncapi/3.0.0.json"
BODY = (
    "<p>LISBON — Maria Duarte, who leads the <a href='https://u.example/'>Dockers' Union</a>, was in Lisbon on Monday."
    " “We will not give in,” Maria Duarte said on 3 March 2026.</p>"
)


@pytest.fixture
def written(enriched: Enriched) -> Kept:  # noqa: F811 - a fixture
    doc = enriched(
        "Ferry strike in Lisbon",
        BODY,
        images=(Image("https://p.example/1.jpg", width=10),),
        media=(Media("https://p.example/1.mp3", "audio/mpeg", 9),),
    )
    assert doc.entities
    html = doc.article.body_html
    return Kept(pack(card(doc, NOW), card_json(doc, NOW), rest(doc), html), html=html)


def test_the_card_has_exactly_the_members_of_its_model(written: Kept) -> None:
    told = orjson.loads(shape.article(written, 7, Form()))
    assert set(told) == set(ArticleCard.model_fields)
    ArticleCard.model_validate(told)


def test_the_whole_has_exactly_the_members_of_its_model(written: Kept) -> None:
    told = orjson.loads(shape.article(written, 7, Form(full=True)))
    assert set(told) == set(ArticleWhole.model_fields)
    model = ArticleWhole.model_validate(told)
    for member in ("entities", "places", "quotes", "links", "media", "images", "keywords", "feeds"):
        for item in getattr(model, member):
            assert not item.model_extra, (member, item.model_extra)


def test_the_bytes_satisfy_the_json_schema_that_openapi_gives(written: Kept) -> None:
    told = orjson.loads(shape.article(written, 7, Form(full=True)))
    jsonschema.Draft202012Validator(ArticleWhole.model_json_schema()).validate(told)


async def test_the_asyncapi_document_is_valid(api: httpx.AsyncClient) -> None:
    document = (await api.get("/asyncapi.json")).json()
    assert document["asyncapi"] == "3.0.0"
    if not ASYNCAPI.exists():
        pytest.skip(f"the AsyncAPI schema is not at {ASYNCAPI}")
    schema = json.loads(ASYNCAPI.read_text())
    assert [e.message[:200] for e in jsonschema.Draft7Validator(schema).iter_errors(document)] == []


async def test_every_event_type_is_in_the_asyncapi_document(api: httpx.AsyncClient) -> None:
    from shared.events import EVENT_TYPES

    messages = (await api.get("/asyncapi.json")).json()["components"]["messages"]
    ours = {"subscribe", "subscribed", "heartbeat", "closing", "error", "wiredesk.stream.reset"}
    assert {m["name"] for m in messages.values()} == {*EVENT_TYPES, *ours}
