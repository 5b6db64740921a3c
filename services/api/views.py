"""What a subscriber sees of the log: a filter and a form. Equal views share the work: each event is judged once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from services.api import shape, sse
from services.api.filters import Filter, matches
from services.api.query import Form
from services.api.search import store, textquery
from services.api.search.store import Stored
from shared.db import AsyncPool

POOL_WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class View:
    """Hashable: subscribers with equal views share the work."""

    filter: Filter = field(default_factory=Filter)
    form: Form = field(default_factory=Form)


EVERYTHING = View()


@dataclass(frozen=True, slots=True)
class Told:
    """One event as a view shows it: the CloudEvent, and the same as a server-sent event in a chunk."""

    position: int
    data: bytes
    chunk: bytes

    @property
    def size(self) -> int:
        """Bytes that are held for it."""
        return len(self.data) + len(self.chunk)

    @classmethod
    def of(cls, position: int, kind: str, data: bytes) -> Told:
        """Encode once what many will be given."""
        return cls(position, data, sse.chunk(sse.event(position, kind, data)))


@dataclass(slots=True, eq=False)
class Seen:
    """One event of the log: its structured CloudEvent as bytes and, parsed once, as an object."""

    position: int
    raw: bytes
    event: dict[str, Any]
    _plain: Told | None = None

    @classmethod
    def of(cls, position: int, raw: bytes) -> Seen:
        """Parse an envelope. Raises `ValueError` for what is none."""
        event = orjson.loads(raw)
        if not isinstance(event, dict) or not event.keys() >= {"source", "type", "subject", "data"}:
            raise ValueError("not a CloudEvent")
        return cls(position, raw, event)

    @property
    def article_id(self) -> int | None:
        """The article it tells of, if it tells of one."""
        kind, _, name = str(self.event["subject"]).partition("/")
        return int(name) if kind == "articles" and name.isdigit() else None

    @property
    def plain(self) -> Told:
        """As it is: encoded once for every view that shows cards."""
        if self._plain is None:
            self._plain = Told.of(self.position, self.event["type"], self.raw)
        return self._plain


async def tell(pool: AsyncPool, events: Sequence[Seen], views: Iterable[View]) -> dict[View, list[Told]]:
    """What each view shows of a batch, in order; with at most one statement for all words and one for all wholes.

    A whole article is served as it is now, under the position of its event. Raises `psycopg.OperationalError` or
    `PoolTimeout` where the store is needed and away.
    """
    wanted = list(views)
    ids = [i for i in {e.article_id for e in events} if i is not None]
    queries = sorted({q for view in wanted for q in view.filter.q})
    found: dict[int | None, set[str]] = {}
    stored: dict[int, Stored] = {}
    if ids and queries:
        async with pool.connection(timeout=POOL_WAIT_S) as conn:
            for article_id, lang, words in await store.worded(conn, ids):
                found[article_id] = {q for q in queries if textquery.matches(q, lang, words)}
    if ids and any(shape.needs_rest(view.form) for view in wanted):
        async with pool.connection(timeout=POOL_WAIT_S) as conn:
            stored = await store.articles(conn, ids, rest=True)
    return {view: [_told(e, view.form, stored) for e in events if _passes(e, view, found)] for view in wanted}


def _passes(seen: Seen, view: View, found: dict[int | None, set[str]]) -> bool:
    if view.filter == EVERYTHING.filter:
        return True
    return matches(view.filter, seen.event, seen.position, found.get(seen.article_id, ()) if found else ())


def _told(seen: Seen, form: Form, stored: dict[int, Stored]) -> Told:
    article_id = seen.article_id
    if form.plain or article_id is None:
        return seen.plain
    now = stored.get(article_id)
    whole = shape.whole(now.kept, seen.position) if now else {}
    told = seen.event["data"] | whole | {"position": seen.position}
    data = orjson.dumps(seen.event | {"data": shape.only(told, form.fields)})
    return Told.of(seen.position, seen.event["type"], data)
