from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.enrich.ner import NerModel, Span
from services.enrich.ner.model import SETTLED, SHIPPED
from services.enrich.ner.spans import agreed, fits
from services.enrich.ner.windows import WINDOW
from shared.errors import Unreadable

STORY = (
    "Mayor Ines Caldeira told reporters in Lisbon that the city would buy forty ferries. The order goes to Harland "
    "Shipyards Ltd, a company from Denmark. It is the largest so far.\n"
    "“We need them before the summer,” said Mr. Caldeira's deputy, Tomas Hruby, who had flown in from Prague. "
    "The European Commission will pay a third."
)


@pytest.fixture(scope="module")
def model() -> NerModel:
    return NerModel.load()


def names(text: str, spans: list[Span]) -> dict[str, str]:
    return {text[span.start : span.end]: span.label for span in spans}


def test_names_are_found_with_their_type_and_without_title_article_or_possessive(model: NerModel) -> None:
    found = names(STORY, model.tag([STORY])[0])
    assert found["Ines Caldeira"] == "person"
    assert found["Tomas Hruby"] == "person"
    assert found["Caldeira"] == "person"
    assert found["Lisbon"] == found["Denmark"] == found["Prague"] == "place"
    assert found["European Commission"] == "organisation"


def test_a_word_that_goes_on_with_a_name_none_began_brings_its_neighbour_in() -> None:
    run = np.array([[0.72, 0.22, 0.04, 0, 0, 0.02, 0], [0.01, 0.01, 0.82, 0, 0.1, 0, 0.06]], np.float32)
    assert not fits(run.argmax(1).tolist())
    after = agreed(run)
    assert after.argmax(1).tolist() == [1, 2]  # B-person, I-person
    assert after.sum(1) == pytest.approx([1, 1], abs=1e-5)
    assert fits(after.argmax(1).tolist())


def test_a_copy_of_a_text_has_the_same_names_whoever_changed_the_first_ones(model: NerModel) -> None:
    once, copy = model.tag([STORY, STORY])
    assert once == copy
    once.clear()
    assert model.tag([STORY]) == [copy]
    assert model.tag([STORY], threshold=0.99) != [copy]


@pytest.mark.parametrize(
    "headline",
    [
        "Angela Merkel Meets Emmanuel Macron In Paris As Talks Begin",
        "ANGELA MERKEL MEETS EMMANUEL MACRON IN PARIS AS TALKS BEGIN",
        "Angela Merkel meets Emmanuel Macron in Paris as talks begin",
    ],
)
def test_a_headline_gives_the_same_names_in_every_casing(model: NerModel, headline: str) -> None:
    found = {name.lower(): label for name, label in names(headline, model.tag([headline])[0]).items()}
    assert found == {"angela merkel": "person", "emmanuel macron": "person", "paris": "place"}


def test_text_without_names_gives_none(model: NerModel) -> None:
    texts = ["", " \n\t ", "It rained all day, and then it stopped.", "They said on Monday that 40 had left.", "…!?"]
    assert model.tag(texts) == [[]] * len(texts)


def test_many_texts_at_once_give_what_each_gives_alone(model: NerModel) -> None:
    texts = [STORY, "", STORY.upper(), "A flood hit Jakarta.", STORY * 5, "Jakarta", "no names here"]
    assert model.tag(texts) == [model.tag([text])[0] for text in texts]


def test_a_higher_threshold_keeps_a_part_of_the_names(model: NerModel) -> None:
    every = model.tag([STORY], threshold=0.0)[0]
    sure = model.tag([STORY], threshold=0.9)[0]
    assert set(sure) <= set(every)
    assert all(span.score >= 0.9 for span in sure)
    assert all(0.0 < span.score <= 1.0 for span in every)


def sound(text: str, spans: list[Span]) -> bool:
    apart = all(a.end <= b.start for a, b in pairwise(spans))
    inside = all(0 <= s.start < s.end <= len(text) for s in spans)
    trimmed = all(text[s.start : s.end] == text[s.start : s.end].strip() for s in spans)
    return apart and inside and trimmed


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(["Angela Merkel", "U.N.", "the", "NATO's", "Dr. Ada Obi", "'s"]),
            st.sampled_from(["\n", " ", ". ", "\u200b", "\x00", "🎉"]),
            st.text(max_size=8),
        ),
        max_size=40,
    ).map("".join)
)
def test_offsets_are_code_points_into_the_text_given(model: NerModel, text: str) -> None:
    spans = model.tag([text], threshold=0.0)[0]
    assert sound(text, spans)


