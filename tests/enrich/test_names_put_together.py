"""What the text itself says about a name is believed over a tagger that cut it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.enrich.document import Document
from services.enrich.names.expansions import expansions
from services.enrich.names.tagger import Found
from services.enrich.pipeline import Resources
from services.enrich.steps.mentions import mentions

Enriched = Callable[..., Document]


def tagged(resources: Resources, text: str, *names: tuple[str, str]) -> list[tuple[str, str]]:
    """The mentions of a text in which a tagger found exactly these pieces, the first of each."""
    spans = [Found(text.index(name), text.index(name) + len(name), label, 0.8) for name, label in names]
    return [(mention.text, mention.type) for mention in mentions(text, "body_text", spans, resources.lexicon)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("the World Health Organization (WHO) said", "World Health Organization"),
        ("the Office for the Coordination of Aid (OCA)", "Office for the Coordination of Aid"),
        ("the Federal Highway Administration (FHWA)", "Federal Highway Administration"),
        ("the Ministry of Defence (MoD)", "Ministry of Defence"),
        ("the Boatmen's Cooperative (BC)", "Boatmen's Cooperative"),
        ("the Union of Air Freight Workers (the UAFW)", "Union of Air Freight Workers"),
        ("on Monday, the Ministry of Economy, Trade and Industry (METI)", "Ministry of Economy, Trade and Industry"),
        ("the Council for Security and Co-operation in Aland (CSCA)", "Council for Security and Co-operation in Aland"),
    ],
)
def test_the_letters_of_an_acronym_tell_where_its_name_begins(text: str, name: str) -> None:
    assert [text[found.start : found.end] for found in expansions(text)] == [name]


@pytest.mark.parametrize(
    "text",
    [
        "President Joe Biden (D) left",
        "on Sunday (EST)",
        "in Portugal (PT)",
        "a new rule. (BBC)",
        "the price of Blue Cheese (USD 4)",
        "(NATO) said",
        "Ana and Bruno, who left (AB)",
    ],
)
def test_letters_that_stand_for_nothing_there_make_no_name(text: str) -> None:
    assert list(expansions(text)) == []


def test_a_given_name_right_before_a_person_begins_the_name(resources: Resources) -> None:
    assert tagged(resources, "the engineer Inês Castro said", ("Castro", "person")) == [("Inês Castro", "person")]
    assert tagged(resources, "the Mayor Castro said", ("Castro", "person")) == [("Castro", "person")]


def test_a_place_right_before_an_organisations_words_begins_its_name(resources: Resources) -> None:
    text = "the Flint River Growers Cooperative said"
    pieces = [("Flint", "place"), ("River Growers Cooperative", "organisation")]
    assert tagged(resources, text, *pieces) == [("Flint River Growers Cooperative", "organisation")]
    text = "a school in Paris Growers Cooperative owns"
    pieces = [("Paris", "place"), ("Growers Cooperative", "organisation")]
    assert tagged(resources, text, *pieces) == [("Paris", "place"), ("Growers Cooperative", "organisation")]


def test_pieces_before_an_acronym_are_one_organisation(resources: Resources) -> None:
    text = "the Royal Society for the Protection of Birds (RSPB) said"
    pieces = [("Royal Society for", "organisation"), ("Protection of Birds", "place")]
    assert tagged(resources, text, *pieces) == [
        ("Royal Society for the Protection of Birds", "organisation"),
        ("RSPB", "organisation"),
    ]


def test_a_name_the_tagger_missed_is_told_by_its_acronym(resources: Resources) -> None:
    text = "the European Space Operations Centre (ESOC) was"
    assert tagged(resources, text, ("ESOC", "organisation")) == [
        ("European Space Operations Centre", "organisation"),
        ("ESOC", "organisation"),
    ]
    assert tagged(resources, "the Gross Domestic Product (GDP) fell") == []


def test_an_acronym_that_is_an_everyday_word_is_found_again(enriched: Enriched) -> None:
    doc = enriched(
        "WHO says so", "The World Health Organization (WHO) met in Lisbon. People who came asked the WHO about it."
    )
    (who,) = [entity for entity in doc.entities if entity.type == "organisation"]
    assert (who.name, who.count) == ("World Health Organization", 4)


def test_in_a_headline_of_capitals_everyday_words_stay_words(enriched: Enriched) -> None:
    doc = enriched("PEOPLE WHO STAYED", "The World Health Organization (WHO) met in Lisbon to talk about the people.")
    assert all(mention.field == "body_text" for entity in doc.entities for mention in entity.mentions)


@pytest.mark.parametrize(
    ("text", "pieces", "whole"),
    [
        ("said Ann Seppala-Koivu here", [("Ann Seppala", "person"), ("Koivu", "person")], "Ann Seppala-Koivu"),
        ("said Adaeze Nwosu-Grant here", [("Adaeze Nwosu", "person")], "Adaeze Nwosu-Grant"),
        ("the Ledger-Post has", [("Ledger", "organisation"), ("Post", "organisation")], "Ledger-Post"),
        ("the Ledger-Post has", [("Post", "organisation")], "Ledger-Post"),
        ("the Mercier-led group", [("Mercier", "person")], "Mercier"),
    ],
)  # fmt: skip
def test_a_hyphenated_name_is_whole(text: str, pieces: list[tuple[str, str]], whole: str, resources: Resources) -> None:
    assert [name for name, _ in tagged(resources, text, *pieces)] == [whole]


def test_two_places_with_a_hyphen_stay_two(resources: Resources) -> None:
    pieces = [("Paris", "place"), ("Nice", "place")]
    assert tagged(resources, "the Paris-Nice road", *pieces) == pieces


def test_a_title_alone_is_no_person_and_junior_keeps_his_stop(resources: Resources) -> None:
    assert tagged(resources, "said Dr, who was", ("Dr", "person")) == []
    assert tagged(resources, "Giorgi Tate Jr. said", ("Giorgi Tate Jr", "person")) == [("Giorgi Tate Jr.", "person")]


@pytest.mark.parametrize(
    ("body", "city"),
    [
        ("PENICHE, Portugal (Tagus Press) \u2014 Fire broke out on a ferry.", "PENICHE"),
        ("S\u00c3O PAULO (Tagus Press) - Rain fell all day on the town.", "S\u00c3O PAULO"),
        ("LISBON \u2013 Ministers met again in the old town.", "LISBON"),
    ],
)
def test_a_dateline_in_capitals_is_a_place(body: str, city: str, enriched: Enriched) -> None:
    (place,) = [place for place in enriched("", body).places if place.role == "dateline"][:1]
    assert place.country in ("PT", "BR")
    assert any(mention.text == city for e in enriched("", body).entities for mention in e.mentions)


def test_a_shout_is_no_dateline(enriched: Enriched) -> None:
    assert enriched("", "BREAKING NEWS \u2014 a fire broke out on a ferry off the coast.").places == ()


def test_a_small_word_at_the_end_is_no_part_of_a_name(resources: Resources) -> None:
    assert tagged(resources, "in Bath, Reading and Sale", ("Reading and", "organisation")) == [
        ("Reading", "organisation")
    ]


ORG, PER, LOC = "organisation", "person", "place"


@pytest.mark.parametrize(
    ("text", "pieces", "names"),
    [
        ("the Liberal Party of Sandmark won", [("Liberal Party", ORG), ("Sandmark", LOC)],
         [("Liberal Party of Sandmark", ORG)]),
        ("the City of Port Elm sued", [("City of", LOC), ("Port Elm", LOC)], [("City of Port Elm", ORG)]),
        ("the Republic of Sandmark sued", [("Republic", LOC), ("Sandmark", LOC)], [("Republic of Sandmark", LOC)]),
        ("the Front for the Freedom of Sandmark", [("Front for", ORG), ("Freedom of Sandmark", ORG)],
         [("Front for the Freedom of Sandmark", ORG)]),
        ("the Council on Tidal Power met", [("Council on", ORG)], [("Council on Tidal Power", ORG)]),
        ("Harbour Watch and others", [("Harbour Watch and", ORG)], [("Harbour Watch", ORG)]),
        ("South of Sandmark, rain", [("South of", LOC), ("Sandmark", LOC)], [("South", LOC), ("Sandmark", LOC)]),
        ("asked T. S. Okafor about", [("Okafor", PER)], [("T. S. Okafor", PER)]),
        ("asked Lena A. Moss about", [("Lena A", PER), ("Moss", PER)], [("Lena A. Moss", PER)]),
        ("P.S. Okafor called", [("Okafor", PER)], [("Okafor", PER)]),
        ("bought Vantor, Inc. in May", [("Vantor", ORG)], [("Vantor, Inc.", ORG)]),
        ("the Norwegian Labour Party won", [("Labour Party", ORG)], [("Norwegian Labour Party", ORG)]),
        ("the Norwegian Vantor won", [("Vantor", ORG)], [("Vantor", ORG)]),
        ("the Labour party won", [("Labour", ORG)], [("Labour party", ORG)]),
        ("the Sandmark Dream party won", [("Sandmark Dream", ORG)], [("Sandmark Dream", ORG)]),
        ("off the Port of Sandmark, in", [("Sandmark", LOC)], [("Port of Sandmark", LOC)]),
        ("said Deputy Police Chief Mara Oyelun on", [("Deputy Police Chief Mara Oyelun", ORG)], [("Mara Oyelun", PER)]),
        ("the Council on Tidal Power met", [("Council", ORG)], [("Council on Tidal Power", ORG)]),
        ("the Supreme Court on Monday said", [("Supreme Court", ORG)], [("Supreme Court", ORG)]),
        ("the Court of Monday said", [("Court of", ORG)], [("Court", ORG)]),
        ("said Qayyum Abdul Jamal here", [("Qayyum", PER), ("Abdul Jamal", PER)], [("Qayyum Abdul Jamal", PER)]),
        ("the Scotsman James Watt said", [("Scotsman", PER), ("James Watt", PER)],
         [("Scotsman", PER), ("James Watt", PER)]),
        ("Vantor Harbour Group said", [("Vantor", ORG)], [("Vantor Harbour Group", ORG)]),
        ("the Port Elm City Council met", [("Port Elm", LOC)], [("Port Elm City Council", ORG)]),
        ("at Port Elm Tigers lost", [("Port Elm", LOC)], [("Port Elm", LOC)]),
        ("at the Royal Festival Hall", [("Royal Festival Hall", ORG)], [("Royal Festival Hall", LOC)]),
        ("told the Attorney General that", [("Attorney General", PER)], []),
    ],
)  # fmt: skip
def test_spelling_tells_where_a_name_ends_and_what_it_is(
    text: str, pieces: list[tuple[str, str]], names: list[tuple[str, str]], resources: Resources
) -> None:
    assert tagged(resources, text, *pieces) == names


def test_a_family_name_that_is_a_title_stays_where_somebody_bears_it(resources: Resources) -> None:
    text = "Rodney King said. Later King left"
    spans = [Found(0, 11, PER, 0.9), Found(24, 28, PER, 0.9)]
    assert [one.text for one in mentions(text, "body_text", spans, resources.lexicon)] == ["Rodney King", "King"]
    assert mentions(text, "body_text", spans[1:], resources.lexicon) == []
