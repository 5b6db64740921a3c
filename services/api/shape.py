"""Ready JSON put together: cards with their positions, whole articles, pages. Pure; bytes in, bytes out."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import orjson

from services.api.query import Form
from services.api.schemas import EMBEDDING, REST_FIELDS
from shared.events import with_position
from shared.stored import Kept

WHOLE = Form(full=True)
ALWAYS = ("id", "title", "version", "position")


def needs_rest(form: Form) -> bool:
    """Whether something is asked for that cards do not have."""
    return form.full or form.mentions or any(name in REST_FIELDS for name in form.fields)


def article(
    kept: Kept,
    position: int,
    form: Form,
    vector: bytes | None = None,
    versions: list[dict[str, Any]] | None = None,
) -> bytes:
    """One article as asked for. The plain card is spliced, never parsed. `kept` has what `needs_rest` says."""
    if form.plain:
        return with_position(kept.card, position)
    if form == WHOLE:
        return _whole_bytes(kept, position)
    told = {"position": position, **(kept.whole() if needs_rest(form) else orjson.loads(kept.card))}
    if not form.full and not form.fields:
        told = {name: value for name, value in told.items() if name not in REST_FIELDS}
    told = only({**told, EMBEDDING: numbers(vector)}, form.fields) if form.fields else told
    return orjson.dumps(told | ({"versions": versions or []} if form.versions else {}), option=orjson.OPT_UTC_Z)


def numbers(vector: bytes | None) -> list[float] | None:
    """A packed vector as numbers, of length one."""
    if vector is None:
        return None
    told = array("b", vector)
    length = math.sqrt(sum(n * n for n in told)) or 1.0
    return [round(n / length, 5) for n in told]


@lru_cache(maxsize=500)  # the newest are asked for again and again, and stay as they are at their position
def _whole_bytes(kept: Kept, position: int) -> bytes:
    return orjson.dumps(whole(kept, position))


def whole(kept: Kept, position: int) -> dict[str, Any]:
    """The whole object: the card overlaid with the rest, whose members (complete entities) win."""
    return {"position": position, **kept.whole()}


def only(told: dict[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """The members asked for, and those always there; all of them when none is asked for."""
    if not fields:
        return told
    return {name: value for name, value in told.items() if name in fields or name in ALWAYS}


def with_members(card: bytes, position: int, further: dict[str, Any]) -> bytes:
    """A card with further members, spliced like `position`."""
    return b"%s,%s" % (with_position(card, position)[:-1], orjson.dumps(further)[1:])


def page(items: Iterable[bytes], following: str | None, position: int) -> bytes:
    """A list response of ready items."""
    return b'{"items":[%s],"next":%s,"position":%d}' % (b",".join(items), orjson.dumps(following), position)
