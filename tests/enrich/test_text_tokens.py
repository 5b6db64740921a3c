"""The words of a text, cut once for all steps."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.enrich.document import Document
from services.enrich.names import rules
from services.enrich.steps import keywords
from services.enrich.text.tokens import Tokens, is_plain
from tests.enrich.articles import article


@given(st.text("abZ\u00e9\u0442 _7.,'\u2019-\n", max_size=60))
def test_words_stand_where_they_are_said_to_stand_and_are_counted_as_readers_do(text: str) -> None:
    tokens = Tokens(text)
    assert tokens.words == re.findall(r"\w+", text)
    assert all(text.startswith(word, start) for word, start in zip(tokens.words, tokens.starts, strict=True))
    assert tokens.count == len(re.findall(r"\w+(?:['\u2019-]\w+)*", text))


@pytest.mark.parametrize(
    ("text", "found"),
    [("He said so, she Said so; they said no.", [3, 30]), ("unsaid, said_so, said2", []), ("", [])],
)
def test_only_whole_words_as_written_are_found(text: str, found: list[int]) -> None:
    assert list(Tokens(text).places({"said"})) == [("said", start) for start in found]


def test_a_document_cuts_its_body_anew_when_it_has_another_one() -> None:
    doc = Document(article("a title"), body_text="one two")
    assert doc.tokens is doc.tokens
    assert doc.tokens.words == ["one", "two"]
    doc.body_text = "three"
    assert doc.tokens.words == ["three"]


@given(st.text("aBcZ \u00e9\u0442\u0661_7.,'\u2019-\u201c\n", max_size=60))
def test_the_patterns_of_plain_texts_cut_them_as_those_of_all_texts_do(text: str) -> None:
    assert is_plain(text) is all(char.isascii() for char in re.findall(r"\w", text))
    if is_plain(text):
        assert rules._TOKEN_PLAIN.split(text) == rules._TOKEN.split(text)
        assert keywords._WORD_PLAIN.split(text) == keywords._WORD.split(text)
