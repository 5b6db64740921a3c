"""What stands in a document: its items in order, those known by their bytes unread. Pure.

document ─ cut ─ memo of the same context? ─┬─ yes ─ of those known: their marks; the others read, with head and tail
                                            └─ no, or that did not come out right ─ read whole
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from services.ingest import raw
from services.ingest.dates import moment_of
from services.ingest.identity import home_of, signature, traits
from services.ingest.items import MAX_ITEMS, Entry, Feed, is_empty
from services.ingest.raw import Cut, Mark
from services.ingest.strict import is_for_loose, read_plain

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Held(NamedTuple):
    """An item as it stands in a body. `entry` is None where it was known by its bytes and not read."""

    mark: Mark
    entry: Entry | None


def marked(entry: Entry, home: str) -> Mark:
    """The mark of an entry that was read."""
    moment = moment_of(entry.published)
    at = None if moment is None else (moment - EPOCH) // _MICROSECOND
    return Mark(signature(entry), traits(entry, home), at, is_empty(entry))


def look(
    document: bytes, url: str, feed_id: int, memo: bytes, known: Set[bytes], read: Callable[[], Feed]
) -> tuple[Feed, list[Held], bytes]:
    """(the feed, what it holds in order, a memo for the next time).

    `known` are the hashes of items that the store has: all others are read. `read` reads the whole document, by
    whichever reader fits. The feed's own `entries` are those that were read.
    """
    pieces = _pieces(document)
    if pieces is None:
        return _whole(read())
    around = raw.context(pieces, url, feed_id)
    raws = [raw.raw_hash(piece) for piece in pieces.items]
    lines = raw.rows(memo, around)
    told = [raw.mark_of(lines[one]) if one in lines else None for one in raws]
    told = [mark if mark and (mark.empty or mark.item_hash in known) else None for mark in told]
    seen = _rest(pieces, told, url)
    if seen is None:
        return _whole(read())
    feed, held = seen
    kept = [lines.get(one) or raw.row(one, each.mark) for one, each in zip(raws, held, strict=True)]
    return feed, held, b"".join((around, *kept))


def _pieces(document: bytes) -> Cut | None:
    """The document cut, where each item reads the same in any company as far as can be told without looking into it."""
    pieces = raw.split(document)
    return pieces if pieces is not None and len(pieces.items) <= MAX_ITEMS else None


def _rest(pieces: Cut, told: Sequence[Mark | None], url: str) -> tuple[Feed, list[Held]] | None:
    """The feed with only those items read of which nothing is told; None where they do not come out one by one.

    Items of which something is told stood in a document before in which nothing was odd.
    """
    unread = [piece for piece, mark in zip(pieces.items, told, strict=True) if mark is None]
    document = pieces.only(unread)
    if is_for_loose(document) or not raw.is_plain(document, unread):
        return None
    feed = read_plain(document, url)
    if feed is None or len(feed.entries) != len(unread):
        return None
    entries, home = iter(feed.entries), home_of(feed.site_url)
    held = []
    for mark in told:
        if mark is None:
            entry = next(entries)
            held.append(Held(marked(entry, home), entry))
        else:
            held.append(Held(mark, None))
    return feed, held


def _whole(feed: Feed) -> tuple[Feed, list[Held], bytes]:
    home = home_of(feed.site_url)
    return feed, [Held(marked(entry, home), entry) for entry in feed.entries], b""
