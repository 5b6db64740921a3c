"""Folding makes a query find what a reader would call the same word."""

from __future__ import annotations

import pytest

from shared.text import fold


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Éva MÜLLER", "eva muller"),
        ("Ñandú", "nandu"),
        ("STRASSE", "straße"),
        ("Ελλάδα", "ελλαδα"),
        ("ﬁnance", "finance"),
    ],
)
def test_case_and_accents_do_not_matter(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize("text", ["한국어", "हिन्दी", "日本語", "العربية"])
def test_scripts_whose_marks_are_letters_keep_them(text: str) -> None:
    assert fold(text) == text
