"""What polls found out about articles that are one, and about those taken back, into their transaction.

titles of new articles ─ taken, or lost to another feed ─▶ False: decide again
merges ─ both locked, still two ─ the duplicate names the kept one, is queued to be told
withdrawn ─ a version, queued to be told
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.ingest.decide import Merge
from services.ingest.twins import store


@dataclass(frozen=True, slots=True)
class Found:
    """Of one poll. `titles`: (place among its new articles, key of the title, when it was published or seen)."""

    titles: list[tuple[int, str, datetime]] = field(default_factory=list)
    merges: list[Merge] = field(default_factory=list)
    withdrawn: list[int] = field(default_factory=list)
    queued_at: datetime | None = None

    def queued(self) -> list[int]:
        """The articles that are to be told of."""
        return [*(merge.duplicate for merge in self.merges), *self.withdrawn]


async def save(conn: store.Conn, polls: Sequence[tuple[Found, Sequence[int]]], now: datetime) -> bool:
    """Store what was found by polls, each with the ids of its new articles, in the caller's transaction.

    False where another feed was faster: then nothing of the transaction may be kept.
    """
    titles = [(key, ids[place], at) for found, ids in polls for place, key, at in found.titles]
    if titles and (len({key for key, _, _ in titles}) < len(titles) or not await store.take_titles(conn, titles)):
        return False
    merges = [merge for found, _ in polls for merge in found.merges]
    queued_at = next((found.queued_at for found, _ in polls if found.queued_at), None)
    if merges and not await merge(conn, merges, queued_at, now):
        return False
    withdrawn = sorted({article_id for found, _ in polls for article_id in found.withdrawn})
    if withdrawn:
        await store.withdraw(conn, withdrawn, queued_at, now)
    return True


async def merge(conn: store.Conn, merges: Sequence[Merge], queued_at: datetime | None, now: datetime) -> bool:
    """Make articles one; False where one of them is no longer there, or was merged meanwhile."""
    involved = {article_id for m in merges for article_id in (m.keep, m.duplicate)}
    duplicates = [m.duplicate for m in merges]
    if len(set(duplicates)) < len(duplicates) or {m.keep for m in merges} & set(duplicates):
        return False
    if await store.hold(conn, sorted(involved)) != len(involved):
        return False
    await store.merge(conn, merges, queued_at, now)
    return True
