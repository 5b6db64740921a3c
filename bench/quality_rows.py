"""A row of the scorecard, what it counts, and the floors that rows must not fall under."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

FLOORS = Path(__file__).with_name("quality_floors.toml")


@dataclass
class Counts:
    """What was given and is right, what was wanted and is found."""

    given: int = 0
    right: int = 0
    wanted: int = 0
    found: int = 0

    def __iadd__(self, other: Counts) -> Counts:
        self.given += other.given
        self.right += other.right
        self.wanted += other.wanted
        self.found += other.found
        return self

    def share(self, found: bool, *, of: bool = True) -> None:
        """Count one of the wanted, unless it is none of them."""
        self.wanted += of
        self.found += found and of

    @property
    def precision(self) -> float:
        """Per cent of the given that are right; 0 where nothing is given."""
        return round(100 * self.right / self.given, 1) if self.given else 0.0

    @property
    def recall(self) -> float:
        """Per cent of the wanted that are found; 0 where nothing is wanted."""
        return round(100 * self.found / self.wanted, 1) if self.wanted else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of the two, in per cent."""
        if not (self.right and self.found):
            return 0.0
        precision, recall = self.right / self.given, self.found / self.wanted
        return round(200 * precision * recall / (precision + recall), 1)

    def figures(self) -> dict[str, float]:
        """P, R and F1."""
        return {"P": self.precision, "R": self.recall, "F1": self.f1}


@dataclass(frozen=True)
class Row:
    """A task on a set, with its figures; in per cent where not said otherwise."""

    task: str
    languages: str
    set: str
    size: str
    figures: dict[str, float]

    @property
    def key(self) -> str:
        """What `quality_floors.toml` calls it."""
        return f"{self.task}: {self.set}"


Floors = dict[str, dict[str, float]]


def floors(path: Path = FLOORS) -> Floors:
    """The lowest figure allowed, by row and figure."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def under(rows: list[Row], least: Floors) -> list[str]:
    """What is under its floor, a line each; a floor for a figure that a row does not have is one too.

    `entities per thing` counts the other way round: its floor is a ceiling.
    """
    fallen = []
    for row in rows:
        for name, floor in least.get(row.key, {}).items():
            value = row.figures.get(name)
            if value is None or (value > floor if name == "entities per thing" else value < floor):
                fallen.append(f"{row.key}: {name} is {value}, its floor {floor}")
    return fallen
