"""What stands beside a name, and how it is written: spans dropped, turned, cut and added."""

from __future__ import annotations

from itertools import pairwise

import pytest

from services.enrich.document import EntityType
from services.enrich.names.beside import beside
from services.enrich.names.datelines import datelined
from services.enrich.names.mending import Span
from services.enrich.names.tagger import Found
from services.enrich.names.things import things
from services.enrich.pipeline import Resources
from services.enrich.steps.mentions import mentions
from services.enrich.text.dateline import dateline

PERSON, ORG, PLACE = "person", "organisation", "place"
Told = tuple[str, EntityType]


def names(
    resources: Resources, text: str, *told: tuple[str, EntityType], score: float = 0.9
) -> list[tuple[str, EntityType]]:
    spans: list[Span] = [(text.index(name), text.index(name) + len(name), kind, score) for name, kind in told]
    found = beside(text, sorted(spans), resources.lexicon, resources.gazetteer.find)
    assert found == sorted(found) and all(one[1] <= two[0] for one, two in pairwise(found))
    return [(text[start:end], kind) for start, end, kind, _ in found]


@pytest.mark.parametrize(
    ("text", "told", "right"),
    [
        ("Tools such as AI spread.", [("AI", ORG)], []),
        ("Three NGOs left.", [("NGOs", ORG)], []),
        ("The Orvale Index (OVX) fell.", [("Orvale Index", ORG), ("OVX", ORG)], []),
        ("The Orvale Fund (OVF) fell.", [("Orvale Fund", ORG), ("OVF", ORG)], [("Orvale Fund", ORG), ("OVF", ORG)]),
        ("It cost 176 Hong Kong dollars.", [("Hong Kong", PLACE)], []),
        ("It flew 176 Hong Kong flags.", [("Hong Kong", PLACE)], [("Hong Kong", PLACE)]),
        ("“It Holds,” Said Ana Reis", [("Said Ana Reis", PERSON)], [("Ana Reis", PERSON)]),
        ("Then Said Ramzi left.", [("Said Ramzi", PERSON)], [("Said Ramzi", PERSON)]),
        ("They logged into BuzzMill to vent.", [("BuzzMill", PLACE)], [("BuzzMill", ORG)]),
        ("They moved to McAllen to rest.", [("McAllen", PLACE)], [("McAllen", PLACE)]),
        ("Orvale Palace said no.", [("Orvale Palace", PLACE)], [("Orvale Palace", ORG)]),
        ("Orvale Palace burned.", [("Orvale Palace", PLACE)], [("Orvale Palace", PLACE)]),
        ("Rival Lowe's was lower.", [("Lowe", PERSON)], [("Lowe's", ORG)]),
        ("Rival Duarte's was lower.", [("Duarte", PERSON)], [("Duarte", PERSON)]),
    ],
)
def test_spans_are_put_right(resources: Resources, text: str, told: list[Told], right: list[Told]) -> None:
    assert names(resources, text, *told) == right


@pytest.mark.parametrize(
    ("text", "score", "kind"),
    [
        ("A panel met in Lisbon on Monday.", 0.7, PLACE),
        ("A panel met in Lisbon on Monday.", 0.9, ORG),
        ("A panel met in Oddlowe on Monday.", 0.55, PLACE),
        ("A panel met in Oddlowe on Monday.", 0.7, ORG),
        ("She has a stake in Lisbon, it says.", 0.55, ORG),
        ("A vote was held in Congress on Monday.", 0.55, ORG),
    ],
)
def test_where_something_is_is_a_place_where_the_tagger_wavers(
    resources: Resources, text: str, score: float, kind: EntityType
) -> None:
    name = next(word for word in ("Lisbon", "Oddlowe", "Congress") if word in text)
    assert names(resources, text, (name, ORG), score=score) == [(name, kind)]


@pytest.mark.parametrize(
    ("text", "told", "added"),
    [
        ("After US President Ana Reis left, US officials met.", [], [("US", PLACE), ("US", PLACE)]),
        ("A second round of US-Iranian talks.", [], [("US", PLACE)]),
        ("Oil rose to US$ 12 a barrel.", [], []),
        ("TELL US WHAT YOU SAW", [], []),
        ("US ENVOYS MEET IN THE US AND TELL US", [], [("US", PLACE), ("US", PLACE)]),
        ("The U.S.-Iran talks ended.", [("U.S.", PLACE)], [("U.S.", PLACE), ("Iran", PLACE)]),
        ("The U.S.-Lowell talks ended.", [("U.S.", PLACE)], [("U.S.", PLACE)]),
        ("A minister told GNA that it held.", [], [("GNA", ORG)]),
        ("She told the newspaper Público on Monday.", [], [("Público", ORG)]),
        ("She told the newspaper Monday that it held.", [], []),
        ("She told the newspaper Editor Ana Reis.", [("Ana Reis", PERSON)], [("Ana Reis", PERSON)]),
    ],
)
def test_names_are_added(resources: Resources, text: str, told: list[Told], added: list[Told]) -> None:
    assert names(resources, text, *told) == added


def test_full_stops_belong_to_what_is_shortened(resources: Resources) -> None:
    def found(text: str, *told: tuple[str, EntityType]) -> list[str]:
        spans = [Found(text.index(name), text.index(name) + len(name), kind, 0.9) for name, kind in told]
        return [one.text for one in mentions(text, "body_text", spans, resources.lexicon, resources.gazetteer)]

    assert found("DEARBORN, Mich. (AP) — It held.", ("Mich", PLACE)) == ["Mich."]
    assert found("They live in Ohio. They stay.", ("Ohio", PLACE)) == ["Ohio"]
    assert found("HD THE ORVALE DEPOT INC. 225.86", ("ORVALE DEPOT INC", ORG)) == ["ORVALE DEPOT INC."]
    assert found("Shares of McDonald's rose.", ("McDonald's", ORG)) == ["McDonald's"]
    assert found("Shares of Duarte's rose.", ("Duarte's", ORG)) == ["Duarte"]


def test_a_place_is_not_completed_with_a_small_word(resources: Resources) -> None:
    text = "Troops may be sent to Gaza by June."
    spans = [Found(text.index("Gaza"), text.index("Gaza") + 4, PLACE, 0.9)]
    found = mentions(text, "body_text", spans, resources.lexicon, resources.gazetteer)
    assert [one.text for one in found] == ["Gaza"]


def test_a_dateline_stands_behind_its_authors(resources: Resources) -> None:
    text = "By Ana Reis, Jo Uys and Tala Ramadan PORTO/LISBON, Feb 17 (Reuters) - It held."
    opens = dateline(text)
    assert opens is not None and opens.by
    assert [text[start:end] for start, end in opens.places] == ["PORTO", "LISBON"]
    read = mentions(text, "body_text", [Found(24, 42, ORG, 0.9)], resources.lexicon, resources.gazetteer)
    found = datelined(read, text, resources.gazetteer.find)
    assert ("Tala Ramadan", PERSON) in [(one.text, one.type) for one in found]
    assert all(text[one.start : one.end] == one.text for one in found)
    assert dateline("By the way PORTO is far, they say - it held.") is None


def test_nobody_owns_a_war_and_no_meeting_owns_one() -> None:
    assert [one.label for one in things("Israel's War in Gaza and Orvale's War")] == []
    assert [one.label for one in things("the World Economic Forum’s annual meeting")] == []
    assert [one.label for one in things("They met at the Orvale Economic Forum on Monday.")] == ["event"]
