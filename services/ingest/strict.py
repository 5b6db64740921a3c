"""The fast path: well-formed RSS and Atom by lxml into `Feed`. Pure. What it is not sure of it leaves to `loose`.

It reads only what every reader would read alike: well-formed XML without a document type, a root `rss` or an Atom 1.0
`feed`. Entities are not expanded, nothing is fetched, no huge trees. A differential test over the feed corpora holds
it to what `loose` (feedparser) finds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from services.ingest.identity import own_address
from services.ingest.items import Entry, Feed
from services.ingest.namespaces import put_right
from shared.urls import resolve

_ATOM = "{http://www.w3.org/2005/Atom}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_TERMS = "{http://purl.org/dc/terms/}"
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
_MEDIA = "{http://search.yahoo.com/mrss/}"
_SY = "{http://purl.org/rss/1.0/modules/syndication/}"
_ITUNES = "{http://www.itunes.com/dtds/podcast-1.0.dtd}"
_FEEDBURNER = "{http://rssnamespace.org/feedburner/ext/1.0}"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_XHTML = "{http://www.w3.org/1999/xhtml}"
_PACKED = re.compile(rb"<(?:title|summary|content)[^>]{1,200}octet-stream")

OLDER = ("next", "prev-archive")  # links to what came before (RFC 5005, 3 and 4)
_SECOND = {
    _DC + "title": "title",
    _ITUNES + "title": "title",
    _DC + "author": "author",
    _DC + "description": "summary",
    _ITUNES + "summary": "summary",
    _ITUNES + "subtitle": "subtitle",
    _ITUNES + "author": "author",
}

_VERSION = re.compile(r"[^0-9A-Za-z.]+")
_PERIODS_S = {"hourly": 3600.0, "daily": 86400.0, "weekly": 604800.0, "monthly": 2592000.0, "yearly": 31536000.0}
_PICTURE = re.compile(r"\.(?:jpe?g|png|gif|webp|avif)(?:[?#]|\Z)", re.IGNORECASE)
_EMAIL_AND_NAME = re.compile(r"\A\S+@\S+\s*\((.+)\)\Z")
_NAME_AND_EMAIL = re.compile(r"\A([^<(]+?)\s*[(<]\S+@[^\s)>]+[)>]\Z")

_PARSER = etree.XMLParser(
    encoding="utf-8", resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True
)

Element = Any  # lxml's elements, whose stubs do not know iteration by tag


def read_strict(document: bytes, url: str) -> Feed | None:
    """The feed in a UTF-8 document without XML declaration, or None where `loose` must look."""
    return None if is_for_loose(document) else read_plain(document, url)


def read_plain(document: bytes, url: str) -> Feed | None:
    """The same of a document in which nothing is for `loose` but where it is not well-formed."""
    try:
        root: Element = etree.fromstring(document.strip(), _PARSER)
    except (etree.XMLSyntaxError, ValueError):
        return None
    put_right(root, document)
    based = b"xml:base" in document
    if root.tag == "rss":
        return _rss(root, url, based)
    return _atom(root, url, based) if root.tag == _ATOM + "feed" else None


def is_for_loose(document: bytes) -> bool:
    """Whether there is something in it that is not for this reader, well-formed or not."""
    return b"<!DOCTYPE" in document[:4096] or b"<!ENTITY" in document[:65536] or _is_packed(document)


def _is_packed(document: bytes) -> bool:
    """Whether texts may be written in base64, as Atom 0.3 allowed."""
    if b'mode="base64"' in document or b"mode='base64'" in document:
        return True
    return b"octet-stream" in document and _PACKED.search(document) is not None


def picture_like(address: str, kind: str | None, medium: str | None = None) -> bool:
    """Whether an enclosure or media element is a picture, by what it says or else by its name."""
    if kind or medium:
        return (kind or "").startswith("image") or medium == "image"
    return bool(_PICTURE.search(address))


def person(text: str) -> str | None:
    """The name in an author field; RSS has `mail@address (Name)`, and a bare address is no name."""
    text = text.strip()
    found = _EMAIL_AND_NAME.match(text) or _NAME_AND_EMAIL.match(text)
    if found:
        return found.group(1).strip()
    return None if not text or ("@" in text and " " not in text) else text


def period_s(period: str | None, frequency: str | None) -> float | None:
    """The seconds that the syndication module's updatePeriod and updateFrequency mean."""
    seconds = _PERIODS_S.get((period or "").strip().lower())
    if seconds is None:
        return None
    times = (frequency or "1").strip()
    return seconds / max(1, int(times)) if times.isdecimal() and len(times) < 8 else seconds


