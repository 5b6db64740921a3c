"""JSON Feed 1.1 (jsonfeed.org/version/1.1). Pure."""

from __future__ import annotations

from typing import Any

import orjson

from services.api.formats.listing import Item, Listing, present

MEDIA_TYPE = "application/feed+json"
VERSION = "https://jsonfeed.org/version/1.1"


def render(listing: Listing) -> bytes:
    """The feed."""
    told = {
        "version": VERSION,
        "title": listing.title,
        "home_page_url": listing.home_url,
        "feed_url": listing.self_url,
        "next_url": listing.next_url,
        "hubs": [{"type": "WebSub", "url": listing.hub_url}] if listing.hub_url else None,
    }
    return orjson.dumps(present(told) | {"items": [_item(item) for item in listing.items]})


def _item(item: Item) -> dict[str, Any]:
    told = item.told
    images = told.get("images") or ()
    members = {
        "id": item.uri,
        "url": told["url"],
        "title": told["title"],
        "summary": told.get("description"),
        "image": images[0]["url"] if images else None,
        "date_published": item.first,
        "date_modified": told.get("modified_at"),
        "authors": [{"name": name} for name in told["authors"]],
        "tags": [keyword["text"] for keyword in told.get("keywords") or ()],
        "language": (told.get("language") or {}).get("code"),
        "_wiredesk": {"id": told["id"], "version": told["version"], "position": told["position"]},
    }
    # An item has one of content_text and content_html; the text is ours, so there is no markup to keep.
    return present(members) | {"content_text": told.get("body_text") or told.get("description") or told["title"]}
