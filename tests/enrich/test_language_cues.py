"""Close languages told apart by both models and by what only one of them writes; other people's sentences."""

from __future__ import annotations

import pytest

from bench import quality_sentences
from bench.quality_rows import floors, under
from services.enrich.lexicons import load_cues
from services.enrich.resources import Resources
from services.enrich.text.cues import Cues, read_groups

SMALL = ["group aa bb cc", "aa: the *ø", "bb: der un- -ung", "bb cc: und"]


def test_a_cue_is_a_word_a_beginning_an_ending_or_letters() -> None:
    (group,) = read_groups(SMALL)
    assert group.codes == {"aa", "bb", "cc"}
    text = "the unter zeitung und ung other søød"
    assert group.count(text, text.split()) == {"aa": 3, "bb": 5, "cc": 1}  # un- begins three of them


def test_cues_are_weighed_with_what_the_models_say() -> None:
    cues = Cues(read_groups(SMALL))
    assert "aa" in cues and "dd" not in cues

    def told(code: str, text: str, first: dict[str, float], second: dict[str, float]) -> str:
        return cues.told(code, text, first, second)[0]

    assert told("aa", "der", {"aa": 0.6, "bb": 0.4}, {}) == "bb"
    assert told("aa", "der", {"aa": 0.99}, {"aa": 0.99}) == "aa"
    assert told("aa", "der zeitung, (der) meinung", {"aa": 0.99}, {}) == "bb"
    assert told("aa", "12", {"aa": 0.6, "bb": 0.4}, {"aa": 0.3, "bb": 0.7}) == "bb"
    assert told("aa", "12", {}, {}) == "aa"  # nothing says anything: the word stands
    assert told("dd", "der", {}, {}) == "dd"


def test_what_cues_change_is_as_sure_as_they_are() -> None:
    cues = Cues(read_groups(SMALL))
    assert cues.told("aa", "the", {"aa": 0.9}, {}) == ("aa", 1.0)
    code, little = cues.told("aa", "der", {"aa": 0.6, "bb": 0.4}, {})
    assert code == "bb" and 0.5 < little < 0.9
    assert little < cues.told("aa", "der zeitung der meinung", {"aa": 0.6, "bb": 0.4}, {})[1] < 1


def test_every_group_has_cues_of_its_languages_alone() -> None:
    groups = {id(group): group for groups in load_cues().groups.values() for group in groups}.values()
    assert len(groups) >= 8
    for group in groups:
        cues = [group.words, group.beginnings, group.endings, group.letters]
        told = set().union(*(codes for kind in cues for codes in kind.values()))
        assert told <= group.codes and len(told) >= 2
        assert all(text == text.lower() for kind in cues for text in kind), "a cue that no small letters hold"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Regjeringen sier nei til flere penger", "no"),
        ("Regeringen siger nej til flere penge", "da"),
        ("Vlada najavila nove mjere za tjedan dana", "hr"),
        ("Vlada najavila nove mere za nedelju dana", "sr"),
        ("Европската комисија рече дека нема пари", "mk"),
        ("Vláda chce o rok viac peňazí pre školy", "sk"),
        ("دولت مي گويد كه بودجه مدارس امسال بيشتر شد", "fa"),
        ("حكومه‌ت ده‌ڵێت پاره‌ی زیاتر بۆ قوتابخانه‌كان", "ckb"),
        ("El govern diu que els diners per a les escoles són suficients", "ca"),
        ("Kerajaan berkata syarikat itu perlu membayar kerana kelewatan", "ms"),
        ("Pemerintah mengatakan perusahaan itu harus membayar karena terlambat", "id"),
    ],
)
def test_a_headline_in_a_language_that_has_close_ones(text: str, code: str, resources: Resources) -> None:
    for written in (text, text.title(), text.upper()):
        told = resources.language_model.detect(written)
        assert told is not None and told.code == code, written


def test_a_feed_that_declares_english_unasked_misleads_few_headlines(resources: Resources) -> None:
    detect = resources.language_model.detect
    for text, code in (
        ("Umntu ubulewe yimoto eMonti ngoku, kunye nabantwana bakhe", "xh"),
        ("Rząd ogłasza nowe środki dla szkół", "pl"),
        ("Waziri afunga daraja la zamani", "sw"),
    ):
        told = detect(text, "en")
        assert told is not None and told.code == code
    bare = detect("Kanto Zulia Mirakai", "en")
    assert bare is not None and bare.code == "en"  # names alone: the feed's word is taken


def test_beginnings_end_with_a_word() -> None:
    text = "The council decided on Friday that the bridges will be rebuilt next year"
    assert quality_sentences.cut(text) == "The council decided on Friday that the bridges will be"
    assert quality_sentences.cut("a" * 70) == "a" * 60
    assert quality_sentences.cut("short") == "short"
    assert quality_sentences.capitalised("the old bridge") == "The Old Bridge"


@pytest.mark.skipif(quality_sentences.path() is None, reason="the package eld is not installed")
def test_other_peoples_sentences_hold_their_floors(resources: Resources) -> None:
    row = next(quality_sentences.rows(resources))  # the others take longer: `make quality`
    assert row.key in floors() and row.languages == "37 languages"
    assert under([row], floors()) == []