def _rss(root: Element, url: str, based: bool) -> Feed | None:
    channel = root.find("channel")
    if channel is None:
        return None
    feed = Feed(format=f"rss{_VERSION.sub('', root.get('version', ''))[:10] or '2.0'}", entries=[])
    period = frequency = dc_title = None
    for child in channel:
        tag = child.tag
        if tag == "item":
            continue
        if tag == "title":
            feed.title = feed.title or _inner(child)
        elif tag == "link":
            href = (child.text or "").strip() or child.get("href")
            feed.site_url = (resolve(url, href) if href else None) or feed.site_url
        elif tag in ("language", _DC + "language"):
            feed.language = feed.language or _flat(child)
        elif tag == _DC + "title":
            dc_title = dc_title or _inner(child)
        elif tag == "ttl":
            minutes = (child.text or "").strip()
            feed.ttl_s = int(minutes) * 60.0 if minutes.isdecimal() and len(minutes) < 8 else None
        elif tag == _SY + "updatePeriod":
            period = child.text
        elif tag == _SY + "updateFrequency":
            frequency = child.text
        elif tag == _ATOM + "link" and child.get("rel") == "hub":
            feed.hub = feed.hub or resolve(url, child.get("href", ""))
        elif tag == _ATOM + "link" and child.get("rel") in OLDER:
            feed.older = feed.older or resolve(url, child.get("href", ""))
        elif tag == _ATOM + "link" and child.get("rel") == "self":
            feed.topic = feed.topic or resolve(url, child.get("href", ""))
        elif tag == _ATOM + "link" and child.get("rel", "alternate") == "alternate":
            feed.site_url = feed.site_url or resolve(url, child.get("href", ""))
    feed.ttl_s = feed.ttl_s or period_s(period, frequency)
    feed.title = feed.title or dc_title
    feed.language = feed.language or root.get(_LANG)
    items = channel.findall("item") + root.findall("item")
    base = feed.site_url or url
    feed.entries = [_rss_item(item, _base(item, base) if based else base) for item in items]
    return feed


def _base(element: Element, url: str) -> str:
    """What its addresses are relative to: its `xml:base`, which may be relative itself, or nonsense."""
    return resolve(url, element.base) or url if element.base else url


def _rss_item(item: Element, base: str) -> Entry:
    entry = Entry()
    permalink, original, created = True, None, None
    second: dict[str, str] = {}  # what the modules say where RSS itself says nothing
    for child in item:
        tag = child.tag
        if tag == "title":
            entry.title = entry.title or _inner(child)
        elif tag == "link":
            href = (child.text or "").strip() or child.get("href")
            entry.link = resolve(base, href) if href else entry.link
        elif tag == "guid":
            entry.guid = entry.guid or _flat(child)
            permalink = (child.get("isPermaLink") or "true").strip().lower() != "false"
        elif tag == "description":
            entry.summary = entry.summary or _inner(child) or None
        elif tag == _CONTENT:
            entry.content = entry.content or _inner(child) or None
        elif tag == _XHTML + "body":
            entry.content = entry.content or _xhtml(child) or None
        elif tag == _ATOM + "content":
            entry.content = entry.content or _markup(child)
        elif tag in ("body", "fullitem"):
            entry.content = entry.content or _inner(child) or None
        elif tag in _SECOND:
            if text := _inner(child):
                second.setdefault(_SECOND[tag], text)
        elif tag == "pubDate":
            entry.published = entry.published or _flat(child)
        elif tag in (_DC + "date", _TERMS + "issued", _TERMS + "created", _ATOM + "published"):
            created = created or _flat(child)
        elif tag in (_ATOM + "updated", _TERMS + "modified", "updated", "modified"):
            entry.updated = entry.updated or _flat(child)
        elif tag in ("author", _DC + "creator"):
            if name := person(_flat(child) or ""):
                entry.authors.append(name)
        elif tag == _ATOM + "author":
            entry.authors += _names(child)
        elif tag in ("category", _DC + "subject", _ATOM + "category"):
            if name := _flat(child) or child.get("label") or child.get("term"):
                entry.categories.append(name)
        elif tag in (_ITUNES + "keywords", _MEDIA + "keywords"):
            entry.categories += [word.strip() for word in (child.text or "").split(",") if word.strip()]
        elif tag == "enclosure":
            _attach(entry, child.get("url"), child.get("type"), None, child.get("length"), base)
        elif tag == _FEEDBURNER + "origLink":
            original = resolve(base, child.text or "")
        elif tag == _ATOM + "link":
            if entry.link is None and child.get("rel", "alternate") == "alternate" and child.get("href"):
                entry.link = resolve(base, child.get("href"))
        elif isinstance(tag, str) and tag.startswith(_MEDIA):
            _media(entry, child, base)
        elif tag == _ITUNES + "image":
            _attach(entry, child.get("href"), None, "image", None, base)
        elif tag == _DC + "language":
            entry.language = _flat(child)
        elif isinstance(tag, str) and tag.rpartition("}")[2].lower() == "pubstatus":
            entry.pubstatus = _flat(child)
    entry.published = entry.published or created or entry.updated
    entry.title = entry.title or second.get("title", "")
    if entry.summary and entry.summary != second.get("summary"):
        entry.content = entry.content or second.get("summary")
    entry.summary = entry.summary or second.get("summary") or second.get("subtitle")
    entry.categories = list(dict.fromkeys(entry.categories))
    if not entry.authors and (name := person(second.get("author", ""))):
        entry.authors.append(name)
    entry.link = original or entry.link
    if entry.link is None and permalink and (entry.guid or "").startswith(("http://", "https://")):
        entry.link = resolve(base, entry.guid or "")
    return entry


