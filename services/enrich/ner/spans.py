"""From word tags to spans, and the rule of what belongs to a name: the name alone.

An honorific, an article or a possessive is no part of it, so that "Mr. Okafor's" and "Okafor" are the same mention.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.enrich.ner.words import Word, listed

Label = Literal["person", "organisation", "place"]

#: The tags of the model in the order of its outputs; B opens a name, I goes on with it.
TAGS = ("O", "B-person", "I-person", "B-organisation", "I-organisation", "B-place", "I-place")
LABELS: tuple[Label, ...] = ("person", "organisation", "place")

HONORIFICS = listed(
    """mr mrs ms miss mx dr prof professor sir madam mme mlle monsieur rev reverend hon honourable honorable
    president vice chairman chairwoman chancellor premier minister prime foreign finance defense defence
    interior secretary senator sen rep representative congressman congresswoman governor gov mayor ambassador
    judge justice general gen lieutenant lt colonel col captain capt major maj sergeant sgt corporal cpl
    admiral adm commander cmdr officer spokesman spokeswoman director coach"""
)
ARTICLES = frozenset({"the", "a", "an"})
_WHOLE = frozenset({("the", "hague"), ("the", "gambia"), ("the", "bahamas")})


class Span(NamedTuple):
    """A name in a text: code points into the text given, and the lowest probability of its words."""

    start: int
    end: int
    label: Label
    score: float


# What may follow what: a word goes on only with a name of its own kind, and the first of a run with none.
_FOLLOWS = np.array(
    [
        [not (b and b % 2 == 0) or (a and (a - 1) // 2 == (b - 1) // 2) for b in range(len(TAGS))]
        for a in range(len(TAGS))
    ],
    np.float32,
)


def fits(tags: Sequence[int]) -> bool:
    """Whether the likeliest tags of neighbouring words fit each other."""
    before = 0
    for tag in tags:
        if tag and tag % 2 == 0 and (not before or (before - 1) // 2 != (tag - 1) // 2):
            return False
        before = tag
    return True


def agreed(run: NDArray[np.float32]) -> NDArray[np.float32]:
    """The probability of each tag of each word over all sequences of tags that fit: forward and backward sums."""
    forward, backward = np.empty_like(run), np.empty_like(run)
    forward[0] = run[0] * _FOLLOWS[0]
    for i in range(1, len(run)):
        forward[i] = run[i] * (forward[i - 1] @ _FOLLOWS)
        forward[i] /= forward[i].sum()
    backward[-1] = 1
    for i in range(len(run) - 2, -1, -1):
        backward[i] = _FOLLOWS @ (run[i + 1] * backward[i + 1])
        backward[i] /= backward[i].sum()
    both = forward * backward
    result: NDArray[np.float32] = both / both.sum(1, keepdims=True)
    return result


def runs(tags: Sequence[int]) -> list[tuple[int, int, int]]:
    """Join B and I tags to ``(first, last + 1, label number)``; I at the start or after another type opens one."""
    found: list[tuple[int, int, int]] = []
    first, kind = 0, -1
    for i, tag in enumerate(tags):
        this = (tag - 1) // 2 if tag else -1
        goes_on = this == kind and tag % 2 == 0
        if goes_on:
            continue
        if kind >= 0:
            found.append((first, i, kind))
        first, kind = i, this
    if kind >= 0:
        found.append((first, len(tags), kind))
    return found


def trim(sentence: Sequence[Word], first: int, last: int, kind: int) -> tuple[int, int]:
    """Take articles, honorifics, possessives and loose punctuation off the ends of ``sentence[first:last]``.

    Returns the new bounds; they are equal where nothing of a name is left.
    """
    while first < last and _leads(sentence, first, last, kind):
        first += 1
    while first < last:
        text = sentence[last - 1].text
        if text in {"s", "S"} and last - first > 1 and sentence[last - 2].text in "'’":
            last -= 2
        elif not any(c.isalnum() for c in text) and not (text == "." and _abbreviates(sentence, first, last)):
            last -= 1
        else:
            break
    return first, last


def _leads(sentence: Sequence[Word], first: int, last: int, kind: int) -> bool:
    """Tell whether the first word of a span stands before the name and is no part of it."""
    text = sentence[first].text.lower()
    after = sentence[first + 1].text.lower() if last - first > 1 else ""
    if text in ARTICLES:
        return (text, after) not in _WHOLE
    if LABELS[kind] == "person" and text in HONORIFICS:
        return bool(after)
    return not any(c.isalnum() for c in text)


def _abbreviates(sentence: Sequence[Word], first: int, last: int) -> bool:
    """Tell whether the full stop that ends a span belongs to it: "U.S.", not "Smith."."""
    return last - first >= 4 and sentence[last - 3].text == "." and len(sentence[last - 2].text) == 1
