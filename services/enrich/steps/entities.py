"""Clusters become entities: each gets its id, its names, and how much of the article is about it."""

from __future__ import annotations

from collections.abc import Sequence

from services.enrich.document import Cluster, Document, Entity, Identities, Place
from services.enrich.lexicons import Lexicon
from services.enrich.names.fold import slug
from services.enrich.names.own import OwnEntity
from services.enrich.resources import Resources
from shared.topics import things

# Salience is 1 for what the headline names first and the text repeats most; the shares are our choice.
IN_TITLE, EARLY, OFTEN = 0.4, 0.3, 0.3


class Entities:
    """Provides `entities`, the most salient first. Places carry GeoNames ids, others a local key: `person:ana-sa`.

    What goes by a name of the operator's list is called by the first name there and carries its identifiers.
    """

    name = "entities"
    revision = "3"
    needs = frozenset({"title", "body_text", "clusters", "places", "identities"})
    provides = frozenset({"entities"})
    languages = None

    def run(self, docs: Sequence[Document], resources: Resources) -> None:
        """Identify each document's clusters; two that turn out to be the same thing become one entity."""
        for doc in docs:
            doc.entities = tuple(entities(doc, resources))


def entities(doc: Document, resources: Resources) -> list[Entity]:
    """The entities of one document."""
    places = {key: place for place in doc.places for key in place.keys}
    groups: dict[str, list[Cluster]] = {}
    for cluster in doc.clusters:
        groups.setdefault(_id(cluster, places, resources, doc.identities), []).append(cluster)
    most = max((sum(len(cluster.mentions) for cluster in group) for group in groups.values()), default=1)
    found = [_entity(doc, key, group, places, most, resources) for key, group in groups.items()]
    return sorted(found, key=lambda entity: (-entity.salience, entity.id))


def _id(cluster: Cluster, places: dict[str, Place], resources: Resources, merged: Identities) -> str:
    if own := _own(cluster, resources):
        return own.id
    if cluster.type == "place" and cluster.key in places:
        return places[cluster.key].entity_id
    key = f"{cluster.type}:{slug(_name(cluster, resources.lexicon))}"
    return merged.into[key][0] if key in merged.into else key


def _own(cluster: Cluster, resources: Resources) -> OwnEntity | None:
    if not resources.own.entities:
        return None
    return resources.own.named([cluster.name, *(mention.text for mention in cluster.mentions)])


def _name(cluster: Cluster, lexicon: Lexicon) -> str:
    """What the entity is called: as the article has it, but nationalities and peoples in one form for all articles."""
    people = lexicon.demonyms.get(cluster.name) if cluster.type == "group" else None
    return people.name if people else cluster.name


def _entity(
    doc: Document, key: str, group: list[Cluster], places: dict[str, Place], most: int, resources: Resources
) -> Entity:
    mentions = list(group[0].mentions)  # in order
    if len(group) > 1:
        mentions = [mention for cluster in group for mention in cluster.mentions]
        mentions.sort(key=lambda mention: (mention.field != "title", mention.start))
    first = group[0]
    own = resources.own.entities.get(key)
    place = places.get(first.key) if first.type == "place" and not own else None
    titled = mentions[0].field == "title"
    position = 0 if titled else mentions[0].start
    early = 1.0 - position / max(1, len(doc.body_text))
    salience = IN_TITLE * titled + EARLY * early + OFTEN * len(mentions) / most
    return Entity(
        id=key,
        type=own.type if own else first.type,
        name=own.name if own else place.name if place else _called(first, doc.identities, resources.lexicon),
        aliases_seen=tuple(dict.fromkeys([mention.text for mention in mentions])),
        count=len(mentions),
        salience=round(salience, 3),
        confidence=round(max([mention.score for mention in mentions]), 3),
        ids=own.ids if own else _ids(first, place, resources),
        mentions=tuple(mentions),
        former_ids=doc.identities.former.get(key, ()),
    )


def _called(cluster: Cluster, merged: Identities, lexicon: Lexicon) -> str:
    """The name of the thing, which is another one's where its key was merged."""
    name = _name(cluster, lexicon)
    return merged.into.get(f"{cluster.type}:{slug(name)}", ("", name))[1] if merged.into else name


def _ids(cluster: Cluster, place: Place | None, resources: Resources) -> dict[str, str]:
    ids: dict[str, str] = {}
    if cluster.type in ("event", "work") and (item := things().get(cluster.name.lower())):
        ids["wikidata"] = item
    if place and place.geonames_id:
        ids["geonames"] = str(place.geonames_id)
        if place.kind == "country" and place.country:
            ids["iso3166"] = place.country
    people = resources.lexicon.demonyms.get(cluster.name) if cluster.type == "group" else None
    if people and people.country:
        ids["iso3166"] = people.country
    return ids
