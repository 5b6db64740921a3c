"""What one run of the model reads: words near candidates, packed into windows of about the same length.

sentence + chosen words → the words around them, as pieces → parts that fit → windows
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from services.enrich.ner.words import Shape, surroundings

#: Pieces in a window at most, the marks at both ends counted.
WINDOW = 128
#: Words around a candidate that are read. Names depend on little more: on the development sets all of a sentence gives
#: no better F1 than 10 words on either side, and costs a third more pieces than 5.
REACH = 5
#: Pieces of one word that are read; longer words are no names.
PIECES_A_WORD = 24


class Known(NamedTuple):
    """What the model is told of a word: its shape, and the shape once for each of its pieces."""

    shape: Shape
    pieces: list[int]
    shapes: list[int]


@dataclass
class Window:
    """One run of the model: pieces with their shapes, and the candidate words with the piece each begins with."""

    ids: list[int] = field(default_factory=list)
    shapes: list[int] = field(default_factory=list)
    chosen: list[int] = field(default_factory=list)
    #: (sentence number, word number in that sentence), one a candidate.
    origin: list[tuple[int, int]] = field(default_factory=list)

    def add(self, part: Window) -> None:
        """Put a part at the end."""
        filled = len(self.ids)
        self.chosen += [filled + place for place in part.chosen] if filled else part.chosen
        self.ids += part.ids
        self.shapes += part.shapes
        self.origin += part.origin


def windows(parts: Sequence[Window]) -> Iterator[Window]:
    """Pack parts, in order, into as few windows as will do, of about the same length: a run has a price of its own."""
    total = sum(len(part.ids) for part in parts)
    fair = total / max(1, -(-total // (WINDOW - 2)))
    window = Window()
    before = ended = 0  # pieces before this part; windows behind us
    for part in parts:
        filled, size = len(window.ids), len(part.ids)
        if filled and (filled + size > WINDOW - 2 or before + size / 2 > fair * (ended + 1)):
            yield window
            window = Window()
            ended += 1
        window.add(part)
        before += size
    if window.chosen:
        yield window


def parts(number: int, row: Sequence[Known], chosen: Sequence[int], reach: int = REACH) -> Iterator[Window]:
    """The words of sentence `number` near chosen ones; what is longer than a window is cut before a word that is not
    chosen, where there is one. Words that the vocabulary drops (invisible characters alone) are left out.
    """
    among = set(chosen)
    near = surroundings(chosen, len(row), reach)
    if sum(len(row[i].pieces) for i in near) <= WINDOW - 2:
        yield _part(number, row, near, among)
        return
    first, free, size = 0, 0, 0
    for at, i in enumerate(near):
        here = min(len(row[i].pieces), PIECES_A_WORD)
        if size + here > WINDOW - 2:
            cut = free if free > first else at
            yield _part(number, row, near[first:cut], among)
            first, size = cut, sum(min(len(row[j].pieces), PIECES_A_WORD) for j in near[cut:at])
        if i not in among:
            free = at
        size += here
    yield _part(number, row, near[first:], among)


def _part(number: int, row: Sequence[Known], near: Sequence[int], among: set[int]) -> Window:
    part = Window()
    ids, shapes = part.ids, part.shapes
    for i in near:
        _, pieces, forms = row[i]
        if i in among and pieces:
            part.chosen.append(len(ids))
            part.origin.append((number, i))
        if len(pieces) > PIECES_A_WORD:
            pieces, forms = pieces[:PIECES_A_WORD], forms[:PIECES_A_WORD]
        ids += pieces
        shapes += forms
    return part
