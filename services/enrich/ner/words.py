"""Words of a text with their offsets, their case shape, and which of them could be part of a name.

The model reads every word, but only *candidate* words (capitalised ones and what may join them) are taken through all
its layers and get a label. In running English text that is about a quarter of the words; in a headline in Title Case
or in capitals it is all of them, so nothing is lost where case says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import IntEnum
from functools import partial
from itertools import accumulate, compress
from typing import NamedTuple

#: Letters with a full stop each ("U.S.", "a.m."), or a run of letters and digits with the marks and the invisible
#: characters inside it, or one other visible character.
WORD = re.compile(
    "[^\\W_](?:(?<=[^\\W\\d_])\\.(?:[^\\W\\d_]\\.)+"
    "|[^\\W_]*+(?:[^\\W_]|[\\u0300-\\u036f\\u00ad\\u061c\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2064\\ufeff\\x00])*)"
    "|\\S"
)
_SPLIT = re.compile(f"({WORD.pattern})")


class Shape(IntEnum):
    """What the capitals of a word look like; the base encoder is uncased, so this is all it knows of case."""

    NONE = 0  # padding and the marks around a window
    DIGITS = 1
    PUNCTUATION = 2
    UPPER = 3
    CAPITAL = 4  # one capital letter alone
    TITLE = 5
    MIXED = 6  # iPhone, McDonald, G20
    LOWER = 7
    OTHER = 8  # scripts without case


class Word(NamedTuple):
    """A word and where it stands: code points into the text it was cut from."""

    text: str
    start: int
    end: int


_word = partial(tuple.__new__, Word)  # a word of its three parts: several times as fast as calling the class


def listed(text: str) -> frozenset[str]:
    """Make a set of words of a text with spaces between them."""
    return frozenset(text.split())


#: Words that often begin a sentence and are no name there.
STARTERS = listed(
    """a about according after again all also although among an and another any are as at authorities because before
    both but by can could critics despite did do does during each earlier even every experts few first following for
    former from get had has have he her here his how however i if in including instead investigators is it its just
    last later like local many meanwhile more most much my nearly no nor not nothing now of officers officials on once
    one only or other others our over people perhaps police protesters rebels recent reports residents rescuers s
    security several she since so some soon sources still such supporters than that the their then there these they
    thieves this those though three thousands through throughout to today tomorrow troops two under unlike until up
    villagers was we well were what when where whether which while who whose why will with without witnesses would yes
    yesterday yet you your"""
)
#: Capitalised by English spelling, not because they name someone.
CALENDAR = listed(
    "monday tuesday wednesday thursday friday saturday sunday january february july september october november "
    "december mr mrs ms i"
)
#: May stand inside a name: "Bank of the West", "Trinidad and Tobago", "U.S.", "Ta-Nehisi".
JOINERS = listed(
    "of the and for de la le du des der den del della di da dos das do van von zu bin ibn al el ul ur y e et "
    "in on at to a an upon with s - ' ’ . & / – ‐ ‑ + ! · @"
)
#: May begin a name in lower case: "al-Qaida", "bin Laden", "van Gogh", "d'Estaing".
PARTICLES = listed(
    "al el as ash an ad ar at bin ibn ben abu de la le du d l da dos das del della di van von der den ter ten zu o af"
)
_HYPHENS = listed("- ' ’ ‐ ‑ – / &")
_ABBREVIATED = listed("Jr Sr Inc Corp Co Ltd St Bros Mt Ft")
_LONGEST_GAP = 3
_CAPITALISED = frozenset({Shape.UPPER, Shape.CAPITAL, Shape.TITLE, Shape.MIXED})


def words(text: str, start: int = 0, end: int | None = None) -> list[Word]:
    """Cut ``text[start:end]`` into words; offsets count from the beginning of ``text``."""
    parts = _SPLIT.split(text[start:end])  # gap, word, gap, word, ..., gap: cheaper than a match object a word
    places = list(accumulate(map(len, parts), initial=start))
    return list(map(_word, zip(parts[1::2], places[1:-1:2], places[2::2], strict=True)))


def shape(word: str) -> Shape:
    """Tell the case shape of one word."""
    first = word[0]
    if not first.isalnum():
        return Shape.PUNCTUATION
    if word.islower():
        return Shape.LOWER if first.isalpha() else Shape.DIGITS
    if word.isupper():
        if len(word) == 1:
            return Shape.CAPITAL
        return Shape.UPPER if word.isalpha() or word[1] == "." else Shape.MIXED
    if word.isalpha():
        rest = word[1:]
        if first.isupper() and (rest.islower() or rest == rest.lower()):
            return Shape.TITLE
        return Shape.OTHER if word.lower() == word.upper() else Shape.MIXED
    return Shape.DIGITS if word.lower() == word.upper() else Shape.MIXED


def candidates(sentence: Sequence[Word], shapes: Sequence[Shape]) -> list[int]:
    """Name the positions in a sentence that could belong to a name, rising.

    Capitalised words count, but for words that are capitalised only by standing first (``STARTERS``) and days and
    months, as long as no other capital stands beside them. Short gaps of ``JOINERS`` between two capitals, particles
    before one and digits after one count too.
    """
    chosen: list[int] = []
    last = -1
    for i in compress(range(len(sentence)), map(_CAPITALISED.__contains__, shapes)):
        if i <= last or _is_ordinary(sentence, shapes, i):
            continue
        gap = i - last - 1
        if (
            0 < gap <= _LONGEST_GAP
            and last >= 0
            and all(_joins(sentence[j].text, shapes[j]) for j in range(last + 1, i))
        ):
            chosen.extend(range(last + 1, i))
        elif gap:
            chosen.extend(_particles_before(sentence, i, last))
        last = _tail(sentence, shapes, i)
        chosen.extend(range(i, last + 1))
    return chosen


def _is_ordinary(sentence: Sequence[Word], shapes: Sequence[Shape], i: int) -> bool:
    """Tell whether a word has its capital by spelling or by standing first, and no other capital stands beside it."""
    word = sentence[i].text.lower()
    if word not in CALENDAR and not (word in STARTERS and _opens(sentence, shapes, i)):
        return False
    return not ((i + 1 < len(sentence) and shapes[i + 1] in _CAPITALISED) or (i > 0 and shapes[i - 1] in _CAPITALISED))


def _opens(sentence: Sequence[Word], shapes: Sequence[Shape], i: int) -> bool:
    """Tell whether nothing but punctuation stands before, or a quotation mark, colon or full stop does."""
    while i > 0 and shapes[i - 1] is Shape.PUNCTUATION:
        i -= 1
        if sentence[i].text in "\"“”‘'«:.!?…—–-;":
            return True
    return i == 0


def surroundings(chosen: Sequence[int], count: int, reach: int) -> list[int]:
    """Name the positions, of ``count`` in a sentence, that are no further than ``reach`` words from a chosen one."""
    found: list[int] = []
    end = 0
    for i in chosen:
        found.extend(range(max(end, i - reach), min(count, i + reach + 1)))
        end = max(end, min(count, i + reach + 1))
    return found


def _tail(sentence: Sequence[Word], shapes: Sequence[Shape], i: int) -> int:
    """Find the last word that hangs on the capitalised word at ``i``: "Ki-moon", "U.S.", "Jr.", "Apollo 11"."""
    count = len(sentence)
    while i + 2 < count and sentence[i + 1].start == sentence[i].end:
        after = sentence[i + 2]
        if sentence[i + 1].text not in _HYPHENS and not (sentence[i + 1].text == "." and shapes[i] is Shape.CAPITAL):
            break
        possessive = sentence[i + 1].text in "'’" and after.text in {"s", "S"}
        if after.start != sentence[i + 1].end or possessive or shapes[i + 2] is Shape.PUNCTUATION:
            break
        i += 2
    if i + 1 < count:
        follower = sentence[i + 1]
        if shapes[i + 1] is Shape.DIGITS:
            return i + 1
        if (
            follower.text == "."
            and follower.start == sentence[i].end
            and (shapes[i] is Shape.CAPITAL or sentence[i].text in _ABBREVIATED)
        ):
            return i + 1
    return i


def _joins(text: str, form: Shape) -> bool:
    return text in JOINERS or form is Shape.DIGITS


def _particles_before(sentence: Sequence[Word], i: int, last: int) -> list[int]:
    """Name the number, or the particles with their hyphen or apostrophe, that stand directly before position ``i``."""
    if i - 1 > last and sentence[i - 1].text[0].isdigit():
        return [i - 1]
    j = i - 1
    while j > last and i - j <= _LONGEST_GAP and (sentence[j].text in PARTICLES or sentence[j].text in "-'’"):
        j -= 1
    found = list(range(j + 1, i))
    while found and sentence[found[0]].text not in PARTICLES:
        found.pop(0)
    return found
