"""The words of a text and where they stand, cut once for every step that looks for some of them.

Most texts hold few of the words that a rule begins with: looking for those in a list is far cheaper than trying a
pattern at every character.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from itertools import accumulate, compress

_SPLIT = re.compile(r"(\w+)")
_JOINING = ("'", "\u2019", "-")


class Tokens:
    """Runs of letters, digits and underscores: `words[i]` begins at code point `starts[i]`."""

    __slots__ = ("_gaps", "starts", "text", "words")

    def __init__(self, text: str) -> None:
        """Time grows with the length of the text, whatever it holds."""
        parts = _SPLIT.split(text)  # gap, word, gap, word, ..., gap: cheaper than a match object a word
        self.text = text
        self.words = parts[1::2]
        self.starts = list(accumulate(map(len, parts)))[:-1:2]
        self._gaps = parts[2:-1:2]

    def places(self, wanted: Container[str]) -> Iterator[tuple[str, int]]:
        """The words wanted, as written, and where each begins, in order."""
        return compress(zip(self.words, self.starts, strict=True), map(wanted.__contains__, self.words))

    @property
    def count(self) -> int:
        """Words as readers count them: one apostrophe or hyphen between two runs joins them."""
        return len(self.words) - sum(map(self._gaps.count, _JOINING))
