"""IPTC ninjs 3.1 (iptc.org/std/ninjs): one article as a `text`, a list as a `composite` that holds them. Pure.

Cards give `partial` representations, whole articles `full` ones. What ninjs has no member for stays out: the standard
allows no others.
"""

from __future__ import annotations

from typing import Any

import orjson

from services.api.formats.listing import Item, Listing, newest, present, uri, whole_numbers

MEDIA_TYPE = "application/vnd.iptc.ninjs+json"
_STANDARD = {"name": "ninjs", "version": "3.1", "schema": "http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json"}
_STATUS = {"usable": "usable", "corrected": "usable", "withdrawn": "canceled"}
# Where the kinds of entities belong; what ninjs has no member for is a subject.
_MEMBERS = {
    "person": "people",
    "organisation": "organisations",
    "event": "events",
    "work": "objects",
    "product": "objects",
}
_PLAIN = "text/plain"


def render(item: Item) -> bytes:
    """One article."""
    return orjson.dumps(article(item))


def render_list(listing: Listing) -> bytes:
    """A list: each article is an association of the whole, under its id as name."""
    items = listing.items
    told = {
        "uri": listing.self_url,
        "standard": _STANDARD,
        "type": "composite",
        "representationType": "full",
        "title": listing.title,
        "versionCreated": newest(items).isoformat().replace("+00:00", "Z"),
        "associations": [{"name": f"article-{item.told['id']}", **article(item)} for item in items],
    }
    return orjson.dumps(told)


def article(item: Item) -> dict[str, Any]:
    """One article as a ninjs object."""
    told = item.told
    return present(
        {
            "uri": item.uri,
            "standard": _STANDARD,
            "type": "text",
            "representationType": "full" if "body_text" in told else "partial",
            "version": str(told["version"]),
            "firstCreated": item.first,
            "versionCreated": item.latest,
            "contentCreated": told.get("published_at"),
            "pubStatus": _STATUS[told["status"]],
            "language": (told.get("language") or {}).get("code"),
            "title": told["title"],
            "by": ", ".join(told["authors"]),
            "headlines": _texts(main=told["title"], subtitle=told.get("subtitle")),
            "descriptions": _texts(summary=told.get("description")),
            "bodies": _bodies(told),
            **_entities(told),
            "places": _places(told),
            "subjects": _subjects(told),
            "infoSources": [present({"name": told["source"]["name"], "literal": told["source"]["id"]})],
            "renditions": [{"name": "web", "href": uri(told["url"]), "contentType": "text/html"}],
            "associations": [_picture(n, image) for n, image in enumerate(told.get("images") or (), 1)],
            "altIds": [{"role": "wiredesk", "value": str(told["id"])}],
        }
    )


def _texts(**by_role: str | None) -> list[dict[str, str]]:
    return [{"role": role, "contentType": _PLAIN, "value": text} for role, text in by_role.items() if text]


def _bodies(told: dict[str, Any]) -> list[dict[str, Any]]:
    text = told.get("body_text")
    if not text:
        return []
    body = {"role": "main", "contentType": _PLAIN, "charCount": len(text), "wordCount": told.get("word_count")}
    return [present(body) | {"value": text}]


def _entities(told: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for entity in told.get("entities") or ():
        if member := _MEMBERS.get(entity["type"]):
            found.setdefault(member, []).append(_named(entity))
    return found


def _named(entity: dict[str, Any]) -> dict[str, Any]:
    wikidata = (entity.get("ids") or {}).get("wikidata")
    known = f"http://www.wikidata.org/entity/{wikidata}" if wikidata else None
    return present({"name": entity["name"], "rel": "mentions", "uri": known, "literal": entity["id"]})


def _places(told: dict[str, Any]) -> list[dict[str, Any]]:
    """The places on the map, and those of the entities that are on none."""
    located = told.get("places") or ()
    known = {place["entity_id"] for place in located}
    rest = [e for e in told.get("entities") or () if e["type"] == "place" and e["id"] not in known]
    return [_place(place) for place in located] + [_named(entity) for entity in rest]


def _place(place: dict[str, Any]) -> dict[str, Any]:
    geonames, lat, lon = place.get("geonames_id"), place.get("lat"), place.get("lon")
    return present(
        {
            "name": place["name"],
            "rel": place["role"],
            "uri": f"https://sws.geonames.org/{geonames}/" if geonames else None,
            "literal": place["entity_id"],
            "geoJSON": None if lat is None or lon is None else {"type": "Point", "coordinates": [lon, lat]},
        }
    )


def _subjects(told: dict[str, Any]) -> list[dict[str, Any]]:
    topics = [
        {
            "name": topic["name"],
            "uri": f"http://cv.iptc.org/newscodes/mediatopic/{topic['id'].removeprefix('medtop:')}",
            "relevance": whole_numbers(topic["score"]),
        }
        for topic in told.get("topics") or ()
    ]
    groups = [_named(entity) for entity in told.get("entities") or () if entity["type"] == "group"]
    keywords = [{"name": k["text"], "relevance": whole_numbers(k["score"])} for k in told.get("keywords") or ()]
    return topics + groups + keywords


def _picture(number: int, image: dict[str, Any]) -> dict[str, Any]:
    href = uri(image["url"])
    size = {"width": image.get("width"), "height": image.get("height")}
    return present(
        {
            "name": f"picture-{number}",
            "uri": href,
            "type": "picture",
            "by": image.get("credit"),
            "descriptions": _texts(caption=image.get("caption")),
            "renditions": [present({"name": "original", "href": href, **size})],
        }
    )
