"""What each item of a poll is, given what the store knows: the one place that decides. Pure.

    item ─ known by none of its names ──────────────────────────────▶ new
         └ known ─ in this feed for the first time ─────────────────▶ duplicate (linked, its text is not taken)
                 └ as this feed gave it before, but for dates ──────▶ unchanged
                 └ other words in the feed whose text it is ────────▶ corrected (a version), unless it is an old copy
                 └ another title in another feed that carries it ───▶ corrected (its title)
                 └ anything else ───────────────────────────────────▶ unchanged

An article's text follows the feed that brought it first: two feeds that tell it differently do not make it flap.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.ingest.items import Item
from services.ingest.markup import text_of_clean
from services.ingest.normalise import content_hash

SIGNIFICANT_CHARACTERS = 50  # Feedbin's threshold for an update worth telling
EXCERPT = 400  # characters of a long text kept in a diff, around what changed
CONTEXT = 60

_WORD = re.compile(r"\w+")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Known:
    """An article as the store has it, seen from one feed. Hashes are hex; `item_hash` is None where not carried yet."""

    article_id: int
    owner_id: int | None  # the feed whose text it is
    version: int
    title: str
    published_at: datetime | None
    modified_at: datetime | None
    content_hash: str
    carried: bool
    guid: str | None
    item_hash: str | None


@dataclass(frozen=True, slots=True)
class Text:
    """The words of a stored article, for the diff, and the hashes of all its versions."""

    description: str | None
    body_html: str | None
    authors: list[str]
    former: frozenset[str]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item that may be a new version of a known article."""

    item: Item
    known: Known
    title_only: bool


@dataclass(frozen=True, slots=True)
class Correction:
    """A new version: what the article is from now on."""

    article_id: int
    version: int
    item: Item
    title: str
    description: str | None
    body_html: str | None
    authors: list[str]
    modified_at: datetime | None
    content_hash: str
    changes: list[dict[str, Any]]
    significant: bool


@dataclass(slots=True)
class Decision:
    """All items of a poll, each in exactly one of `new`, `candidates` and `seen`, or counted as repeated."""

    new: list[Item] = field(default_factory=list)
    new_keys: list[list[str]] = field(default_factory=list)  # of each new item, those that are nobody's yet
    candidates: list[Candidate] = field(default_factory=list)
    linked: list[tuple[Item, int]] = field(default_factory=list)  # to article ids this feed did not carry before
    refreshed: list[tuple[Item, int]] = field(default_factory=list)  # carried before, given differently, no new version
    aliases: list[tuple[str, int]] = field(default_factory=list)  # further names of known articles
    unchanged: int = 0
    repeated: int = 0


def decide(items: Sequence[Item], known: Mapping[str, Known], feed_id: int) -> Decision:
    """Sort the items. `known` maps every key of theirs that the store has."""
    decision = Decision()
    taken: set[int] = set()
    for item in items:
        match = find(item, known)
        if match is None:
            decision.new.append(item)
            decision.new_keys.append([key for key in item.names.all() if key not in known])
            continue
        if match.article_id in taken:
            decision.repeated += 1
            continue
        taken.add(match.article_id)
        decision.aliases += [(key, match.article_id) for key in item.names.all() if key not in known]
        if not match.carried:
            decision.linked.append((item, match.article_id))
        elif match.item_hash == item.item_hash:
            decision.unchanged += 1
        elif (title_only := _may_change(item, match, feed_id)) is not None:
            decision.candidates.append(Candidate(item, match, title_only))
        else:
            decision.refreshed.append((item, match.article_id))
    return decision


