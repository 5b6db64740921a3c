"""Where a source is at home: the country and state that its own articles name most, learned where nobody set it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from services.enrich.document import Home
from services.enrich.gazetteer import Gazetteer
from services.enrich.names.fold import fold

FEWEST = 12  # places read, before anything is learned
COUNTRY, ADMIN = 0.5, 0.4  # shares of them in one country, and in one state
LATEST = 60  # articles of a source that are looked at
SURE = 0.6  # of a place
KEPT = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Named:
    """A place that a source's articles name, and in how many of them."""

    name: str
    country: str
    geonames_id: int
    articles: int


def named_in(cards: Iterable[Mapping[str, Any]]) -> list[Named]:
    """The cities and states that a source's cards name, as far as they are sure."""
    found: Counter[tuple[str, str, int]] = Counter()
    for card in cards:
        found.update(
            (place["name"], place["country"], place["geonames_id"])
            for place in card.get("places") or ()
            if place["kind"] in ("city", "admin") and place["confidence"] >= SURE
        )
    return [Named(*place, articles) for place, articles in found.items()]


def learned(places: Iterable[Named], gazetteer: Gazetteer) -> Home | None:
    """The home that places speak for; None where they are few or all over the world."""
    countries: Counter[str] = Counter()
    admins: Counter[tuple[str, str]] = Counter()
    for place in places:
        countries[place.country] += place.articles
        for row in gazetteer.find(fold(place.name)):
            if row.geonames_id == place.geonames_id and row.admin:
                admins[place.country, row.admin] += place.articles
    total = countries.total()
    if total < FEWEST:
        return None
    country, most = countries.most_common(1)[0]
    if most < COUNTRY * total:
        return None
    (owner, admin), share = admins.most_common(1)[0] if admins else (("", ""), 0)
    return Home(country, admin if owner == country and share >= ADMIN * total else None)


@dataclass
class Homes:
    """What was learned of each source, kept for ten minutes."""

    kept: dict[str, tuple[datetime, Home | None]] = field(default_factory=dict)

    def of(
        self,
        sources: Sequence[str],
        read: Callable[[Sequence[str]], dict[str, list[Named]]],
        gazetteer: Gazetteer,
        now: datetime,
    ) -> dict[str, Home]:
        """The homes of sources; `read` gives the places of those that are not known, or not any more."""
        stale = sorted({one for one in sources if one not in self.kept or self.kept[one][0] < now})
        if stale:
            found = read(stale)
            self.kept.update((one, (now + KEPT, learned(found.get(one, ()), gazetteer))) for one in stale)
        return {one: home for one in sources if (home := self.kept[one][1])}
