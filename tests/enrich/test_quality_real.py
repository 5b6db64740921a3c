"""Marks in real news: they hold together without the texts, and fit these word for word where they are here."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from bench import quality_real
from bench.quality_real import MARKS, Marked, MarkError, marked
from bench.real_texts import LONGEST, PAGES, Text, begin

PERSON, ORGANISATION, PLACE = range(3)
NEWS = Text("Lisbon port reopens after Maria Duarte calls off strike", "It had been closed for a week.")
NAMES = ((0, 6, PLACE), (26, 38, PERSON))


def test_marks_are_names_and_places_apart_and_hold_no_text() -> None:
    lines = [line for line in MARKS.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert len(lines) >= 150
    assert len({line.split("\t")[3] for line in lines}) == len(lines), "one text twice"
    names = 0
    for line in lines:
        file, _, half, sha256, marks = line.split("\t")
        assert file.startswith(("feeds/", "articles/"))
        assert half in ("looked", "scored")
        assert len(sha256) == 64
        spans = [quality_real.name(mark) for mark in marks.split()]
        assert all(start < end for start, end, _ in spans)
        assert all(one[1] <= two[0] for one, two in pairwise(spans))
        names += len(spans)
    assert names >= 500


@pytest.mark.skipif(not quality_real.available(), reason="no real news beside this checkout")
def test_the_texts_beside_the_checkout_are_those_that_were_marked() -> None:
    every = marked()
    assert {one.unseen for one in every} == {True, False}
    for one in every:
        for start, end, _ in one.names:
            name = one.text.whole[start:end]
            assert name == name.strip()
            assert "\n" not in name


def test_another_text_than_the_one_marked_is_an_error(tmp_path: Path) -> None:
    body = "The ferry from Porto was late."
    page = tmp_path / PAGES
    page.parent.mkdir(parents=True)
    page.write_text(json.dumps({"a1": {"articleBody": body}}), encoding="utf-8")
    marks = tmp_path / "marks.tsv"
    marks.write_text(f"# a word\n{PAGES}\ta1\tscored\t{Text('', body).sha256}\t15-20:LOC\n", encoding="utf-8")
    assert marked(marks, tmp_path) == (Marked(Text("", body), ((15, 20, PLACE),)),)
    page.write_text(json.dumps({"a1": {"articleBody": body + " Again."}}), encoding="utf-8")
    marked.cache_clear()
    with pytest.raises(MarkError, match="a1 is not the text"):
        marked(marks, tmp_path)


def test_a_headline_stands_alone_and_in_other_casings_with_its_names() -> None:
    one = Marked(NEWS, (*NAMES, (56, 58, ORGANISATION)))
    assert one.in_sentence_case
    alone = one.headline()
    assert (alone.text.whole, alone.names) == (NEWS.title + "\n", NAMES)
    assert alone.recased("upper").text.title == NEWS.title.upper()
    title = alone.recased("title")
    assert title.text.title == "Lisbon Port Reopens After Maria Duarte Calls Off Strike"
    assert not title.in_sentence_case


def test_a_body_ends_with_the_sentence_of_its_hundredth_word() -> None:
    sentence = "One two three four five six seven. "
    assert begin(sentence * 3).endswith("seven. ")
    assert len(begin(sentence * 40).split()) == LONGEST + 5
    assert begin("word " * 200) == "word " * 200
