"""Quantities in English text: "at least 12", "between 40 and 50", "dozens", as a lowest and a highest number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_ONES = re.findall(
    r"\w+",
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen",
)
_TENS = re.findall(r"\w+", "twenty thirty forty fifty sixty seventy eighty ninety")
_VALUES = {word: n for n, word in enumerate(_ONES)} | {word: 20 + 10 * n for n, word in enumerate(_TENS)}
_POWERS = {
    "hundred": 100, "thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000, "trillion": 1_000_000_000_000,
    "k": 1000, "m": 1_000_000, "mn": 1_000_000, "mln": 1_000_000, "bn": 1_000_000_000, "tn": 1_000_000_000_000,
    "trn": 1_000_000_000_000, "lakh": 100_000, "crore": 10_000_000,
}  # fmt: skip
#: Plurals that say no more than "two of these at least".
_MANY = {"dozens": 24, "scores": 40, "hundreds": 200, "thousands": 2000, "millions": 2_000_000, "billions": 2 * 10**9}
_LEAST = r"at least|no fewer than|not less than|no less than|more than|over|upwards of|in excess of|a minimum of"
_MOST = r"up to|as many as|as much as|at most|no more than|not more than|fewer than|less than|under"
_NEAR = r"about|around|roughly|approximately|some|nearly|almost|close to|an estimated|estimated|just over|just under"
_WORD = "|".join(sorted([*_VALUES, "hundred", "thousand", "million", "billion"], key=len, reverse=True))
_FIGURE = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
SCALE = r"(?:(?:thousand|million|billion|trillion|lakh|crore)(?!\w)|(?:k|mn?|mln|bn|tn|trn)(?!\w))"
NUMBER = (
    rf"(?:(?:{_FIGURE})(?:[ -]?{SCALE}(?: crore)?)?"
    rf"|(?:half )?a (?:dozen|hundred|thousand|million|billion)"
    rf"|(?:(?:{'|'.join(_MANY)})(?: of (?:thousands|millions))?)(?!\w)"
    rf"|(?:{_WORD})(?:(?:[ -]| and )(?:{_WORD}))*(?: dozen)?(?!\w))"
)
BOUND = rf"(?:(?:{_LEAST}|{_MOST}|{_NEAR}) )"
#: The words, in lower case, that a quantity may begin with, if it does with one.
OPENS = frozenset(
    ["between", "half", "a", *_MANY, *_WORD.split("|")]
    + [words.split()[0] for words in "|".join((_LEAST, _MOST, _NEAR)).split("|")]
)
#: A quantity with its bounds; no groups.
QUANTITY = rf"(?i:between {NUMBER} and {NUMBER}|{BOUND}?{NUMBER}(?:(?: to |[\u2013-]){NUMBER})?)"
_PARTS = re.compile(NUMBER, re.IGNORECASE)
_START = re.compile(BOUND, re.IGNORECASE)
_FIGURES = re.compile(_FIGURE)


@dataclass(frozen=True, slots=True)
class Range:
    """From `low` to `high`, None where that is not said; the same twice for an exact or an approximate number."""

    low: float | None
    high: float | None
    approximate: bool = False


def quantity(words: str) -> Range | None:
    """What words that match `QUANTITY` say; None where they hold no number after all."""
    numbers = [value for match in _PARTS.finditer(words) if (value := number(match.group())) is not None]
    if not numbers:
        return None
    if len(numbers) > 1:
        low, high = numbers[0], numbers[-1]
        scaled = _scale(words) if low < high and low < 1000 <= high else 1
        return Range(whole(low * scaled), whole(high))
    one, start = whole(numbers[0]), _START.match(words)
    bound = start.group().strip().lower() if start else ""
    if any(many in words.lower() for many in _MANY) or re.fullmatch(_LEAST, bound):
        return Range(one, None)
    if re.fullmatch(_MOST, bound):
        return Range(None, one)
    return Range(one, one, bool(bound) or "dozen" in words.lower())


def number(words: str) -> float | None:
    """The value of one number, in figures or in words: "3.2 million", "two hundred and fifty", "half a dozen"."""
    told = words.lower().replace("-", " ")
    total, part, seen = 0.0, 0.0, False
    figure = _FIGURES.match(told)
    if figure:
        part, seen = float(figure.group().replace(",", "")), True
        told = told[figure.end() :]
    for word in told.replace("half a dozen", "six").split():
        if word in _MANY:
            part, seen = (part or 1) * (_MANY[word] if not seen else _POWERS.get(word[:-1], 1)), True
        elif word in _VALUES:
            part, seen = part + _VALUES[word], True
        elif word == "dozen":
            part, seen = (part or 1) * 12, True
        elif word == "hundred":
            part, seen = (part or 1) * 100, True
        elif word in _POWERS:
            total, part, seen = (
                (total + (part or 1)) * _POWERS[word] if figure else total + (part or 1) * _POWERS[word],
                0.0,
                True,
            )
    return total + part if seen else None


def windows(text: str, anchors: Iterable[tuple[int, int]], reach: int) -> Iterator[tuple[int, int]]:
    """The parts of a text around its `anchors`, to the ends of their sentence and at most `reach` characters far.

    A number stands near the word that says what it counts: a pattern that begins with one need not be tried elsewhere.
    """
    low = high = -1
    for first, last in sorted(anchors):
        if last <= high:
            continue
        start, end = max(0, first - reach), min(len(text), last + reach)
        start = max(text.rfind("\n", start, first), text.rfind(". ", start, first), start - 1) + 1
        ends = [found for found in (text.find("\n", last, end), text.find(". ", last, end)) if found >= 0]
        end = min(ends) + 1 if ends else end
        if start > high:
            if high >= 0:
                yield low, high
            low = start
        high = end
    if high >= 0:
        yield low, high


def whole(value: float) -> float:
    """As an integer where it is one; what 1.1 times a million leaves behind is rounded away."""
    rounded = round(value, 4)
    return int(rounded) if rounded == int(rounded) else rounded


def _scale(words: str) -> float:
    scales = re.findall(SCALE, words.lower())
    return _POWERS.get(scales[-1], 1) if len(scales) == 1 else 1
