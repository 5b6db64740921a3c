"""The enrichers and their order: one visible tuple, checked when it is imported.

    page → text → language → mentions → folding → places → entities → topics → keywords → summary → quotes → dates
    → numbers → sentiment → embedding

A new step is a file here with a class that fits `Step`, and a place in `STEPS`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Protocol

from services.enrich.document import Document
from services.enrich.resources import Resources
from services.enrich.steps.dates import Dates
from services.enrich.steps.embedding import Embed
from services.enrich.steps.entities import Entities
from services.enrich.steps.folding import Folding
from services.enrich.steps.keywords import Keywords
from services.enrich.steps.language import DetectLanguage
from services.enrich.steps.mentions import Mentions
from services.enrich.steps.numbers import Numbers
from services.enrich.steps.page import Page
from services.enrich.steps.places import ResolvePlaces
from services.enrich.steps.quotes import Quotes
from services.enrich.steps.sentiment import Feel
from services.enrich.steps.summary import Summary
from services.enrich.steps.text import Text
from services.enrich.steps.topics import Topics


class Step(Protocol):
    """One enricher: what it reads of a document, what it fills in, which languages it serves.

    `run` gets all documents of a batch, so that a model can batch across articles; it assigns the fields it provides
    and keeps nothing between calls. A change that changes results gives it a new `revision`.
    """

    @property
    def name(self) -> str:
        """Its key in `annotations`."""

    @property
    def revision(self) -> str:
        """Changes whenever its results may."""

    @property
    def needs(self) -> frozenset[str]:
        """Document fields it reads."""

    @property
    def provides(self) -> frozenset[str]:
        """Document fields it assigns."""

    @property
    def languages(self) -> frozenset[str] | None:
        """Primary subtags it serves; None: all, an unknown one too."""

    def run(self, docs: Sequence[Document], resources: Resources) -> None:
        """Fill in what it provides on every document."""


class StepOrderError(TypeError):
    """The tuple of steps does not hold together."""


def check(steps: Sequence[Step]) -> None:
    """Raises StepOrderError unless names are unique and every field is provided once and before it is needed."""
    fields = {field.name for field in dataclasses.fields(Document)}
    provided: dict[str, str] = dict.fromkeys(("article", "home", "identities"), "the document itself")
    names: set[str] = set()
    for step in steps:
        if step.name in names:
            raise StepOrderError(f"two steps are called {step.name!r}")
        names.add(step.name)
        if unknown := (step.needs | step.provides) - fields:
            raise StepOrderError(f"step {step.name!r} names fields that Document does not have: {sorted(unknown)}")
        if missing := step.needs - provided.keys():
            raise StepOrderError(f"step {step.name!r} needs {sorted(missing)}, which no step before it provides")
        for field in sorted(step.provides):
            if field in provided:
                raise StepOrderError(f"steps {provided[field]!r} and {step.name!r} both provide {field!r}")
            provided[field] = step.name


STEPS: tuple[Step, ...] = (
    Page(),
    Text(),
    DetectLanguage(),
    Mentions(),
    Folding(),
    ResolvePlaces(),
    Entities(),
    Topics(),
    Keywords(),
    Summary(),
    Quotes(),
    Dates(),
    Numbers(),
    Feel(),
    Embed(),
)

check(STEPS)
