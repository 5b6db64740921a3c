"""One text on its way through the model, in at most two rounds.

text → sentences → words → candidates → groups → first round: those met for the first time
                                               → known by now, or second round: the others → names
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from services.enrich.ner.groups import Group, Memory, Outcome, group_of, groups
from services.enrich.ner.sentences import sentences
from services.enrich.ner.spans import LABELS, Span, agreed, fits, runs, trim
from services.enrich.ner.windows import Known, Window, parts, windows
from services.enrich.ner.words import Shape, Word, candidates, words

#: A text without any capital is read only when it is as short as a headline (words).
_HEADLINE = 40
#: Capitals say nothing where more than this share of the words has them: nothing is believed again there.
_SHOUTED = 0.4
_CAPITALISED = frozenset({Shape.UPPER, Shape.CAPITAL, Shape.TITLE, Shape.MIXED})

Cut = list[list[Word]]


def cut(text: str) -> Cut:
    """The words of each sentence."""
    return [words(text, start, end) for start, end in sentences(text)]


class Said:
    """What the model said of the candidates of some windows, one window behind the other: decided on all at once,
    since of a few words the calls themselves cost the most."""

    def __init__(self, windows: Sequence[NDArray[np.float32]]) -> None:
        """Probabilities ``[candidates, 7]`` of each window, of one at least."""
        self.probabilities = np.concatenate(windows)
        self.likeliest: list[int] = self.probabilities.argmax(1).tolist()
        self.tags, self.scores, self.sure = _decided(self.probabilities)


class Reading:
    """The groups of a text, and what was found out about each."""

    def __init__(self, text: Cut, known: Mapping[str, Known], settled: Mapping[str, Outcome] | None) -> None:
        """`settled` None: every group is read where it stands, whatever is known of it."""
        self._text = text
        self._rows = [[known[word.text] for word in sentence] for sentence in text]
        self._memory = Memory(settled or {})
        self._found: dict[tuple[int, int], Outcome] = {}  # by sentence and the group's first word
        self._now: list[tuple[int, Group]] = []
        self._later: list[tuple[int, Group]] = []
        self._groups: list[tuple[int, Group]] = []
        shapes = [[word.shape for word in row] for row in self._rows]
        every = list(chain.from_iterable(shapes))
        capitals = sum(map(_CAPITALISED.__contains__, every))
        told = len(every) - every.count(Shape.PUNCTUATION)
        caseless = not capitals and len(every) <= _HEADLINE
        self._believes = settled is not None and not caseless and capitals <= _SHOUTED * told
        for number, row in enumerate(shapes):
            self._sort(number, row, caseless=caseless)

    def _sort(self, number: int, shapes: Sequence[Shape], *, caseless: bool) -> None:
        """The groups of a sentence: to be read now, or expected to be known then."""
        sentence = self._text[number]
        for group in groups(sentence, range(len(sentence)) if caseless else candidates(sentence, shapes)):
            self._groups.append((number, group))
            put_off = self._believes and self._memory.expects(group, sentence)
            (self._later if put_off else self._now).append((number, group))

    def first(self) -> list[Window]:
        """What is to be read at first."""
        return self._windows(self._now)

    def second(self) -> list[Window]:
        """What is still to be read after that: groups of which the first round did not say enough."""
        unsure: list[tuple[int, Group]] = []
        for number, group in self._later:
            known = self._memory.recall(group, self._text[number])
            if known is None:
                unsure.append((number, group))
            else:
                self._found[number, group.first] = known
        return self._windows(unsure)

    def _windows(self, wanted: Sequence[tuple[int, Group]]) -> list[Window]:
        chosen: dict[int, list[int]] = {}
        for number, group in wanted:
            chosen.setdefault(number, []).extend(range(group.first, group.end))
        return list(
            windows([part for number, here in chosen.items() for part in parts(number, self._rows[number], here)])
        )

    def told(self, window: Window, said: Said, begins: int) -> None:
        """Take in what the model said of a window's candidates, from the one numbered `begins` on."""
        origin = window.origin
        first = 0
        for at in range(1, len(origin) + 1):
            if at < len(origin) and origin[at] == (origin[at - 1][0], origin[at - 1][1] + 1):
                continue
            here = slice(begins + first, begins + at)
            if fits(said.likeliest[here]):
                self._take(*origin[first], said.tags[here], said.scores[here], min(said.sure[here]))
            else:
                ours, theirs, surely = _decided(agreed(said.probabilities[here]))
                self._take(*origin[first], ours, theirs, min(surely))
            first = at

    def _take(self, number: int, first: int, tags: Sequence[int], scores: Sequence[float], sure: float) -> None:
        """Neighbouring words: a group, or a part of one that is longer than a window or holds what is never read."""
        sentence = self._text[number]
        names: list[tuple[int, int, int]] = []
        lowest: list[float] = []
        for start, end, kind in runs(tags):
            start, end = trim(sentence, first + start, first + end, kind)
            if start < end:
                names.append((start - first, end - first, kind))
                lowest.append(min(scores[start - first : end - first]))
        outcome = Outcome(tuple(names), tuple(lowest), sure)
        self._found[number, first] = outcome
        if self._believes:
            self._memory.learn(group_of(sentence, first, first + len(tags)), sentence, outcome)

    def outcomes(self) -> Iterator[tuple[str, Outcome]]:
        """The groups that were read or known, by their words."""
        for number, group in self._groups:
            if outcome := self._found.get((number, group.first)):
                yield group.key, outcome

    def names(self, threshold: float) -> list[Span]:
        """The names found, in order."""
        return [
            Span(sentence[first + start].start, sentence[first + end - 1].end, LABELS[kind], round(score, 4))
            for (number, first), outcome in sorted(
                (place, outcome) for place, outcome in self._found.items() if outcome.names
            )
            for sentence in (self._text[number],)
            for (start, end, kind), score in zip(outcome.names, outcome.scores, strict=True)
            if score >= threshold
        ]


def _decided(probabilities: NDArray[np.float32]) -> tuple[list[int], list[float], list[float]]:
    """By word: its tag, the probability of its kind of name, and how sure the tag is."""
    none = probabilities[:, 0]
    kinds = probabilities[:, 1::2] + probabilities[:, 2::2]
    kind = kinds.argmax(1)
    score = kinds.max(1)
    every, begins = np.arange(len(kind)), 2 * kind + 1
    goes_on = probabilities[every, begins] < probabilities[every, begins + 1]
    tags = np.where(score > none, begins + goes_on, 0)
    return tags.tolist(), score.tolist(), np.maximum(score, none).tolist()
