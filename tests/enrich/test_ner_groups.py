from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.enrich.ner import NerModel
from services.enrich.ner.groups import SURE, Group, Memory, Outcome, groups
from services.enrich.ner.spans import LABELS
from services.enrich.ner.windows import WINDOW, Window, windows
from services.enrich.ner.words import candidates, shape, words

PERSON, ORGANISATION, PLACE = range(len(LABELS))
SETTLED = {"Peru": Outcome(((0, 1, PLACE),), (0.99,), 0.99)}


def grouped(text: str) -> tuple[list[Group], list]:  # type: ignore[type-arg]
    sentence = words(text)
    return list(groups(sentence, candidates(sentence, [shape(word.text) for word in sentence]))), sentence


def one(length: int, kind: int, sure: float = 0.95) -> Outcome:
    return Outcome(((0, length, kind),), (sure,), sure)


def test_what_stands_in_the_table_is_expected_and_known_without_reading() -> None:
    (group,), sentence = grouped("they left for Peru today")
    memory = Memory(SETTLED)
    assert memory.expects(group, sentence)
    assert memory.recall(group, sentence) == SETTLED["Peru"]


def test_a_group_is_read_where_it_stands_first_and_believed_after() -> None:
    (group,), sentence = grouped("they met Maria Duarte today")
    memory = Memory({})
    assert not memory.expects(group, sentence)
    assert memory.expects(group, sentence)
    assert memory.recall(group, sentence) is None
    memory.learn(group, sentence, one(2, PERSON))
    assert memory.recall(group, sentence) == one(2, PERSON)


@pytest.mark.parametrize("second", [one(1, PLACE), one(1, PERSON, SURE - 0.01)])
def test_what_was_said_differently_or_unsurely_is_read_again(second: Outcome) -> None:
    (group,), sentence = grouped("they saw Solberg today")
    memory = Memory({})
    memory.learn(group, sentence, one(1, PERSON))
    memory.learn(group, sentence, second)
    assert memory.recall(group, sentence) is None


def test_what_a_text_shows_overrules_the_table() -> None:
    (group,), sentence = grouped("they left with Peru today")
    memory = Memory(SETTLED)
    memory.learn(group, sentence, one(1, PERSON))
    assert memory.recall(group, sentence) == one(1, PERSON)


def test_halves_tell_of_a_whole_where_the_first_is_a_person_only() -> None:
    memory = Memory(SETTLED)
    for text, kind in (("they met Maria Duarte today", PERSON), ("the Vantor Group fell", ORGANISATION)):
        (group,), sentence = grouped(text)
        memory.learn(group, sentence, one(2, kind))
    (both,), sentence = grouped("they heard Maria Duarte of the Vantor Group today")
    known = memory.recall(both, sentence)
    assert known is not None
    assert known.names == ((0, 2, PERSON), (4, 6, ORGANISATION))
    (bank,), sentence = grouped("they heard the Vantor Group of Peru today")
    assert memory.recall(bank, sentence) is None


def test_a_name_inside_a_group_is_known_when_it_stands_alone() -> None:
    (both,), sentence = grouped("they heard Maria Duarte of the Vantor Group today")
    memory = Memory({})
    memory.learn(both, sentence, Outcome(((0, 2, PERSON), (4, 6, ORGANISATION)), (0.95, 0.9), 0.9))
    (alone,), sentence = grouped("then Vantor Group fell")
    assert memory.recall(alone, sentence) == one(2, ORGANISATION, 0.9)


@pytest.fixture(scope="module")
def model() -> NerModel:
    return NerModel.load()


class _Counted:
    def __init__(self, session: object) -> None:
        self._session = session
        self.pieces = 0

    def run(self, outputs: list[str], feed: dict[str, object]) -> object:
        self.pieces += len(feed["ids"])  # type: ignore[arg-type]
        return self._session.run(outputs, feed)  # type: ignore[attr-defined]


@pytest.fixture
def counted(model: NerModel) -> Iterator[_Counted]:
    session = model._session
    watch = _Counted(session)
    model._session = watch
    yield watch
    model._session = session


def test_names_that_come_again_are_found_wherever_they_stand_and_read_once(model: NerModel, counted: _Counted) -> None:
    first = "There Angela Merkel spoke to reporters in Berlin about ferries that were old and slow. "
    again = "It was raining all over when Angela Merkel came home and talked about the old ferries there. "
    model.tag([first])
    once, counted.pieces = counted.pieces, 0
    text = first + again * 8
    spans = model.tag([text])[0]
    assert [text[s.start : s.end] for s in spans].count("Angela Merkel") == 9
    assert counted.pieces < 3 * once


def test_windows_hold_every_part_once_and_are_no_more_than_needed() -> None:
    sizes = [30, 60, 126, 5, 90, 41, 1]
    made = [Window([n] * size, [0] * size, [0], [(n, 0)]) for n, size in enumerate(sizes)]
    packed = list(windows(made))
    assert [n for window in packed for n, _ in window.origin] == list(range(len(sizes)))
    assert all(len(window.ids) <= WINDOW - 2 for window in packed)
    assert [window.ids[place] for window in packed for place in window.chosen] == list(range(len(sizes)))
    assert len(packed) <= 6


def test_an_article_in_front_changes_nothing_of_what_is_known() -> None:
    (plain,), sentence = grouped("they heard the Vantor Group today")
    memory = Memory({})
    assert not memory.expects(plain, sentence)
    memory.learn(plain, sentence, one(2, ORGANISATION))
    (opening,), sentence = grouped("The Vantor Group fell")
    assert memory.expects(opening, sentence)
    known = memory.recall(opening, sentence)
    assert known is not None
    assert known.names == ((1, 3, ORGANISATION),)
