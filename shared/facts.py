"""What an article is looked up by: short strings such as `lang=en` or `entity=person:duarte`, out of its JSON. Pure.

Streams judge events by the same JSON, so a list lets the same articles pass as a stream does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from shared.topics import with_broader

# The parts that `has` asks for, by the member whose presence tells: those that a card tells of, and those of the rest.
ON_CARD = {
    "author": "authors",
    "body": "body_source",
    "description": "description",
    "entity": "entities",
    "image": "images",
    "place": "places",
    "topic": "topics",
}
OF_REST = {"date": "dates", "link": "links", "media": "media", "number": "numbers", "quote": "quotes"}
SAMPLES = 256  # every article is in one of so many samples of equal size
MAX_VALUE = 160  # characters; longer ones are told apart by a hash
LATER = "day=later"  # dated more than a day after it was seen


def fact(kind: str, value: object) -> str:
    """One fact. The same value gives the same fact, however long it is."""
    text = str(value).replace("\x00", "")
    if len(text) > MAX_VALUE:
        text = f"{text[:MAX_VALUE]}#{hashlib.blake2b(text.encode('utf-8', 'replace'), digest_size=8).hexdigest()}"
    return f"{kind}={text}"


def day(at: datetime) -> str:
    """The fact of a day (of an aware time, in UTC)."""
    return fact("day", at.date().isoformat())


def sample(article_id: int) -> str:
    """The fact of the sample that an article is in."""
    return fact("sample", article_id % SAMPLES)


def language_of(card: Mapping[str, Any]) -> str | None:
    """The primary subtag of a card's language."""
    code = (card.get("language") or {}).get("code")
    return code.partition("-")[0].lower() if isinstance(code, str) else None


def topics_of(card: Mapping[str, Any]) -> Iterator[str]:
    """The ids of a card's topics and of every broader one."""
    for topic in card.get("topics") or ():
        yield from with_broader(str(topic.get("id")))


def facts(card: Mapping[str, Any], rest: Mapping[str, Any], sort_at: datetime, seen_at: datetime) -> list[str]:
    """Every fact of an article, sorted. `sort_at` and `seen_at` are aware, in UTC."""
    found = {sample(int(card["id"])), LATER if sort_at > seen_at + timedelta(days=1) else day(sort_at)}
    lang = language_of(card)
    if lang:
        found.add(fact("lang", lang))
    if card.get("source"):
        found.add(fact("source", card["source"]["id"]))
    found |= {fact("feed", feed["id"]) for feed in card.get("feeds") or ()}
    for entity in card.get("entities") or ():
        found |= {fact("entity", entity["id"]), fact("type", entity["type"])}
        found |= {fact("entity", former) for former in entity.get("former_ids") or ()}
    for place in card.get("places") or ():
        found.add(fact("place", place["entity_id"]))
        if place.get("country"):
            found.add(fact("place", place["country"]))
    found |= {fact("author", author.strip().lower()) for author in card.get("authors") or ()}
    found |= {fact("topic", topic) for topic in topics_of(card)}
    found |= {fact("has", part) for part, member in ON_CARD.items() if card.get(member)}
    found |= {fact("has", part) for part, member in OF_REST.items() if rest.get(member)}
    return sorted(found)
