"""Groups of candidate words, and what is known of one without reading it again.

    group → settled everywhere, by the table beside the model, or read before in this text → its names, without a run
          → otherwise the model reads it with the words around it

Names repeat, within a text and from text to text. What the model was sure of where a group stood first is believed
where the very same words stand again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from services.enrich.ner.spans import LABELS
from services.enrich.ner.words import Word, listed

#: How sure the model must have been, 0 to 1, to be believed again.
SURE = 0.8
#: Stand between two names and never inside a person's, or before one: what is beside them may be known apart.
_BETWEEN = listed("of the The and for in at on to with from")
_PERSON = LABELS.index("person")


class Outcome(NamedTuple):
    """The names of a group: (first word, last + 1, label number) counted from its first, with the score of each.

    `sure` is the probability of the least sure word, that it is of its name or of none.
    """

    names: tuple[tuple[int, int, int], ...]
    scores: tuple[float, ...]
    sure: float


class Group(NamedTuple):
    """Neighbouring candidate words of a sentence, from word `first` to before `end`."""

    first: int
    end: int
    key: str


def groups(sentence: Sequence[Word], chosen: Sequence[int]) -> Iterator[Group]:
    """Put neighbouring candidates together."""
    first = 0
    for at in range(1, len(chosen) + 1):
        if at == len(chosen) or chosen[at] != chosen[at - 1] + 1:
            yield group_of(sentence, chosen[first], chosen[at - 1] + 1)
            first = at


def group_of(sentence: Sequence[Word], first: int, end: int) -> Group:
    """The group of these words."""
    return Group(first, end, " ".join([word.text for word in sentence[first:end]]))


def _halves(group: Group, sentence: Sequence[Word]) -> list[Group]:
    """A group cut at the words that may stand between two names: Maria Duarte | Vantor Group; The | White House."""
    found: list[Group] = []
    first = group.first
    for at in range(group.first, group.end):
        if sentence[at].text in _BETWEEN:
            if first < at:
                found.append(group_of(sentence, first, at))
            first = at + 1
    if first < group.end:
        found.append(group_of(sentence, first, group.end))
    return found


class Memory:
    """What a text has shown so far, beside the table of what is settled everywhere."""

    def __init__(self, settled: Mapping[str, Outcome]) -> None:
        self._settled = settled
        self._met: set[str] = set()
        self._shown: dict[str, Outcome | None] = {}  # None: shown differently, or unsure

    def expects(self, group: Group, sentence: Sequence[Word]) -> bool:
        """Whether a group may be known once those before it are read; the others are now going to be read."""
        if group.key in self._met or group.key in self._settled:
            return True
        if " " not in group.key:
            self._met.add(group.key)
            return False
        halves = _halves(group, sentence)
        keys = [half.key for half in halves]
        if keys != [group.key] and all(key in self._met or key in self._settled for key in keys):
            return True
        self._met.add(group.key)
        self._met.update(keys)
        return False

    def learn(self, group: Group, sentence: Sequence[Word], outcome: Outcome) -> None:
        """Keep what the model said of a group, and of each name inside it that such words set apart."""
        self._keep(group.key, outcome)
        if outcome.names and " " in group.key:
            halves = {(half.first - group.first, half.end - group.first): half.key for half in _halves(group, sentence)}
            for (first, end, kind), score in zip(outcome.names, outcome.scores, strict=True):
                key = halves.get((first, end))
                if key and key != group.key:
                    self._keep(key, Outcome(((0, end - first, kind),), (score,), outcome.sure))

    def _keep(self, key: str, outcome: Outcome) -> None:
        known = self._shown.get(key, outcome)
        agrees = known is not None and known.names == outcome.names and outcome.sure >= SURE
        self._shown[key] = known if agrees else None

    def recall(self, group: Group, sentence: Sequence[Word]) -> Outcome | None:
        """What is known of a group, if anything is. Of halves all but the last must be persons: in "University of
        Porto" the halves say nothing of the whole."""
        if known := self._known(group.key):
            return known
        halves = _halves(group, sentence) if " " in group.key else []
        if halves in ([], [group]):
            return None
        names: list[tuple[int, int, int]] = []
        scores: list[float] = []
        for half in halves:
            known = self._known(half.key)
            if known is None or len(known.names) != 1 or known.names[0][:2] != (0, half.end - half.first):
                return None
            if half is not halves[-1] and known.names[0][2] != _PERSON:
                return None
            names.append((half.first - group.first, half.end - group.first, known.names[0][2]))
            scores.append(known.scores[0])
        return Outcome(tuple(names), tuple(scores), min(scores))

    def _known(self, key: str) -> Outcome | None:
        return self._shown[key] if key in self._shown else self._settled.get(key)
