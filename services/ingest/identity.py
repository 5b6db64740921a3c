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
    guids = [entry.guid.strip() if entry.guid else "" for entry in entries]
    pages = [_page(entry.link) for entry in entries]
    home = _page(site_url)
    pages = ["" if page == home or _is_root(page) else page for page in pages]
    links_of: dict[str, set[str]] = defaultdict(set)
    guids_of: dict[str, set[str]] = defaultdict(set)
    for entry, guid, page in zip(entries, guids, pages, strict=True):
        links_of[guid].add(page or "\0" + entry.title)
        guids_of[page].add(guid or "\0" + entry.title)
    guids = [guid if guid and len(links_of[guid]) == 1 else "" for guid in guids]
    guid_pages = [_guid_page(guid) for guid in guids]
    for page, guid in zip(guid_pages, guids, strict=True):
        guids_of[page].add(guid)
    named: list[Names] = []
    for entry, guid, page, guid_page in zip(entries, guids, pages, guid_pages, strict=True):
        if page and len(guids_of[page]) > 1:
            fragment = urlsplit(entry.link or "").fragment
            page = f"{page}#{fragment}" if fragment else ""
        named.append(_names(entry, guid, page, guid_page if len(guids_of[guid_page]) == 1 else "", feed_id))
    return named


def _names(entry: Entry, guid: str, page: str, guid_page: str, feed_id: int) -> Names:
    by_guid = key("guid", str(feed_id), guid) if guid else None
    by_page = key("url", page) if page else None
    by_guid_page = key("url", guid_page) if guid_page and guid_page != page else None
    if by_guid or by_page:
        return Names(by_guid, by_page, by_guid_page)
    address = entry.link or entry.elsewhere or ""
    text = "" if entry.title else entry.summary or entry.content or ""  # RSS 0.92 knows items of a text alone
    return Names(fallback=key("item", str(feed_id), address, entry.title, entry.published or "", text))


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


def signature(entry: Entry) -> str:
    """32 hex digits of an item as its feed gives it: 16 of the title, 16 of all else a reader would see, no dates."""
    title = blake2b(entry.title.encode("utf-8", "replace"), digest_size=8)
    rest = blake2b(digest_size=8)
    for part in (entry.guid, _page(entry.link), entry.summary, entry.content, *entry.authors):
        rest.update((part or "").encode("utf-8", "replace"))
        rest.update(b"\0")
    return title.hexdigest() + rest.hexdigest()


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
