"""What each item of a poll is, given what the store knows: the one place that decides. Pure.

    item ─ known by none of its names ─ title known in its source within a week ─▶ duplicate (`twins.titles`)
         │                            └ no ──────────────────────────────────────▶ new
         └ known ─ in this feed for the first time ─────────────────▶ duplicate (linked, its text is not taken)
                 └ as this feed gave it before, but for dates ──────▶ unchanged
                 └ under another guid, the words the same ──────────▶ unchanged (re-aliased, `guids_changed`)
                 └ marked as withdrawn ─────────────────────────────▶ corrected (a version, status withdrawn)
                 └ other words in the feed whose text it is ────────▶ corrected (a version), unless it is an old copy
                 └ another title in another feed that carries it ───▶ corrected (its title)
                 └ anything else ───────────────────────────────────▶ unchanged
    names that belong to two articles, both of which it is like ────▶ the later one is merged into the earlier

An article's text follows the feed that brought it first: two feeds that tell it differently do not make it flap.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from services.ingest.items import Item
from services.ingest.normalise import content_hash
from shared.articles import Status
from shared.changes import Telling, compare, significant, words

MOST_RETURNS = 2  # versions with one and the same text: a text may come back once, then it flaps

LEAST_CUT = 40  # characters that a text has in common with itself, cut at another place

_CUT = re.compile(r"\W*(?:…|\.\.\.|\[…\]|\[\.\.\.\])\W*\Z")

NOTHING: Mapping[str, Known] = {}


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
    status: Status = "usable"
    duplicate_of: int | None = None  # the article that this one was found to be


@dataclass(frozen=True, slots=True)
class Text:
    """The words of a stored article, for the diff, and the hash of each of its versions."""

    description: str | None
    body_html: str | None
    authors: list[str]
    former: tuple[str, ...]


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
    status: Status = "corrected"


@dataclass(slots=True)
class Decision:
    """All items of a poll, each in exactly one of `new`, `candidates`, `linked` and `refreshed`, or counted."""

    new: list[Item] = field(default_factory=list)
    new_keys: list[list[str]] = field(default_factory=list)  # of each new item, those that are nobody's yet
    titles: list[str | None] = field(default_factory=list)  # of each new item, the key of its title, if it takes one
    candidates: list[Candidate] = field(default_factory=list)
    linked: list[tuple[Item, int]] = field(default_factory=list)  # to article ids this feed did not carry before
    refreshed: list[tuple[Item, int]] = field(default_factory=list)  # carried before, given differently, no new version
    aliases: list[tuple[str, int]] = field(default_factory=list)  # further names of known articles
    merges: list[Merge] = field(default_factory=list)
    withdrawn: list[int] = field(default_factory=list)  # known articles that a notice of its own takes back
    unchanged: int = 0
    repeated: int = 0
    renamed: int = 0  # carried before under another guid


@dataclass(frozen=True, slots=True)
class Merge:
    """Two articles found to be one. `keys` are names of the duplicate that belong to the kept one from now on."""

    keep: int
    duplicate: int
    keys: tuple[str, ...] = ()


def decide(
    items: Sequence[Item],
    known: Mapping[str, Known],
    feed_id: int,
    moved: Mapping[str, Known] = NOTHING,
    *,
    present: Set[str] = frozenset(),
    guids_hold: bool = True,
) -> Decision:
    """Sort the items. `known` maps every key of theirs that the store has.

    `moved` maps the first key of items that are known by none to what they are by title and date. `present` are the
    hashes of the body's other items, given as before. Where guids do not hold (they change from poll to poll) they are
    no further names of what is known.
    """
    decision = Decision()
    taken: set[int] = set()
    merged: dict[int, Known] = {}
    for item in items:
        keys = item.names.all()
        match = find(item, known) or moved.get(keys[0])
        if match is None:
            decision.new.append(item)
            decision.new_keys.append([key for key in keys if key not in known])
            continue
        match = _merged(decision, merged, item, match, known)
        if match.article_id in taken or (match.item_hash in present and match.item_hash != item.item_hash):
            decision.repeated += 1
            decision.aliases += [(key, match.article_id) for key in keys if key not in known]
            continue
        taken.add(match.article_id)
        lasting = [key for key in keys if guids_hold or key != item.names.guid]
        decision.aliases += [(key, match.article_id) for key in lasting if key not in known]
        decision.renamed += bool(match.carried and match.guid and item.guid and match.guid != item.guid)
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
    by_page = known.get(names.url or "") or known.get(names.guid_url or "")
    if by_guid is not None:
        if by_page is not None and by_page.article_id != by_guid.article_id:
            return by_page if alike(item, by_page) and not alike(item, by_guid) else by_guid
        moved = names.url is not None and names.url not in known
        if not moved or alike(item, by_guid):
            return by_guid  # one guid, another address, title and date: the publisher used the guid again
    if by_page is not None:
        renamed = by_page.carried and by_page.guid and item.guid and by_page.guid != item.guid and by_guid is None
        if not renamed or alike(item, by_page):
            return by_page  # one page, another guid, title and date in one feed: the page collects several articles
    return known.get(names.fallback or "")


def by_title(items: Sequence[Item], carried: Sequence[Known]) -> dict[str, Known]:
    """What items that have only new names are by title and date, when a feed moved: {first key: article}.

    A title that several carried articles have says nothing without the date.
    """
    titled: dict[tuple[str, ...], list[Known]] = {}
    for known in carried:
        titled.setdefault(tuple(words(known.title)), []).append(known)
    found: dict[str, Known] = {}
    for item in items:
        same = titled.get(tuple(words(item.title)), [])
        dated = [k for k in same if k.published_at == item.published_at]
        undated = [k for k in same if None in (k.published_at, item.published_at)] if len(same) == 1 else []
        if match := next(iter(dated or undated), None):
            found[item.names.all()[0]] = match
    return found


def correct(candidate: Candidate, text: Text) -> Correction | None:
    """The new version that a candidate makes; None where a reader would see nothing new, or an old copy again."""
    item, known = candidate.item, candidate.known
    if candidate.title_only:
        description, body_html, authors = text.description, text.body_html, text.authors
        now_hash = content_hash(item.title, description, body_html, authors)
    else:
        description, body_html, authors = item.description, item.body_html, item.authors
        now_hash = item.content_hash
    status: Status = "withdrawn" if item.withdrawn else "corrected"
    if item.withdrawn and known.status == "withdrawn":
        return None
    taken_back = item.withdrawn
    if not taken_back and (now_hash == known.content_hash or _flaps(now_hash, item, known, text)):
        return None
    changes = compare(
        Telling(known.title, text.description, text.body_html, text.authors, known.status),
        Telling(item.title, description, body_html, authors, status),
    )
    fields = [change["field"] for change in changes]
    if not changes or (fields == ["description"] and _recut(text.description, description)):
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
        significant=significant(changes),
        status=status,
    )


def _recut(old: str | None, new: str | None) -> bool:
    """Whether the new text is the old one cut at another place: both say so, or the shorter, new one does."""
    old_whole, new_whole = _CUT.sub("", old or ""), _CUT.sub("", new or "")
    if min(len(old_whole), len(new_whole)) < LEAST_CUT or new_whole == new:
        return False
    return (old or "").startswith(new_whole) or (old_whole != old and new_whole.startswith(old_whole))


def alike(item: Item, known: Known) -> bool:
    """Whether an item may be this article at all: the same date, or the same words in the title."""
    same_date = item.published_at is not None and item.published_at == known.published_at
    return same_date or words(item.title) == words(known.title)


def _merged(
    decision: Decision, merged: dict[int, Known], item: Item, match: Known, known: Mapping[str, Known]
) -> Known:
    """What the item is once all articles that go by its names, and are like it, are one: the earliest of them.

    An article takes part in one merge of a poll; the next poll finds what is left. `merged` maps duplicates.
    """
    match = merged.get(match.article_id, match)
    named = {key: known[key] for key in item.names.all() if key in known}
    title = words(item.title)
    same = {k.article_id: k for k in named.values() if title and words(k.title) == title}
    if len(same) < 2 or match.article_id not in same:
        return match
    involved = {article_id for m in decision.merges for article_id in (m.keep, m.duplicate)}
    if involved & same.keys():
        return match
    keep = same[min(same)]
    carried = next((k for k in same.values() if k.carried), None)
    if carried is not None and not keep.carried:
        keep = replace(keep, carried=True, guid=carried.guid, item_hash=carried.item_hash)
    for other in sorted(same.keys() - {keep.article_id}):
        keys = tuple(key for key, k in named.items() if k.article_id == other)
        decision.merges.append(Merge(keep.article_id, other, keys))
        merged[other] = keep
    return keep


def _flaps(now_hash: str, item: Item, known: Known, text: Text) -> bool:
    """Whether this text was a version before and comes back as an old copy, or too often."""
    returns = text.former.count(now_hash)
    if not returns:
        return False
    newer = item.modified_at is not None and (known.modified_at is None or item.modified_at > known.modified_at)
    return returns >= MOST_RETURNS or not (newer or known.status == "withdrawn")


def _may_change(item: Item, known: Known, feed_id: int) -> bool | None:
    """Whether the item may make a version: None not, False all of it, True by its title alone."""
    own = known.owner_id in (feed_id, None)
    if item.withdrawn and known.status != "withdrawn":
        return not own
    if item.modified_at is not None and known.modified_at is not None and item.modified_at < known.modified_at:
        return None
    if own:
        return None if item.content_hash == known.content_hash else False
    told = known.item_hash is not None and known.item_hash[:16] != item.item_hash[:16]
    return True if told and item.title != known.title else None