def find(item: Item, known: Mapping[str, Known]) -> Known | None:
    """The article that an item is, by the surest of its names that proves right."""
    names = item.names
    by_guid = known.get(names.guid or "")
    if by_guid is not None:
        moved = names.url is not None and names.url not in known
        if not moved or _alike(item, by_guid):
            return by_guid  # one guid, another address, title and date: the publisher used the guid again
    by_page = known.get(names.url or "") or known.get(names.guid_url or "")
    if by_page is not None:
        renamed = by_page.carried and by_page.guid and item.guid and by_page.guid != item.guid and by_guid is None
        if not renamed or _alike(item, by_page):
            return by_page  # one page, another guid, title and date in one feed: the page collects several articles
    return known.get(names.fallback or "")


def correct(candidate: Candidate, text: Text) -> Correction | None:
    """The new version that a candidate makes; None where a reader would see nothing new, or an old copy again."""
    item, known = candidate.item, candidate.known
    if candidate.title_only:
        old_body = text_of_clean(text.body_html or "")
        description, body_html, authors = text.description, text.body_html, text.authors
        now_hash = content_hash(item.title, description, old_body)
    else:
        description, body_html, authors = item.description, item.body_html, item.authors
        now_hash = item.content_hash
    newer = item.modified_at is not None and (known.modified_at is None or item.modified_at > known.modified_at)
    if now_hash == known.content_hash or (now_hash in text.former and not newer):
        return None
    changes = [
        *_change("title", known.title, item.title),
        *_change("description", text.description, description),
        *_change("body_text", text_of_clean(text.body_html or ""), text_of_clean(body_html or "")),
        *([] if authors == text.authors else [{"field": "authors", "old": text.authors, "new": authors}]),
    ]
    if not changes:
        return None
    return Correction(
        article_id=known.article_id,
        version=known.version + 1,
        item=item,
        title=item.title,
        description=description,
        body_html=body_html,
        authors=authors,
        modified_at=item.modified_at or known.modified_at,
        content_hash=now_hash,
        changes=changes,
        significant=any(_matters(change) for change in changes),
    )


def _may_change(item: Item, known: Known, feed_id: int) -> bool | None:
    """Whether the item may make a version: None not, False all of it, True by its title alone."""
    if known.owner_id in (feed_id, None):
        if item.content_hash == known.content_hash:
            return None
        late = item.modified_at is not None and known.modified_at is not None and item.modified_at < known.modified_at
        return None if late else False
    told = known.item_hash is not None and known.item_hash[:16] != item.item_hash[:16]
    return True if told and item.title != known.title else None


def _alike(item: Item, known: Known) -> bool:
    same_date = item.published_at is not None and item.published_at == known.published_at
    return same_date or _words(item.title) == _words(known.title)


def _change(name: str, old: str | None, new: str | None) -> list[dict[str, Any]]:
    old, new = old or "", new or ""
    if old.split() == new.split():
        return []
    start, old_end, new_end = _span(old, new)
    return [{"field": name, "old": _excerpt(old, start, old_end), "new": _excerpt(new, start, new_end)}]


def _span(old: str, new: str) -> tuple[int, int, int]:
    """Where two texts begin to differ, and where that ends in each."""
    shorter = min(len(old), len(new))
    start = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    left = shorter - start
    tail = next((i for i in range(left) if old[-1 - i] != new[-1 - i]), left)
    return start, len(old) - tail, len(new) - tail


def _excerpt(text: str, start: int, end: int) -> str:
    if len(text) <= EXCERPT:
        return text
    first, last = max(0, start - CONTEXT), min(len(text), max(end + CONTEXT, start - CONTEXT + EXCERPT))
    last = min(last, first + EXCERPT)
    return ("…" if first else "") + text[first:last] + ("…" if last < len(text) else "")


def _matters(change: Mapping[str, Any]) -> bool:
    """Another word in the title, another figure anywhere, or many other characters."""
    old, new = change["old"], change["new"]
    if change["field"] == "authors":
        return False
    if change["field"] == "title":
        return _words(old) != _words(new)
    start, old_end, new_end = _span(old, new)
    if max(old_end, new_end) - start >= SIGNIFICANT_CHARACTERS:
        return True
    return bool(_DIGIT.search(old[start:old_end]) or _DIGIT.search(new[start:new_end]))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
