"""Names that the operator supplies: found in every language, called by one name, with the identifiers given.

A CSV file (UTF-8) with a header: `type,name,aliases`, and any further column is an identifier scheme, such as
`wikidata` or `lei`. Aliases are parted by `|`; one that is short or also an everyday word is the operator's choice.

    organisation,Coastal Transport Authority,CTA|ATC,Q12345
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, get_args

import ahocorasick

from services.enrich.document import EntityType
from services.enrich.names.fold import fold, look_alikes, slug
from shared.errors import Unreadable

_COLUMNS = ("type", "name", "aliases")
_TYPES = tuple(kind for kind in get_args(EntityType) if kind != "place")  # places have identities of their own


class OwnNamesError(Unreadable):
    """The file is not as described; the message names the line and what is wrong in it."""


@dataclass(frozen=True, slots=True)
class OwnEntity:
    """One thing of the operator's list."""

    id: str
    type: EntityType
    name: str
    ids: dict[str, str]


class OwnSpan(NamedTuple):
    """A name of the list at `text[start:end]`."""

    start: int
    end: int
    entity: OwnEntity


@dataclass(frozen=True)
class OwnNames:
    """The list, ready to look names up in and to find them in text."""

    entities: dict[str, OwnEntity] = field(default_factory=dict)  # by id
    _by_form: dict[str, OwnEntity] = field(default_factory=dict)  # folded form, every name and alias
    _automaton: ahocorasick.Automaton | None = None
    revision: str = ""

    def find(self, text: str) -> Iterator[OwnSpan]:
        """The names in a text, the longest at each place, in order; whole words alone where words have spaces."""
        if self._automaton is None:
            return
        text = look_alikes(text)
        last = 0
        for end, (length, entity) in self._automaton.iter_long(text):
            start, stop = end + 1 - length, end + 1
            if start >= last and _whole(text, start, stop):
                last = stop
                yield OwnSpan(start, stop, entity)

    def forms(self) -> Iterator[tuple[str, OwnEntity]]:
        """Every form of a name, folded, and whose it is."""
        yield from self._by_form.items()

    def named(self, forms: Iterable[str]) -> OwnEntity | None:
        """Which of them a thing is that goes by these forms, the most frequent ones first."""
        known = (self._by_form.get(fold(form)) for form, _ in Counter(forms).most_common())
        return next((entity for entity in known if entity), None)


def read(text: str) -> OwnNames:
    """The list in a file's text. Raises OwnNamesError."""
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    header = [column.strip().lower() for column in next(rows, [])]
    if missing := [column for column in _COLUMNS if column not in header]:
        raise OwnNamesError(f"line 1: the header lacks {', '.join(missing)}; it has {', '.join(header) or 'nothing'}")
    entities: dict[str, OwnEntity] = {}
    by_form: dict[str, OwnEntity] = {}
    automaton = ahocorasick.Automaton()
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        entity, forms = _entity(rows.line_num, dict(zip(header, (cell.strip() for cell in row), strict=False)))
        if entity.id in entities:
            raise OwnNamesError(f"line {rows.line_num}: {entity.name!r} is there twice")
        entities[entity.id] = entity
        for form in forms:
            other = by_form.setdefault(fold(form), entity)
            if other is not entity:
                raise OwnNamesError(f"line {rows.line_num}: {form!r} is also a name of {other.name!r}")
            automaton.add_word(look_alikes(form), (len(form), entity))
    if not entities:
        return OwnNames()
    automaton.make_automaton()
    return OwnNames(entities, by_form, automaton, hashlib.blake2b(text.encode(), digest_size=6).hexdigest())


def _entity(line: int, row: dict[str, str]) -> tuple[OwnEntity, list[str]]:
    kind, name = row.get("type", "").lower(), row.get("name", "")
    if kind not in _TYPES:
        raise OwnNamesError(f"line {line}: type {kind!r}: one of {', '.join(_TYPES)}")
    forms = list(dict.fromkeys(form.strip() for form in (name, *row.get("aliases", "").split("|")) if form.strip()))
    if not name or not all(map(fold, forms)):
        raise OwnNamesError(f"line {line}: a name must hold letters or digits")
    ids = {scheme: value for scheme, value in row.items() if scheme not in _COLUMNS and scheme and value}
    return OwnEntity(f"{kind}:{slug(name)}", kind, name, ids), forms  # type: ignore[arg-type]  # checked above


def _whole(text: str, start: int, end: int) -> bool:
    """Whether no word is cut; scripts without spaces have no words to cut."""
    before, after = text[start - 1 : start], text[end : end + 1]
    return not (_joins(before, text[start]) or _joins(text[end - 1], after))


def _joins(one: str, other: str) -> bool:
    if not (one.isalnum() and other.isalnum()):
        return False
    return not ("\u3040" <= one <= "\u9fff" or "\u3040" <= other <= "\u9fff" or "\u0e00" <= one <= "\u0e7f")
