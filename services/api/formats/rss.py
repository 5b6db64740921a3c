"""RSS 2.0 (RSS Advisory Board, version 2.0.11), with Dublin Core's `creator` and the content module. Pure.

`title` is plain text; `description` and `content:encoded` are HTML by the specification, so our plain text is escaped
once for HTML and once for XML.
"""

from __future__ import annotations

from email.utils import format_datetime
from html import escape
from typing import Any

from lxml import etree

from services.api.formats.listing import Item, Listing, moment, newest, xml_text

MEDIA_TYPE = "application/rss+xml"
_SPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "media": "http://search.yahoo.com/mrss/",
}


def render(listing: Listing) -> bytes:
    """The feed."""
    items = listing.items
    root = etree.Element("rss", {"version": "2.0"}, nsmap=_SPACES)
    channel = etree.SubElement(root, "channel")
    _add(channel, "title", listing.title)
    _add(channel, "link", listing.home_url)
    _add(channel, "description", listing.title)
    etree.SubElement(channel, _name("atom", "link"), {"rel": "self", "href": listing.self_url, "type": MEDIA_TYPE})
    if listing.hub_url:
        etree.SubElement(channel, _name("atom", "link"), {"rel": "hub", "href": listing.hub_url})
    if listing.next_url:
        etree.SubElement(channel, _name("atom", "link"), {"rel": "next", "href": listing.next_url, "type": MEDIA_TYPE})
    if items:
        _add(channel, "lastBuildDate", format_datetime(newest(items), usegmt=True))
    for item in items:
        _item(etree.SubElement(channel, "item"), item)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _item(node: Any, item: Item) -> None:
    told = item.told
    _add(node, "title", told["title"])
    _add(node, "link", told["url"])
    _add(node, "guid", item.uri).set("isPermaLink", "false")
    _add(node, "pubDate", format_datetime(moment(item.first), usegmt=True))
    if told.get("description"):
        _add(node, "description", escape(told["description"], quote=False))
    if told.get("body_text"):
        _add(node, _name("content", "encoded"), paragraphs(told["body_text"]))
    for author in told["authors"]:
        _add(node, _name("dc", "creator"), author)
    for keyword in told.get("keywords") or ():
        _add(node, "category", keyword["text"])
    for image in told.get("images") or ():
        etree.SubElement(node, _name("media", "content"), {"url": xml_text(image["url"]), "medium": "image"})


def paragraphs(text: str) -> str:
    """Plain text as HTML paragraphs."""
    return "".join(f"<p>{escape(line, quote=False)}</p>" for line in text.split("\n") if line.strip())


def _name(space: str, name: str) -> str:
    return f"{{{_SPACES[space]}}}{name}"


def _add(node: Any, name: str, text: str) -> Any:
    made = etree.SubElement(node, name)
    made.text = xml_text(text)
    return made
