"""What the entity steps ask of anything that finds names in text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class SpanLike(Protocol):
    """A name at `text[start:end]`; label person, organisation, place or group; score 0 to 1."""

    @property
    def start(self) -> int:
        """First code point."""

    @property
    def end(self) -> int:
        """Behind the last."""

    @property
    def label(self) -> str:
        """The type."""

    @property
    def score(self) -> float:
        """How sure."""


@dataclass(frozen=True, slots=True)
class Found:
    """A name found by one of the taggers written by rule."""

    start: int
    end: int
    label: str
    score: float


class Tagger(Protocol):
    """Finds names in many texts at once; one list of spans per text, sorted, without overlaps."""

    revision: str

    def tag(self, texts: list[str]) -> Sequence[Sequence[SpanLike]]:
        """The names of each text."""
        ...
