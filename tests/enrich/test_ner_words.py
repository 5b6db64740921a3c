from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.enrich.ner.sentences import sentences
from services.enrich.ner.spans import runs, trim
from services.enrich.ner.words import Shape, candidates, shape, words


def chosen(text: str) -> list[str]:
    found = words(text)
    return [found[i].text for i in candidates(found, [shape(w.text) for w in found])]


@pytest.mark.parametrize(
    ("word", "form"),
    [
        ("Lagos", Shape.TITLE),
        ("NATO", Shape.UPPER),
        ("A", Shape.CAPITAL),
        ("McKay", Shape.MIXED),
        ("iPhone", Shape.MIXED),
        ("G20", Shape.MIXED),
        ("river", Shape.LOWER),
        ("2026", Shape.DIGITS),
        ("5th", Shape.DIGITS),
        ("—", Shape.PUNCTUATION),
        ("東京", Shape.OTHER),
    ],
)
def test_a_word_has_one_case_shape(word: str, form: Shape) -> None:
    assert shape(word) is form


def test_only_what_could_be_a_name_is_a_candidate() -> None:
    assert chosen("The minister met Amara Okafor in Lagos on Tuesday.") == ["Amara", "Okafor", "in", "Lagos"]
    assert chosen("They said on Monday that it would rain.") == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("the Bank of the North said", ["Bank", "of", "the", "North"]),
        ("for al-Qamar forces", ["al", "-", "Qamar"]),
        ("with Yoon Ki-moon there", ["Yoon", "Ki", "-", "moon"]),
        ("the U.S. economy", ["U.S."]),
        ("by Ludwig van Aken yesterday", ["Ludwig", "van", "Aken"]),
        ("on Apollo 11 they", ["Apollo", "11"]),
    ],
)
def test_what_hangs_on_a_capitalised_word_is_a_candidate_too(text: str, name: list[str]) -> None:
    assert chosen(text) == name


def test_every_word_of_a_headline_in_title_case_or_capitals_is_a_candidate() -> None:
    assert len(chosen("Storm Nears Port Elgar As Crews Race Home")) == 8
    assert len(chosen("STORM NEARS PORT ELGAR AS CREWS RACE HOME")) == 8


@given(st.text(max_size=200))
def test_words_say_where_they_stand(text: str) -> None:
    found = words(text)
    assert all(text[w.start : w.end] == w.text for w in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
    positions = candidates(found, [shape(w.text) for w in found])
    assert positions == sorted(set(positions))
    assert all(0 <= i < len(found) for i in positions)


def test_sentences_end_at_full_stops_but_not_after_abbreviations() -> None:
    text = 'Dr. Lee met Gen. A. B. Cole in St. Ives. "It rained." Then they left!\nA new line'
    assert [text[a:b] for a, b in sentences(text)] == [
        "Dr. Lee met Gen. A. B. Cole in St. Ives.",
        '"It rained."',
        "Then they left!",
        "A new line",
    ]


@given(st.text(alphabet=st.characters() | st.sampled_from('.!? \nA"'), max_size=300))
def test_sentences_are_in_order_and_lose_only_white_space(text: str) -> None:
    found = sentences(text)
    assert all(a < b for a, b in found)
    assert all(first[1] <= second[0] for first, second in pairwise(found))
    assert "".join("".join(text[a:b].split()) for a, b in found) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("Mr. Okafor's", 0, "Okafor"),
        ("President Amara Okafor", 0, "Amara Okafor"),
        ("the Netherlands", 2, "Netherlands"),
        ("The Hague", 2, "The Hague"),
        ("the U.S.", 2, "U.S."),
        ("“Harbour Trust”", 1, "Harbour Trust"),
        ("the", 1, ""),
        ("Smith.", 0, "Smith"),
    ],
)
def test_a_span_is_the_name_alone(text: str, kind: int, name: str) -> None:
    found = words(text)
    first, last = trim(found, 0, len(found), kind)
    assert (text[found[first].start : found[last - 1].end] if first < last else "") == name


def test_a_run_opens_at_b_at_another_type_and_at_a_stray_i() -> None:
    assert runs([1, 2, 0, 2, 1, 3, 4, 6]) == [(0, 2, 0), (3, 4, 0), (4, 5, 0), (5, 7, 1), (7, 8, 2)]
    assert runs([]) == []
