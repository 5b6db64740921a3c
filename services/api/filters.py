"""What matches: one filter of articles and events, the same for lists, pages and every stream. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.facts import ON_CARD, language_of, topics_of


@dataclass(frozen=True, slots=True)
class Filter:
    """OR inside a member, AND across members; an empty member says nothing. Hashable: equal filters are one.

    `q` are questions in web-search syntax, `start` is inclusive, `end` exclusive, `since` an exclusive position;
    `place` are entity ids or upper-case countries, `topic` ids that match narrower ones, `author` names in lower case,
    `has` names of parts.
    """

    type: tuple[str, ...] = ()
    q: tuple[str, ...] = ()
    lang: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    feed: tuple[int, ...] = ()
    entity: tuple[str, ...] = ()
    entity_type: tuple[str, ...] = ()
    place: tuple[str, ...] = ()
    topic: tuple[str, ...] = ()
    author: tuple[str, ...] = ()
    has: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    since: int | None = None

    def asks_of_articles(self) -> bool:
        """Whether it asks for something that only articles have."""
        named = self.entity or self.entity_type or self.place or self.topic or self.author or self.has
        return bool(self.q or self.lang or self.source or named or self.start or self.end)


def matches(wanted: Filter, event: dict[str, Any], position: int, found: Collection[str] = ()) -> bool:
    """Whether a CloudEvent passes. `found` are those of the filter's `q` that the article's words answer.

    The text of an article is not in its event, so the store answers `q`, for a whole batch at once.
    """
    if wanted.type and event["type"] not in wanted.type:
        return False
    if wanted.since is not None and position <= wanted.since:
        return False
    data = event["data"]
    if not event["subject"].startswith("articles/"):
        return not wanted.asks_of_articles() and (not wanted.feed or _is_feed(event, wanted.feed))
    return (
        (not wanted.lang or language_of(data) in wanted.lang)
        and (not wanted.source or (data.get("source") or {}).get("id") in wanted.source)
        and (not wanted.feed or any(f.get("id") in wanted.feed for f in data.get("feeds") or ()))
        and _names(wanted, data.get("entities") or ())
        and _plays(wanted, data.get("places") or ())
        and (not wanted.topic or any(topic in wanted.topic for topic in topics_of(data)))
        and (not wanted.author or any(str(name).lower() in wanted.author for name in data.get("authors") or ()))
        and (not wanted.has or any(data.get(ON_CARD[part]) for part in wanted.has))
        and _within(wanted, data)
        and (not wanted.q or any(q in found for q in wanted.q))
    )


def _is_feed(event: dict[str, Any], ids: tuple[int, ...]) -> bool:
    kind, _, name = event["subject"].partition("/")
    return kind == "feeds" and name.isdigit() and int(name) in ids


def _names(wanted: Filter, entities: Collection[dict[str, Any]]) -> bool:
    return (not wanted.entity or any(_is_one_of(e, wanted.entity) for e in entities)) and (
        not wanted.entity_type or any(e.get("type") in wanted.entity_type for e in entities)
    )


def _is_one_of(entity: dict[str, Any], wanted: Collection[str]) -> bool:
    """By the key it has, or one that was merged into it."""
    return entity.get("id") in wanted or any(former in wanted for former in entity.get("former_ids") or ())


def _plays(wanted: Filter, places: Collection[dict[str, Any]]) -> bool:
    return not wanted.place or any(
        p.get("entity_id") in wanted.place or p.get("country") in wanted.place for p in places
    )


def _within(wanted: Filter, data: dict[str, Any]) -> bool:
    if wanted.start is None and wanted.end is None:
        return True
    at = data.get("published_at") or data.get("discovered_at")
    try:
        when = datetime.fromisoformat(str(at))
    except ValueError:  # one event that was written wrongly must not end the stream for all
        return False
    return (wanted.start is None or when >= wanted.start) and (wanted.end is None or when < wanted.end)
