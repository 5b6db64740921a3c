"""schema.org `NewsArticle` as JSON-LD 1.1. Pure."""

from __future__ import annotations

from typing import Any

import orjson

from services.api.formats.listing import Item, present, uri

MEDIA_TYPE = "application/ld+json"
_TYPES = {
    "person": "Person",
    "organisation": "Organization",
    "place": "Place",
    "event": "Event",
    "work": "CreativeWork",
    "product": "Product",
    "group": "Thing",
}


def render(item: Item) -> bytes:
    """One article. `<` is written as an escape, so that the document may stand inside a page's script element."""
    return orjson.dumps(article(item)).replace(b"<", b"\\u003c")


def article(item: Item) -> dict[str, Any]:
    """One article as a JSON-LD object."""
    told = item.told
    seconds = told.get("reading_time_s")
    return present(
        {
            "@context": "https://schema.org",
            "@type": "NewsArticle",
            "@id": item.uri,
            "identifier": str(told["id"]),
            "version": told["version"],
            "url": uri(told["url"]),
            "mainEntityOfPage": uri(told["canonical_url"]),
            "headline": told["title"],
            "alternativeHeadline": told.get("subtitle"),
            "description": told.get("description"),
            "articleBody": told.get("body_text"),
            "wordCount": told.get("word_count"),
            "timeRequired": f"PT{seconds}S" if seconds else None,
            "inLanguage": (told.get("language") or {}).get("code"),
            "datePublished": told.get("published_at"),
            "dateModified": told.get("modified_at"),
            "author": [{"@type": "Person", "name": name} for name in told["authors"]],
            "publisher": {"@type": "Organization", "name": told["source"]["name"], "identifier": told["source"]["id"]},
            "image": [_image(image) for image in told.get("images") or ()],
            "isAccessibleForFree": None if told.get("paywalled") is None else not told["paywalled"],
            "creativeWorkStatus": told["status"],
            "keywords": [keyword["text"] for keyword in told.get("keywords") or ()],
            "about": [_topic(topic) for topic in told.get("topics") or ()],
            "mentions": _mentions(told),
        }
    )


def _image(image: dict[str, Any]) -> dict[str, Any]:
    told = {"url": uri(image["url"]), "caption": image.get("caption"), "creditText": image.get("credit")}
    return present({"@type": "ImageObject", **told, "width": image.get("width"), "height": image.get("height")})


def _topic(topic: dict[str, Any]) -> dict[str, Any]:
    code = topic["id"].removeprefix("medtop:")
    known = f"http://cv.iptc.org/newscodes/mediatopic/{code}"
    return {"@type": "Thing", "name": topic["name"], "identifier": topic["id"], "sameAs": known}


def _mentions(told: dict[str, Any]) -> list[dict[str, Any]]:
    places = {place["entity_id"]: place for place in told.get("places") or ()}
    return [_mention(entity, places.get(entity["id"], {})) for entity in told.get("entities") or ()]


def _mention(entity: dict[str, Any], place: dict[str, Any]) -> dict[str, Any]:
    ids = entity.get("ids") or {}
    same = [
        *([f"http://www.wikidata.org/entity/{ids['wikidata']}"] if ids.get("wikidata") else []),
        *([f"https://sws.geonames.org/{ids['geonames']}/"] if ids.get("geonames") else []),
    ]
    lat, lon = place.get("lat"), place.get("lon")
    where = None if lat is None or lon is None else {"@type": "GeoCoordinates", "latitude": lat, "longitude": lon}
    told = {"@type": _TYPES.get(entity["type"], "Thing"), "name": entity["name"], "identifier": entity["id"]}
    return present({**told, "sameAs": same, "geo": where})
