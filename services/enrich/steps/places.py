"""Which place on earth a place name means: GeoNames id, coordinates, role in the article.

Candidates come from the place table; the choice follows, in this order, "City, State" or "City, Country" in the text,
co-mentioned states and countries, the publisher's country, and population. One sense per article.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from services.enrich.document import Cluster, Document, Mention, Place, PlaceRole
from services.enrich.gazetteer import PlaceRow
from services.enrich.names.acronyms import is_acronym
from services.enrich.names.fold import fold, slug
from services.enrich.resources import Resources

# Points, on the scale of log10(population). A country or state named in the article is worth a hundred to three hundred
# times the people; measured on news with known places (population alone 82.0, with these 84.2 of 100 right).
COUNTRY_NAMED, STATE_NAMED, PUBLISHER, WRITTEN_OUT = 2.0, 2.5, 1.0, 8.0
COUNTRY_ITSELF = 7.5  # a country's name means the country unless a namesake's surroundings say otherwise
STATE_ITSELF = -1.0  # New York and Washington mean the city first
UNKNOWN = 0.3  # confidence in a place that is in no table
_ROLES: tuple[PlaceRole, ...] = ("focus", "dateline", "mention")
_DATELINE = re.compile(r"[^\n]{2,60}?(?:\s[\u2013\u2014-]{1,2}\s|\)\s?[:\u2013\u2014-])")
_AFTER = re.compile(r", ?(?P<state>[A-Z][A-Za-z.]{1,6})(?=[\s,.;)\u2014-]|$)")


@dataclass(frozen=True, slots=True)
class _Context:
    """What the article says about where it plays."""

    countries: frozenset[str]
    states: frozenset[str]
    home: str | None


class ResolvePlaces:
    """Provides `places`, one for each place cluster, in the order of the clusters."""

    name = "places"
    revision = "1"
    needs = frozenset({"article", "title", "body_text", "language", "clusters"})
    provides = frozenset({"places"})
    languages = None

    def run(self, docs: Sequence[Document], resources: Resources) -> None:
        """Resolve each document's places together: they tell about each other."""
        for doc in docs:
            doc.places = tuple(resolve(doc, resources))


def resolve(doc: Document, resources: Resources) -> list[Place]:
    """The places of one document."""
    clusters = [cluster for cluster in doc.clusters if cluster.type == "place"]
    candidates = {cluster.key: _candidates(doc, cluster, resources) for cluster in clusters}
    context = _context(doc, candidates, resources)
    roles = _roles(doc, clusters)
    found: dict[str, Place] = {}
    for cluster in clusters:
        place = _place(doc, cluster, candidates[cluster.key], context, roles[cluster.key], resources)
        known = found.get(place.entity_id)
        found[place.entity_id] = _joined(known, place) if known else place
    return list(found.values())


def _joined(one: Place, other: Place) -> Place:
    """One place under two names: the surer sense, the stronger role."""
    best = max(one, other, key=lambda place: place.confidence)
    role = min(one.role, other.role, key=_ROLES.index)
    return replace(best, keys=one.keys + other.keys, role=role)


def _candidates(doc: Document, cluster: Cluster, resources: Resources) -> list[PlaceRow]:
    """What a cluster may mean: by the name of the article's language if it is a country there, else by the table."""
    language = doc.language.code if doc.language else "en"
    names = {cluster.name, *(mention.text for mention in cluster.mentions)}
    for name in sorted(names):
        iso = resources.lexicon.countries.get(language, {}).get(name)
        row = resources.gazetteer.country(iso) if iso else None
        if row and language != "en":
            return [row]
        if row:
            return [row, *(other for other in resources.gazetteer.find(cluster.key) if other.kind != "country")]
    for name in sorted(names, key=lambda name: (-len(name), name)):
        rows = resources.gazetteer.find(fold(name))
        if is_acronym(name):  # U.N. is no town in India
            rows = [row for row in rows if row.kind != "city"]
        if rows:
            return rows
    return []


