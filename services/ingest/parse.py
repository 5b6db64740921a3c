"""A body into a `ParsedFeed`. Pure; runs in the parse pool, since the body may be hostile.

body ─ unpack ─ encoding ─ document type out ─ view ─▶ its items, those known by their bytes unread (`raw`)
                                                 │       └─ named ─ known word for word? ─┬─ yes: counted, left out
                                                 │                                        └─ no: clean ─▶ ParsedFeed
                                                 └─ read ─┬─ JSON ──────────── jsonfeed ─▶ Feed
                                                          ├─ HTML page ─▶ NotAFeed
                                                          ├─ sitemap
                                                          └─ XML ─ strict ─(unsure)─ what is whole of it, mended ─ loose
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import nlargest
from html import unescape

from services.ingest import torn
from services.ingest.doctype import without_doctype
from services.ingest.encoding import to_utf8
from services.ingest.identity import deleted, goes_by, name
from services.ingest.items import MAX_ITEMS, Feed, Item, ParsedFeed
from services.ingest.jsonfeed import looks_like_json, read_json
from services.ingest.loose import read_loose
from services.ingest.markup import title_of
from services.ingest.mend import mended
from services.ingest.normalise import clean, language_tag
from services.ingest.outside import in_markup
from services.ingest.refusals import NotAFeed
from services.ingest.sitemap import ROOTS, read_sitemap
from services.ingest.strict import read_strict
from services.ingest.view import EPOCH, Held, look
from shared.unpacking import GZIP, Unpacker
from shared.urls import resolve, shown

UNPACKED_LIMIT = 15_000_000  # bytes of a body that is itself a gzip file
PIECE = 65_536  # of it that is unpacked at once
HASH = 16  # bytes of an item's hash
DATES = 50  # of the newest entries, for the schedule

_PAGE = re.compile(rb"\A(?:\s|<!--.*?-->)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_FEED_IN_PAGE = re.compile(rb"<(?:rss|feed|rdf:RDF)[\s>]")  # somebody's template put a page around a feed
_FEED_ROOT = re.compile(rb"<(?:[\w.\-]{1,30}:)?(rss|feed|RDF)[\s>]")
_LINK = re.compile(r"<link\b[^>]{0,2000}>", re.IGNORECASE)
_FEED_TYPE = re.compile(r"""type\s*=\s*["']?application/(?:rss\+xml|atom\+xml|feed\+json|rdf\+xml)""", re.IGNORECASE)
_HREF = re.compile(r"""href\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""", re.IGNORECASE)
_PREFIXED = re.compile(rb"<([A-Za-z][\w.\-]{0,30}):(?:item|entry)[\s>]")
_ITEM = re.compile(rb"<(?:item|entry)[\s>]", re.IGNORECASE)
# What a page or a piece of one may begin with, and no feed.
_HTML_NAMES = (
    "html head body meta link title base script style noscript div p br h1 h2 h3 center table span a img b font"
)
_HTML = frozenset(_HTML_NAMES.split())
_ROOT = re.compile(rb"<([A-Za-z_][\w:.\-]*)")


@dataclass(frozen=True, slots=True)
class Job:
    """What there is to parse. `known` holds the item hashes (see `identity.signature`) that this feed had already, each
    of `HASH` bytes, one after the other.
    """

    feed_id: int
    url: str  # where the body came from
    content_type: str | None
    now: datetime
    known: bytes = b""
    memo: bytes = b""  # of the feed's body before, see `raw`; the pool's own affair
    remember: bool = False  # whether the next body of the feed may be like this one


