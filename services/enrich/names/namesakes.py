"""Two places of one name in one text: Portland, Maine and Portland, Oregon; Georgia and the state of Georgia. Pure.

One name has one sense in an article, unless a comma gives it two, or the text calls it a state in one place and not in
another. A mention without a comma goes with the one read before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from services.enrich.document import Cluster, Document, Mention
from services.enrich.gazetteer import Gazetteer
from services.enrich.names.fold import fold

MOST_READ = 50  # mentions of one name
# What stands beside a name that means a first-level division: the state of Georgia, Kebbi State.
DIVISION = "state|province|region|oblast|governorate|prefecture|county|department|voivodeship"
_BEHIND = re.compile(rf" (?:{DIVISION}s?|{DIVISION.title()})(?!\w)")
_BEFORE = re.compile(rf"(?<!\w)(?:{DIVISION}|{DIVISION.title()}) of (?:the )?$")
Sense = tuple[str, str]  # country and first-level division; no division where a country stands behind the name


def apart(doc: Document, clusters: Iterable[Cluster], gazetteer: Gazetteer) -> Iterator[Cluster]:
    """The clusters, those of places with two senses one for each."""
    clusters = list(clusters)
    places = [cluster for cluster in clusters if cluster.type == "place"]
    starts: dict[tuple[str, int], Mention] = {
        (mention.field, mention.start): mention for cluster in places for mention in cluster.mentions
    }
    for cluster in (part for whole in clusters for part in _called_and_not(doc, whole, gazetteer)):
        senses = (
            _senses(doc, cluster, starts, gazetteer) if cluster.type == "place" and len(cluster.mentions) > 1 else {}
        )
        if len(set(senses.values())) < 2:
            yield cluster
            continue
        found: dict[Sense, list[Mention]] = {sense: [] for sense in senses.values()}
        sense = next(iter(found))
        for mention in cluster.mentions:
            sense = senses.get(mention, sense)
            found[sense].append(mention)
        for (country, admin), mentions in found.items():
            yield replace(cluster, key=f"{cluster.key} {country} {admin}".strip().lower(), mentions=tuple(mentions))


def is_called_division(doc: Document, mention: Mention) -> bool:
    """Whether the text calls it a state, a province or the like."""
    text = doc.text_of(mention.field)
    before = text[max(0, mention.start - 20) : mention.start]
    return bool(_BEHIND.match(text, mention.end) or (" of " in before and _BEFORE.search(before)))


def _called_and_not(doc: Document, cluster: Cluster, gazetteer: Gazetteer) -> Sequence[Cluster]:
    """A place's mentions that are called a state apart from those that are not, where both exist in the world."""
    if cluster.type != "place" or not 1 < len(cluster.mentions) <= MOST_READ:
        return (cluster,)
    called = tuple(mention for mention in cluster.mentions if is_called_division(doc, mention))
    kinds = {row.kind for row in gazetteer.find(cluster.key)} if 0 < len(called) < len(cluster.mentions) else set()
    if "admin" not in kinds or len(kinds) < 2:
        return (cluster,)
    rest = tuple(mention for mention in cluster.mentions if mention not in called)
    return replace(cluster, mentions=rest), replace(cluster, key=f"{cluster.key} state", mentions=called)


def _senses(
    doc: Document, cluster: Cluster, starts: Mapping[tuple[str, int], Mention], gazetteer: Gazetteer
) -> dict[Mention, Sense]:
    """What stands with a comma behind the mentions, as far as a city of that name lies in it."""
    senses: dict[Mention, Sense] = {}
    cities = [row for row in gazetteer.find_all(cluster.key) if row.kind == "city"]
    for mention in cluster.mentions[:MOST_READ] if len(cities) > 1 else ():
        behind = starts.get((mention.field, mention.end + 2))
        if behind is None or doc.text_of(mention.field)[mention.end : behind.start] != ", ":
            continue
        for row in gazetteer.find(fold(behind.text)):
            if row.kind != "city" and any(
                city.country == row.country and row.admin in ("", city.admin) for city in cities
            ):
                senses[mention] = (row.country, row.admin)
    return senses
