"""The public JSON: card and rest."""

# ruff: noqa: SIM905 - lists of words read best as text

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson

from services.enrich.document import Document
from services.enrich.present import card, card_json, parts, rest, rest_json, slim_rest
from shared.articles import Image, Media
from shared.facts import OF_REST
from shared.slim import slim, whole_rest
from tests.enrich.articles import NOW, article

Enriched = Callable[..., Document]

WHOLE = set(
    "id version url canonical_url title subtitle description authors language published_at published_precision"
    " modified_at discovered_at fetched_at enriched_at body_text body_source word_count reading_time_s paywalled status"
    " source feeds images media links entities places countries topics keywords summary quotes dates numbers sentiment"
    " story duplicate_of credit annotations latency".split()
)
ONLY_WHOLE = {"body_text", "quotes", "dates", "numbers", "links", "media", "annotations"}


def ferry(enriched: Enriched, **given: Any) -> Document:
    body = (
        '<p>Maria Duarte, who leads the <a href="https://u.example/">Dockers\' Union</a>, was in Lisbon on Monday.</p>'
    )
    return enriched("Ferry strike in Lisbon", body, **given)


def test_card_and_rest_make_the_whole_object(enriched: Enriched) -> None:
    doc = ferry(enriched)
    whole = {**card(doc, NOW), **rest(doc)}
    assert whole.keys() == WHOLE
    assert card(doc, NOW).keys() == WHOLE - ONLY_WHOLE
    assert rest(doc).keys() == ONLY_WHOLE | {"entities"}


def test_mentions_are_in_the_rest_only_and_hold_exactly(enriched: Enriched) -> None:
    doc = ferry(enriched)
    short, full = card(doc, NOW)["entities"], rest(doc)["entities"]
    assert all("mentions" not in entity for entity in short)
    assert [{**entity, "mentions": None} for entity in full] == [{**entity, "mentions": None} for entity in short]
    served = {"title": card(doc, NOW)["title"], "body_text": rest(doc)["body_text"]}
    for entity in full:
        assert len(entity["mentions"]) == entity["count"]
        for mention in entity["mentions"]:
            assert set(mention) == {"field", "start", "end", "text"}
            assert served[mention["field"]][mention["start"] : mention["end"]] == mention["text"]


def test_the_rest_is_made_slim_at_once(enriched: Enriched) -> None:
    doc = ferry(enriched, media=(Media("https://northmail.example/a.mp3", "audio/mpeg", 5),))
    told = card(doc, NOW)
    made = slim_rest(doc, told)
    assert orjson.dumps(made) == orjson.dumps(slim(told, rest(doc)))
    assert whole_rest(told, made, doc.body_text) == rest(doc)
    assert {member: bool(found) for member, found in parts(doc).items()} == {
        member: bool(rest(doc)[member]) for member in OF_REST.values()
    }


def test_a_rest_that_does_not_stand_at_its_offsets_stays_whole(enriched: Enriched) -> None:
    doc = ferry(enriched)
    assert doc.dates
    doc.dates = (replace(doc.dates[0], text="another day"),)
    told = card(doc, NOW)
    assert slim_rest(doc, told)["dates"][0]["text"] == "another day"
    doc.dates, doc.title = (), doc.title.lower()
    assert slim_rest(doc, card(doc, NOW))["entities"] == rest(doc)["entities"]


def test_the_names_inside_are_the_contracts(enriched: Enriched) -> None:
    found = json.loads(card_json(ferry(enriched), NOW))
    assert found["language"].keys() == {"code", "confidence", "others"}
    assert found["source"].keys() == {"id", "name", "domain", "country"}
    assert found["feeds"] == [{"id": 3, "title": "Ferry Post news", "guid": "tag:7"}]
    assert found["latency"] == {"published_to_seen_s": 20.0, "seen_to_enriched_s": 10.0}
    assert found["entities"][0].keys() == set("id type name aliases_seen count salience confidence ids".split())
    keys = set("entity_id kind name country geonames_id lat lon role confidence".split())
    assert found["places"][0].keys() == keys
    assert found["keywords"][0].keys() == {"text", "score"}
    assert found["word_count"] == 12 and found["reading_time_s"] == 3


def test_times_are_utc_with_z(enriched: Enriched) -> None:
    moment = datetime(2026, 11, 23, 13, 0, 0, tzinfo=timezone(timedelta(hours=1)))
    found = json.loads(card_json(ferry(enriched, published_at=moment), NOW))
    assert found["published_at"] == "2026-11-23T12:00:00Z"
    assert found["enriched_at"] == "2026-11-23T12:00:30Z"


def test_what_is_absent_is_null_or_empty() -> None:
    bare = Document(article(title="T", published_at=None, published_precision="unknown"), title="T")
    found = {**json.loads(card_json(bare, NOW)), **json.loads(rest_json(bare))}
    for name in "subtitle description language published_at modified_at body_text body_source paywalled story".split():
        assert found[name] is None, name
    for name in "images media links entities places topics keywords summary quotes dates".split():
        assert found[name] == [], name
    assert found["annotations"] == {}
    assert found["latency"]["published_to_seen_s"] is None


def test_an_article_dated_ahead_took_no_negative_time(enriched: Enriched) -> None:
    doc = ferry(enriched, published_at=datetime(2027, 1, 1, tzinfo=UTC))
    assert card(doc, NOW)["latency"]["published_to_seen_s"] == 0.0


def test_pictures_and_enclosures_are_carried(enriched: Enriched) -> None:
    doc = ferry(
        enriched,
        images=(Image("https://i.example/1.jpg", 640, 480, "The river", "Ana"),),
        media=(Media("https://m.example/1.mp3", "audio/mpeg", 9),),
    )
    assert card(doc, NOW)["images"] == [
        {"url": "https://i.example/1.jpg", "width": 640, "height": 480, "caption": "The river", "credit": "Ana"}
    ]
    assert rest(doc)["media"] == [{"url": "https://m.example/1.mp3", "type": "audio/mpeg", "length": 9}]
    assert rest(doc)["links"] == [{"url": "https://u.example/", "text": "Dockers' Union"}]


def test_bytes_are_the_objects(enriched: Enriched) -> None:
    doc = ferry(enriched)
    assert json.loads(rest_json(doc)) == json.loads(orjson.dumps(rest(doc)))
    assert b"position" not in card_json(doc, NOW).replace(b"positions", b"")