def parse(body: bytes, job: Job) -> ParsedFeed:
    """What the body holds. Raises `NotAFeed`."""
    url = shown(job.url)  # the name and password in a feed's address are no part of its articles'
    document, repaired = to_utf8(_unpacked(body), job.content_type)
    document, entities_refused = (document, False) if _is_page(document) else without_doctype(document)
    known = {job.known[n : n + HASH] for n in range(0, len(job.known), HASH)}
    feed, held, memo = look(document, url, job.feed_id, job.memo, known, lambda: read(document, url))
    base = feed.site_url or url
    items: list[Item] = []
    seen: set[int] = set()
    same: set[str] = set()
    unchanged = repeated = refused = 0
    named = goes_by([one.mark.traits for one in held])
    left_out = _left_out(held, known)
    for n, (one, by) in enumerate(zip(held, named, strict=True)):
        if n in left_out:
            continue
        item_hash, traits = one.mark.item_hash, by.all()
        if one.mark.empty:
            refused += 1
        elif any([trait in seen for trait in traits]):
            repeated += 1
        elif item_hash in known or one.entry is None:
            unchanged += 1
            same.add(item_hash.hex())
        else:
            names = name(one.entry, by, job.feed_id)
            items.append(clean(one.entry, names, item_hash.hex(), base, feed.language, job.now))
        seen.update(traits)
    return ParsedFeed(
        format=feed.format,
        title=title_of(feed.title, False)[:500] or None if feed.title else None,
        site_url=feed.site_url,
        language=language_tag(feed.language),
        ttl_s=feed.ttl_s,
        hub=feed.hub,
        topic=feed.topic,
        damaged=feed.damaged,
        encoding_repaired=repaired,
        entries=len(held),
        items=items,
        unchanged=unchanged,
        repeated=repeated,
        refused=refused,
        capped=len(left_out),
        dates=_newest_dates(held, job.now),
        entities_refused=entities_refused,
        children=feed.children,
        same=sorted(same),
        withdrawn=[] if memo else deleted(document, feed.entries, job.feed_id),  # in what has a memo there is no such
        torn=feed.torn,
        older=feed.older,
        memo=memo,
    )


def read(document: bytes, url: str) -> Feed:
    """The feed in a UTF-8 document, by the reader that fits. Raises `NotAFeed`."""
    if not document.strip():
        raise NotAFeed("the body is empty; the address answers, but gives nothing", code="empty")
    if looks_like_json(document):
        return read_json(document, url)
    if _is_page(document):
        raise _page(document, url)
    if _root(document) in ROOTS:
        return _read_torn(document, url) or read_sitemap(document, url)
    feed = read_strict(document, url) or _read_torn(document, url) or _read_damaged(document, url)
    if feed is not None and not (feed.entries or feed.torn) and _ITEM.search(document):
        # Not where, or not as, the strict reader looks for them.
        feed = read_loose(document, url) or feed
    if feed is None or not (feed.entries or feed.torn):
        feed = _read_prefixed(document, url) or feed
    if feed is None or (not feed.entries and _is_html(document)):  # a script in a page may speak of feeds
        raise _other(document, url)
    return feed


def _is_html(document: bytes) -> bool:
    return (_root(document) or "").lower() in _HTML


def _is_page(document: bytes) -> bool:
    head = document[:4096]
    return _PAGE.match(head) is not None and _FEED_IN_PAGE.search(head) is None


def _read_torn(document: bytes, url: str) -> Feed | None:
    """The whole items of a document that broke off; None where it did not. Raises `NotAFeed`."""
    root = _root(document) or ""
    if root not in torn.ROOTS and (found := _FEED_ROOT.search(document[:4096])):  # behind what does not belong there
        root = found.group(1).decode()
    if root not in torn.ROOTS or not torn.is_torn(document, root):
        return None
    whole = torn.whole_part(document, root)
    if whole is None and root != _root(document):
        return None
    if whole is None:
        raise NotAFeed("the body breaks off before its first item ends", code="unreadable")
    feed = read_sitemap(whole, url) if root in ROOTS else read_strict(whole, url) or _read_damaged(whole, url)
    if feed is None or not feed.entries:
        feed = _read_prefixed(whole, url) or feed
    return feed and replace(feed, damaged=True, torn=True)


