"""OPML 2.0 (opml.org/spec2.opml): feed lists in and out; folders are tags. Pure.

Two thirds of the lists people write by hand are not well-formed: they hold bare `&`, `<` and `"` in their attributes.
Those are read outline by outline, as text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

from shared.errors import Unreadable

MAX_DEPTH = 20
MAX_TAG_CHARS = 100
LONGEST_OUTLINE = 20_000  # characters, where a list is read as text

_PIECE = re.compile(r"<outline\b|</outline\s*>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([A-Za-z:_]+)\s*=\s*(["'])(.*?)\2(?=\s+[A-Za-z:_]+\s*=|\s*/?\s*>|\s*\Z)""", re.DOTALL)
_CLOSED = re.compile(r"/\s*>\s*\Z")

Folders = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """One feed of a list. `tags`: the path of its folders, `A/B`, and its categories.

    `included`: it is the address of another list, which is not fetched.
    """

    url: str
    title: str | None
    tags: tuple[str, ...] = ()
    included: bool = False


def read(body: bytes) -> list[Outline]:
    """The feeds of an OPML document, in its order. Raises `Unreadable`.

    Nothing outside the document is read, and entities are not expanded: a document that defines any is refused.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        found = [outline for folders, given in _of_text(body) if (outline := _outline(folders, given))]
        if not found:
            raise Unreadable(f"the document is not well-formed XML: {error}") from error
        return found
    dtd: Any = root.getroottree().docinfo.internalDTD
    if dtd is not None and any(dtd.iterentities()):
        raise Unreadable("a document that defines entities is not read")
    if not isinstance(root.tag, str) or etree.QName(root).localname.lower() != "opml":
        raise Unreadable("the document is not OPML: its root must be <opml>")
    return [outline for folders, given in _of_tree(root) if (outline := _outline(folders, given))]


def _of_tree(root: etree._Element) -> Iterator[tuple[Folders, dict[str, str]]]:
    """(folders, attributes by lower-case name) of every outline."""
    stack: list[tuple[etree._Element, Folders]] = [
        (outline, ()) for outline in reversed(root.findall("./body/outline"))
    ]
    while stack:
        outline, folders = stack.pop()
        given = {str(name).lower(): str(value).strip() for name, value in outline.attrib.items()}
        yield folders, given
        inside = _inside(folders, given)
        stack += [(child, inside) for child in reversed(outline.findall("outline"))]


def _of_text(body: bytes) -> Iterator[tuple[Folders, dict[str, str]]]:
    """The same of a document that is not well-formed."""
    text = body.decode("utf-8", "replace")
    if "<opml" not in text[:5000].lower():
        return
    stack: list[Folders] = [()]
    pieces = list(_PIECE.finditer(text))
    ends = [piece.start() for piece in pieces[1:]] + [len(text)] * bool(pieces)
    for piece, end in zip(pieces, ends, strict=True):
        if piece.group().startswith("</"):
            if len(stack) > 1:
                stack.pop()
            continue
        outline = text[piece.end() : min(end, piece.end() + LONGEST_OUTLINE)]
        outline = outline.partition("</body")[0]
        given = {name.lower(): html.unescape(value).strip() for name, _, value in _ATTRIBUTE.findall(outline)}
        yield stack[-1], given
        if not _CLOSED.search(outline):
            stack.append(_inside(stack[-1], given))


def _inside(folders: Folders, given: Mapping[str, str]) -> Folders:
    """The folders that the outlines within one with these attributes are in."""
    name = given.get("title") or given.get("text") or ""
    return (
        folders if given.get("xmlurl") or not name or len(folders) >= MAX_DEPTH else (*folders, name.replace("/", "-"))
    )


def _outline(folders: Folders, given: Mapping[str, str]) -> Outline | None:
    title = given.get("title") or given.get("text") or None
    if given.get("xmlurl"):
        return Outline(given["xmlurl"], title, _tags(folders, given.get("category", "")))
    if given.get("url") and given.get("type", "").lower() == "include":
        return Outline(given["url"], title, included=True)
    return None


def _tags(folders: Folders, categories: str) -> tuple[str, ...]:
    """The folders as one tag, and each category: `/a/b` or a plain word."""
    paths = ["/".join(folders), *categories.split(",")]
    tidied = ("/".join(part.strip() for part in path.split("/") if part.strip()) for path in paths)
    return tuple(dict.fromkeys(tag[:MAX_TAG_CHARS] for tag in tidied if tag))


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
