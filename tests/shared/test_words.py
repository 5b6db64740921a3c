from __future__ import annotations

import pytest

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
