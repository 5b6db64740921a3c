"""Casualties and sums of money: what is told, with which bounds, whose currency, and what is none."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.enrich.document import Document
from services.enrich.lexicons import load_currencies, load_lexicon
from services.enrich.text.casualties import tolls
from services.enrich.text.money import Currencies, sums
from services.enrich.text.quantities import Range, number, quantity
from services.enrich.text.tokens import Tokens

Enriched = Callable[..., Document]
Told = tuple[str, float | None, float | None, str | None]


def told(doc: Document) -> list[Told]:
    for one in doc.numbers:
        assert doc.body_text[one.start : one.end] == one.text
    return [(one.kind, one.low, one.high, one.currency) for one in doc.numbers]


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("12", 12),
        ("6,100", 6100),
        ("3.2 million", 3_200_000),
        ("1.5bn", 1_500_000_000),
        ("two hundred and fifty", 250),
        ("twenty-one", 21),
        ("half a dozen", 6),
        ("two dozen", 24),
        ("a hundred thousand", 100_000),
        ("2,000 crore", 20_000_000_000),
    ],
)
def test_numbers_in_figures_and_words(words: str, value: float) -> None:
    assert number(words) == value


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("at least 12", Range(12, None)),
        ("more than 1,000", Range(1000, None)),
        ("up to 60", Range(None, 60)),
        ("fewer than fifty", Range(None, 50)),
        ("about 270", Range(270, 270, approximate=True)),
        ("between 40 and 50", Range(40, 50)),
        ("40 to 50", Range(40, 50)),
        ("dozens", Range(24, None)),
        ("seven", Range(7, 7)),
    ],
)
def test_quantities_keep_their_bounds(words: str, found: Range) -> None:
    assert quantity(words) == found


def test_an_article_tells_its_casualties_and_its_money_in_reading_order(enriched: Enriched) -> None:
    body = (
        "An earthquake struck on Monday, killing at least seven people and injuring more than 60, officials said. "
        "The damage was put at 140 million lari ($52 million). Eight fishermen are still missing."
    )
    assert told(enriched("Earthquake strikes", body)) == [
        ("killed", 7, None, None),
        ("injured", 60, None, None),
        ("money", 140_000_000, 140_000_000, "GEL"),
        ("money", 52_000_000, 52_000_000, "USD"),
        ("missing", 8, 8, None),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "The frost killed 200 cattle on the high pastures.",
        "A collapse of the dam could kill 3,000 people.",
        "No one was killed when the roof came down.",
        "Twelve missing paintings were found behind a wall.",
        "The heat killed the battery after nine hours.",
        "He lost 40 pounds in a year and ran a marathon.",
        "The home side won 12 matches of 14.",
        "She owns a dollar store and runs 100 m in 12 seconds.",
    ],
)
def test_what_only_looks_like_one_is_none(text: str, enriched: Enriched) -> None:
    assert told(enriched("", text)) == []


def test_who_acts_is_not_counted_as_hurt(enriched: Enriched) -> None:
    assert told(enriched("", "Two gunmen killed seven people in a bar.")) == [("killed", 7, 7, None)]


def test_a_currency_of_several_countries_is_told_by_the_people_or_by_where_the_article_plays(
    enriched: Enriched,
) -> None:
    assert told(enriched("", "It costs 1,500 Ugandan shillings to enter.")) == [("money", 1500, 1500, "UGX")]
    nairobi = "A stall in Nairobi, Kenya, will cost 1,500 shillings a month, the county of Nairobi said."
    assert told(enriched("Nairobi opens its market", nairobi)) == [("money", 1500, 1500, "KES")]
    assert told(enriched("", "It costs 1,500 shillings to enter.")) == [("money", 1500, 1500, None)]


def test_a_dollar_is_the_publishers_own() -> None:
    table, peoples = Currencies(load_currencies()), load_lexicon().demonyms
    found = {
        home: [one.currency for one in sums("It cost $20.", table, peoples, [], home)] for home in ("AU", "FR", None)
    }
    assert found == {"AU": ["AUD"], "FR": ["USD"], None: ["USD"]}


def test_sport_has_its_own_injured(enriched: Enriched) -> None:
    body = (
        "The striker scored twice in the league match and the team kept its place in the cup. Two players were injured."
    )
    doc = enriched("Football: late goal wins the league match", body.replace("players", "workers"))
    assert doc.topics[0].id == "medtop:15000000"
    assert told(doc) == []


def test_other_languages_are_told_to_be_left_out(enriched: Enriched) -> None:
    doc = enriched(
        "", "Mindestens zwölf Menschen wurden bei dem Unfall getötet, teilte die Polizei am Montag in Berlin mit."
    )
    assert doc.numbers == ()
    assert doc.annotations["numbers"]["skipped"] == "language"


@given(
    st.lists(
        st.sampled_from(
            ["killed", "at least", "12", "people", "were", "injured", ",", ".", "$", "€", "million", "two", "dozens",
             "of", "between", "and", "3.5", "euros", "dead", "missing", "a", "man", "-", "\n", "🦊", "to",
             "1,000", "KES"]
        ),
        max_size=40,
    )
)  # fmt: skip
def test_offsets_hold_and_bounds_are_in_order(parts: list[str]) -> None:
    text = " ".join(parts)
    spans = [(one.start, one.end, one.amount) for one in tolls(Tokens(text))]
    spans += [(one.start, one.end, one.amount) for one in sums(text, TABLE, {}, [], None)]
    for start, end, amount in spans:
        assert 0 <= start < end <= len(text)
        assert text[start:end].strip() == text[start:end] != ""
        assert amount.low is not None or amount.high is not None


TABLE = Currencies(load_currencies())


@given(
    st.lists(
        st.sampled_from(
            ["an estimated", "Between", "no less than", "upwards of", "SOME", "half a dozen", "twenty-one", "scores of",
             "12", "1,000", "3.5", "and", "to", "-", "crore", "million", "bn", "dollars", "Kenyan", "shillings",
             "euros", "US$", "KES", "C$", "Rs.", "€", "RMB", "cost", "the", "ten", ","]
        ),
        max_size=12,
    ),
    st.sampled_from([" ", ""]),
)  # fmt: skip
def test_no_sum_begins_with_what_is_not_tried(parts: list[str], between: str) -> None:
    text = between.join(parts)
    everywhere = re.compile(TABLE.pattern.pattern.replace(TABLE._opens, ""))
    assert [one.span() for one in TABLE.pattern.finditer(text)] == [one.span() for one in everywhere.finditer(text)]
    assert everywhere.pattern != TABLE.pattern.pattern
