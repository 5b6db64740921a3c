"""What an article's page tells of the article itself: its canonical address, or that it is gone.

Called by whoever fetches pages, in its own transaction; the ids that come back are to be queued after the commit.

    canonical address ─ the page's own, a site's root, unreadable ─▶ `ignored`
                      ├ nobody's ─ same publisher ───────────────▶ `alias`: a further name, and `canonical_url`
                      └ another article's ─ titles alike ─────────▶ `merged`: the later one into the earlier
                                          └ no ──────────────────▶ `ignored`: sites point many pages at one
    410, or 404 after it was there ──────────────────────────────▶ `withdrawn`
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.ingest.decide import Known, Merge
from services.ingest.identity import page_key
from services.ingest.twins import saving, store
from shared.changes import words
from shared.errors import AddressRefused
from shared.urls import canonical, host_of, registrable_domain

ALIKE = 0.6  # of the words of two titles, from which they are one headline


@dataclass(frozen=True, slots=True)
class Declared:
    """What came of a page's canonical address. `queue` are articles to be told of."""

    outcome: Literal["alias", "merged", "ignored"]
    article_id: int  # what the article is now
    queue: tuple[int, ...] = ()


async def declare_canonical(
    conn: store.Conn, article_id: int, address: str, queued_at: datetime | None, now: datetime
) -> Declared:
    """The page of an article says that its canonical address is this one (absolute)."""
    ignored = Declared("ignored", article_id)
    try:
        key, url = page_key(address), canonical(address)
    except AddressRefused:
        return ignored
    own = await store.address_of(conn, article_id)
    if own is None or key is None:
        return ignored
    found = {known.article_id: known for known in await store.of_key(conn, key, article_id)}
    mine = found.pop(article_id, None)
    other = next(iter(found.values()), None)
    if mine is None:
        return ignored
    if other is None:
        near = _domain(own) == _domain(url)
        return Declared("alias", article_id) if near and await store.declare(conn, article_id, key, url) else ignored
    if not _alike(mine, other):
        return ignored
    keep, duplicate = sorted((article_id, other.article_id))
    # The key is the other's: where that is the one to go, it goes over with the merge.
    if not await saving.merge(conn, [Merge(keep, duplicate, (key,))], queued_at, now):
        return ignored
    return Declared("merged", keep, (duplicate,))


async def page_gone(conn: store.Conn, article_id: int, queued_at: datetime | None, now: datetime) -> tuple[int, ...]:
    """The page of an article answers that it is gone: the article is withdrawn. The ids to be told of."""
    return tuple(await store.withdraw(conn, [article_id], queued_at, now))


def _alike(one: Known, other: Known) -> bool:
    first, second = set(words(one.title)), set(words(other.title))
    return bool(first and second) and len(first & second) / len(first | second) >= ALIKE


def _domain(address: str) -> str:
    host = host_of(address)
    return registrable_domain(host) or host
