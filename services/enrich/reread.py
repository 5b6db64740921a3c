"""What another reading of one and the same version says differently: the `changes` of a reannotated article. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

EXCERPT = 400  # characters of a text
# What reading an article again may change; times, provenance and the publisher's own data are not among it.
_PLAIN = ("title", "subtitle", "description", "body_source", "body_text", "word_count", "paywalled", "summary")
_NAMED = {
    "entities": ("name", ("id", "type")), "places": ("name", ("entity_id", "role")), "topics": ("name", ("id",)),
    "keywords": ("text", ()), "images": ("url", ()), "quotes": ("text", ("speaker", "entity_id", "start")),
    "dates": ("text", ("value", "start")), "numbers": ("text", ("kind", "low", "high", "currency", "start")),
}  # fmt: skip


def reread(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    """`[{field, old, new}]` from both readings, whole. Lists of things are given as their names."""
    told = [(name, _cut(old.get(name)), _cut(new.get(name))) for name in _PLAIN if old.get(name) != new.get(name)]
    told += [("language", before, after) for before, after in [(_code(old), _code(new))] if before != after]
    for name, (shown, compared) in _NAMED.items():
        before, after = old.get(name) or (), new.get(name) or ()
        if _seen(before, (shown, *compared)) != _seen(after, (shown, *compared)):
            told.append((name, [thing[shown] for thing in before], [thing[shown] for thing in after]))
    return [{"field": name, "old": before, "new": after} for name, before, after in told]


def _cut(value: Any) -> Any:
    return value[: EXCERPT - 1] + "…" if isinstance(value, str) and len(value) > EXCERPT else value


def _code(whole: Mapping[str, Any]) -> str | None:
    language = whole.get("language")
    return language["code"] if language else None


def _seen(things: Any, members: Sequence[str]) -> list[tuple[Any, ...]]:
    return [tuple(thing.get(member) for member in members) for thing in things]
