"""Short names and what they stand for, where a text sets one in parentheses behind the other."""

# ruff: noqa: SIM905 - lists of words read best as text

from __future__ import annotations

import re

_ACRONYM = re.compile(r"(?:[A-Z][A-Za-z]?\.?){2,8}")
_SMALL = frozenset("of the for and de du des la le les y e do da dos van der und für et in on a an to".split())
_WORDS = re.compile(r"[^\W_]+")


def is_acronym(text: str) -> bool:
    """Whether a name is written like an acronym: two to eight letters, mostly capitals, no space."""
    bare = text.replace(".", "")
    return (
        2 <= len(bare) <= 8
        and bare.isalpha()
        and sum(ch.isupper() for ch in bare) * 3 >= 2 * len(bare)
        and bool(bare[0].isupper())
    )


def stands_for(short: str, full: str) -> bool:
    """Whether an acronym can stand for a name: its letters are the name's initials, small words counted or not."""
    letters = short.replace(".", "").upper()
    words = _WORDS.findall(full)
    if len(words) < 2 or not letters:
        return False
    every, strong = initials(full)
    if letters in (every, strong) or (len(letters) > 2 and letters.endswith("S") and letters[:-1] == strong):
        return True
    return letters[0] == every[0] and len(letters) >= 0.6 * len(strong) and _inside(letters, full)


def initials(full: str) -> tuple[str, str]:
    """The initials of a name's words in capitals: of all, and of all but the small ones."""
    words = _WORDS.findall(full)
    every = "".join(word[0] for word in words).upper()
    return every, "".join(word[0] for word in words if word.lower() not in _SMALL).upper()


def _inside(letters: str, full: str) -> bool:
    """Whether the letters come in this order among the name's capitals, each word giving at least its turn."""
    capitals = iter(ch for ch in full if ch.isupper())
    return all(letter in capitals for letter in letters)