def _read_damaged(document: bytes, url: str) -> Feed | None:
    """What the strict reader does not take: read by it where mending helps, else by the tolerant one."""
    better = mended(document)
    feed = read_strict(better, url) if better != document else None
    return replace(feed, damaged=True) if feed is not None and feed.entries else read_loose(document, url)


def _read_prefixed(document: bytes, url: str) -> Feed | None:
    """A feed whose every element has a prefix that no reader expects (`<rss:item>`), read without it."""
    found = _PREFIXED.search(document)
    if found is None:
        return None
    prefix = re.compile(rb"<(/?)" + found.group(1) + rb":")
    return read_loose(in_markup(document, lambda piece: prefix.sub(rb"<\1", piece)), url)


def _unpacked(body: bytes) -> bytes:
    """A gzip file served as it is, with no word of it in the headers, unpacked."""
    if not body.startswith(GZIP):
        return body
    unpacker = Unpacker(UNPACKED_LIMIT)
    try:
        unpacked = b"".join(unpacker.feed(body[at : at + PIECE]) for at in range(0, len(body), PIECE))
    except zlib.error as error:
        raise NotAFeed(f"the body is a damaged gzip file: {error}", code="unreadable") from error
    if len(unpacked) > UNPACKED_LIMIT:
        raise NotAFeed(f"the body is a gzip file of more than {UNPACKED_LIMIT} bytes", code="too_big")
    return unpacked


def _page(document: bytes, url: str) -> NotAFeed:
    candidates = feed_links(document, url)
    if candidates:
        advice = "the page names these feeds, add one of them instead: " + ", ".join(candidates)
    else:
        advice = "it names no feed either; look for the site's RSS or Atom address"
    return NotAFeed(f"the address gives a web page, not a feed; {advice}", candidates=candidates)


def feed_links(document: bytes, url: str) -> list[str]:
    """The addresses that a page names as its feeds (HTML, `rel=alternate`), at most ten."""
    page = document[:500_000].decode("utf-8", "replace")
    found: list[str] = []
    for link in _LINK.findall(page):
        href = _HREF.search(link) if _FEED_TYPE.search(link) else None
        if href:
            address = resolve(url, unescape(next(part for part in href.groups() if part is not None)))
            if address and address not in found:
                found.append(address)
    return found[:10]


def _other(document: bytes, url: str) -> NotAFeed:
    if _is_html(document):
        return _page(document, url)
    name = _root(document)
    if name:
        return NotAFeed(f"the body is XML with the root <{name[:60]}>, which is no feed format that is read here")
    return NotAFeed("the body is neither XML nor JSON; check the address", code="not_a_feed")


def _root(document: bytes) -> str | None:
    """The name of the first element, without its prefix. Comments and instructions may hold anything."""
    at, head = 0, document[:65536]
    while (at := head.find(b"<", at)) >= 0:
        if root := _ROOT.match(head, at):
            return root.group(1).decode("utf-8", "replace").rpartition(":")[2]
        closing = b"-->" if head.startswith(b"<!--", at) else b">"
        end = head.find(closing, at + 1)
        if end < 0:
            return None
        at = end
    return None


def _left_out(held: list[Held], known: Set[bytes]) -> Set[int]:
    """The places of what is too much for one poll: of the items not known, all but the newest `MAX_ITEMS`.

    Those without a date are in the order in which they stand, behind those with one. The next poll takes of the rest.
    """
    if len(held) <= MAX_ITEMS:
        return frozenset()
    unknown = [n for n, one in enumerate(held) if one.entry is not None and one.mark.item_hash not in known]
    newest = sorted(unknown, key=lambda n: -(held[n].mark.at or 0))
    return frozenset(newest[MAX_ITEMS:])


def _newest_dates(held: list[Held], now: datetime) -> list[datetime]:
    newest = nlargest(
        DATES, [at for one in held if (at := one.mark.at) is not None]
    )  # some feeds begin with the oldest
    return [min(now, EPOCH + timedelta(microseconds=at)) for at in newest]
