"""Items recognised by their raw bytes, so that what a feed gave before is neither read nor cleaned again. Pure.

document ─ cut ─▶ head, items, tail ─ same head and tail as when the memo was made? ─┬─ no ──▶ read whole
                                                                                    └─ yes ─▶ marks of items known,
                                                                                              the rest to be read

A memo maps an item's bytes to what reading them gave: its hash (`identity.signature`) and its traits. Both follow from
the bytes and the context alone (the head and tail of the document but for the feed's own dates, and its address), so a
memo may be lost or old: whether an item with that hash is unchanged is for the database to say.

Only what is plain is cut: items that stand one after the other with nothing but white space between them, without
comments and processing instructions, whose CDATA sections end where they began. In a well-formed document such a piece
is one element, and a document with some of its pieces taken out is well-formed exactly if the whole is.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b, sha256
from typing import NamedTuple

from services.ingest.identity import Traits

_RAW = 16  # bytes of an item's hash in a memo; its signature has as many
_MARK = struct.Struct(f"{_RAW}s{_RAW}s6qq?")
_OWN_DATES = re.compile(rb"<(lastBuildDate|pubDate|updated|dc:date)>[^<]{0,60}</\1>")
_ODD = (b"<!", b"<?", b"]]>")
_SEEDED = hash("the numbers of other processes mean nothing here")
_NEVER = -(1 << 63)


@dataclass(frozen=True, slots=True)
class Cut:
    """A document in pieces."""

    head: bytes
    items: list[bytes]
    tail: bytes

    def only(self, items: Iterable[bytes]) -> bytes:
        """The document with some of its items."""
        return b"".join((self.head, *items, self.tail))


class Mark(NamedTuple):
    """What is known of an item without reading it. `at` is its date in microseconds since 1970, None without one."""

    item_hash: bytes  # see `identity.signature`
    traits: Traits
    at: int | None
    empty: bool


def cut(document: bytes) -> Cut | None:
    """The pieces of a well-formed RSS or Atom document; None where it is not plain enough."""
    pieces = split(document)
    return pieces if pieces is not None and is_plain(document, pieces.items) else None


def split(document: bytes) -> Cut | None:
    """The document where its items end; None where they do not stand one after the other."""
    start = document.find(b"<item")
    name = b"item" if start >= 0 else b"entry"
    opening, closing = b"<" + name, b"</" + name + b">"
    start = start if start >= 0 else document.find(opening)
    if start < 0:
        return None
    *parts, tail = document[start:].split(closing)
    items = [part.lstrip() + closing for part in parts]
    begun = len(opening)
    if not items or opening in tail or not all([i.startswith(opening) and i[begun] in b" \t\r\n>" for i in items]):
        return None
    return Cut(document[:start], items, tail.lstrip())


def is_plain(document: bytes, items: Iterable[bytes]) -> bool:
    """Whether a document with these items, those known left out, has nothing in it that reaches beyond one item."""
    if b"xml:base" in document or b"deleted-entry" in document or b"<!DOCTYPE" in document or b"<!ENTITY" in document:
        return False
    return not any([mark in document for mark in _ODD]) or all([_is_whole(item) for item in items])


def _is_whole(item: bytes) -> bool:
    if b"<!--" in item or b"<?" in item:
        return False
    return item.count(b"<![CDATA[") == item.count(b"]]>")


def context(pieces: Cut, url: str, feed_id: int) -> bytes:
    """What of a document and its address bears on how its items are read."""
    digest = blake2b(digest_size=_RAW)
    around = (_OWN_DATES.sub(b"", pieces.head), _OWN_DATES.sub(b"", pieces.tail))
    for part in (*around, url.encode("utf-8", "replace"), str(feed_id).encode(), str(_SEEDED).encode()):
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.digest()


def raw_hash(piece: bytes) -> bytes:
    """What an item's bytes are recognised by."""
    return sha256(piece).digest()[:_RAW]  # twice as quick as blake2b where processors know it


def row(raw: bytes, mark: Mark) -> bytes:
    """The line of an item in a memo: its mark under the hash of its bytes."""
    return _MARK.pack(raw, mark.item_hash, *mark.traits, _NEVER if mark.at is None else mark.at, mark.empty)


def rows(memo: bytes, around: bytes) -> dict[bytes, bytes]:
    """The lines of a memo by the hashes of their items' bytes; none where it was made in another context."""
    if not memo.startswith(around) or (len(memo) - _RAW) % _MARK.size:
        return {}
    size = _MARK.size
    return {memo[at : at + _RAW]: memo[at : at + size] for at in range(_RAW, len(memo), size)}


def mark_of(line: bytes) -> Mark:
    """The mark in a line."""
    _, item_hash, guid, page, part, guid_page, title, whole, at, empty = _MARK.unpack(line)
    return Mark(item_hash, Traits(guid, page, part, guid_page, title, whole), None if at == _NEVER else at, empty)
