"""What each statement of psycopg's async connections reads: run once under EXPLAIN (ANALYZE, BUFFERS), then for real.

The first run is rolled back to a savepoint, so the second finds what the first found.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

STATEMENTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")


@dataclass(frozen=True, slots=True)
class Told:
    """A statement: the function that sent it, buffers (8 KB) it looked into, milliseconds, tables read end to end."""

    name: str
    buffers: int
    ms: float
    scanned: frozenset[str]


@contextlib.contextmanager
def explaining() -> Iterator[list[Told]]:
    """All statements sent from here on, until the end of the block."""
    told: list[Told] = []
    execute = psycopg.AsyncConnection.execute

    async def explained(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        text = query.decode() if isinstance(query, bytes) else query
        if isinstance(text, str) and text.split(None, 1)[0] in STATEMENTS and "pg_try_advisory_lock" not in text:
            sender = sys._getframe(1).f_code.co_name
            async with self.transaction(force_rollback=True):
                cursor = await execute(self, "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + text, params)
                (((plan,),),) = await cursor.fetchall()
            root = plan["Plan"]
            told.append(Told(sender, _buffers(root), plan["Execution Time"], frozenset(_scanned(root))))
        return await execute(self, query, params, **options)

    psycopg.AsyncConnection.execute = explained  # type: ignore[method-assign]
    try:
        yield told
    finally:
        psycopg.AsyncConnection.execute = execute  # type: ignore[method-assign]


def _buffers(node: dict[str, Any]) -> int:
    """Of a node and all below it. What a WITH does counts where it stands: what scans it repeats part of that."""
    below = node.get("Plans", [])
    own = 0
    if node["Node Type"] != "CTE Scan":
        own = _given(node) - sum(_given(child) for child in below if not _is_with(child))
    return own + sum(_buffers(child) for child in below)


def _given(node: dict[str, Any]) -> int:
    return int(node["Shared Hit Blocks"]) + int(node["Shared Read Blocks"])


def _is_with(node: dict[str, Any]) -> bool:
    return str(node.get("Subplan Name", "")).startswith("CTE ")


def _scanned(node: dict[str, Any]) -> Iterator[str]:
    """Tables read in full, or by all of an index, unless somebody above was content with less."""
    whole_index = node["Node Type"].startswith("Index") and "Index Cond" not in node
    if node["Node Type"] == "Seq Scan" or (whole_index and node["Actual Rows"] * node["Actual Loops"] > MOST_IN_ORDER):
        yield str(node["Relation Name"])
    for child in node.get("Plans", ()):
        yield from _scanned(child)


MOST_IN_ORDER = 2_000  # rows read in the order of an index until there are enough
