"""Which place on earth a place name means: GeoNames id, coordinates, role in the article.

Candidates come from the place table; the choice follows, in this order, "City, State" or "City, Country" in the text,
co-mentioned states and countries, the publisher's country, and population. One sense per article.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from services.enrich.document import Cluster, CountryShare, Document, Home, Mention, Place, PlaceRole
from services.enrich.gazetteer import PlaceRow
from services.enrich.names.acronyms import is_acronym
from services.enrich.names.fold import fold, slug
from services.enrich.resources import Resources

# Points, on the scale of log10(population). A country or state named in the article is worth a hundred to three hundred
# times the people; measured on news with known places (population alone 82.0, with these 84.2 of 100 right).
COUNTRY_NAMED, STATE_NAMED, PUBLISHER, SAME_STATE, WRITTEN_OUT = 2.0, 2.5, 1.0, 1.5, 8.0
SMALL, ABROAD = 150_000, 0.45  # people of a town abroad that is believed only so far
COUNTRY_ITSELF = 7.5  # a country's name means the country unless a namesake's surroundings say otherwise
STATE_ITSELF = -1.0  # New York and Washington mean the city first
SURE, OFTEN, TITLED, DATED = 0.5, 3, 2.0, 1.5  # of the countries an article plays in
AT_HOME, NEARBY = 0.5, 0.5
LEAST, MOST = 0.15, 3  # share of a country that is told, and how many are
UNKNOWN = 0.3  # confidence in a place that is in no table
# GeoNames ids of the continents, which the table of countries, states and cities does not hold.
_CONTINENTS = {
    "africa": 6255146, "antarctica": 6255152, "asia": 6255147, "europe": 6255148, "north america": 6255149,
    "oceania": 6255151, "south america": 6255150,
}  # fmt: skip
_ABBREVIATES = 3  # letters: U.N. is no town in India, GENEVA is one in Switzerland
MOST_READ = 20  # mentions of one place whose surroundings are read
# Waters, heights and regions, which the table does not hold either and which are nobody's neighbourhood.
_WIDE = re.compile(
    r"(?<!\w)(?:Sea|Ocean|Lake|Gulf|Bay|Strait|Straits|River|Channel|Peninsula|Mount|Mountains|Alps|Desert|Canal|Region|East|West"
    r"|North|South|Balkans?|Caucasus|Sahel|Arctic|Antarctic|Atlantic|Pacific|Baltic|Mediterranean|Caribbean|Earth|Moon|Mars)(?!\w)"
)
_ROLES: tuple[PlaceRole, ...] = ("focus", "dateline", "mention")
_DATELINE = re.compile(r"[^\n]{2,60}?(?:\s[\u2013\u2014-]{1,2}\s|\)\s?[:\u2013\u2014-])")
_AFTER = re.compile(r", ?(?P<state>[A-Z][A-Za-z.]{1,6})(?=[\s,.;)\u2014-]|$)")


@dataclass(frozen=True, slots=True)
class _Context:
    """What the article says about where it plays."""

    countries: Mapping[str, frozenset[str]]  # with the clusters that name them: one is no evidence for itself
    states: frozenset[str]
    home: Home | None
    behind: frozenset[tuple[str, int]]  # clusters and what they mean for standing behind a place in it: Tulsa, Oklahoma


class ResolvePlaces:
    """Provides `places`, one for each place cluster, in the order of the clusters."""

    name = "places"
    revision = "4"
    needs = frozenset({"article", "home", "title", "body_text", "language", "clusters"})
    provides = frozenset({"places", "countries"})
    languages = None

    def run(self, docs: Sequence[Document], resources: Resources) -> None:
        """Resolve each document's places together: they tell about each other."""
        for doc in docs:
            doc.places = tuple(resolve(doc, resources))
            doc.countries = tuple(countries(doc, resources))


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


def countries(doc: Document, resources: Resources) -> list[CountryShare]:
    """Where the article plays, by country: the first is its focus.

    Places count by how often they are named, up to three times; more in the headline and as dateline. Nationalities
    count half, and so does the publisher's own country. A place that is in no table is a small one: more often than not
    it is at the publisher's home, for which it counts half.
    """
    points: dict[str, float] = defaultdict(float)
    home = _home(doc)
    clusters = {cluster.key: cluster for cluster in doc.clusters}
    for place in doc.places:
        here = [clusters[key] for key in place.keys if key in clusters]
        named = sum(len(cluster.mentions) for cluster in here)
        titled = any(mention.field == "title" for cluster in here for mention in cluster.mentions)
        if place.country and place.confidence >= SURE:
            points[place.country] += min(named, OFTEN) + TITLED * titled + DATED * (place.role == "dateline")
        elif home and place.kind == "other" and place.geonames_id is None and not _WIDE.search(place.name):
            points[home.country] += NEARBY * (min(named, OFTEN) + TITLED * titled)
    for cluster in doc.clusters:
        people = resources.lexicon.demonyms.get(cluster.name) if cluster.type == "group" else None
        if people and people.country:
            titled = any(mention.field == "title" for mention in cluster.mentions)
            points[people.country] += 0.5 * min(len(cluster.mentions), OFTEN) + TITLED * titled
    if home and points:
        points[home.country] += AT_HOME
    total = sum(points.values())
    ranked = sorted(points, key=lambda code: (-points[code], code))
    return [CountryShare(code, round(points[code] / total, 3)) for code in ranked if points[code] >= LEAST * total][
        :MOST
    ]


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
        if is_acronym(name) and len(name.replace(".", "")) <= _ABBREVIATES:
            rows = [row for row in rows if row.kind != "city"]
        if rows:
            return rows
    return []


