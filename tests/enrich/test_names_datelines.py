"""Datelines as wire houses write them: every place of theirs has that role, and the wire is no place."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.enrich.document import Document
from services.enrich.text.dateline import dateline, opening

Enriched = Callable[..., Document]
TEXT = "The ferries will stand still for a week, two officials said."


@pytest.mark.parametrize(
    ("opens", "cities", "wire"),
    [
        ("LONDON/PARIS, Nov 3 (Agency) - ", ["London", "Paris"], None),
        ("WASHINGTON/BEIJING, Nov 3 (Reuters) - ", ["Washington", "Beijing"], "Reuters"),
        ("ODESA, Ukraine/ISTANBUL, Nov 3 (AFP) - ", ["Odesa", "Istanbul"], "AFP"),
        ("ROME/NAIROBI/DAKAR - ", ["Rome", "Nairobi", "Dakar"], None),
        ("GENEVA/KHARTOUM (3 November 2026) \u2013 ", ["Geneva", "Khartoum"], None),
        ("NEW DELHI: ", ["Delhi"], None),
        ("ST. LOUIS (AP) \u2014 ", ["St. Louis"], "AP"),
        ("RAMALLAH, Monday, November 3, 2026 (WAFA) \u2013 ", ["Ramallah"], "WAFA"),
        ("JAKARTA (ANTARA) - ", ["Jakarta"], "ANTARA"),
        ("MUMBAI, Nov 3 (PTI) ", ["Mumbai"], "PTI"),
        ("Kathmandu, Nov 3 (IANS) ", ["Kathmandu"], "IANS"),
        ("KUALA LUMPUR, Nov 3 (Bernama) -- ", ["Kuala Lumpur"], "Bernama"),
        ("MOSCOW, November 3. /TASS/. ", ["Moscow"], "TASS"),
        ("SAN FRANCISCO, Nov. 3, 2026 /PRNewswire/ -- ", ["San Francisco"], None),
        ("NEW YORK--(BUSINESS WIRE)--", ["New York City"], None),
        ("Accra, Nov. 3, GNA \u2013 ", ["Accra"], "GNA"),
        ("BUENOS AIRES, Argentina (AP) _ ", ["Buenos Aires"], "AP"),
        ("NEAR KHERSON, Ukraine (AP) \u2014 ", ["Kherson"], "AP"),
        ("[Nairobi] ", ["Nairobi"], None),
    ],
)
def test_each_place_of_a_dateline_has_that_role(
    opens: str, cities: list[str], wire: str | None, enriched: Enriched
) -> None:
    doc = enriched("Ferries to stand still", opens + TEXT)
    assert [place.name for place in doc.places if place.role == "dateline"] == cities
    assert opening(doc.body_text) == len(opens)
    wires = [one.text for one in doc.mentions if one.type == "organisation"]
    assert wires == [wire] if wire else not set(wires) & {"Agency"}


def test_what_was_written_aboard_a_plane_has_no_place(enriched: Enriched) -> None:
    doc = enriched("On the plane", "ABOARD AIR FORCE ONE (AP) \u2014 " + TEXT)
    assert [(one.name, one.type) for one in doc.entities] == [("AIR FORCE ONE", "product"), ("AP", "organisation")]
    assert doc.places == ()


@pytest.mark.parametrize(
    "text",
    [
        "Maria Duarte - the head of the union - said no.",
        "The ferry to Lisbon - the last one - has gone.",
        "Chennai: the port was shut.",
        "Nov 3 (Reuters) - Shares of Harbour Gas fell.",
        "A man - a sailor - was found.",
    ],
)
def test_a_dash_alone_makes_no_dateline(text: str) -> None:
    assert dateline(text) is None


def test_a_headline_in_capitals_names_no_city_by_its_form(enriched: Enriched) -> None:
    assert enriched("", "FERRIES STOP, UNION SAYS - NO BOATS FOR A WEEK FROM MONDAY ON AT ANY PORT").places == ()


@given(st.text(alphabet="AB ab/,.()-\u2014:[]1\n", max_size=200))
def test_a_dateline_lies_in_its_text(text: str) -> None:
    found = dateline(text)
    if found:
        assert 0 < found.end <= len(text)
        assert all(0 <= start < end <= found.end for start, end in [*found.places, found.wire or (0, 1)])