def _atom(root: Element, url: str, based: bool) -> Feed:
    feed = Feed(format="atom1.0", entries=[], language=root.get(_LANG))
    feed_authors: list[str] = []
    period = frequency = None
    for child in root:
        tag = child.tag
        if tag == _ATOM + "title":
            feed.title = feed.title or _construct(child)[0]
        elif tag == _ATOM + "link":
            rel = child.get("rel", "alternate")
            if rel == "alternate" and child.get("href"):
                feed.site_url = feed.site_url or resolve(_base(root, url) if based else url, child.get("href"))
            elif rel == "hub":
                feed.hub = feed.hub or resolve(url, child.get("href", ""))
            elif rel == "self":
                feed.topic = feed.topic or resolve(url, child.get("href", ""))
            elif rel in OLDER:
                feed.older = feed.older or resolve(url, child.get("href", ""))
        elif tag == _ATOM + "author":
            feed_authors += _names(child)
        elif tag == _SY + "updatePeriod":
            period = child.text
        elif tag == _SY + "updateFrequency":
            frequency = child.text
    feed.ttl_s = period_s(period, frequency)
    for element in root.iterfind(_ATOM + "entry"):
        base = _base(element, url) if based else url
        feed.entries.append(_atom_entry(element, base, feed.site_url or url, feed_authors))
    return feed


def _atom_entry(element: Element, base: str, site: str, feed_authors: list[str]) -> Entry:
    entry = Entry(language=element.get(_LANG))
    original, other, related = None, None, None
    for child in element:
        tag = child.tag
        if tag == _ATOM + "title":
            entry.title, entry.title_is_text = _construct(child)
        elif tag == _ATOM + "link":
            rel, href = child.get("rel", "alternate"), child.get("href")
            if not href:
                continue
            if rel == "alternate" and (entry.link is None or child.get("type") == "text/html"):
                entry.link = resolve(base, href)
            elif rel == "enclosure":
                _attach(entry, href, child.get("type"), None, child.get("length"), base)
            elif rel in ("related", "via"):
                related = related or resolve(base, href)
            elif rel not in ("self", "edit", "replies", "hub", "next", "prev", "alternate", "edit-media"):
                other = other or resolve(base, href)
        elif tag == _ATOM + "id":
            entry.guid = entry.guid or _flat(child)
        elif tag == _ATOM + "summary":
            entry.summary = entry.summary or _markup(child)
        elif tag == _ATOM + "content":
            entry.content = entry.content or _markup(child)
            other = other or (resolve(base, child.get("src")) if child.get("src") else None)
        elif tag == _ATOM + "published":
            entry.published = entry.published or _flat(child)
        elif tag == _ATOM + "updated":
            entry.updated = entry.updated or _flat(child)
        elif tag == _ATOM + "author":
            entry.authors += _names(child)
        elif tag == _ATOM + "category":
            if name := child.get("label") or child.get("term") or _flat(child):
                entry.categories.append(name)
        elif tag == _FEEDBURNER + "origLink":
            original = resolve(base, child.text or "")
        elif isinstance(tag, str) and tag.startswith(_MEDIA):
            _media(entry, child, base)
    entry.link, entry.elsewhere = own_address(original or entry.link or other, related, site)
    entry.published = entry.published or entry.updated
    entry.authors = entry.authors or list(feed_authors)
    entry.categories = list(dict.fromkeys(entry.categories))
    if entry.link is None and entry.elsewhere is None and (entry.guid or "").startswith(("http://", "https://")):
        entry.link = resolve(base, entry.guid or "")
    return entry