def _context(doc: Document, candidates: Mapping[str, list[PlaceRow]], resources: Resources) -> _Context:
    countries: set[str] = set()
    states: set[str] = set()
    for rows in candidates.values():
        kinds = {row.kind for row in rows}
        if rows and rows[0].kind == "country" and "admin" not in kinds:
            countries.add(rows[0].country)
        elif rows and rows[0].kind == "admin" and kinds == {"admin"}:
            states.add(rows[0].admin)
            countries.add(rows[0].country)
    for cluster in doc.clusters:
        if cluster.type == "group" and (people := resources.lexicon.demonyms.get(cluster.name)):
            countries.add(people.country or "")
    return _Context(frozenset(countries), frozenset(states), doc.article.source.country)


def _place(
    doc: Document, cluster: Cluster, rows: list[PlaceRow], context: _Context, role: PlaceRole, resources: Resources
) -> Place:
    if not rows:
        name = cluster.name
        return Place((cluster.key,), f"place:{slug(name)}", "other", name, None, None, None, None, role, UNKNOWN)
    written = _written_out(doc, cluster, resources)
    ranked = sorted(((_points(row, context, written), row) for row in rows), key=lambda pair: -pair[0])
    points, row = ranked[0]
    margin = points - ranked[1][0] if len(ranked) > 1 else 2.0
    tagged = max(mention.score for mention in cluster.mentions)
    return Place(
        keys=(cluster.key,),
        entity_id=f"place:geonames:{row.geonames_id}",
        kind=row.kind,
        name=row.name,
        country=row.country,
        geonames_id=row.geonames_id,
        lat=row.lat,
        lon=row.lon,
        role=role,
        confidence=round((0.5 + 0.5 * min(1.0, margin / 2)) * tagged, 3),
    )


def _points(row: PlaceRow, context: _Context, written: tuple[str, str | None] | None) -> float:
    points = math.log10(max(10, row.population))
    if row.kind == "country":
        return COUNTRY_ITSELF
    if row.kind == "admin":
        points += STATE_ITSELF
    if row.country in context.countries:
        points += COUNTRY_NAMED
    if row.kind == "city" and row.country == "US" and row.admin in context.states:
        points += STATE_NAMED
    if row.country == context.home:
        points += PUBLISHER
    if written and row.country == written[0] and written[1] in (None, row.admin):
        points += WRITTEN_OUT
    return points


def _written_out(doc: Document, cluster: Cluster, resources: Resources) -> tuple[str, str | None] | None:
    """(country, US state) set behind the name with a comma: Springfield, Ill. or Paris, Texas or Lagos, Nigeria."""
    for mention in cluster.mentions[:20]:
        text = doc.text_of(mention.field)
        behind = text[mention.end : mention.end + 40]
        if not behind.startswith(", "):
            continue
        if (match := _AFTER.match(behind)) and (
            code := resources.states.get(match["state"]) or resources.states.get(match["state"].rstrip("."))
        ):
            return "US", code
        words = behind[2:].split()
        for length in (3, 2, 1):
            for row in resources.gazetteer.find(fold(" ".join(words[:length]))):
                if row.kind == "country":
                    return row.country, None
                if row.kind == "admin":
                    return row.country, row.admin
    return None


def _roles(doc: Document, clusters: list[Cluster]) -> dict[str, PlaceRole]:
    """The dateline's place, the place the article is about, and the rest.

    Focus is what the headline names; failing that, what the first 300 characters name and the text repeats.
    """
    opening = _DATELINE.match(doc.body_text[:200])
    roles: dict[str, PlaceRole] = {}
    for cluster in clusters:
        first = cluster.mentions[0]
        dated = opening is not None and any(_in_dateline(mention, opening.end()) for mention in cluster.mentions[:3])
        repeated = len(cluster.mentions) > 1 and first.start < 300
        headline = first.field == "title"
        roles[cluster.key] = "focus" if headline or (repeated and not dated) else "dateline" if dated else "mention"
    return roles


def _in_dateline(mention: Mention, end: int) -> bool:
    return mention.field == "body_text" and mention.start < 20 and mention.end <= end
