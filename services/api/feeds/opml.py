"""OPML 2.0 (opml.org/spec2.opml): feed lists in and out; folders are tags. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lxml import etree

from shared.errors import Unreadable

MAX_DEPTH = 20
MAX_TAG_CHARS = 100


@dataclass(frozen=True, slots=True)
class Outline:
    """One feed of a list. `tag` is the path of its folders, `A/B`; None at the top."""

    url: str
    title: str | None
    tag: str | None


def read(body: bytes) -> list[Outline]:
    """The feeds of an OPML document, in its order. Raises `Unreadable`.

    Nothing outside the document is read, and entities are not expanded: a document that defines any is refused.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable(f"the document is not well-formed XML: {error}") from error
    dtd: Any = root.getroottree().docinfo.internalDTD
    if dtd is not None and any(dtd.iterentities()):
        raise Unreadable("a document that defines entities is not read")
    if not isinstance(root.tag, str) or etree.QName(root).localname.lower() != "opml":
        raise Unreadable("the document is not OPML: its root must be <opml>")
    found: list[Outline] = []
    waiting = [(outline, ()) for outline in reversed(root.findall("./body/outline"))]
    stack: list[tuple[etree._Element, tuple[str, ...]]] = list(waiting)
    while stack:
        outline, folders = stack.pop()
        attributes = {str(name).lower(): str(value).strip() for name, value in outline.attrib.items()}
        title = attributes.get("title") or attributes.get("text") or None
        url = attributes.get("xmlurl") or ""
        if url:
            found.append(Outline(url, title, "/".join(folders)[:MAX_TAG_CHARS] or None))
        inside = folders if url or not title or len(folders) >= MAX_DEPTH else (*folders, title.replace("/", "-"))
        stack += [(child, inside) for child in reversed(outline.findall("outline"))]
    return found


def write(feeds: Iterable[tuple[str, str | None, str | None, list[str]]]) -> bytes:
    """(url, title, site_url, tags) as a document; a feed of several tags stands under each."""
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = "Wiredesk"
    body = etree.SubElement(root, "body")
    folders: dict[str, etree._Element] = {}
    for url, title, site_url, tags in feeds:
        for place in [_folder(body, folders, tag) for tag in tags] or [body]:
            outline = etree.SubElement(place, "outline", type="rss", text=title or url, xmlUrl=url)
            if title:
                outline.set("title", title)
            if site_url:
                outline.set("htmlUrl", site_url)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _folder(body: etree._Element, folders: dict[str, etree._Element], tag: str) -> etree._Element:
    if tag not in folders:
        above, _, name = tag.rpartition("/")
        parent = _folder(body, folders, above) if above else body
        folders[tag] = etree.SubElement(parent, "outline", text=name or tag, title=name or tag)
    return folders[tag]
