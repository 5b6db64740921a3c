"""Names in real news beside the checkout: 181 texts of 50 publishers, marked by hand before any model had read them.

`tests/enrich/marked/real_news.tsv` says where the names stand, and how they were chosen and marked; the texts are never
copied. Half of them are only scored: nobody looks at them when rules are mended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from bench.quality_rows import Row
from bench.quality_things import article
from bench.real_texts import DATA, PAGES, Text, texts
from services.enrich.document import Document, Language
from services.enrich.ner.spans import LABELS, Span
from services.enrich.resources import Resources
from services.enrich.steps.folding import Folding
from services.enrich.steps.mentions import Mentions
from training.ner.data import KINDS, Sentence, cased
from training.ner.evaluate import Score

MARKS = Path(__file__).resolve().parents[1] / "tests" / "enrich" / "marked" / "real_news.tsv"
SET = "real news"
HALVES = {True: f"{SET}, half not looked at", False: f"{SET}, half looked at"}
CASES = {"": "in sentence case", "title": "in Title Case", "upper": "IN CAPITALS"}
_TASKS = {"person": "persons", "organisation": "organisations", "place": "places"}
_LONG = 4  # letters: shorter words are small in Title Case too

Name = tuple[int, int, int]  # start, end, kind as in `KINDS`


class MarkError(ValueError):
    """A text is not the one that was marked."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A text and its names, counted in the whole of it."""

    text: Text
    names: tuple[Name, ...]
    unseen: bool = True  # in the half that nobody looks at

    @property
    def in_sentence_case(self) -> bool:
        """Whether its headline is written as sentences are, or it has none."""
        inside = {at for start, end, _ in self.names for at in range(start, end)}
        small = large = at = 0
        for word in self.text.title.split():
            start = at = self.text.title.index(word, at)
            if start and len(word) >= _LONG and word[0].isalpha() and start not in inside:
                small, large = small + word[0].islower(), large + word[0].isupper()
        return small >= large

    def headline(self) -> Marked:
        """The headline alone."""
        title = self.text.title
        return replace(self, text=Text(title, ""), names=tuple(one for one in self.names if one[1] <= len(title)))

    def recased(self, how: str) -> Marked:
        """The same in Title Case or capitals; a part that would change its length stays as it is."""
        if not how:
            return self
        parts = (cased(Sentence(part, (), ""), how).text for part in (self.text.title, self.text.body))
        return replace(self, text=Text(*parts))


@cache
def marked(path: Path = MARKS, data: Path = DATA) -> tuple[Marked, ...]:
    """All of them. Raises MarkError where a text is not word for word the one that was marked."""
    held: dict[str, dict[str, Text]] = {}
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        file, item, half, sha256, marks = line.split("\t")
        if file not in held:
            held[file] = texts(file, data)
        text = held[file].get(item)
        if text is None or text.sha256 != sha256:
            raise MarkError(f"{file}: item {item} is not the text that was marked")
        found.append(Marked(text, tuple(name(mark) for mark in marks.split()), half == "scored"))
    return tuple(found)


def name(mark: str) -> Name:
    """A mark as it is written: start-end:label."""
    span, _, label = mark.partition(":")
    start, _, end = span.partition("-")
    return int(start), int(end), KINDS[label]


def available(data: Path = DATA) -> bool:
    """Whether the texts are here."""
    return (data / PAGES).is_file() and (data / "feeds" / "kagi-captures").is_dir()


def rows(resources: Resources, tier: str = "") -> Iterator[Row]:
    """All of them by kind; each half; those in sentence case, and their headlines alone, in three casings."""
    for title, score in scores(resources):
        for label in LABELS if title == SET else ():
            yield _row(score, title + tier, (label,))
        yield _row(score, title + tier, LABELS)


def scores(resources: Resources) -> Iterator[tuple[str, Score]]:
    """What `rows` tells of, as counts."""
    every = marked()
    yield SET, scored(resources, every)
    for unseen, title in HALVES.items():
        yield title, scored(resources, [one for one in every if one.unseen is unseen])
    plain = [one for one in every if one.in_sentence_case]
    for what, some in (("texts", plain), ("headlines alone", [one.headline() for one in plain if one.text.title])):
        for how, told in CASES.items():
            yield f"{SET}, {what} {told}", scored(resources, [one.recased(how) for one in some])


def scored(resources: Resources, some: Sequence[Marked]) -> Score:
    """Names by the product's own steps, against the marks."""
    blank = article(1, "")
    docs = [
        Document(replace(blank, id=n), title=one.text.title, body_text=one.text.body, language=Language("en", 1.0))
        for n, one in enumerate(some, 1)
    ]
    for step in (Mentions(), Folding()):
        step.run(docs, resources)
    score = Score()
    for doc, one in zip(docs, some, strict=True):
        score.add(given(doc), Sentence(one.text.whole, one.names, ""))
    return score


def given(doc: Document) -> list[Span]:
    """The persons, organisations and places of a document, counted in headline, line end, body."""
    after = {"title": 0, "body_text": len(doc.title) + 1 if doc.title else 0}
    return sorted(
        Span(mention.start + after[mention.field], mention.end + after[mention.field], label, mention.score)
        for cluster in doc.clusters
        for label in LABELS
        if label == cluster.type
        for mention in cluster.mentions
    )


def _row(score: Score, title: str, labels: Sequence[str]) -> Row:
    precision, recall, exact, overlap = (round(value, 1) for value in score.row(labels))
    figures = {"P": precision, "R": recall, "F1": exact, "overlap F1": overlap}
    task = _TASKS[labels[0]] if len(labels) == 1 else "entities"
    return Row(task, "en", title, f"{sum(score.wanted[label] for label in labels)} names", figures)
