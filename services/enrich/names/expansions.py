"""Names whose acronym is set behind them in parentheses: the letters tell where the name begins.

    the International Council for the Exploration of the Sea (ICES)  →  name and acronym, however a tagger cut them

After Schwartz and Hearst (2003): the acronym's letters are looked for from the right, the first of them at the
beginning of a word. Here every word that gives no letter must be one of the small ones.
"""

# ruff: noqa: SIM905 - lists of words read best as text

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from services.enrich.names.acronyms import is_acronym

LONGEST = 120  # characters of a name
MOST_LOOSE = 3  # letters of an acronym that a name with commas in it cannot have by chance
_SHORT = re.compile(r"(?<=\S)[ \n]\((?:the )?([A-Z][A-Za-z.]{1,8})\)")
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_HYPHENED = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")  # Co-operation
_BREAK = re.compile(r"[.,;:!?()\"\u201c\u201d\n](?:\s|$)|[\u2013\u2014]|\n")
_SENTENCE = re.compile(r"[.;:!?()\"\u201c\u201d\n]")
_SMALL = frozenset("of the for and de du des la le les y e do da dos van der in on to".split())


class Expansion(NamedTuple):
    """A name and the acronym behind it, by their places in the text."""

    start: int
    end: int
    short_start: int
    short_end: int


def expansions(text: str) -> Iterator[Expansion]:
    """Every name of two words or more with an acronym in parentheses right behind it, in order."""
    if "(" not in text:
        return
    for match in _SHORT.finditer(text):
        short = match[1]
        if not is_acronym(short):
            continue
        before = text[max(0, match.start() - LONGEST) : match.start()]
        breaks = [found.end() for found in _BREAK.finditer(before)]
        letters, cut = short.replace(".", ""), breaks[-1] if breaks else 0
        start = _start(before[cut:], letters)
        if start is None and len(letters) > MOST_LOOSE:
            start, cut = _listed(before, letters, cut), 0
        if start is not None:
            start += match.start() - len(before) + cut
            if " " in text[start : match.start()]:
                yield Expansion(start, match.start(), match.start(1), match.end(1))


def _listed(text: str, letters: str, cut: int) -> int | None:
    """Where a name begins that its letters tell one by one, though there are commas or hyphens in it.

    Ministry of Economy, Trade and Industry (METI); Organization for Security and Co-operation in Europe (OSCE).
    """
    for begin, word in ((cut, _HYPHENED), (max(0, cut - LONGEST), _WORD)):
        capitals = [match for match in word.finditer(text, begin) if match.group()[0].isupper()]
        last = capitals[-len(letters) :]
        if "".join(match.group()[0] for match in last) != letters.upper():
            continue
        between = text[last[0].start() :]
        if all(part in _SMALL for part in re.findall(r"(?<![\w-])[a-z][\w-]*", between)) and not _SENTENCE.search(
            between
        ):
            return last[0].start()
    return None


def _start(text: str, letters: str) -> int | None:
    """Where the name that the letters stand for begins in the text it ends; None where they stand for none there."""
    words = [(match.start(), match.group()) for match in _WORD.finditer(text)]
    left = letters.upper()
    for index in range(len(words) - 1, -1, -1):
        start, word = words[index]
        if not word[0].isupper():
            if word.lower() in _SMALL:
                if left[-1] == word[0].upper() and len(left) > 1 and _starts_with(words[:index], left[:-1]):
                    left = left[:-1]
                continue
            return None
        took = _given(word, left)
        if not took:
            return None
        left = left[:-took]
        if not left:
            return start
    return None


def _starts_with(words: list[tuple[int, str]], letters: str) -> bool:
    """Whether the capitals before a small word need not give its letter too."""
    capitals = [word[0].upper() for _, word in words if word[0].isupper()]
    return "".join(capitals[-len(letters) :]) == letters


def _given(word: str, letters: str) -> int:
    """How many of the last letters a capitalised word gives: its initial, and any behind it that it holds in order."""
    upper = word.upper()
    for count in range(1, min(len(letters), 3) + 1):
        tail = letters[-count:]
        if upper[0] == tail[0]:
            rest = iter(upper[1:])
            if all(letter in rest for letter in tail[1:]):
                return count
    return 0
