"""Under which names an item is known. Pure. An article is one thing however many feeds carry it.

| the feed gives | the item goes by |
|---|---|
| a guid of its own | guid within the feed, and its address everywhere |
| no guid, or an empty one | its address |
| one guid for several addresses (constant, repeated) | its address alone |
| other guids for the same addresses than before | its address; the new guids are noted, `guids_changed` |
| other guids in every poll | its address; the guids are no longer noted (`guids.py`) |
| other guids, addresses and site than before | title and date among what the feed carried (`decide.by_title`) |
| a guid that was another article's (other address, title, date) | its address; the guid stays the other's |
| one address for several guids (change logs, live pages) | guid, or the fragment |
| a guid that is an address | also that address, everywhere |
| tracking, scheme, `www.`, mobile or AMP form of an address | the same address (`shared.urls.identity`) |
| only an address elsewhere (`external_url`, `rel=related`) | guid, or title: the address is somebody else's |
| an address elsewhere, its own as `related` or `via` | its own |
| neither guid nor address | feed, title and date |
| a title that its source had within a week | the article that has it (`twins.titles`) |

The rules in words, each for a way in which real feeds break their own names:

- A guid is a name within its feed, whatever it looks like. One that several items with different addresses share in
  one body is the name of none of them (constant and repeated guids).
- An address is a name everywhere, in its `identity` form: tracking, scheme and `www.` make no difference. The root of
  a site and the feed's own site address name no article. An address that items with different guids share in one
  body is told apart by its fragment, or names none of them (change logs, live pages).
- A guid that is an address is a name everywhere too, as long as it is a name at all.
- An item without any of these goes by its feed, address and title, or its text where it has no title.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple
from urllib.parse import urlsplit

from services.ingest.items import Entry, Names
from services.ingest.twins.notices import tombstones
from shared.errors import AddressRefused
from shared.urls import host_of, identity, registrable_domain


def key(kind: str, *parts: str) -> str:
    """32 hex digits that stand for a name of this kind."""
    return blake2b("\0".join((kind, *parts)).encode("utf-8", "replace"), digest_size=16).hexdigest()


def name_entries(entries: Sequence[Entry], feed_id: int, site_url: str | None) -> list[Names]:
    """The names of every item of one body, in order."""
    home = home_of(site_url)
    by = goes_by([traits(entry, home) for entry in entries])
    return [name(entry, names, feed_id) for entry, names in zip(entries, by, strict=True)]


class Traits(NamedTuple):
    """What may name an item, as numbers that are equal where the texts are: 0 where there is none.

    The numbers are Python's hashes: they hold within a process and those forked from one server.
    """

    guid: int
    page: int  # its address
    part: int  # its address with the fragment
    guid_page: int  # the guid, read as an address
    title: int
    whole: int  # what it goes by where it has no name


class By(NamedTuple):
    """The traits that name an item among those of its body."""

    guid: int
    page: int
    guid_page: int
    whole: int  # of all items: it counts where there is nothing else

    def all(self) -> list[int]:
        """The traits that name it."""
        return [trait for trait in self[:3] if trait] or [self.whole]


def home_of(site_url: str | None) -> str:
    """The identity of a feed's own site, which names none of its items."""
    return _page(site_url)


def traits(entry: Entry, home: str) -> Traits:
    """The traits of an entry."""
    guid, page = _guid(entry), _own_page(entry, home)
    fragment = urlsplit(entry.link).fragment if page and entry.link and "#" in entry.link else ""
    guid_page = _guid_page(guid)
    return Traits(
        hash(("guid", guid)) if guid else 0,
        hash(page) if page else 0,
        hash(f"{page}#{fragment}") if fragment else 0,
        hash(guid_page) if guid_page else 0,
        hash(("title", entry.title)),
        hash(_unnamed(entry)),
    )


def goes_by(items: Sequence[Traits]) -> list[By]:
    """Which of their traits name the items of one body, in order."""
    guids, pages = [item.guid for item in items if item.guid], [item.page for item in items if item.page]
    alone = len({*guids}) == len(guids) and len({*pages}) == len(pages)
    if alone and all([not item.guid_page or item.guid_page == item.page for item in items]):
        return [By(item.guid, item.page, 0, item.whole) for item in items]
    return told_apart(items)


