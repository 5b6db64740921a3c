"""One title twice within a source and a week is one article, whatever its address. Pure.

Two guards against losing what is not the same. A title of fewer than three words ("Weather") is enough only with the
same date or the same text. And a standing title ("Cartoon of the day") over texts that share next to nothing, most of
a day apart, is another edition, not a copy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.ingest.decide import Decision
from services.ingest.identity import key
from services.ingest.items import Item
from services.ingest.markup import text_of_clean
from shared.changes import words

WINDOW = timedelta(days=7)
EDITION = timedelta(hours=18)
FEWEST_WORDS = 3
COMPARED = 2_000  # characters of each text
LEAST_WORDS = 6  # of a text that can be told apart
OVERLAP = 0.2  # of the words of two texts, below which they share next to nothing


@dataclass(frozen=True, slots=True)
class Titled:
    """The article that had a title last. `at` is when it was published, or seen where that is not known."""

    article_id: int
    at: datetime
    text: str  # description and the beginning of the body
    content_hash: str
    carried: bool  # by the feed that asks


def title_key(source_id: str, headline: str) -> str | None:
    """The key of a headline (see `notices.headline`) within a source; None where it has no words."""
    return key("title", source_id, headline) if headline else None


def settle(decision: Decision, keys: Sequence[str | None], known: Mapping[str, Titled], seen_at: datetime) -> Decision:
    """The decision with every new item left out whose title shows it to be a known article or an earlier item.

    `keys` are the title keys of `decision.new`, in order. What is taken for one leaves its names with the other.
    """
    new, decision.new = decision.new, []
    new_keys, decision.new_keys = decision.new_keys, []
    joined = {article_id for _, article_id in (*decision.linked, *decision.refreshed)}
    joined |= {candidate.known.article_id for candidate in decision.candidates}
    here: dict[str, tuple[int, Item, datetime]] = {}
    for item, names, title in zip(new, new_keys, keys, strict=True):
        at = item.published_at or seen_at
        earlier = here.get(title or "")
        if earlier and same(item, at, _titled(*earlier[1:])):
            decision.repeated += 1
            decision.new_keys[earlier[0]] += [name for name in names if name not in decision.new_keys[earlier[0]]]
            continue
        stored = known.get(title or "")
        if stored and same(item, at, stored):
            _join(decision, joined, item, names, stored)
            continue
        free = title is not None and not earlier and not (stored and abs(at - stored.at) <= WINDOW)
        if title is not None and free:
            here[title] = len(decision.new), item, at
        decision.new.append(item)
        decision.new_keys.append(names)
        decision.titles.append(title if free else None)
    return decision


def same(item: Item, at: datetime, other: Titled) -> bool:
    """Whether an item with an article's title is that article."""
    if abs(at - other.at) > WINDOW:
        return False
    if item.withdrawn or item.content_hash == other.content_hash or at == other.at:
        return True
    if len(words(item.title)) < FEWEST_WORDS:
        return False
    return abs(at - other.at) < EDITION or not _apart(_text(item), other.text)


def _join(decision: Decision, joined: set[int], item: Item, names: Sequence[str], stored: Titled) -> None:
    decision.aliases += [(name, stored.article_id) for name in names]
    if item.withdrawn:
        decision.withdrawn.append(stored.article_id)
    if stored.carried or stored.article_id in joined:
        decision.repeated += 1  # the feed has the article itself; this is its second item
    else:
        joined.add(stored.article_id)
        decision.linked.append((item, stored.article_id))


def _titled(item: Item, at: datetime) -> Titled:
    return Titled(0, at, _text(item), item.content_hash, False)


def _text(item: Item) -> str:
    return f"{item.description or ''} {text_of_clean((item.body_html or '')[:COMPARED])}"


def _apart(one: str, other: str) -> bool:
    first, second = set(words(one[:COMPARED])), set(words(other[:COMPARED]))
    if min(len(first), len(second)) < LEAST_WORDS:
        return False
    return len(first & second) / len(first | second) < OVERLAP
