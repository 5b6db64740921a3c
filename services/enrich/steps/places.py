"""Which place on earth a place name means: GeoNames id, coordinates, role in the article.

Candidates come from the place table; the choice (`places/choice.py`) follows, in this order, "City, State" or "City,
Country" in the text, co-mentioned states, countries and cities, the publisher's home, and population. One sense per
article. What was chosen tells about the others: the choice is made twice.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from services.enrich.document import Cluster, CountryShare, Document, Mention, Place, PlaceRole
from services.enrich.gazetteer import PlaceRow
from services.enrich.names.fold import fold, slug
from services.enrich.places.choice import WIDE, Written, is_far, ranked
from services.enrich.places.context import (
    ELSEWHERE,
    REGIONS,
    Context,
    candidates_of,
    context_of,
    home_of,
    lies_in,
    told_by,
    written_out,
)
from services.enrich.resources import Resources
from services.enrich.text.dateline import opening

PASSES = 1  # what was chosen for a place tells about the others once
ABROAD, TOWN = 0.45, 20_000  # confidence in a town abroad that nothing else speaks for; none in one with fewer people
SURE, OFTEN, TITLED, DATED = 0.5, 3, 2.0, 1.5  # of the countries an article plays in
AT_HOME, NEARBY = 0.5, 0.5
LEAST, MOST = 0.15, 3  # share of a country that is told, and how many are
STATED = 0.6  # confidence in one of which text or list tell the country
UNKNOWN = 0.3  # confidence in a place that is in no table
_ROLES: tuple[PlaceRole, ...] = ("focus", "dateline", "mention")
_PIPE = re.compile(r"[^\n.,:|]{3,30}(?::| \|) (?=[A-Z\u201c\"])")  # New Delhi | The port was shut


class ResolvePlaces:
    """Provides `places`, one for each place cluster, in the order of the clusters."""

    name = "places"
    revision = "7"
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
    candidates = {cluster.key: candidates_of(doc, cluster, resources) for cluster in clusters}
    written = {cluster.key: written_out(doc, cluster, candidates[cluster.key], resources) for cluster in clusters}
    context = context_of(doc, candidates, resources)
    for _ in range(PASSES):
        told: dict[str, PlaceRow] = {}
        for cluster in clusters:
            rows, behind = candidates[cluster.key], written[cluster.key]
            if len(rows) == 1 and not rows[0].small and behind != ELSEWHERE:
                told[cluster.key] = rows[0]  # nothing to choose
            elif rank := ranked(doc, cluster, rows, behind, context, resources):
                told[cluster.key] = rank[0][1]
        context = told_by(context, told)
    roles = _roles(doc, clusters)
    found: dict[str, Place] = {}
    for cluster in clusters:
        place = _place(
            doc, cluster, candidates[cluster.key], written[cluster.key], context, roles[cluster.key], resources
        )
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
    home = home_of(doc)
    clusters = {cluster.key: cluster for cluster in doc.clusters}
    for place in doc.places:
        here = [clusters[key] for key in place.keys if key in clusters]
        named = sum(len(cluster.mentions) for cluster in here)
        titled = any(mention.field == "title" for cluster in here for mention in cluster.mentions)
        if place.country and place.confidence >= SURE:
            points[place.country] += min(named, OFTEN) + TITLED * titled + DATED * (place.role == "dateline")
        elif home and place.kind == "other" and place.geonames_id is None and not WIDE.search(place.name):
            points[home.country] += NEARBY * (min(named, OFTEN) + TITLED * titled)
    for cluster in doc.clusters:
        people = resources.lexicon.demonyms.get(cluster.name) if cluster.type == "group" else None
        if people and people.country:
            titled = any(mention.field == "title" for mention in cluster.mentions)
            points[people.country] += 0.5 * min(len(cluster.mentions), OFTEN) + TITLED * titled
    if home and points:
        points[home.country] += AT_HOME
    total = sum(points.values())
    # Of two that weigh the same the publisher's own, else the one named first.
    ranked = sorted(points, key=lambda code: (-points[code], home is None or code != home.country))
    return [CountryShare(code, round(points[code] / total, 3)) for code in ranked if points[code] >= LEAST * total][
        :MOST
    ]


def _joined(one: Place, other: Place) -> Place:
    """One place under two names: the surer sense, the stronger role."""
    best = max(one, other, key=lambda place: place.confidence)
    role = min(one.role, other.role, key=_ROLES.index)
    return replace(best, keys=one.keys + other.keys, role=role)


def _place(
    doc: Document,
    cluster: Cluster,
    rows: list[PlaceRow],
    written: Written | None,
    context: Context,
    role: PlaceRole,
    resources: Resources,
) -> Place:
    name, tagged = cluster.name, max(mention.score for mention in cluster.mentions)
    if region := REGIONS.get(fold(name)):
        key = f"place:geonames:{region}"
        return Place((cluster.key,), key, "other", name, None, region, None, None, role, round(tagged, 3))
    county = resources.lexicon.counties.get(name)
    if county and ((context.home and context.home.country == county) or county in context.countries):
        return _without_id(cluster, role, county)
    found = ranked(doc, cluster, rows, written, context, resources)
    if not found:
        return _without_id(cluster, role, lies_in(doc, cluster, context, resources))
    points, row = found[0]
    # The province around a city, or the city in a province, is no other place to speak of.
    rivals = [other for other, one in found[1:] if (one.country, one.admin) != (row.country, row.admin)]
    margin = points - rivals[0] if rivals else 2.0
    far = is_far(cluster.key, row, context, written)
    if far and row.population < TOWN:
        return _without_id(cluster, role, None)
    sure = (0.5 + 0.5 * min(1.0, margin / 2)) * (ABROAD if far else 1.0)
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


def _without_id(cluster: Cluster, role: PlaceRole, country: str | None) -> Place:
    """A place that is in no table, with its country as far as the text or our own list tells."""
    key, sure = f"place:{slug(cluster.name)}", STATED if country else UNKNOWN
    return Place((cluster.key,), key, "other", cluster.name, country, None, None, None, role, sure)


def _roles(doc: Document, clusters: list[Cluster]) -> dict[str, PlaceRole]:
    """The dateline's place, the place the article is about, and the rest.

    Focus is what the headline names; failing that, what the first 300 characters name and the text repeats.
    """
    end = opening(doc.body_text)
    if not end and (match := _PIPE.match(doc.body_text)):
        end = match.end()
    opens = min(
        (mention.start for cluster in clusters for mention in cluster.mentions[:3] if _in_dateline(mention, end)),
        default=-1,
    )
    roles: dict[str, PlaceRole] = {}
    for cluster in clusters:
        first = cluster.mentions[0]
        # What stands behind a comma is the country of the city before it, not where the report was written.
        dated = any(
            _in_dateline(mention, end)
            and (mention.start == opens or not doc.body_text.endswith(", ", 0, mention.start))
            for mention in cluster.mentions[:3]
        )
        repeated = len(cluster.mentions) > 1 and first.start < 300
        headline = first.field == "title"
        roles[cluster.key] = "focus" if headline or (repeated and not dated) else "dateline" if dated else "mention"
    return roles


def _in_dateline(mention: Mention, end: int) -> bool:
    return mention.field == "body_text" and mention.end <= end
