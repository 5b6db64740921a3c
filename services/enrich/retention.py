"""What is past goes: old events out of the log, old articles out of enrich's tables, a little at a time.

    the relay that leads, once a minute -> articles discovered before the day -> the oldest events -> until none is left

Only what the stream already carries is dropped, so the relay never meets a hole it did not relay.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from services.enrich import store
from shared import log
from shared.stored import card_part

EVERY_S = 60.0
ARTICLES = 200  # in one transaction
EVENTS = 5000
ROUND_S = 0.5  # longest pause of the relay for this, about; the rest is for the next round

logger = logging.getLogger(__name__)


class Retention:
    """Keeps the newest `keep` events (0: all) and what was discovered within `days` (0: ever)."""

    def __init__(self, keep: int, days: float) -> None:
        self._keep = keep
        self._days = days
        self._next_s = 0.0

    def now_and_then(self, conn: psycopg.Connection[Any], end: int) -> None:
        """A round, if one is due. `end`: the last position in the stream. The connection is in autocommit mode."""
        if (self._keep or self._days) and time.monotonic() >= self._next_s:
            done = self.round(conn, end, datetime.now(UTC))
            self._next_s = time.monotonic() + (EVERY_S if done else ROUND_S)

    def round(self, conn: psycopg.Connection[Any], end: int, now: datetime) -> bool:
        """Drop what is past, for about half a second; whether that was all."""
        until = time.monotonic() + ROUND_S
        before = now - timedelta(days=self._days) if self._days else None
        articles = events = -1
        while (articles or events) and time.monotonic() < until:
            articles = forget(conn, before) if before else 0
            events = log.trim(conn, self._keep, before, end, EVENTS)
            if articles or events:
                logger.info("what is past was dropped", extra={"articles": articles, "events": events})
        return not (articles or events)


def forget(conn: psycopg.Connection[Any], before: datetime) -> int:
    """Drop some articles discovered before a time, with all that enrich wrote of them; how many."""
    with conn.transaction():
        ids = store.past(conn, before, ARTICLES)
        if ids:
            held = [store.held(row) for row in store.hold(conn, ids)]
            # An event may be younger than what it tells of: it keeps its card.
            log.settle(conn, {h.position: card_part(h.kept.packed) for h in held if h.position and h.kept.packed})
            store.remember_told(conn, ids)
            store.uncount_entities(conn, ids)
            store.forget_articles(conn, ids)
    return len(ids)
