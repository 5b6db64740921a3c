"""The words of a text and where they stand, cut once for every step that looks for some of them.

Most texts hold few of the words that a rule begins with: looking for those in a list is far cheaper than trying a
pattern at every character.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container
from itertools import accumulate
from operator import itemgetter

_SPLIT = re.compile(r"(\w+)")
_start = itemgetter(1)
_JOINING = ("'", "\u2019", "-")


class Tokens:
    """Runs of letters, digits and underscores: `words[i]` begins at code point `starts[i]`."""

    __slots__ = ("_gaps", "_stands", "starts", "text", "words")

    def __init__(self, text: str) -> None:
        """Time grows with the length of the text, whatever it holds."""
        parts = _SPLIT.split(text)  # gap, word, gap, word, ..., gap: cheaper than a match object a word
        self.text = text
        self.words = parts[1::2]
        self.starts = list(accumulate(map(len, parts)))[:-1:2]
        self._gaps = parts[2:-1:2]
        self._stands: dict[str, list[int]] = {}

    @property
    def stands(self) -> dict[str, list[int]]:
        """Where each word begins, in order: asking costs by the different words of a text, not by all of them."""
        if not self._stands:
            stands = defaultdict(list)
            for word, start in zip(self.words, self.starts, strict=True):
                stands[word].append(start)
            self._stands = stands
        return self._stands

    def places(self, wanted: Container[str]) -> list[tuple[str, int]]:
        """The words wanted, as written, and where each begins, in order."""
        return self.where(list(filter(wanted.__contains__, self.stands)))

    def where(self, some: list[str]) -> list[tuple[str, int]]:
        """Some of the words, and where each begins, in order."""
        found = [(word, start) for word in some for start in self._stands[word]]
        found.sort(key=_start)
        return found

    @property
    def count(self) -> int:
        """Words as readers count them: one apostrophe or hyphen between two runs joins them."""
        return len(self.words) - sum(map(self._gaps.count, _JOINING))
