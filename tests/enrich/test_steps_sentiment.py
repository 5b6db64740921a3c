"""Sentiment: off by default, labelled as what it is when it is on."""

from __future__ import annotations

from time import perf_counter

import pytest

from services.enrich.again.touched import touched
from services.enrich.document import Document
from services.enrich.pipeline import Resources, enrich, known_steps, load_resources
from services.enrich.present import card
from tests.enrich.articles import NOW, article

GOOD = "The rescue was a triumph. Everybody was saved, and the town celebrated a great success."
BAD = "The fire was a disaster. Seven people died and many were injured when the roof collapsed."


@pytest.fixture(scope="module")
def feeling() -> Resources:
    return load_resources("rules", sentiment=True)


def read(resources: Resources, title: str, body: str) -> Document:
    return enrich([article(title, body)], resources, clock=perf_counter)[0]


def test_it_is_off_unless_asked_for_and_says_so(resources: Resources) -> None:
    doc = read(resources, "Triumph", GOOD)
    assert doc.sentiment is None
    assert doc.annotations["sentiment"]["skipped"] == "off"
    assert card(doc, NOW)["sentiment"] is None


def test_good_and_bad_news_are_told_with_the_method(feeling: Resources) -> None:
    good, bad = read(feeling, "Rescue", GOOD), read(feeling, "Fire", BAD)
    told = card(good, NOW)["sentiment"]
    assert (told["method"], told["score"] > 0.3, told["words"] >= 4) == ("lexicon", True, True)
    assert bad.sentiment is not None
    assert bad.sentiment.score < -0.3


def test_a_negation_turns_a_word_round_by_half(feeling: Resources) -> None:
    plain = read(feeling, "", "It was a success, they were happy and it was safe for the town.")
    denied = read(feeling, "", "It was no success, they were not happy and it was never safe for the town.")
    assert plain.sentiment is not None
    assert denied.sentiment is not None
    assert plain.sentiment.score > 0 > denied.sentiment.score > -plain.sentiment.score


def test_few_words_and_other_languages_have_none(feeling: Resources) -> None:
    assert read(feeling, "", "The council met on the ferry and it was a success.").sentiment is None
    german = read(feeling, "", "Der Rat traf sich gestern auf der F\u00e4hre und sprach \u00fcber die Stra\u00dfe.")
    assert german.annotations["sentiment"]["skipped"] == "language"


def test_switching_it_on_and_off_touches_articles(resources: Resources, feeling: Resources) -> None:
    off, on = read(resources, "Rescue", GOOD), read(feeling, "Rescue", GOOD)
    assert touched(off.annotations, known_steps(feeling), "en") == ["sentiment"]
    assert touched(on.annotations, known_steps(resources), "en") == ["sentiment"]
    assert touched(off.annotations, known_steps(resources), "en") == []
