"""The default tier: the bundled model reads English, everything else keeps to what is right there."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from time import perf_counter

import pytest

from services.enrich import pipeline
from services.enrich.document import Document
from services.enrich.pipeline import Resources, enrich, enricher_revision, load_resources
from tests.enrich.articles import article

WEIGHTS = Path(pipeline.__file__).parent / "models/ner/model.onnx"
pytestmark = pytest.mark.skipif(not WEIGHTS.exists(), reason="the entity model's weights are not in this checkout")


@pytest.fixture(scope="module")
def default() -> Resources:
    return load_resources("default")


def named(doc: Document) -> set[tuple[str, str]]:
    return {(entity.type, entity.id) for entity in doc.entities}


def test_the_model_and_the_steps_after_it_name_who_and_where(default: Resources) -> None:
    strike, flood = enrich(
        [
            article(
                "Ministers meet in Lisbon over ferry strike",
                "Maria Duarte, who leads the Dockers' Union, met the ministers in Lisbon on Monday."
                " Duarte said the strike would go on.",
            ),
            article("Flood closes the old bridge at Tournai", "The mayor of Tournai closed the bridge at noon."),
        ],
        default,
        clock=perf_counter,
    )
    assert {("person", "person:maria-duarte"), ("place", "place:geonames:2267057")} <= named(strike)
    assert ("organisation", "organisation:dockers-union") in named(strike)
    assert ("place", "place:geonames:2785341") in named(flood)


def test_it_is_not_asked_about_other_languages(default: Resources) -> None:
    (doc,) = enrich(
        [article("", "Die Regierung in Frankreich will mit der Bundesbank über Anna Schmidt sprechen, sagte er.")],
        default,
        clock=perf_counter,
    )
    assert named(doc) == {("place", "place:geonames:3017382")}


def test_what_it_finds_does_not_depend_on_the_batch(default: Resources) -> None:
    articles = [
        article("Ana Costa wins in Porto", "Ana Costa won the vote in Porto. Costa thanked the Harbour Party."),
        article("Rain in Paris", "It rained in Paris all day, Meteo France said."),
        article("Talks", "Officials of the European Union met in Brussels."),
    ]
    together = enrich(articles, default, clock=perf_counter)
    alone = [enrich([one], default, clock=perf_counter)[0] for one in articles]
    assert [doc.entities for doc in together] == [doc.entities for doc in alone]


def test_its_weights_are_part_of_the_revision(default: Resources) -> None:
    assert enricher_revision(default) != enricher_revision(load_resources("rules"))


@pytest.mark.parametrize(
    "text", ["x" * 100_000, "WORD " * 20_000, "Maria Duarte met her. " * 400, "\u0645\u0631\u062d " * 9_000]
)
def test_hostile_text_keeps_offsets_exact(text: str, default: Resources) -> None:
    (doc,) = enrich([article("T", text, language="en")], default, clock=perf_counter)
    assert not [note for note in doc.annotations.values() if "error" in note]
    for entity in doc.entities:
        for mention in entity.mentions:
            assert doc.text_of(mention.field)[mention.start : mention.end] == mention.text


def test_a_transcript_is_told_turn_by_turn(default: Resources) -> None:
    body = (
        "MARIA DUARTE: Good morning, and welcome to the programme.\n\nGOV. HENRIK DAHL: Thank you, Maria.\n\nDUARTE:"
        " Where were the ferries?\n\nDAHL: They were at sea, and the NOTE: it says so."
    )
    (doc,) = enrich([article("Transcript: Governor Henrik Dahl", body)], default, clock=perf_counter)
    assert [(quote.text, quote.speaker) for quote in doc.quotes if quote.direct] == [
        ("Good morning, and welcome to the programme.", "Maria Duarte"),
        ("Thank you, Maria.", "Henrik Dahl"),
        ("Where were the ferries?", "Maria Duarte"),
        ("They were at sea, and the NOTE: it says so.", "Henrik Dahl"),
    ]
    assert {entity.name for entity in doc.entities if entity.type == "person"} == {"Maria Duarte", "Henrik Dahl"}


def test_a_company_and_a_family_of_one_name_are_two(default: Resources) -> None:
    body = (
        "Ford Motor Co. said its profit fell. Sarah Ford, of the union, was not asked. Ford shares fell by a tenth on"
        " Monday. Ms. Ford would not say more."
    )
    (doc,) = enrich([article("Ford profit slides as tariffs bite", body)], default, clock=perf_counter)
    found = {entity.name: (entity.type, entity.count) for entity in doc.entities if "Ford" in entity.name}
    assert found == {"Ford Motor Co.": ("organisation", 3), "Sarah Ford": ("person", 2)}


def test_an_acronym_before_what_it_stands_for(default: Resources) -> None:
    body = (
        "The AZIZ (the Azerbaijan-Israel International Association) met Mod\u0441on on Monday. Modcon said that"
        " AZIZ had asked for it."
    )
    (doc,) = enrich([article("AZIZ meets Modcon", body)], default, clock=perf_counter)
    found = {entity.name: (entity.type, entity.count) for entity in doc.entities}
    assert found["Azerbaijan-Israel International Association"] == ("organisation", 4)
    assert found["Modcon"][1] == 3  # one of them with a Cyrillic letter


def test_families_whose_name_comes_first_and_those_with_a_junior(default: Resources) -> None:
    body = (
        "North Korean leader Kim Jong Un came to Beijing on Monday. Kim spoke first. His sister, Kim Yo Jong, left."
        " President Ferdinand Marcos Jr. stayed at home. Marcos said the talks would go on for weeks."
    )
    (doc,) = enrich([article("Leaders meet in Beijing", body)], default, clock=perf_counter)
    found = {entity.name: entity.count for entity in doc.entities if entity.type in ("person", "group")}
    assert found == {"Kim Jong Un": 2, "Kim Yo Jong": 1, "Ferdinand Marcos Jr.": 2, "North Korean": 1}
    spans = sorted((m.start, m.end) for entity in doc.entities for m in entity.mentions if m.field == "body_text")
    assert all(one[1] <= two[0] for one, two in pairwise(spans))


def test_the_man_and_the_city_of_his_name_are_two(default: Resources) -> None:
    (doc,) = enrich(
        [
            article(
                "A prize for an actor",
                "Denzel Washington won the prize on Sunday. Washington thanked his wife. The actor flew to Washington"
                " on Monday.",
            )
        ],
        default,
        clock=perf_counter,
    )
    told = {(entity.type, entity.name): [mention.text for mention in entity.mentions] for entity in doc.entities}
    assert told["person", "Denzel Washington"] == ["Denzel Washington", "Washington"]
    assert told["place", "Washington"] == ["Washington"]
