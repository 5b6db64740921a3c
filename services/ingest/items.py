"""The stages of a feed's item, each a type: `Entry` as read, `Item` as cleaned, `ParsedFeed` all of a body. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

MAX_ITEMS = 2000  # of one poll that are not known word for word; the rest is counted as capped


@dataclass(slots=True)
class Entry:
    """An item as its feed gave it: texts may hold markup, addresses are absolute or None, dates are raw."""

    guid: str | None = None
    link: str | None = None
    elsewhere: str | None = None  # what it is about, by another publisher: never its own address
    title: str = ""
    title_is_text: bool = False  # the feed says that the title holds no markup
    summary: str | None = None  # HTML
    content: str | None = None  # HTML
    authors: list[str] = field(default_factory=list)
    published: str | None = None
    updated: str | None = None
    language: str | None = None
    images: list[dict[str, Any]] = field(default_factory=list)  # members of shared.articles.Image
    media: list[dict[str, Any]] = field(default_factory=list)  # members of shared.articles.Media
    categories: list[str] = field(default_factory=list)
    pubstatus: str | None = None  # IPTC: usable, withheld, canceled


def is_empty(entry: Entry) -> bool:
    """Whether there is nothing in it that could be an article."""
    return not (entry.title.strip() or entry.summary or entry.content or entry.link or entry.elsewhere)


@dataclass(slots=True)
class Feed:
    """A body as one of the readers understood it."""

    format: str  # rss2.0, atom1.0, rdf1.0, json1.1, newssitemap, sitemapindex, ...
    entries: list[Entry]
    title: str | None = None
    site_url: str | None = None
    language: str | None = None
    ttl_s: float | None = None  # the feed's own word on how long it stays the same
    hub: str | None = None
    topic: str | None = None  # under which address its hub knows the feed (rel=self)
    damaged: bool = False  # not well-formed, but understood
    torn: bool = False  # it broke off: the item in which it did is left out
    children: list[str] = field(default_factory=list)  # the sitemaps of an index, which has no entries of its own
    older: str | None = None  # where what came before these entries stands (RFC 5005, `next_url` of JSON Feed)


@dataclass(slots=True, frozen=True)
class Names:
    """Under which keys an item may be known: 32 hex digits each, None where it has no such name."""

    guid: str | None = None
    url: str | None = None
    guid_url: str | None = None  # the guid, read as the address it is
    fallback: str | None = None  # feed, address and title, where it has no other name

    def all(self) -> list[str]:
        """The names there are, the surest first."""
        return [key for key in (self.guid, self.url, self.guid_url, self.fallback) if key is not None]


@dataclass(slots=True)
class Item:
    """A cleaned item: text without markup or control characters, `body_html` sanitised, dates read.

    `item_hash` is 32 hex digits: 16 of the title as given, 16 of all else as given. `content_hash` is of what a reader
    would see.
    """

    names: Names
    item_hash: str
    content_hash: str
    guid: str | None
    url: str
    canonical_url: str
    title: str
    description: str | None
    body_html: str | None
    authors: list[str]
    language: str | None
    published_at: datetime | None
    published_precision: str
    published_raw: str | None
    modified_at: datetime | None
    images: list[dict[str, Any]]
    media: list[dict[str, Any]]
    categories: list[str]
    withdrawn: bool = False  # its publisher takes it back
    teaser: bool = False  # what the feed gives is less than the article
    packed: str | None = None  # `description` and `body_html` as they are stored (`shared.packing`), in hex
    headline: str = ""  # what its title is known by, see `twins.notices.headline`


@dataclass(slots=True, frozen=True)
class ParsedFeed:
    """What the parse pool returns: the feed's own data, and the items that are not known word for word already.

    `entries` == len(items) + unchanged + repeated + refused + capped. `dates` are of the newest entries, newest first.
    """

    format: str
    title: str | None
    site_url: str | None
    language: str | None
    ttl_s: float | None
    hub: str | None
    damaged: bool
    encoding_repaired: bool
    entries: int
    items: list[Item]
    unchanged: int
    repeated: int  # the same item a second time in one body
    refused: int  # neither title, text nor address
    capped: int
    dates: list[datetime]
    entities_refused: bool = False
    topic: str | None = None
    children: list[str] = field(default_factory=list)  # see `Feed`
    same: list[str] = field(default_factory=list)  # the hashes of the unchanged
    withdrawn: list[str] = field(default_factory=list)  # keys of items that the body says are deleted
    torn: bool = False  # see `Feed`
    older: str | None = None  # see `Feed`
    memo: bytes = b""  # of the items as they stand in the body, see `raw`; empty where it is read whole each time
