from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared import words


def test_an_article_becomes_stems_in_order_title_first() -> None:
    told = words.indexed("Harbour bridges reopen", "The bridge carries traffic.", "en")
    assert told == " harbour bridg reopen | bridg carri traffic "


def test_a_title_with_function_words_stands_once_more_whole() -> None:
    assert words.indexed("The Who", "", "en") == " | | the who "


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("l’avion d'accord qu'il", "fr", ["avion", "accord", "il"]),
        ("the Dockers’ Union, Duarte's", "", ["the", "dockers", "union", "duarte"]),
        ("Élections", "fr", ["elections"]),
        ("российский", "ru", ["российский"]),
        ("हिन्दी समाचार", "hi", ["हिन्दी", "समाचार"]),
        ("東京都AI", "", ["東京", "京都", "都", "ai"]),
        ("co\u00adop e\u200bmail", "", ["coop", "email"]),
        ("x" * 100, "", ["x" * words.MAX_TOKEN]),
        ("... & |", "", []),
    ],
)
def test_text_is_cut_into_words(text: str, language: str, expected: list[str]) -> None:
    assert words.tokens_for(text, language) == expected


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "bridges", "bridge"),
        ("fr", "réouvre", "reouvre"),
        ("es", "canciones", "cancion"),
        ("de", "Häuser", "hauser"),
        ("ru", "российский", "российского"),
        ("pl", "miastami", "miasta"),
    ],
)
def test_words_of_one_stem_meet(language: str, one: str, other: str) -> None:
    assert words.indexed(one, "", language) == words.indexed(other, "", language)


def test_every_stemmer_takes_every_script() -> None:
    for language in words.LANGUAGES:
        told = words.indexed("Éva مرحبا 東京 россия हिन्दी ᏣᎳᎩ 😀", "a\u0000b", language)
        assert "  " not in told


SPACES = "\t\n\r\x0b\x0c\x1c\x1f\x85\xa0\u1680\u2003\u2028\u202f\u205f\u3000"
WRITTEN = st.text(
    st.sampled_from(f"aAsSéÉßİıŋ'’ʼ´¨-_.|1٣ ﷺﬁⅨ\u00ad\u200b\ufeff\u0301\u0308\u0345ςΣлЛй東京かカ한हि์ไ{SPACES}   ")
)


@given(WRITTEN, st.sampled_from(words.LANGUAGES))
@example("Dockers' l'avion qu'il isn’t rock 'n' roll ' s", "fr")
@example("The bridges were reopened, and the Bridges' tolls (two) re-opened.", "en")
def test_a_text_read_in_pieces_is_read_as_the_whole_is(text: str, language: str) -> None:
    whole = words.stems(words._kept(words.tokens_for(text, language), language), language)
    assert words.indexed("", text, language) == f" {' '.join([words.BREAK, *whole])} "


def test_small_letters_fold_as_large_ones_do() -> None:
    for code in range(0x110000):
        assert chr(code).lower().casefold() == chr(code).casefold(), hex(code)


def test_no_more_words_are_remembered_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "REMEMBERED", 10)
    text = " ".join(f"bridges{n}, (Bridges{n})" for n in range(100))
    told = words.indexed("", text, "en")
    assert told.split()[1:] == [f"bridges{n}" for n in range(100) for _ in range(2)]
    assert words.indexed("", text, "en") == told
    assert sum(len(one) for one in words._Remembered.all) <= 10
    assert sum(len(one.before) for one in words._Remembered.all) <= 10


def test_a_text_of_more_words_than_are_kept_is_cut() -> None:
    told = words.indexed("Dock", "harbour bridge " * words.MAX_TOKENS, "en")
    assert told.startswith(" dock | harbour bridg harbour ")
    assert len(told.split()) == words.MAX_TOKENS
