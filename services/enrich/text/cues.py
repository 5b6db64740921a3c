"""Languages of one group told apart by what only some of them write: whole words, beginnings, endings, letters. Pure.

The models take close languages for each other, and texts with unusual spellings for the larger language. What is
counted are facts of grammar and spelling (`lexicons/cues.txt`), not names or subjects. They are weighed with what both
models say.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

# Weights of a logarithmic sum: a cue, the first model's share (it knows close languages half as well as the second),
# and the share that a model gives a language at least.
CUE, FIRST, LEAST = 1.2, 0.5, 0.01
_EDGES = (
    ".,;:!?()[]{}<>\"'\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb\u2026\u2013\u2014/|*#\u060c\u061b\u061f\u0964"
)
Weights = Mapping[str, float]


@dataclass(slots=True)
class Group:
    """Close languages and their cues; a cue may be one of several of them."""

    codes: set[str] = field(default_factory=set)
    words: dict[str, set[str]] = field(default_factory=dict)
    beginnings: dict[str, set[str]] = field(default_factory=dict)
    endings: dict[str, set[str]] = field(default_factory=dict)
    letters: dict[str, set[str]] = field(default_factory=dict)
    lengths: tuple[set[int], set[int]] = field(default_factory=lambda: (set(), set()))  # of beginnings and endings

    def add(self, cue: str, codes: set[str]) -> None:
        """A whole word; with a hyphen the beginning (`tjed-`) or end (`-itas`) of one; with a star letters anywhere."""
        heads, tails = self.lengths
        kind, text = self.words, cue
        if cue.startswith("*"):
            kind, text = self.letters, cue[1:]
        elif cue.endswith("-"):
            kind, text = self.beginnings, cue[:-1]
            heads.add(len(text))
        elif cue.startswith("-"):
            kind, text = self.endings, cue[1:]
            tails.add(len(text))
        kind.setdefault(text, set()).update(codes)

    def count(self, text: str, words: Iterable[str]) -> Counter[str]:
        """How many cues of each language stand in a text (in small letters) and its words."""
        found: Counter[str] = Counter()
        heads, tails = self.lengths
        for word in words:
            if codes := self.words.get(word):
                found.update(codes)
            for length in heads:
                if codes := self.beginnings.get(word[:length]):
                    found.update(codes)
            for length in tails:
                if length < len(word) and (codes := self.endings.get(word[-length:])):
                    found.update(codes)
        for letter, codes in self.letters.items():
            if letter in text:
                found.update(dict.fromkeys(codes, text.count(letter)))
        return found


def read_groups(lines: Iterable[str]) -> list[Group]:
    """Groups from the lines of `cues.txt`."""
    groups: list[Group] = []
    for line in lines:
        if line.startswith("group "):
            groups.append(Group(set(line.split()[1:])))
            continue
        codes, _, cues = line.partition(": ")
        for cue in cues.replace(r"\u200c", "\u200c").split():
            groups[-1].add(cue, set(codes.split()))
    return groups


class Cues:
    """All groups, found by the code that a model says."""

    def __init__(self, groups: Iterable[Group] = ()) -> None:
        """Which groups each code is in."""
        self.groups: dict[str, list[Group]] = {}
        for group in groups:
            for code in group.codes:
                self.groups.setdefault(code, []).append(group)

    def __contains__(self, code: str) -> bool:
        """Whether a language has others that it is taken for."""
        return code in self.groups

    def told(self, code: str, sample: str, first: Weights, second: Weights) -> tuple[str, float]:
        """The likeliest language of a group by its cues (in small letters) and both models' shares.

        With how likely it is among those of the group, 0 to 1; 1 where the word of the models stands.
        """
        words = [word.strip(_EDGES) for word in sample.split()]
        for group in self.groups.get(code, ()):
            found = group.count(sample, words)
            likely = {
                one: CUE * found[one]
                + FIRST * math.log(first.get(one, 0.0) + LEAST)
                + math.log(second.get(one, 0.0) + LEAST)
                for one in group.codes
            }
            best = max(group.codes, key=lambda one: (likely[one], one == code))
            if best != code:
                return best, 1 / sum(math.exp(other - likely[best]) for other in likely.values())
        return code, 1.0