def told_apart(items: Sequence[Traits]) -> list[By]:
    """The same, whatever they share."""
    links_of: dict[int, set[int]] = defaultdict(set)
    guids_of: dict[int, set[int]] = defaultdict(set)
    for item in items:
        links_of[item.guid].add(item.page or item.title)
        guids_of[item.page].add(item.guid or item.title)
    guids = [item.guid if item.guid and len(links_of[item.guid]) == 1 else 0 for item in items]
    for item, guid in zip(items, guids, strict=True):
        guids_of[item.guid_page if guid else 0].add(guid)
    found: list[By] = []
    for item, guid in zip(items, guids, strict=True):
        page = item.part if item.page and len(guids_of[item.page]) > 1 else item.page
        guid_page = item.guid_page if guid and len(guids_of[item.guid_page]) == 1 else 0
        found.append(By(guid, page, guid_page if guid_page != page else 0, item.whole))
    return found


def name(entry: Entry, by: By, feed_id: int) -> Names:
    """The names of an entry, which it goes by among the items of its body."""
    if not (by.guid or by.page):
        return Names(fallback=key("item", str(feed_id), *_unnamed(entry)))
    page = _page(entry.link)
    if by.page and by.page != hash(page):
        page = f"{page}#{urlsplit(entry.link or '').fragment}"
    return Names(
        key("guid", str(feed_id), _guid(entry)) if by.guid else None,
        key("url", page) if by.page else None,
        key("url", _guid_page(_guid(entry))) if by.guid_page else None,
    )


def _unnamed(entry: Entry) -> tuple[str, str, str, str]:
    address = entry.link or entry.elsewhere or ""
    text = "" if entry.title else entry.summary or entry.content or ""  # RSS 0.92 knows items of a text alone
    return address, entry.title, entry.published or "", text


def _guid(entry: Entry) -> str:
    return entry.guid.strip() if entry.guid else ""


def _own_page(entry: Entry, home: str) -> str:
    page = _page(entry.link)
    return "" if page == home or _is_root(page) else page


def page_key(address: str) -> str | None:
    """The key of a page's address; None for a site's root, which is no article. Raises `AddressRefused`."""
    page = identity(address)
    return None if _is_root(page) else key("url", page)


def deleted(document: bytes, entries: Sequence[Entry], feed_id: int) -> list[str]:
    """The keys of what a body says is deleted, but for entries that it holds all the same."""
    refs = dict.fromkeys(tombstones(document))
    held = {entry.guid.strip() for entry in entries if entry.guid} if refs else set()
    return [key("guid", str(feed_id), ref) for ref in refs if ref not in held]


def own_address(link: str | None, related: str | None, site: str) -> tuple[str | None, str | None]:
    """(its own address, that of what it is about) of an entry with a link and a related one.

    Of the two, its own is the one on the feed's own site; where that tells nothing, the link is.
    """
    if related is None or link == related:
        return link, None
    home = _domain(site)
    if link is None:
        return (related, None) if _domain(related) == home else (None, related)
    if _domain(link) != home and _domain(related) == home:
        return related, link
    return link, related


def _domain(address: str) -> str:
    try:
        host = host_of(address)
    except AddressRefused:
        return ""
    return registrable_domain(host) or host


def signature(entry: Entry) -> bytes:
    """16 bytes of an item as its feed gives it: 8 of the title, 8 of all else a reader would see, no dates."""
    title = blake2b(entry.title.encode("utf-8", "replace"), digest_size=8)
    rest = blake2b(digest_size=8)
    for part in (entry.guid, _page(entry.link), entry.summary, entry.content, *entry.authors):
        rest.update((part or "").encode("utf-8", "replace"))
        rest.update(b"\0")
    return title.digest() + rest.digest()


def _page(link: str | None) -> str:
    try:
        return identity(link) if link else ""
    except AddressRefused:
        return ""


def _guid_page(guid: str) -> str:
    """The address that a guid is; a guid with a fragment names a part of a page, which is no address of its own."""
    page = _page(guid) if guid.startswith(("http://", "https://")) and "#" not in guid else ""
    return "" if _is_root(page) else page


def _is_root(page: str) -> bool:
    return "/" not in page.rstrip("/") and "?" not in page
