"""What articles teach about keys, and when it is enough. Pure.

the World Health Organization (WHO)  →  organisation:who is organisation:world-health-organization
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from services.enrich.document import Document
from services.enrich.names.acronyms import is_acronym
from services.enrich.names.fold import slug

LETTERS = 3  # of an acronym: shorter ones stand for too much
ARTICLES, SOURCES = 3, 2  # that must agree
SURE = 0.9  # of the articles that set it behind a name, so many behind one: from here on it is believed
DOUBT = 0.7  # below this it is believed no more


@dataclass(frozen=True, slots=True)
class Taught:
    """One article that sets an acronym behind a name."""

    id: str  # key of the acronym
    full_id: str
    name: str
    source: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """How many articles of which sources set an acronym behind one name."""

    full_id: str
    name: str
    articles: int
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Merge:
    """A key that another one answers for, and why."""

    id: str
    into_id: str
    name: str
    why: str
    evidence: str = ""


def taught(doc: Document) -> Iterator[Taught]:
    """The acronyms of organisations that a document sets in parentheses behind their names."""
    text = f"{doc.title}\n{doc.body_text}"
    for entity in doc.entities:
        if entity.type != "organisation" or is_acronym(entity.name) or " " not in entity.name:
            continue
        for alias in entity.aliases_seen:
            bare = alias.replace(".", "")
            if len(bare) >= LETTERS and is_acronym(alias) and f"({alias})" in text:
                key = f"{entity.type}:{slug(alias)}"
                if key != entity.id:
                    yield Taught(key, entity.id, entity.name, doc.article.source.id)


def concluded(key: str, told: Iterable[Evidence], now: str | None) -> Merge | None:
    """What a key is merged into by the evidence, `now` being what it is merged into already.

    Spellings of one name (Organisation, Organization) speak for one another; the most used one gives the key.
    """
    groups: dict[str, list[Evidence]] = {}
    for one in told:
        groups.setdefault(_spelt(one.full_id), []).append(one)
    total = sum(one.articles for group in groups.values() for one in group)
    if not total:
        return None
    best = max(groups.values(), key=lambda group: (sum(one.articles for one in group), group[0].full_id))
    articles = sum(one.articles for one in best)
    sources = {source for one in best for source in one.sources}
    leader = max(best, key=lambda one: (one.full_id == now, one.articles, one.full_id))
    least = DOUBT if leader.full_id == now else SURE
    if articles < least * total or articles < ARTICLES or len(sources) < SOURCES:
        return None
    evidence = f"{articles} of {total} articles set it behind {leader.name}"
    return Merge(key, leader.full_id, leader.name, "acronym", evidence)


def _spelt(key: str) -> str:
    return key.replace("isation", "ization").replace("-centre", "-center").replace("-defence", "-defense")
