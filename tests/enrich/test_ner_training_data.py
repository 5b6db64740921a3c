from __future__ import annotations

import pytest

from services.enrich.ner.spans import Span
from training.ner.data import IGNORED, Sentence, cased, example
from training.ner.evaluate import Score

PERSON, ORGANISATION, PLACE = range(3)


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("title", "The Mayor of Porto Doesn't Like It"),
        ("upper", "THE MAYOR OF PORTO DOESN'T LIKE IT"),
        ("lower", "the mayor of porto doesn't like it"),
    ],
)
def test_a_sentence_is_cased_anew_with_its_names_in_place(how: str, text: str) -> None:
    sentence = Sentence("The mayor of Porto doesn't like it", ((13, 18, PLACE),), "own")
    assert cased(sentence, how) == Sentence(text, ((13, 18, PLACE),), "own")


def test_a_text_that_would_grow_in_capitals_is_left_as_it_is() -> None:
    sentence = Sentence("Am Fluß", ((3, 7, PLACE),), "own")
    assert cased(sentence, "upper") is sentence


def test_only_the_name_of_a_span_is_learned() -> None:
    made = example(Sentence("They met Dr. Ada Obi's team.", ((9, 22, PERSON),), "own"), 1.0, 8)
    assert dict(zip(made.words, made.tags, strict=True)) == {
        "They": 0, "met": 0, "Dr": 0, ".": 0, "Ada": 1, "Obi": 2, "'": 0, "s": 0, "team": 0,
    }  # fmt: skip


def test_handles_and_pronouns_are_not_learned_from() -> None:
    sentence = Sentence("@ada says we left Oslo for Bergen", ((1, 4, PERSON), (10, 12, ORGANISATION)), "own")
    made = example(sentence, 1.0, 8)
    ignored = [word for word, tag in zip(made.words, made.tags, strict=True) if tag == IGNORED]
    assert ignored == ["ada", "we"]


def test_of_a_text_without_labels_nothing_is_learned_but_from_a_teacher() -> None:
    made = example(Sentence("Ada left Oslo", (), "own", labelled=False), 1.0, 8, 1.0)
    assert set(made.tags) == {IGNORED}
    assert made.trust == 1.0


def test_words_far_from_a_candidate_are_not_read() -> None:
    made = example(Sentence("it went on and on until Oslo woke up and all was well", (), "own"), 1.0, 2)
    assert made.words == ("on", "until", "Oslo", "woke", "up")
    assert [made.words[i] for i in made.chosen] == ["Oslo"]


def test_a_score_tells_exact_from_overlapping() -> None:
    score = Score()
    score.add(
        [Span(0, 4, "place", 1.0), Span(10, 14, "person", 1.0)],
        Sentence("Oslo hears Ada Obi", ((0, 4, PLACE), (11, 18, PERSON)), "own"),
    )
    assert score.row(["place"]) == (100.0, 100.0, 100.0, 100.0)
    assert score.row(["person"]) == (0.0, 0.0, 0.0, 100.0)
    assert score.row(["place", "person"]) == (50.0, 50.0, 50.0, 100.0)
