"""Which of the places that bear a name is meant: for its people, for what stands around it, for the feed's home."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from services.enrich.document import Cluster, Document
from services.enrich.gazetteer import PlaceRow
from services.enrich.names.namesakes import is_called_division
from services.enrich.places.context import ELSEWHERE, MOST_READ, Context, inside
from services.enrich.resources import Resources

# Points, on the scale of log10(population). A country or state named in the article is worth a hundred to three hundred
# times the people; measured on news with known places (population alone 82.0, with these 84.2 of 100 right).
COUNTRY_NAMED, COUNTRY_OF_STATE, STATE_NAMED, PUBLISHER, SAME_STATE, WRITTEN_OUT = 2.0, 1.0, 2.5, 1.0, 1.5, 8.0
SMALL = 150_000  # people of a town abroad that is believed only so far
KNOWN = 500_000  # people of a place beside which no small town is thought of
COUNTRY_ITSELF = 7.5  # a country's name means the country unless a namesake's surroundings say otherwise
STATE_ITSELF = -1.0  # New York and Washington mean the city first,
CALLED_STATE = 5.0  # but not as "New York state" or "the province of Punjab"
CITY_INSIDE, CITY_BESIDE = 1.0, 0.3  # for a country or state of which a city is named, and for another city there
CITIES = 3  # of them count
# Waters, heights and regions, which the table does not hold either and which are nobody's neighbourhood.
WIDE = re.compile(
    r"(?<!\w)(?:Sea|Ocean|Lake|Gulf|Bay|Strait|Straits|River|Channel|Peninsula|Mount|Mountains|Alps|Desert|Canal|Region|East|West"
    r"|North|South|Balkans?|Caucasus|Sahel|Arctic|Antarctic|Atlantic|Pacific|Baltic|Mediterranean|Caribbean|Earth|Moon|Mars)(?!\w)"
)

Written = tuple[str, str | None]  # country, and its first-level division


def ranked(
    doc: Document,
    cluster: Cluster,
    every: Sequence[PlaceRow],
    written: Written | None,
    context: Context,
    resources: Resources,
) -> list[tuple[float, PlaceRow]]:
    """What a cluster may mean with its points, the best first; nothing where it means no place of the table.

    `written` is what `written_out` says of it.
    """
    if not every or written == ELSEWHERE:
        return []
    rows: Sequence[PlaceRow] = every
    if every[-1].small:
        common = resources.lexicon.is_common(cluster.name.lower()) or WIDE.fullmatch(cluster.name) is not None
        known = [row for row in every if row.population >= KNOWN]
        rows = [
            row
            for row in every
            if not row.small or _spoken_for(cluster.key, row, every, known, context, written, common=common)
        ]
    division = _called_division(doc, cluster) if any(row.kind == "admin" for row in rows) else 0.0
    points = [(_points(cluster.key, row, context, written, rows, division=division), row) for row in rows]
    return sorted(points, key=lambda pair: -pair[0])


def _spoken_for(
    key: str,
    row: PlaceRow,
    rows: Sequence[PlaceRow],
    known: Sequence[PlaceRow],
    context: Context,
    written: Written | None,
    *,
    common: bool,
) -> bool:
    """Whether something but its name speaks for a small town: what stands behind it, or the feed's home.

    Where nothing larger bears the name, which is no everyday word, its state does too; and its country where no other
    one has such a town.
    """
    if (key, row.geonames_id) in context.behind or (written and row.country == written[0]):
        return True
    home = context.home
    if home and row.country == home.country and home.admin in (None, row.admin):
        near = any(other.country == row.country for other in known)
        if not near and (home.admin or not known):
            return True
    if known:
        return False
    if common or not all(other.small for other in rows):
        return False
    where = (row.country, row.admin)
    if (context.states.get(where, frozenset()) | context.inside.get(where, frozenset())) - {key}:
        return True
    alone = all(other.country == row.country for other in rows)
    return alone and bool(context.countries.get(row.country, frozenset()) - {key})


def _called_division(doc: Document, cluster: Cluster) -> float:
    """The share of its mentions beside which the text calls it a state, a province or the like, 0 to 1."""
    read = cluster.mentions[:MOST_READ]
    return sum(is_called_division(doc, mention) for mention in read) / len(read)


def _points(
    key: str,
    row: PlaceRow,
    context: Context,
    written: Written | None,
    rows: Sequence[PlaceRow],
    *,
    division: float = 0.0,
) -> float:
    points = math.log10(max(10, row.population))
    if (key, row.geonames_id) in context.behind:
        return points + WRITTEN_OUT
    if row.kind != "city":
        points = COUNTRY_ITSELF if row.kind == "country" else points + STATE_ITSELF
        if not inside([one for one in rows if not one.small], row.country, row.admin or None):  # New York, New York
            cities = context.inside.get((row.country, row.admin), frozenset()) - {key}
            points += CITY_INSIDE * min(len(cities), CITIES)
    if context.countries.get(row.country, frozenset()) - {key}:
        points += COUNTRY_NAMED
    elif any(keys - {key} for (country, _), keys in context.states.items() if country == row.country):
        points += COUNTRY_OF_STATE
    if row.kind == "country":
        return points
    if row.kind == "admin":
        points += CALLED_STATE * division
    if row.kind == "city" and context.states.get((row.country, row.admin), frozenset()) - {key}:
        points += STATE_NAMED
    if row.kind == "city":
        near = context.beside.get((row.country, row.admin), frozenset()) - {key}
        points += CITY_BESIDE * min(len(near), CITIES)
    if context.home and row.country == context.home.country:
        points += PUBLISHER + (SAME_STATE if row.admin and row.admin == context.home.admin else 0.0)
    if written and row.country == written[0] and written[1] in (None, row.admin):
        points += WRITTEN_OUT
    return points


def is_far(key: str, row: PlaceRow, context: Context, written: Written | None) -> bool:
    """A small town abroad that nothing else speaks for: often the namesake of one at home that the table lacks."""
    at_home = context.home is None or row.country == context.home.country
    told = (
        context.countries.get(row.country, frozenset()) - {key}
        or written
        or any(one == key for one, _ in context.behind)
    )
    return row.kind == "city" and row.population < SMALL and not at_home and not told
