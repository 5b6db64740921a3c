"""Atom (RFC 4287): all texts as `type="text"`, so nothing of them is ever markup. Pure."""

from __future__ import annotations

from typing import Any

from lxml import etree

from services.api.formats.listing import Item, Listing, newest, xml_text

MEDIA_TYPE = "application/atom+xml"
_SPACE = "http://www.w3.org/2005/Atom"
_DEFAULT: Any = {None: _SPACE}
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def render(listing: Listing) -> bytes:
    """The feed."""
    items = listing.items
    root = etree.Element(f"{{{_SPACE}}}feed", nsmap=_DEFAULT)
    _add(root, "id", listing.self_url)
    _add(root, "title", listing.title)
    _add(root, "updated", newest(items).isoformat().replace("+00:00", "Z"))
    _link(root, "self", listing.self_url, MEDIA_TYPE)
    _link(root, "alternate", listing.home_url)
    if listing.hub_url:
        _link(root, "hub", listing.hub_url)
    if listing.next_url:
        _link(root, "next", listing.next_url, MEDIA_TYPE)
    for item in items:
        _entry(etree.SubElement(root, f"{{{_SPACE}}}entry"), item)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _entry(node: Any, item: Item) -> None:
    told = item.told
    if told.get("language"):
        node.set(_LANG, xml_text(told["language"]["code"]))
    _add(node, "id", item.uri)
    _add(node, "title", told["title"], type="text")
    _link(node, "alternate", told["url"])
    _add(node, "published", item.first)
    _add(node, "updated", item.latest)
    for name in told["authors"] or [told["source"]["name"]]:  # an entry has an author (4.1.2)
        _add(etree.SubElement(node, f"{{{_SPACE}}}author"), "name", name)
    for keyword in told.get("keywords") or ():
        etree.SubElement(node, f"{{{_SPACE}}}category", {"term": xml_text(keyword["text"])})
    if told.get("description"):
        _add(node, "summary", told["description"], type="text")
    if told.get("body_text"):
        _add(node, "content", told["body_text"], type="text")


def _link(node: Any, rel: str, href: str, kind: str | None = None) -> None:
    attributes = {"rel": rel, "href": xml_text(href)} | ({"type": kind} if kind else {})
    etree.SubElement(node, f"{{{_SPACE}}}link", attributes)


def _add(node: Any, name: str, text: str, **attributes: str) -> None:
    made = etree.SubElement(node, f"{{{_SPACE}}}{name}", attributes)
    made.text = xml_text(text)
