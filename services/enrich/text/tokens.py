"""The words of a text and where they stand, cut once for every step that looks for some of them.

Most texts hold few of the words that a rule begins with: looking for those in a list is far cheaper than trying a
pattern at every character.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from itertools import accumulate, compress

_FOREIGN = re.compile(r"[^\x00-\x7f\W]")
_SPLIT, _SPLIT_PLAIN = re.compile(r"(\w+)"), re.compile(r"([A-Za-z0-9_]+)")
_JOINING = ("'", "\u2019", "-")


def is_plain(text: str) -> bool:
    """Whether every letter and digit is ASCII's: patterns then need not ask Unicode what each character is."""
    return text.isascii() or _FOREIGN.search(text) is None


class Tokens:
    """Runs of letters, digits and underscores: `words[i]` begins at code point `starts[i]`."""

    __slots__ = ("_gaps", "_there", "starts", "text", "words")

    def __init__(self, text: str) -> None:
        """Time grows with the length of the text, whatever it holds."""
        parts = (_SPLIT_PLAIN if is_plain(text) else _SPLIT).split(
            text
        )  # gap, word, gap, word, ..., gap: cheaper than a match object a word
        self.text = text
        self.words = parts[1::2]
        self.starts = list(accumulate(map(len, parts)))[:-1:2]
        self._gaps = parts[2:-1:2]
        self._there: frozenset[str] = frozenset()

    @property
    def there(self) -> frozenset[str]:
        """The different words."""
        if not self._there:
            self._there = frozenset(self.words)
        return self._there

    def places(self, wanted: Iterable[str]) -> list[tuple[str, int]]:
        """The words wanted, as written, and where each begins, in order."""
        return self.where(self.there.intersection(wanted))

    def where(self, here: Set[str]) -> list[tuple[str, int]]:
        """The same of words of which it is known that they are there."""
        if not here:
            return []
        places = compress(range(len(self.words)), map(here.__contains__, self.words))
        return [(self.words[at], self.starts[at]) for at in places]

    @property
    def count(self) -> int:
        """Words as readers count them: one apostrophe or hyphen between two runs joins them."""
        return len(self.words) - sum(self._gaps.count(mark) for mark in _JOINING if mark in self.text)
