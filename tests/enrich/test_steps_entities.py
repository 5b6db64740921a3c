"""Who and what an article names: mentions, how they fold into one thing, what it is called."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.enrich.document import Document, Entity, Mention
from services.enrich.names.acronyms import is_acronym, stands_for
from services.enrich.names.fold import fold, look_alikes, slug, without_possessive
from services.enrich.names.tagger import Found
from services.enrich.pipeline import Resources
from services.enrich.steps.folding import fold_mentions
from services.enrich.steps.mentions import mentions
from tests.enrich.articles import article

Enriched = Callable[..., Document]


def named(doc: Document) -> dict[str, Entity]:
    return {entity.id: entity for entity in doc.entities}


def folded(resources: Resources, body: str, *names: tuple[str, str]) -> list[tuple[str, str, list[str]]]:
    """The clusters of a body in which a tagger marked the first unmarked occurrence of each name."""
    found: list[Mention] = []
    for text, label in names:
        start = body.index(text, max((m.end for m in found if m.text == text), default=0))
        found.append(Mention("body_text", start, start + len(text), text, label, 0.9))  # type: ignore[arg-type]
    doc = Document(article(), title="", body_text=body, mentions=tuple(found))
    return [(c.type, c.name, [m.text for m in c.mentions]) for c in fold_mentions(doc, resources.lexicon)]


def test_the_ferry_strike(enriched: Enriched) -> None:
    doc = enriched(
        "Ministers meet in Lisbon over ferry strike",
        "Maria Duarte, who leads the Dockers' Union, met the ministers in Lisbon on Monday. Duarte said the strike"
        " would go on.",
    )
    found = named(doc)
    assert set(found) == {"person:maria-duarte", "place:geonames:2267057", "organisation:dockers-union"}
    assert found["person:maria-duarte"].aliases_seen == ("Maria Duarte", "Duarte")
    assert found["person:maria-duarte"].count == 2
    assert found["organisation:dockers-union"].name == "Dockers' Union"
    assert found["place:geonames:2267057"].ids == {"geonames": "2267057"}
    assert doc.entities[0].id == "place:geonames:2267057"  # in the headline


def test_the_flood(enriched: Enriched) -> None:
    doc = enriched("Flood closes the old bridge at Tournai", "The mayor of Tournai closed the bridge at noon.")
    assert [(entity.id, entity.type, entity.count) for entity in doc.entities] == [
        ("place:geonames:2785341", "place", 2)
    ]


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        ("Officials said that Prime Minister João Silva would resign.", "João Silva", "person"),
        ("The report was read by Dr. Amara Okafor's lawyers.", "Amara Okafor", "person"),
        ("It was announced by the Ministry of Public Works.", "Ministry of Public Works", "organisation"),
        ("The ship was sold to Harbour Lines Ltd last week.", "Harbour Lines Ltd", "organisation"),
        ("They flew from Nairobi to New York on Friday.", "New York City", "place"),
        ("The talks were held in France.", "France", "place"),
        ("It was built by Portuguese sailors.", "Portuguese", "group"),
        ("Officials at NATO were not told.", "NATO", "organisation"),
    ],
)
def test_rules_find_a_name_by_its_kind(text: str, name: str, kind: str, enriched: Enriched) -> None:
    assert (name, kind) in {(entity.name, entity.type) for entity in enriched("", text).entities}


@pytest.mark.parametrize(
    "text",
    [
        "The weather will be fine on Monday and Tuesday. People should go out.",
        "Why the Old Bridge Had to Close Before the Winter",
        "However, ministers said nothing. Nobody knows why.",
    ],
)
def test_a_capital_alone_makes_no_name(text: str, enriched: Enriched) -> None:
    assert enriched("", text).entities == ()


def test_other_languages_get_their_country_names_and_nothing_else(enriched: Enriched) -> None:
    doc = enriched(
        "",
        "Die Regierung in Frankreich will mit der Ukraine über die neue Brücke sprechen, sagte Anna Schmidt in Bonn.",
    )
    assert {(e.name, e.ids.get("iso3166")) for e in doc.entities} == {("France", "FR"), ("Ukraine", "UA")}
    doc = enriched("", "首相は金曜日、フランスとドイツの首脳と会談した。橋の閉鎖について話し合った。")
    assert {e.name for e in doc.entities} == {"France", "Germany"}


def test_a_family_name_alone_goes_to_the_full_name_read_last(resources: Resources) -> None:
    body = "Ana Costa spoke. Costa left. Then Rui Costa spoke. Costa stayed."
    names = [("Ana Costa", "person"), ("Rui Costa", "person")]
    assert folded(resources, body, *names) == [
        ("person", "Ana Costa", ["Ana Costa", "Costa"]),
        ("person", "Rui Costa", ["Rui Costa", "Costa"]),
    ]


def test_full_forms_of_one_person_are_one(resources: Resources) -> None:
    body = "Maria Elena Duarte met M. Duarte and Maria Duarte."
    names = [("Maria Elena Duarte", "person"), ("M. Duarte", "person"), ("Maria Duarte", "person")]
    ((kind, name, forms),) = folded(resources, body, *names)
    assert (kind, name, len(forms)) == ("person", "Maria Elena Duarte", 3)


@pytest.mark.parametrize(
    ("body", "names", "name"),
    [
        (
            "The Institute of Port Studies (IPS) said so. IPS is in Porto.",
            [("Institute of Port Studies", "organisation"), ("IPS", "organisation")],
            "Institute of Port Studies",
        ),
        (
            "AZIZ (the Azerbaijan-Israel International Association) said so.",
            [("AZIZ", "organisation"), ("Azerbaijan-Israel International Association", "organisation")],
            "Azerbaijan-Israel International Association",
        ),
    ],
)
def test_an_acronym_and_its_expansion_are_one(
    body: str, names: list[tuple[str, str]], name: str, resources: Resources
) -> None:
    ((kind, shown, forms),) = folded(resources, body, *names)
    assert (kind, shown) == ("organisation", name)
    assert len(forms) >= 2


def forms_of(resources: Resources, body: str, *names: tuple[str, str]) -> dict[str, tuple[str, list[str]]]:
    """Type and forms of each cluster by its name; what the place table knows is no family name."""
    found: list[Mention] = []
    for text, label in names:
        start = body.index(text, max((m.end for m in found), default=0))
        found.append(Mention("body_text", start, start + len(text), text, label, 0.9))  # type: ignore[arg-type]
    doc = Document(article(), title="", body_text=body, mentions=tuple(found))
    clusters = fold_mentions(doc, resources.lexicon, resources.gazetteer)
    return {c.name: (c.type, [m.text for m in c.mentions]) for c in clusters}


@pytest.mark.parametrize(
    ("full", "short"),
    [
        ("Margit Solheim-Brandt", "Solheim-Brandt"),
        ("Joost van der Kempen", "Van der Kempen"),
        ("Donncha \u00d3 Laoire", "\u00d3 Laoire"),
        ("Iker Zubeldia Roca", "Zubeldia"),
        ("Iker Zubeldia Roca", "Roca"),
    ],
)
def test_family_names_of_several_words_belong_to_their_full_name(full: str, short: str, resources: Resources) -> None:
    names = [(full, "person"), (short, "person")]
    assert forms_of(resources, f"{full} spoke. {short} left.", *names) == {full: ("person", [full, short])}


def test_a_given_name_in_the_middle_makes_another_person(resources: Resources) -> None:
    names = [("Ana Maria Costa", "person"), ("Maria Costa", "person")]
    assert len(forms_of(resources, "Ana Maria Costa met Maria Costa.", *names)) == 2


def test_a_family_name_taken_for_a_place_is_the_person(resources: Resources) -> None:
    body = "Fergus Abernethy spoke. Abernethy left. Abernethy's men stayed."
    names = [("Fergus Abernethy", "person"), ("Abernethy", "place"), ("Abernethy", "place")]
    assert forms_of(resources, body, *names) == {
        "Fergus Abernethy": ("person", ["Fergus Abernethy", "Abernethy", "Abernethy"])
    }


def test_a_place_that_everybody_knows_is_no_family_name(resources: Resources) -> None:
    names = [("George Washington", "person"), ("Washington", "place")]
    assert len(forms_of(resources, "George Washington left. Washington pays for it.", *names)) == 2


@pytest.mark.parametrize(
    ("full", "short", "kind"),
    [
        ("Halvorne Logistics", "Halvorne", "person"),
        ("Atl\u00e9tico Ribera", "Ribera", "organisation"),
        ("European Commission", "Commission", "organisation"),
        ("United Nations", "UN", "organisation"),
        ("United Nations", "U.N.", "organisation"),
    ],
)
def test_an_organisation_in_short_is_the_organisation(full: str, short: str, kind: str, resources: Resources) -> None:
    names = [(full, "organisation"), (short, kind)]
    assert forms_of(resources, f"The {full} met. The {short} rose.", *names) == {full: ("organisation", [full, short])}


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("Corvane Cloud and Corvane Dynamics met. Corvane rose.", "Corvane Cloud|Corvane Dynamics|Corvane"),
        ("University of Ghent rose. University fell.", "University of Ghent|University"),
        ("Boston Scientific rose. Boston fell.", "Boston Scientific|Boston"),
        ("Universal Numbers rose. United Nations met. UN fell.", "Universal Numbers|United Nations|UN"),
    ],
)
def test_a_word_that_may_mean_several_stays_by_itself(body: str, names: str, resources: Resources) -> None:
    every = names.split("|")
    assert set(forms_of(resources, body, *((name, "organisation") for name in every))) == set(every)


def test_look_alike_letters_diacritics_case_and_possessive_fold(resources: Resources) -> None:
    body = "Modcon grew. Mod\u0441on fell. MODCON's owner left. Jos\u00e9 Sa and Jose Sa met."
    names = [("Modcon", "organisation"), ("Mod\u0441on", "organisation"), ("MODCON", "organisation")]
    clusters = folded(resources, body, *names, ("Jos\u00e9 Sa", "person"), ("Jose Sa", "person"))
    assert [(name, len(forms)) for _, name, forms in clusters] == [("Modcon", 3), ("Jos\u00e9 Sa", 2)]


def test_a_name_is_found_again_where_the_tagger_missed_it(resources: Resources) -> None:
    body = "Maria Duarte spoke. Later Maria Duarte left, and Duarte's car with her. Duarteson stayed."
    ((_, _, forms),) = folded(resources, body, ("Maria Duarte", "person"))
    assert forms == ["Maria Duarte", "Maria Duarte", "Duarte"]


def test_a_family_name_that_is_an_everyday_word_is_not_looked_for(resources: Resources) -> None:
    ((_, _, forms),) = folded(resources, "Ana Long spoke. Long lines formed.", ("Ana Long", "person"))
    assert forms == ["Ana Long"]


def test_type_is_voted(resources: Resources) -> None:
    body = "Galp rose. Galp fell. Galp stayed."
    names = [("Galp", "organisation"), ("Galp", "person"), ("Galp", "organisation")]
    assert folded(resources, body, *names) == [("organisation", "Galp", ["Galp", "Galp", "Galp"])]


@pytest.mark.parametrize(
    ("text", "span", "label", "name"),
    [
        ("the Portuguese Navy's ships", (0, 21), "organisation", "Portuguese Navy"),
        ("President Ana Costa spoke", (0, 19), "person", "Ana Costa"),
        ("He met (Ana Costa), he", (7, 18), "person", "Ana Costa"),
        ("in the U.S. today", (7, 8), "place", "U.S."),
        ("sold to Acme Inc. today", (8, 17), "organisation", "Acme Inc."),
    ],
)
def test_a_span_is_the_name_alone(
    text: str, span: tuple[int, int], label: str, name: str, resources: Resources
) -> None:
    (mention,) = mentions(text, "body_text", [Found(*span, label, 0.9)], resources.lexicon)
    assert (mention.text, text[mention.start : mention.end]) == (name, name)


def test_a_name_cut_in_two_by_its_tagger_is_put_together(resources: Resources) -> None:
    text = "the United States Navy came"
    spans = [Found(4, 10, "place", 0.8), Found(11, 22, "organisation", 0.8)]
    (mention,) = mentions(text, "body_text", spans, resources.lexicon)
    assert (mention.text, mention.type) == ("United States Navy", "organisation")


def test_unsure_unknown_and_overlapping_spans_are_left_out(resources: Resources) -> None:
    text = "Ana Costa of Porto"
    spans = [
        Found(0, 9, "person", 0.9),
        Found(4, 9, "person", 0.9),
        Found(13, 18, "place", 0.4),
        Found(13, 18, "ship", 0.9),
        Found(16, 400, "place", 0.4),
    ]
    assert [mention.text for mention in mentions(text, "body_text", spans, resources.lexicon)] == ["Ana Costa"]


def test_nationalities_have_one_form_and_their_country(enriched: Enriched) -> None:
    doc = enriched("", "Afghans and an Afghan team met Scots. The Afghan side won the match on Friday.")
    found = named(doc)
    assert found["group:afghan"].count == 3
    assert found["group:afghan"].ids == {"iso3166": "AF"}
    assert "group:scottish" in found


def test_salience_prefers_the_headline_and_repetition(enriched: Enriched) -> None:
    doc = enriched(
        "Talks in Lisbon", "Maria Duarte left. She passed through Madrid. Maria Duarte came back to Lisbon at night."
    )
    assert [entity.name for entity in doc.entities] == ["Lisbon", "Maria Duarte", "Madrid"]
    assert all(0 <= entity.salience <= 1 and 0 <= entity.confidence <= 1 for entity in doc.entities)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("José Núñez", "jose-nunez"),
        ("Dockers' Union", "dockers-union"),
        ("Łódź", "lodz"),
        ("Мария Дуарте", "мария-дуарте"),
        ("Йошкар-Ола", "йошкар-ола"),
        ("東京都", "東京都"),
        ("U.N.", "un"),
        ("ＡＢＣ Ltd.", "abc-ltd"),
    ],
)
def test_a_key_is_readable_in_any_script(name: str, key: str) -> None:
    assert slug(name) == key


def test_a_name_without_any_letter_still_has_a_key() -> None:
    assert slug("!!!") and slug("!!!") != slug("???")


def test_look_alikes_are_put_right_in_place() -> None:
    text = "Mod\u0441on и Мос\u006bва, \u0410pple"
    assert look_alikes(text) == "Modcon и Москва, Apple"
    assert len(look_alikes(text)) == len(text)
    assert fold("Mod\u0441on") == fold("MODCON")
    assert without_possessive("Duarte\u2019s") == "Duarte"


@pytest.mark.parametrize(
    ("short", "full", "right"),
    [
        ("EU", "European Union", True),
        ("IPS", "Institute of Port Studies", True),
        ("MoD", "Ministry of Defence", True),
        ("UNESCO", "United Nations Educational, Scientific and Cultural Organization", True),
        ("EU", "Dockers' Union", False),
        ("ABC", "Nothing", False),
    ],
)
def test_an_acronym_stands_for_its_initials(short: str, full: str, right: bool) -> None:
    assert is_acronym(short)
    assert stands_for(short, full) is right


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        ("Joshua Amado came. Josh Amado left, and Amado slept.", {"joshua-amado"}),
        ("In the old town Bob Reis met Robert Reis and Rob Reis.", {"bob-reis", "robert-reis", "rob-reis"}),
        ("In the old town on Monday Ana Reis met Anna Reis.", {"ana-reis", "anna-reis"}),
    ],
)
def test_a_short_first_name_is_the_full_one(body: str, ids: set[str], enriched: Enriched) -> None:
    doc = enriched("They were out at sea for a week", body)
    assert {one.id.removeprefix("person:") for one in doc.entities if one.type == "person"} == ids
