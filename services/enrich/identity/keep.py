"""Keeps merged keys as evidence and the operator's list have them: merges, splits, and what is read anew.

    articles (acronyms behind names) ─▶ counted ─▶ enough? ─▶ entity_merges, entity_changes ─▶ who names it: reread
    the operator's list at a worker's start ─────────────────▲

The operator's word goes before what was learned. Workers see a change with the next message they take.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from services.enrich.again import store as again
from services.enrich.document import Identities
from services.enrich.identity import store
from services.enrich.identity.learned import Merge, concluded
from services.enrich.names.fold import slug
from services.enrich.names.own import OwnNames
from shared.facts import fact
from shared.locks import Lock

AT_ONCE = 500  # cards looked at
HOPS = 5  # from key to key, before it is taken for a circle
TYPES = ("person", "organisation", "place", "event", "work", "product", "group")
logger = logging.getLogger(__name__)


@dataclass
class Known:
    """The merged keys, read anew when there was a change."""

    at: int = -1
    identities: Identities = field(default_factory=Identities)

    def of(self, conn: store.Connection) -> Identities:
        """As they stand."""
        if (at := store.state(conn)) != self.at:
            self.identities = _followed(store.merges(conn))
            self.at = at
        return self.identities


def _followed(merges: Iterable[Merge]) -> Identities:
    """Each key by the one it has in the end: what it was merged into may have been merged itself."""
    direct = {one.id: one for one in merges}
    into: dict[str, tuple[str, str]] = {}
    former: dict[str, list[str]] = {}
    for key in sorted(direct):
        one, hops = direct[key], 0
        while one.into_id in direct and hops < HOPS:
            one, hops = direct[one.into_id], hops + 1
        if one.into_id != key:
            into[key] = (one.into_id, one.name)
            former.setdefault(one.into_id, []).append(key)
    return Identities(into, {key: tuple(keys) for key, keys in former.items()})


def settle_acronyms(conn: store.Connection, keys: Iterable[str], now: datetime) -> int:
    """Merge or split acronyms as the evidence has it now; how many were. Call it in a transaction of its own."""
    store.lock(conn, Lock.IDENTITY)
    held = {one.id: one for one in store.merges(conn)}
    done = 0
    for key, told in sorted(store.evidence(conn, sorted(set(keys))).items()):
        was = held.get(key)
        if was and was.why == "operator":
            continue
        merge = concluded(key, told, was.into_id if was else None)
        done += _change(conn, key, was, merge, now, "articles set it behind other names too")
    return done


def settle_operator(conn: store.Connection, own: OwnNames, now: datetime) -> int:
    """Merge the keys that forms of the operator's list had before it named them, and split those it names no more."""
    store.lock(conn, Lock.IDENTITY)
    held = {one.id: one for one in store.merges(conn)}
    wanted = _wanted(own)
    known = store.known(conn, sorted(wanted)) if wanted else set()
    mine = {key for key, one in held.items() if one.why == "operator"}
    done = 0
    for key in sorted((known & wanted.keys()) | mine):
        done += _change(conn, key, held.get(key), wanted.get(key), now, "the operator's list names it no more")
    return done


def _wanted(own: OwnNames) -> dict[str, Merge]:
    found: dict[str, Merge] = {}
    for form, entity in own.forms():
        for kind in TYPES:
            key = f"{kind}:{slug(form)}"
            if key != entity.id and key not in own.entities:
                found[key] = Merge(key, entity.id, entity.name, "operator", f"the operator's list calls it {form}")
    return found


def _change(
    conn: store.Connection, key: str, was: Merge | None, merge: Merge | None, now: datetime, undone: str
) -> int:
    """Go from one state of a key to the other; 1 if they differ."""
    if (was.into_id if was else None) == (merge.into_id if merge else None):
        return 0
    if was:
        again_named = _called(conn, store.naming(conn, fact("entity", was.into_id)), store.forms(conn, key))
        store.drop(conn, key)
        store.part(conn, key, was.into_id)
        _record(conn, "split", Merge(key, was.into_id, was.name, was.why, undone), again_named, now)
    if merge:
        named = store.naming(conn, fact("entity", key))
        store.put(conn, merge)
        store.join(conn, merge)
        _record(conn, "merged", merge, named, now)
    return 1


def _called(conn: store.Connection, ids: Sequence[int], names: Sequence[str]) -> list[int]:
    """Those of the articles in which an entity is called by one of the names."""
    found: list[int] = []
    for start in range(0, len(ids), AT_ONCE):
        for article_id, kept in store.cards(conn, ids[start : start + AT_ONCE]):
            seen = {name for one in orjson.loads(kept.card)["entities"] for name in one["aliases_seen"]}
            found += [article_id] if not seen.isdisjoint(names) else []
    return found


def _record(conn: store.Connection, kind: str, merge: Merge, ids: Sequence[int], now: datetime) -> None:
    store.record(conn, kind, merge, len(ids), now)
    again.want_anew(conn, again.IDENTITY, ids)
    told = {"key": merge.id, "other": merge.into_id, "why": merge.why, "articles": len(ids)}
    logger.info(f"entity {kind}", extra=told)
