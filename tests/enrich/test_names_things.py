from __future__ import annotations

from itertools import pairwise

import pytest

from bench import quality_things
from services.enrich.names.things import MOST, things
from services.enrich.pipeline import enrich
from services.enrich.resources import Resources


def _named(text: str) -> list[tuple[str, str]]:
    return [(found.label, text[found.start : found.end]) for found in things(text, {"Russian"})]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Hurricane Milo hit. Milo then turned.", [("event", "Hurricane Milo"), ("event", "Milo")]),
        ("Storm damage closed the Atlantic Cup final.", [("event", "Atlantic Cup")]),
        ("After the Iran-Iraq War.", [("event", "Iran-Iraq War")]),
        ("The Second World War film.", [("event", "Second World War")]),
        ('The film "The Long Shore," which won.', [("work", "The Long Shore")]),
        ("Her book, The Shore Before This One, appeared.", [("work", "The Shore Before This One")]),
        ('He said "We Are Here" twice.', []),
        ("The ferry Estrela do Norte.", [("product", "Estrela do Norte")]),
        ("Europe's Halcyon spacecraft.", [("product", "Halcyon")]),
        ("Russian fighter jets met an F-35A.", [("product", "F-35A")]),
        ("The Boeing 737 MAX 8 landed.", [("product", "Boeing 737 MAX 8")]),
        ("The peacekeeping mission on the M-25 ended.", []),
    ],
)  # fmt: skip
def test_a_thing_is_told_by_a_word_that_says_what_it_is(text: str, named: list[tuple[str, str]]) -> None:
    assert _named(text) == named


@pytest.mark.parametrize(
    "text",
    [
        "A" * 100_000,
        "Storm A " * 12_500,
        '"' * 100_000,
        'the film "A' * 9_000,
        "A Cup " * 16_000,
        "ferry Aa of " * 8_000,
    ],
)
def test_a_text_of_nothing_but_cues_gives_a_bounded_number_in_order(text: str) -> None:
    found = things(text)
    assert len(found) <= 12 * MOST
    assert all(one.end <= other.start for one, other in pairwise(found))


def test_a_name_of_a_storm_alone_folds_into_the_storm(resources: Resources) -> None:
    [doc] = enrich(
        [quality_things.article(1, "Storm Oriel came at night. By noon Oriel had gone.")], resources, clock=lambda: 0.0
    )
    assert [(e.type, e.name, e.count) for e in doc.entities] == [("event", "Storm Oriel", 2)]


def test_a_language_is_no_people(resources: Resources) -> None:
    text = "She wrote in Polish or Danish, and the Danish minister read it."
    [doc] = enrich([quality_things.article(1, text)], resources, clock=lambda: 0.0)
    assert [(e.type, e.name, e.count) for e in doc.entities] == [("group", "Danish", 1)]
