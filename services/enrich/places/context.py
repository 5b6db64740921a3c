"""What a place's name may mean, and what an article says about where it plays: the evidence for the choice.

clusters ─▶ candidates of the table ─▶ countries, states and cities that they name ─▶ what stands behind with a comma
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from services.enrich.document import Cluster, Document, Home
from services.enrich.gazetteer import PlaceRow
from services.enrich.names.acronyms import is_acronym
from services.enrich.names.fold import fold
from services.enrich.names.namesakes import DIVISION
from services.enrich.resources import Resources

METROPOLIS = 1_500_000  # people of a city that is called by its initials: L.A.
# GeoNames ids of continents and parts of them, which the table of countries, provinces and cities does not hold.
REGIONS = {
    "africa": 6255146, "antarctica": 6255152, "asia": 6255147, "europe": 6255148, "north america": 6255149,
    "oceania": 6255151, "south america": 6255150, "european union": 6695072, "eu": 6695072, "middle east": 6269133,
    "caribbean": 7729891, "central america": 7729892, "central asia": 7729893, "east asia": 7729894,
    "south asia": 7729895, "southeast asia": 7729896, "south east asia": 7729896, "southeastern asia": 7729896,
    "west africa": 7729885, "east africa": 7729889, "north africa": 7729887, "central africa": 7729886,
    "southern africa": 9406051, "western africa": 7729885, "eastern africa": 7729889, "northern africa": 7729887,
    "eastern europe": 7729884, "northern europe": 7729883, "southern europe": 9408658, "western europe": 9408659,
    "sahel": 2425938, "balkans": 12216908,
}  # fmt: skip
_DIVISION_KEY = re.compile(rf" (?:{DIVISION}|city)$|^(?:{DIVISION}|city) of ")
_ABBREVIATES = 3  # letters: U.N. is no town in India, GENEVA is one in Switzerland
MOST_READ = 20  # mentions of one place whose surroundings are read
_AFTER = re.compile(r", ?(?P<state>[A-Z][A-Za-z.]{1,6})(?=[\s,.;)\u2014-]|$)")

_Key = TypeVar("_Key", str, tuple[str, str])
ELSEWHERE = ("", None)  # "City, State" of the United States where the table has no such city


@dataclass(frozen=True, slots=True)
class Context:
    """What the article says about where it plays."""

    countries: Mapping[str, frozenset[str]]  # with the clusters that name them: one is no evidence for itself
    states: Mapping[tuple[str, str], frozenset[str]]  # the same of first-level divisions, by (country, code)
    inside: Mapping[
        tuple[str, str], frozenset[str]
    ]  # (country, code or nothing): clusters of cities there and nowhere else
    beside: Mapping[tuple[str, str], frozenset[str]]  # the same, as far as it was chosen
    home: Home | None
    behind: frozenset[tuple[str, int]]  # clusters and what they mean for standing behind a place in it: Tulsa, Oklahoma


def candidates_of(doc: Document, cluster: Cluster, resources: Resources) -> list[PlaceRow]:
    """What a cluster may mean: by the name of the article's language if it is a country there, else by the table.

    A country's name means nothing else inside that country: Mexico is neither the city nor the state there.
    """
    language = doc.language.code if doc.language else "en"
    names = {cluster.name, *(mention.text for mention in cluster.mentions)}
    for name in sorted(names):
        iso = resources.lexicon.countries.get(language, {}).get(name)
        row = resources.gazetteer.country(iso) if iso else None
        if row and language != "en":
            return [row]
        if row:
            return [row, *(other for other in resources.gazetteer.find_all(fold(cluster.name)) if other.country != iso)]
    for name in sorted(names, key=lambda name: (-len(name), name)):
        rows = _called(fold(name), resources)
        if len(name.replace(".", "")) <= _ABBREVIATES:
            acronym = is_acronym(name)
            rows = [
                row
                for row in rows
                if row.kind != "city" or (row.population >= METROPOLIS if acronym else row.name == name)
            ]
        if rows:
            return rows
    for mention in cluster.mentions[:MOST_READ]:  # White River Junction, Vt.
        code = resources.states.get(mention.text)
        state = resources.gazetteer.division("US", code) if code else None
        if state and doc.text_of(mention.field).endswith(", ", 0, mention.start):
            return [state]
    return []


def _called(key: str, resources: Resources) -> list[PlaceRow]:
    """The places of a folded name; what it is called as well ("Kebbi State", "City of York") tells which kind."""
    if rows := resources.gazetteer.find_all(key):
        return rows
    bare = _DIVISION_KEY.sub("", key)
    if bare == key:
        return []
    kind = "city" if key.endswith(" city") or key.startswith("city of ") else "admin"
    return [row for row in resources.gazetteer.find_all(bare) if row.kind == kind]


def context_of(doc: Document, candidates: Mapping[str, list[PlaceRow]], resources: Resources) -> Context:
    """What the names that can mean one thing only say about where the article plays."""
    countries: dict[str, set[str]] = defaultdict(set)
    cities: dict[tuple[str, str], set[str]] = defaultdict(set)
    states: dict[tuple[str, str], set[str]] = defaultdict(set)
    for key, every in candidates.items():
        rows = [row for row in every if not row.small]
        kinds = {row.kind for row in rows}
        if rows and rows[0].kind == "country" and "admin" not in kinds:
            countries[rows[0].country].add(key)
        elif rows and kinds == {"admin"} and len({row.country for row in rows}) == 1:
            states[rows[0].country, rows[0].admin].add(key)
        elif len({(row.country, row.admin) for row in rows}) == 1 and not kinds & {"country"}:
            cities[rows[0].country, rows[0].admin].add(key)
            cities[rows[0].country, ""].add(key)
    for cluster in doc.clusters:
        if cluster.type == "group" and (people := resources.lexicon.demonyms.get(cluster.name)):
            countries[people.country or ""].add(cluster.key)
    behind = frozenset(_behind(doc, candidates))
    return Context(_frozen(countries), _frozen(states), _frozen(cities), {}, home_of(doc), behind)


def told_by(context: Context, chosen: Mapping[str, PlaceRow]) -> Context:
    """The context with what was chosen for each cluster: it tells about the others."""
    countries: dict[str, set[str]] = defaultdict(set, {code: set(keys) for code, keys in context.countries.items()})
    states: dict[tuple[str, str], set[str]] = defaultdict(
        set, {code: set(keys) for code, keys in context.states.items()}
    )
    beside: dict[tuple[str, str], set[str]] = defaultdict(set)
    for key, row in chosen.items():
        if row.kind == "country":
            countries[row.country].add(key)
        elif row.kind == "admin":
            states[row.country, row.admin].add(key)
        else:
            beside[row.country, row.admin].add(key)
    return replace(context, countries=_frozen(countries), states=_frozen(states), beside=_frozen(beside))


def _frozen(found: Mapping[_Key, set[str]]) -> dict[_Key, frozenset[str]]:
    return {key: frozenset(values) for key, values in found.items()}


def home_of(doc: Document) -> Home | None:
    """Where the publisher is at home: as was set, else as its articles tell; these may know the state as well."""
    source = doc.article.source
    if source.country and (source.admin1 or doc.home is None or doc.home.country != source.country):
        return Home(source.country, source.admin1)
    return doc.home


def _behind(doc: Document, candidates: Mapping[str, list[PlaceRow]]) -> Iterator[tuple[str, int]]:
    """(cluster, GeoNames id) of each state or country set with a comma behind a place that lies in it."""
    clusters = [cluster for cluster in doc.clusters if cluster.type == "place"]
    keys = {(mention.field, mention.start): cluster.key for cluster in clusters for mention in cluster.mentions}
    for cluster in clusters:
        for mention in cluster.mentions[:MOST_READ]:
            key = keys.get((mention.field, mention.end + 2))
            if key is None or doc.text_of(mention.field)[mention.end : mention.end + 2] != ", ":
                continue
            for row in candidates[key]:
                if row.kind != "city" and inside(candidates[cluster.key], row.country, row.admin or None):
                    yield key, row.geonames_id


def written_out(
    doc: Document, cluster: Cluster, rows: Sequence[PlaceRow], resources: Resources
) -> tuple[str, str | None] | None:
    """(country, US state) set behind the name with a comma: Springfield, Ill. or Paris, Texas or Lagos, Nigeria.

    What none of the candidates lies in is passed over (places in a list have commas too); US states are not.
    """
    elsewhere = False
    for mention in cluster.mentions[:MOST_READ]:
        text = doc.text_of(mention.field)
        behind = text[mention.end : mention.end + 40]
        if not behind.startswith(", "):
            continue
        if (match := _AFTER.match(behind)) and (
            code := resources.states.get(match["state"])
            or resources.states.get(match["state"].rstrip("."))
            or resources.states.get(match["state"].rstrip(".").title() if text.isupper() else "")
        ):
            return "US", code
        words = behind[2:].split()
        for length in (3, 2, 1):
            for row in resources.gazetteer.find(fold(" ".join(words[:length]))):
                if row.kind == "city":
                    continue
                if inside(rows, row.country, row.admin or None):
                    return row.country, row.admin or None
                elsewhere |= row.country == "US" and row.kind == "admin" and any(r.kind == "city" for r in rows)
    return ELSEWHERE if elsewhere else None


def lies_in(doc: Document, cluster: Cluster, context: Context, resources: Resources) -> str | None:
    """The country of a place that the table does not know: Nemmeli, Tamil Nadu; Polk County at an American feed's."""
    for mention in cluster.mentions[:MOST_READ]:
        text = doc.text_of(mention.field)
        behind = text[mention.end : mention.end + 40]
        if not behind.startswith(", "):
            continue
        if (match := _AFTER.match(behind)) and match["state"].rstrip(".") in resources.states:
            return "US"
        words = behind[2:].split()
        for length in (3, 2, 1):
            rows = resources.gazetteer.find(fold(" ".join(words[:length])))
            lands = {row.country for row in rows if row.kind != "city"}
            if len(lands) == 1:
                return lands.pop()
    home = context.home
    return "US" if home and home.country == "US" and cluster.key.endswith((" county", " parish")) else None


def inside(rows: Sequence[PlaceRow], country: str, admin: str | None) -> bool:
    """Whether one of the places is a city in a country, and in this division of it if one is given."""
    return any(row.kind == "city" and row.country == country and admin in (None, row.admin) for row in rows)
