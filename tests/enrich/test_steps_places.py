"""Which place on earth a name means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench import quality_places
from bench.quality_rows import floors, under
from services.enrich import lexicons
from services.enrich.document import Document, Home, Language, Place
from services.enrich.gazetteer import Gazetteer
from services.enrich.names.fold import fold
from services.enrich.names.tagger import Found
from services.enrich.pipeline import Resources
from services.enrich.steps.folding import fold_mentions
from services.enrich.steps.mentions import mentions
from services.enrich.steps.places import resolve
from shared.articles import Source
from tests.enrich.articles import article

Enriched = Callable[..., Document]


def places(doc: Document) -> dict[str, Place]:
    return {place.name: place for place in doc.places}


def test_a_place_has_its_ids_and_coordinates(enriched: Enriched) -> None:
    place = places(enriched("Talks held in Lisbon", "They were long."))["Lisbon"]
    assert (place.geonames_id, place.entity_id) == (2267057, "place:geonames:2267057")
    assert (place.kind, place.country) == ("city", "PT")
    assert place.lat == pytest.approx(38.725, abs=0.01) and place.lon == pytest.approx(-9.15, abs=0.01)


@pytest.mark.parametrize(
    ("text", "country", "admin"),
    [
        ("A flood hit the city of London on Monday.", "GB", "ENG"),
        ("A flood hit the city of London, Ontario and other towns in Canada on Monday.", "CA", None),
        ("Police in Birmingham, Ala., said so.", "US", "AL"),
        ("Police in Birmingham, AL, said so.", "US", "AL"),
        ("Police in Birmingham said so.", "GB", "ENG"),
        ("The mayor of Valencia, Venezuela, said so.", "VE", None),
        ("The mayor of Valencia spoke to Venezuelan reporters.", "VE", None),
    ],
)
def test_a_namesake_is_told_apart_by_what_stands_around_it(
    text: str, country: str, admin: str | None, enriched: Enriched, resources: Resources
) -> None:
    city = next(place for place in enriched("", text).places if place.kind == "city")
    assert city.country == country
    if admin:
        rows = {row.geonames_id: row for row in resources.gazetteer.find(fold(city.name))}
        assert rows[city.geonames_id or 0].admin == admin


def test_the_publishers_country_weighs_in(enriched: Enriched) -> None:
    source = Source("post.example", "Post", "post.example", country="CL")
    (place,) = enriched("", "The port of Valparaiso was shut.", source=source).places
    assert place.country == "CL"


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        ("The election in Georgia was close, the government in Tbilisi said.", "Georgia", "country"),
        ("The United States election in Georgia was close, officials in Atlanta, Georgia said.", "Georgia", "admin"),
        ("Talks were held in Washington on Friday.", "Washington", "city"),
        ("Fires were seen across California on Friday.", "California", "admin"),
        ("Fires were seen across Scotland on Friday.", "Scotland", "admin"),
    ],
)
def test_countries_states_and_cities_of_one_name(text: str, name: str, kind: str, enriched: Enriched) -> None:
    assert places(enriched("", text))[name].kind == kind


def test_roles_follow_the_headline_the_dateline_and_repetition(enriched: Enriched) -> None:
    doc = enriched(
        "Ferry strike spreads in Portugal",
        "MADRID (Ferry Post) - Ferries in Portugal stopped. They stopped off Denmark too, they said in Copenhagen.",
    )
    roles = {place.name: place.role for place in doc.places}
    assert roles["Portugal"] == "focus"
    assert roles["Copenhagen"] == roles["Denmark"] == "mention"
    doc = enriched(
        "Ferry strike spreads", "Madrid (Ferry Post) - Ferries from Portugal stopped on Monday, officials said."
    )
    assert {place.name: place.role for place in doc.places} == {"Madrid": "dateline", "Portugal": "mention"}


def test_one_place_under_two_names_is_one(enriched: Enriched) -> None:
    doc = enriched("", "America said so. The United States said so. Officials in the U.S. said so.")
    (place,) = doc.places
    (entity,) = (entity for entity in doc.entities if entity.type == "place")
    assert place.entity_id == entity.id
    assert (entity.name, entity.count, entity.ids["iso3166"]) == ("United States", 3, "US")


def test_every_place_has_its_entity(enriched: Enriched) -> None:
    doc = enriched(
        "From Paris to Kyiv", "The train left Paris for Berlin, Warsaw and Kyiv. Nobody in Springfield saw it."
    )
    assert {place.entity_id for place in doc.places} == {entity.id for entity in doc.entities if entity.type == "place"}


def test_country_names_of_other_languages_resolve_to_the_same_place(enriched: Enriched) -> None:
    body = "Le gouvernement de l'Allemagne et celui du Japon ont signé un accord sur les ports mardi."
    assert {place.geonames_id for place in enriched("", body).places} == {2921044, 1861060}


def test_small_towns_need_something_that_speaks_for_them(resources: Resources) -> None:
    assert ids(resources, "A man from Skipton won.", "Skipton") == {None}
    assert ids(resources, "A man from Skipton in England won.", "Skipton|England") == {2637702, 6269131}
    assert not any(row.small for row in resources.gazetteer.find("skipton"))


def test_the_table_knows_provinces_by_what_news_calls_them(resources: Resources) -> None:
    for name, country, shown in (
        ("free state", "ZA", "Free State"),
        ("kebbi", "NG", "Kebbi"),
        ("lazio", "IT", "Lazio"),
    ):
        row = next(row for row in resources.gazetteer.find(name) if row.kind == "admin")
        assert (row.country, row.name) == (country, shown)
    assert not any(row.kind == "admin" for row in resources.gazetteer.find("northern"))  # which means nothing alone
    assert not any(row.kind == "admin" for row in resources.gazetteer.find("mexico"))  # the country's name


def test_a_county_of_our_own_list_has_its_country_and_no_namesakes_id(enriched: Enriched) -> None:
    home = Source("w.example", "W", "w.example", "GB")
    (norfolk,) = enriched("", "Floods were seen across Norfolk on Friday.", source=home).places
    assert (norfolk.kind, norfolk.country, norfolk.geonames_id) == ("other", "GB", None)
    (norfolk,) = enriched("", "Floods were seen across Norfolk, Virginia.", source=replace(home, country="US")).places[
        :1
    ]
    assert norfolk.country == "US" and norfolk.geonames_id


@pytest.mark.parametrize(
    ("text", "name", "home", "country"),
    [
        ("A plant opened in Zemmeli, Tamil Nadu, on Monday.", "Zemmeli", None, "IN"),
        ("A plant opened in Zemmeli, Ill., on Monday.", "Zemmeli", None, "US"),
        ("A plant opened in Zemmeli, Portugal.", "Zemmeli", "US", "PT"),
        ("Roads in Zemmeli County were shut.", "Zemmeli County", "US", "US"),
        ("Roads in Zemmeli County were shut.", "Zemmeli County", None, None),
        ("A plant opened in Zemmeli, Georgia, on Monday.", "Zemmeli", None, None),  # which one?
    ],
)
def test_a_place_that_no_table_knows_has_the_country_that_is_told(
    text: str, name: str, home: str | None, country: str | None, resources: Resources
) -> None:
    start = text.index(name)
    given = Home(home, None) if home else None
    doc = quality_places.document(resources, 1, text, [(start, start + len(name), "place")], given)
    (place,) = doc.places
    assert (place.kind, place.geonames_id, place.country) == ("other", None, country)


def test_two_places_of_one_name_are_two_where_a_comma_tells(enriched: Enriched) -> None:
    body = (
        "Two firms are left, one from Portland, Maine, and one from Portland, Oregon. The one from Portland is older."
        " It flew to Lisbon, Paris and Lisbon, Rome and Madrid."
    )
    doc = enriched("", body)
    found = {place.geonames_id: place.name for place in doc.places if place.name == "Portland"}
    assert found == {4975802: "Portland", 5746545: "Portland"}
    counts = {entity.id: entity.count for entity in doc.entities}
    assert counts["place:geonames:4975802"] == 1 and counts["place:geonames:5746545"] == 2
    assert counts["place:geonames:2267057"] == 2  # Lisbon, in a list


def test_what_is_called_a_state_is_told_from_its_namesake(enriched: Enriched) -> None:
    body = (
        "TBILISI (Wire) \u2014 Georgia, where wine is old, told Americans that it is not the state of Georgia."
        " The Georgian ministry in Tbilisi pays. Talks were held in Washington on Friday, and in Washington state."
    )
    ids = {place.geonames_id for place in enriched("", body).places}
    assert {614540, 4197000, 4140963, 5815135} <= ids


def test_a_town_named_like_a_country_and_a_state_cut_short(resources: Resources) -> None:
    text = "LEBANON, N.H. (Valley News) - A man from Lebanon was held in White River Junction, Vt., on Friday."
    found = ids(resources, text, "LEBANON|N.H.|White River Junction|Vt")
    assert found == {5088597, 5090174, 5242889, 5242283}


def test_own_sentences_mean_the_right_places(resources: Resources) -> None:
    row = quality_places.own(resources)
    assert under([row], floors()) == [] and row.figures["right"] > row.figures["plain: right"]


@pytest.mark.parametrize(
    "opening", ["CHENNAI: The port was shut", "New Delhi | The port was shut", "LONDON, Nov 24 (Reuters) - It was shut"]
)
def test_datelines_of_several_styles(opening: str, enriched: Enriched) -> None:
    assert [place.role for place in enriched("Port shut", f"{opening} on Monday, an official said.").places] == [
        "dateline"
    ]


@pytest.mark.parametrize(("name", "first"), [("tournai", "BE"), ("new york", "US"), ("lisboa", "PT"), ("москва", "RU")])
def test_the_table_knows_cities_by_several_names(name: str, first: str, resources: Resources) -> None:
    assert resources.gazetteer.find(name)[0].country == first
    assert resources.gazetteer.find(fold("no such town as this")) == []


def test_every_country_name_leads_to_a_country(resources: Resources) -> None:
    codes = {iso for names in resources.lexicon.countries.values() for iso in names.values()}
    rows = {iso: resources.gazetteer.country(iso) for iso in codes}
    assert len(codes) > 240
    assert all(row and row.country == iso and row.kind == "country" for iso, row in rows.items())


def test_a_missing_table_is_said_at_start(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"places\.npz"):
        Gazetteer(tmp_path / "places.npz")


def test_every_demonym_names_a_country_of_the_table(resources: Resources) -> None:
    countries = {people.country for people in resources.lexicon.demonyms.values() if people.country}
    assert len(countries) > 180
    assert all(resources.gazetteer.country(iso) for iso in countries)


def test_the_word_lists_hold_each_word_once() -> None:
    for name in ("titles.txt", "organisations.txt"):
        lines = (lexicons.HERE / name).read_text(encoding="utf-8").splitlines()
        words = [line for line in lines if line and not line.startswith("#")]
        assert len(words) == len(set(words)), name


def ids(resources: Resources, body: str, names: str) -> set[int | None]:
    """What places of a body mean in which a tagger marked these names."""
    spans = [Found(body.index(name), body.index(name) + len(name), "place", 0.9) for name in names.split("|")]
    found = mentions(body, "body_text", spans, resources.lexicon)
    doc = Document(article(), body_text=body, language=Language("en", 1.0), mentions=tuple(found))
    doc.clusters = tuple(fold_mentions(doc, resources.lexicon))
    return {place.geonames_id for place in resolve(doc, resources)}


@pytest.mark.parametrize(
    ("text", "names", "right"),
    [
        ("The plant in Albany, Georgia, was sold.", "Albany|Georgia", {4179320, 4197000}),
        ("The plant in Tbilisi, Georgia, was sold.", "Tbilisi|Georgia", {611717, 614540}),
        ("It came in boxes from Tulsa, Oklahoma, each day.", "Tulsa|Oklahoma", {4553433, 4544379}),
        ("The depots in Panama and Accra were full.", "Panama|Accra", {3703430, 2306104}),
        ("He got a flat tire in Cairo, Illinois, and walked.", "Cairo|Illinois", {4234985, 4896861}),
        ("He got a flat tire in Cairo, Nevada, and walked.", "Cairo|Nevada", {None, 5509151}),
        ("They went to Cairo, France and Spain.", "Cairo|France|Spain", {360630, 3017382, 2510769}),
        ("It sold well in Europe, Asia and Africa.", "Europe|Asia|Africa", {6255148, 6255147, 6255146}),
        ("GENEVA and the U.N. said so.", "GENEVA|U.N.", {2660646, None}),
    ],
)
def test_what_stands_beside_a_place_tells_which_it_is(
    text: str, names: str, right: set[int | None], resources: Resources
) -> None:
    assert ids(resources, text, names) == right


def test_a_country_is_no_evidence_for_a_city_of_its_name(resources: Resources) -> None:
    assert ids(resources, "Officials of Panama said so. People in Panama were told.", "Panama") == {3703430}


def test_the_country_in_a_dateline_is_not_where_it_was_written(enriched: Enriched) -> None:
    doc = enriched("", "GENEVA, Switzerland (Tagus Press) \u2014 Officials met again. They had come by train.")
    assert {place.name: place.role for place in doc.places} == {"Geneva": "dateline", "Switzerland": "mention"}
