"""Where a source is at home: learned from its own articles, believed on towns that share a name."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from services.enrich.batch import Work, enrich_batch, places_of
from services.enrich.document import CountryShare, Document, Home
from services.enrich.homes import KEPT, Homes, Named, learned
from services.enrich.pipeline import Resources, enrich
from shared.articles import Source
from tests.enrich.articles import article
from tests.enrich.test_batch import put
from tests.keeping import both

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
Enriched = Callable[..., Document]
TULSA = Named("Tulsa", "US", 4553433, 9)
OKLAHOMA_CITY = Named("Oklahoma City", "US", 4544349, 6)


def test_a_home_is_what_most_places_speak_for(resources: Resources) -> None:
    gazetteer = resources.gazetteer
    assert learned([TULSA, OKLAHOMA_CITY], gazetteer) == Home("US", "OK")
    assert learned([TULSA], gazetteer) is None  # too few
    far = [Named("Lisbon", "PT", 2267057, 8), Named("Berlin", "DE", 2950159, 8), Named("Tulsa", "US", 4553433, 8)]
    assert learned(far, gazetteer) is None
    states = [TULSA, Named("Chicago", "US", 4887398, 9), Named("Boston", "US", 4930956, 9)]
    assert learned(states, gazetteer) == Home("US", None)


def test_what_was_learned_is_kept_a_while_and_then_asked_for_anew(resources: Resources) -> None:
    asked: list[list[str]] = []

    def read(sources: Any) -> dict[str, list[Named]]:
        asked.append(list(sources))
        return {"a": [TULSA, OKLAHOMA_CITY]}

    homes = Homes()
    for moment in (NOW, NOW + KEPT / 2, NOW + KEPT + timedelta(seconds=1)):
        assert homes.of(["a", "b", "a"], read, resources.gazetteer, moment) == {"a": Home("US", "OK")}
    assert asked == [["a", "b"], ["a", "b"]]


def place_of(resources: Resources, text: str, home: Home | None, country: str | None = None) -> dict[str, Any]:
    one = article("", text, source=Source("w.example", "W", "w.example", country))
    (doc,) = enrich([one], resources, clock=time.perf_counter, homes={"w.example": home} if home else None)
    return {place.name: (place.country, place.geonames_id) for place in doc.places}


def test_a_town_is_the_one_of_its_name_at_home(resources: Resources) -> None:
    text = "The council of Durham met again on the ferries. It was a long night for everybody there."
    assert place_of(resources, text, None)["Durham"][0] == "US"
    assert place_of(resources, text, Home("GB", "ENG"))["Durham"][0] == "GB"
    # What an operator set is believed over what was learned.
    assert place_of(resources, text, Home("GB", "ENG"), "US")["Durham"][0] == "US"


def test_one_name_is_another_place_by_the_home_that_the_feed_was_given(resources: Resources) -> None:
    text = "The council of Athens met again on Monday. It was a long night for everybody in Athens."

    def athens(country: str | None, admin1: str | None, home: Home | None = None) -> tuple[str, str]:
        one = article("", text, source=Source("w.example", "W", "w.example", country, admin1))
        (doc,) = enrich([one], resources, clock=time.perf_counter, homes={"w.example": home} if home else None)
        (place,) = doc.places
        (row,) = [row for row in resources.gazetteer.find("athens") if row.geonames_id == place.geonames_id]
        return row.country, row.admin

    assert athens(None, None)[0] == athens("GR", None)[0] == "GR"
    assert athens("US", "GA") == ("US", "GA")
    assert athens("US", "AL") == ("US", "AL")
    # What was learned does not move a home that was set.
    assert athens("US", "AL", Home("US", "GA")) == ("US", "AL")
    assert athens("US", "AL", Home("GR", None)) == ("US", "AL")


def test_the_home_of_a_feed_comes_with_its_articles(work: Work, database_url: str) -> None:
    """The same text by two publishers, as ingest stores it: Durham is another town."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        for number, home in ((1, {"country": "US", "admin1": "NC"}), (2, {"country": "GB", "admin1": "ENG"})):
            put(conn, number, "The council of Durham meets")
            source = {"id": f"{number}.example", "name": "W", "domain": f"{number}.example", **home}
            conn.execute("UPDATE articles SET source = %s WHERE id = %s", (Jsonb(source), number))
        enrich_batch(work, [1, 2])
        cards = [both(conn, number)[0] for number in (1, 2)]
    durham = [next(place for place in card["places"] if place["name"] == "Durham") for card in cards]
    assert [place["country"] for place in durham] == ["US", "GB"]
    assert cards[0]["source"] == {"id": "1.example", "name": "W", "domain": "1.example", "country": "US"}


def test_the_store_tells_which_places_a_sources_articles_name(work: Work, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        put(conn, 1)
        enrich_batch(work, [1])
        (lisbon,) = both(conn, 1)[0]["places"]
        found = places_of(conn, ["northmail.example", "other.example"])
    assert found == {"northmail.example": [Named("Lisbon", "PT", lisbon["geonames_id"], 1)]}


def test_an_article_plays_where_it_names_most(enriched: Enriched) -> None:
    doc = enriched(
        "Fire on a ferry off Portugal",
        "Lisbon (Wire) \u2014 A ferry burned off Portugal. It was on its way to Spain. The Portuguese navy came.",
    )
    assert doc.countries[0].code == "PT"
    assert doc.countries[0].share > 0.6
    assert sum(one.share for one in doc.countries) <= 1.001
    assert enriched("It rained", "And rained.").countries == ()


def test_a_village_that_no_table_has_is_rather_at_home_but_no_sea_or_mountain_is(enriched: Enriched) -> None:
    home = Source("w.example", "W", "w.example", "GB")
    village = enriched("Alder County keeps its library", "The mayor of Alder County said so.", source=home)
    assert [(place.kind, place.country) for place in village.places] == [("other", None)]
    assert village.countries == (CountryShare("GB", 1.0),)
    nobody = enriched("Alder County keeps its library", "The mayor of Alder County said so.")
    assert nobody.countries == ()
    sea = enriched("Ferry burns in the Celtic Sea", "It was on its way to Spain over the Celtic Sea.", source=home)
    assert sea.countries[0].code == "ES"


def test_a_small_town_abroad_is_believed_only_so_far(enriched: Enriched) -> None:
    home = Source("w.example", "W", "w.example", "GB")
    doc = enriched("", "The match in Ballarat was off again. The pitch of the club was under water.", source=home)
    assert [(place.country, place.confidence < 0.5) for place in doc.places] == [("AU", True)]
    doc = enriched("", "The match in Bairnsdale was off again. The pitch of the club was under water.", source=home)
    assert [(place.country, place.geonames_id) for place in doc.places] == [(None, None)]  # smaller: not at all
    doc = enriched("", "The match in Berwick was off again. The pitch of the club was under water.", source=home)
    assert [place.country for place in doc.places] == ["GB"]  # smaller still, but at home
    assert doc.countries == (CountryShare("GB", 1.0),) or doc.countries == ()