@pytest.mark.parametrize("noise", ["🎉 ", "\u200f", "e\u0301 ", "\x00", "\U0001d4d0 ", "İ ", "ß ", "\ufeff"])
def test_what_stands_before_a_name_does_not_shift_it(model: NerModel, noise: str) -> None:
    text = noise * 7 + "\nAngela Merkel flew to Berlin."
    assert {"Angela Merkel", "Berlin"} <= set(names(text, model.tag([text])[0]))


class _Counted:
    """The model's own session, with a note of every run's length."""

    def __init__(self, session: object) -> None:
        self._session = session
        self.lengths: list[int] = []

    def run(self, outputs: list[str], feed: dict[str, object]) -> object:
        self.lengths.append(len(feed["ids"]))  # type: ignore[arg-type]
        return self._session.run(outputs, feed)  # type: ignore[attr-defined]


@pytest.fixture
def counted(model: NerModel) -> Iterator[_Counted]:
    session = model._session
    watch = _Counted(session)
    model._session = watch
    yield watch
    model._session = session


HOSTILE = {
    "one line of words": "Merkel said so and went on " * 3800,
    "one line of capitals": "MERKEL SAID SO AND WENT ON " * 1000,
    "one word": "A" * 100_000,
    "one word of pieces": "Zq" * 50_000,
    "NULs": "Obi\x00" * 25_000,
    "NULs alone": "\x00" * 100_000,
    "right to left": "وقال أوباما في القاهرة " * 4300,
    "emoji": "🎉" * 100_000,
    "zero width": "M\u200be\u200br\u200bk\u200be\u200bl " * 3000,
    "zero width alone": "\u200b" * 100_000,
    "combining": "A" + "\u0301" * 100_000,
    "look-alikes": "Mеrkеl sаid " * 3000,
    "no lower case script": "東京" * 50_000,
    "dots": "." * 100_000,
    "abbreviations": "U.S. " * 4000,
    "quotes": '"' * 100_000,
    "hyphens": "A-" * 50_000,
    "open lines": "A\n" * 50_000,
    "digits": "7 " * 50_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_costs_no_more_runs_than_its_length(model: NerModel, counted: _Counted, kind: str) -> None:
    text = HOSTILE[kind]
    spans = model.tag([text])[0]
    assert sound(text, spans)
    assert all(length <= WINDOW for length in counted.lengths)
    # Every window but a few is at least about half full, and a piece is at least a character.
    assert len(counted.lengths) <= 2 * len(text) / (WINDOW / 2) + 2


def test_a_name_is_not_lost_in_a_sentence_longer_than_a_window(model: NerModel) -> None:
    filler = "and then it went on with many small words until nobody could remember how it began, "
    text = "Yesterday " + filler * 20 + "when Angela Merkel came to Berlin, " + filler * 20
    assert {"Angela Merkel", "Berlin"} <= set(names(text, model.tag([text])[0]))


@pytest.mark.parametrize("abreast", [1, 2])
def test_a_child_forked_after_loading_and_tagging_finds_the_same(model: NerModel, abreast: int) -> None:
    if sys.platform == "win32":
        pytest.skip("no fork here")
    expected = model.tag([STORY * 5])
    model = NerModel.load(abreast=abreast)
    assert model.tag([STORY * 5]) == expected
    context = get_context("fork")
    answers = context.SimpleQueue()

    def child() -> None:
        answers.put(model.tag([STORY * 5]))
        os._exit(0)

    children = [context.Process(target=child) for _ in range(3)]
    for process in children:
        process.start()
    found = [answers.get() for _ in children]
    for process in children:
        process.join(60)
        assert process.exitcode == 0
    assert found == [expected] * 3


def test_a_damaged_or_absent_model_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="cannot be read"):
        NerModel.load(tmp_path)
    for name in ("SHA256SUMS", "tokenizer.json", "model.onnx", SETTLED):
        shutil.copyfile(SHIPPED / name, tmp_path / name)
    assert NerModel.load(tmp_path).revision == NerModel.load().revision
    with (tmp_path / "tokenizer.json").open("a") as file:
        file.write(" ")
    with pytest.raises(Unreadable, match=r"tokenizer\.json"):
        NerModel.load(tmp_path)
