"""The tolerant path and the reference: feedparser into `Feed`. Pure.

feedparser gets a file object and nothing else: bytes or text that look like a path or an address it would open. Its
own sanitising and link resolving stay off, since they are quadratic; both are done later, for new items only.
"""

from __future__ import annotations

import io
import re
from typing import Any

import feedparser

from services.ingest.identity import own_address
from services.ingest.items import Entry, Feed
from services.ingest.outside import in_markup
from services.ingest.refusals import NotAFeed
from services.ingest.strict import OLDER, period_s, person, picture_like
from shared.urls import resolve

_FORMATS = {
    **{"rss": "rss2.0", "rss20": "rss2.0", "rss10": "rdf1.0", "rss090": "rdf0.9"},
    **{"rss091n": "rss0.91", "rss091u": "rss0.91", "atom": "atom1.0", "atom10": "atom1.0", "atom03": "atom0.3"},
}
_LONG_TAG = re.compile(rb"<[^<>]{10000,}")
_QUOTED = re.compile(rb"""=\s*["']""")
MOST_ATTRIBUTES = 500  # of one element: feedparser compares each with each
_CAPTION = re.compile(rb"<(/?)media:(title|description)\b")
_DECLARATION = b'<?xml version="1.0" encoding="utf-8"?>\n'


def read_loose(document: bytes, url: str) -> Feed | None:
    """The feed in a UTF-8 document without XML declaration; None where feedparser finds none. Raises `NotAFeed`."""
    if any(len(_QUOTED.findall(tag)) > MOST_ATTRIBUTES for tag in _LONG_TAG.findall(document)):
        raise NotAFeed("an element of the feed has more attributes than any feed needs", code="unreadable")
    if b"<media:group" not in document or b"<rss" in document[:4096]:
        # A picture's caption, which feedparser takes for the item's own text. (In Atom, groups describe videos.)
        document = in_markup(document, lambda piece: _CAPTION.sub(rb"<\1media:picture-\2", piece))
    found: Any = feedparser.parse(
        io.BytesIO(_DECLARATION + document.lstrip()),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    if not found.version and not found.entries:
        return None
    channel: Any = found.feed
    version = found.version or "rss"
    atom = version.startswith("atom")
    link = _site(channel) if atom else channel.get("link")
    site_url = resolve(url, link) if link else None
    base = url if atom else site_url or url
    authors = _authors(channel, version) if atom else []
    return Feed(
        format=_FORMATS.get(version, version.replace("rss09", "rss0.9")),
        entries=[_entry(entry, base, version, site_url or url, authors) for entry in found.entries],
        title=channel.get("title"),
        site_url=site_url,
        language=channel.get("language"),
        ttl_s=_ttl_s(channel),
        hub=_rel(channel.get("links", ()), "hub", url),
        topic=_rel(channel.get("links", ()), "self", url),
        older=next(filter(None, (_rel(channel.get("links", ()), rel, url) for rel in OLDER)), None),
        damaged=bool(found.bozo),
    )


def _site(channel: Any) -> str | None:
    """What an Atom feed calls its page: feedparser takes the feed's id where it names none."""
    hrefs = (link.get("href") for link in channel.get("links", ()) if link.get("rel") == "alternate")
    return next((str(href) for href in hrefs if href), None)


def _entry(found: Any, base: str, version: str, site: str, feed_authors: list[str]) -> Entry:
    guid, link = found.get("id"), found.get("link")
    if link == guid and not found.get("links"):
        link = None  # feedparser's guess; a guid that is a permanent link is one of ours below
    link = (
        found.get("feedburner_origlink")
        or link
        or next((c["src"] for c in found.get("content", ()) if c.get("src")), None)
    )
    others = [x.get("href") for x in found.get("links", ()) if x.get("rel") in ("related", "via") and x.get("href")]
    related = resolve(base, others[0]) if others and version.startswith("atom") else None
    own, elsewhere = own_address(resolve(base, link) if link else None, related, site)
    permanent = guid and str(guid).startswith(("http://", "https://")) and found.get("guidislink") is not False
    if not own and not elsewhere and permanent:
        own = resolve(base, guid)
    detail = found.get("title_detail") or {}
    entry = Entry(
        guid=guid or None,
        link=own,
        elsewhere=elsewhere,
        title=found.get("title") or "",
        title_is_text=version.startswith("atom") and detail.get("type") == "text/plain",
        summary=_markup(found.get("summary_detail"), found.get("summary"), version),
        content=_longest(found.get("content") or (), version),
        authors=_authors(found, version) or list(feed_authors),
        published=dict.get(found, "published") or dict.get(found, "created") or dict.get(found, "updated"),
        updated=dict.get(found, "updated") if version.startswith("atom") or dict.get(found, "published") else None,
        language=found.get("language"),
        categories=_categories(found),
        pubstatus=found.get("pubstatus") or None,
    )
    if entry.summary == entry.content:  # feedparser fills either with the other
        entry.summary = None if version.startswith("atom") or entry.content is None else entry.summary
    for enclosure in (*found.get("enclosures", ()), *found.get("media_content", ())):
        _attach(entry, enclosure, base)
    for picture in (*found.get("media_thumbnail", ()), found.get("image") or {}):
        _attach(entry, {**picture, "medium": "image"}, base)
    return entry


def _categories(found: Any) -> list[str]:
    names = (tag.get("label") or tag.get("term") for tag in found.get("tags", ()))
    return list(dict.fromkeys(str(name) for name in names if name))


def _markup(detail: Any, text: str | None, version: str) -> str | None:
    if not text:
        return None
    if version.startswith("atom") and detail and detail.get("type") == "text/plain":
        return text.replace("&", "&amp;").replace("<", "&lt;")
    return text


def _longest(contents: Any, version: str) -> str | None:
    texts = [_markup(content, content.get("value"), version) or "" for content in contents]
    return max(texts, key=len, default="") or None


def _authors(found: Any, version: str) -> list[str]:
    people = [author.get("name") for author in found.get("authors", ())]
    if len(people) < 2 and not version.startswith("atom"):
        people = [found.get("author")]  # as it is written: feedparser's split of it loses brackets
    return list(dict.fromkeys(name for text in people if text and (name := person(str(text)))))


def _attach(entry: Entry, found: Any, base: str) -> None:
    href = found.get("href") or found.get("url")
    address = resolve(base, str(href)) if href else None
    if address is None:
        return
    if picture_like(address, found.get("type"), found.get("medium")):
        if not any(image["url"] == address for image in entry.images):
            told = ((name, str(found.get(name, ""))) for name in ("width", "height"))
            sizes = {name: int(size) for name, size in told if size.isdecimal() and len(size) < 8}
            entry.images.append({"url": address, **sizes})
    elif not any(media["url"] == address for media in entry.media):
        length = str(found.get("length") or found.get("filesize") or "")
        size = int(length) if length.isdecimal() and len(length) < 16 else None
        entry.media.append({"url": address, "type": found.get("type"), "length": size or None})


def _ttl_s(channel: Any) -> float | None:
    minutes = str(channel.get("ttl") or "").strip()
    if minutes.isdecimal() and len(minutes) < 8:
        return int(minutes) * 60.0
    return period_s(channel.get("sy_updateperiod"), channel.get("sy_updatefrequency"))


def _rel(links: Any, rel: str, url: str) -> str | None:
    return next((resolve(url, str(x.get("href", ""))) for x in links if x.get("rel") == rel), None)