def _media(entry: Entry, element: Element, base: str) -> None:
    for found in _media_elements(element):
        tag = found.tag.removeprefix(_MEDIA)
        if tag == "thumbnail":
            _attach(entry, found.get("url"), None, "image", None, base, found)
        elif tag == "content":
            _attach(entry, found.get("url"), found.get("type"), found.get("medium"), found.get("fileSize"), base, found)
        elif tag == "description" and entry.summary is None and element.tag == _MEDIA + "group":
            entry.summary = _inner(found) or None


def _media_elements(element: Element) -> Iterator[Element]:
    yield element
    if element.tag in (_MEDIA + "group", _MEDIA + "content"):
        for child in element:
            if isinstance(child.tag, str) and child.tag.startswith(_MEDIA):
                yield from _media_elements(child)


def _attach(
    entry: Entry,
    href: str | None,
    kind: str | None,
    medium: str | None,
    length: str | None,
    base: str,
    element: Element = None,
) -> None:
    address = resolve(base, href) if href else None
    if address is None:
        return
    if picture_like(address, kind, medium):
        if any(image["url"] == address for image in entry.images):
            return
        image: dict[str, Any] = {"url": address}
        if element is not None:
            sizes = ((name, element.get(name, "")) for name in ("width", "height"))
            image |= {name: int(size) for name, size in sizes if size.isdecimal() and len(size) < 8}
            for name, tag in (("caption", "description"), ("caption", "title"), ("credit", "credit")):
                text = element.findtext(_MEDIA + tag)
                if text and text.strip():
                    image.setdefault(name, text.strip())
        entry.images.append(image)
    elif not any(media["url"] == address for media in entry.media):
        size = int(length) if length and length.isdecimal() and len(length) < 16 else None
        entry.media.append({"url": address, "type": kind, "length": size or None})


def _names(element: Element) -> list[str]:
    name = person(element.findtext(_ATOM + "name") or "")
    return [name] if name else []


def _construct(element: Element) -> tuple[str, bool]:
    """(text, whether it is free of markup): an Atom text construct, RFC 4287, 3.1."""
    kind = element.get("type", "text")
    if kind == "xhtml":
        return _xhtml(element), False
    return (element.text or "").strip() if not len(element) else _inner(element), kind == "text"


def _markup(element: Element) -> str | None:
    """HTML of an Atom text construct or content, None where it is empty or elsewhere."""
    kind = (element.get("type") or "text").lower()
    if element.get("src"):
        return None
    if kind in ("xhtml", "application/xhtml+xml"):
        return _xhtml(element) or None
    text = _inner(element)
    if kind in ("text", "text/plain"):
        text = text.replace("&", "&amp;").replace("<", "&lt;")
    elif not kind.startswith("text/") and kind != "html" and "xml" not in kind:
        return None
    return text or None


def _xhtml(element: Element) -> str:
    for node in element.iter():
        if isinstance(node.tag, str) and node.tag.startswith(_XHTML):
            node.tag = node.tag[len(_XHTML) :]
    return _inner(element)


def _inner(element: Element) -> str:
    """The content: plain where there is only text, as HTML where somebody forgot to escape it."""
    if not len(element):
        return (element.text or "").strip()
    etree.cleanup_namespaces(element)
    parts = [element.text or ""]
    parts += [etree.tostring(child, encoding="unicode", method="html") for child in element]
    return "".join(parts).strip()


def _flat(element: Element) -> str | None:
    text = element.text if not len(element) else "".join(element.itertext())
    return (text or "").strip() or None