def _context(doc: Document, candidates: Mapping[str, list[PlaceRow]], resources: Resources) -> _Context:
    countries: dict[str, set[str]] = defaultdict(set)
    states: set[str] = set()
    for key, rows in candidates.items():
        kinds = {row.kind for row in rows}
        if rows and rows[0].kind == "country" and "admin" not in kinds:
            countries[rows[0].country].add(key)
        elif rows and rows[0].kind == "admin" and kinds == {"admin"}:
            states.add(rows[0].admin)
            countries[rows[0].country].add(key)
    for cluster in doc.clusters:
        if cluster.type == "group" and (people := resources.lexicon.demonyms.get(cluster.name)):
            countries[people.country or ""].add(cluster.key)
    named = {country: frozenset(keys) for country, keys in countries.items()}
    return _Context(named, frozenset(states), _home(doc), frozenset(_behind(doc, candidates)))


def _home(doc: Document) -> Home | None:
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
                if row.kind != "city" and _inside(candidates[cluster.key], row.country, row.admin or None):
                    yield key, row.geonames_id


def _inside(rows: Sequence[PlaceRow], country: str, admin: str | None) -> bool:
    return any(row.kind == "city" and row.country == country and admin in (None, row.admin) for row in rows)


def _place(
    doc: Document, cluster: Cluster, rows: list[PlaceRow], context: _Context, role: PlaceRole, resources: Resources
) -> Place:
    name, tagged = cluster.name, max(mention.score for mention in cluster.mentions)
    if continent := _CONTINENTS.get(cluster.key):
        key = f"place:geonames:{continent}"
        return Place((cluster.key,), key, "other", name, None, continent, None, None, role, round(tagged, 3))
    written = _written_out(doc, cluster, rows, resources)
    if not rows or written == _ELSEWHERE:
        return Place((cluster.key,), f"place:{slug(name)}", "other", name, None, None, None, None, role, UNKNOWN)
    ranked = sorted(((_points(cluster.key, row, context, written), row) for row in rows), key=lambda pair: -pair[0])
    points, row = ranked[0]
    margin = points - ranked[1][0] if len(ranked) > 1 else 2.0
    sure = (0.5 + 0.5 * min(1.0, margin / 2)) * (ABROAD if _far(cluster.key, row, context, written) else 1.0)
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
        confidence=round(sure * tagged, 3),
    )


def _far(key: str, row: PlaceRow, context: _Context, written: tuple[str, str | None] | None) -> bool:
    """A small town abroad that nothing else speaks for: often the namesake of one at home that the table lacks."""
    at_home = context.home is None or row.country == context.home.country
    told = (
        context.countries.get(row.country, frozenset()) - {key}
        or written
        or any(one == key for one, _ in context.behind)
    )
    return row.kind == "city" and row.population < SMALL and not at_home and not told


def _points(key: str, row: PlaceRow, context: _Context, written: tuple[str, str | None] | None) -> float:
    points = math.log10(max(10, row.population))
    if (key, row.geonames_id) in context.behind:
        return points + WRITTEN_OUT
    if row.kind == "country":
        return COUNTRY_ITSELF
    if row.kind == "admin":
        points += STATE_ITSELF
    if context.countries.get(row.country, frozenset()) - {key}:
        points += COUNTRY_NAMED
    if row.kind == "city" and row.country == "US" and row.admin in context.states:
        points += STATE_NAMED
    if context.home and row.country == context.home.country:
        points += PUBLISHER + (SAME_STATE if row.admin and row.admin == context.home.admin else 0.0)
    if written and row.country == written[0] and written[1] in (None, row.admin):
        points += WRITTEN_OUT
    return points


_ELSEWHERE = ("", None)  # "City, State" of the United States where the table has no such city


def _written_out(
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
            code := resources.states.get(match["state"]) or resources.states.get(match["state"].rstrip("."))
        ):
            return "US", code
        words = behind[2:].split()
        for length in (3, 2, 1):
            for row in resources.gazetteer.find(fold(" ".join(words[:length]))):
                if row.kind == "city":
                    continue
                if _inside(rows, row.country, row.admin or None):
                    return row.country, row.admin or None
                elsewhere |= row.country == "US" and row.kind == "admin" and any(r.kind == "city" for r in rows)
    return _ELSEWHERE if elsewhere else None


def _roles(doc: Document, clusters: list[Cluster]) -> dict[str, PlaceRole]:
    """The dateline's place, the place the article is about, and the rest.

    Focus is what the headline names; failing that, what the first 300 characters name and the text repeats.
    """
    opening = _DATELINE.match(doc.body_text[:200])
    roles: dict[str, PlaceRole] = {}
    end = opening.end() if opening else 0
    opens = min(
        (mention.start for cluster in clusters for mention in cluster.mentions[:3] if _in_dateline(mention, end)),
        default=-1,
    )  # the country behind the city is part of the dateline, not where it was written
    for cluster in clusters:
        first = cluster.mentions[0]
        dated = any(_in_dateline(mention, end) and mention.start == opens for mention in cluster.mentions[:3])
        repeated = len(cluster.mentions) > 1 and first.start < 300
        headline = first.field == "title"
        roles[cluster.key] = "focus" if headline or (repeated and not dated) else "dateline" if dated else "mention"
    return roles


def _in_dateline(mention: Mention, end: int) -> bool:
    return mention.field == "body_text" and mention.start < 20 and mention.end <= end
