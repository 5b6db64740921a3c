"""Row 9: the enrichment commit, against PostgreSQL alone: the very same statements and values in a bare loop.

What the product sends is noted as it sends it (to a database of its own), then sent again to another one, one
transaction after the other, with nothing in between: no JSON made, no diff, no rows built.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg

from bench.report import Row
from bench.row08_enrichment import articles
from deploy.local.engines import Postgres
from services.enrich.batch import Work, save
from services.enrich.document import Document
from services.enrich.pipeline import enrich, enricher_revision, load_resources
from shared.db import open_pool
from shared.migrate import migrate

COUNT, WORDS = 1_600, 500
BATCHES = (1, 16, 64)
Sent = tuple[Any, Any]


@contextmanager
def _noting() -> Iterator[list[Sent]]:
    """Every statement sent through a connection, as it is sent."""
    sent: list[Sent] = []
    execute = psycopg.Connection.execute

    def note(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        sent.append((query, params))
        return execute(self, query, params, **options)

    with patch.object(psycopg.Connection, "execute", note):
        yield sent


def _product(url: str, work: Work, batches: Sequence[Sequence[Document]], revision: str) -> float:
    migrate(url)
    begun = time.monotonic()
    for batch in batches:
        save(work, batch, revision)
    return time.monotonic() - begun


def _bare(url: str, transactions: Sequence[Sequence[Sent]]) -> float:
    migrate(url)
    with psycopg.connect(url, autocommit=True) as conn:
        begun = time.monotonic()
        for statements in transactions:
            with conn.transaction(), conn.pipeline():
                for query, params in statements:
                    conn.execute(query, params)
        return time.monotonic() - begun


def run() -> Row:
    """For each batch size: the product's rate, and that of its statements alone."""
    resources = load_resources("rules")
    revision = enricher_revision(resources)
    some = enrich(articles(WORDS, 64), resources, clock=time.perf_counter)
    documents = [replace(some[n % 64], article=replace(some[n % 64].article, id=n + 1)) for n in range(COUNT)]
    home = Path(tempfile.mkdtemp(prefix="wiredesk-bench-"))
    postgres = Postgres(home)
    figures: dict[str, float | int | str] = {}
    reached = True
    try:
        postgres.start()
        for size in BATCHES:
            count = COUNT if size > 1 else COUNT // 4
            batches = [documents[n : n + size] for n in range(0, count, size)]
            for name in (f"noted{size}", f"product{size}", f"bare{size}"):
                postgres.create_database(name)
            transactions = _noted(postgres.url(f"noted{size}"), resources, batches, revision)
            with open_pool(postgres.url(f"product{size}"), "bench") as pool:
                work = Work(pool, resources, _now, time.perf_counter)
                product = count / _product(postgres.url(f"product{size}"), work, batches, revision)
            bare = count / _bare(postgres.url(f"bare{size}"), transactions)
            figures |= {
                f"batch {size}: articles/s": round(product),
                f"batch {size}: bare loop articles/s": round(bare),
                f"batch {size}: ratio": round(product / bare, 2),
            }
            reached = reached and (size != 16 or product >= 0.8 * bare)
    finally:
        postgres.stop()
        shutil.rmtree(home, ignore_errors=True)
    return Row(9, f"enrichment commit, {WORDS} words", ">= 0.8 x its statements in a bare loop", figures, reached)


def _noted(url: str, resources: Any, batches: Sequence[Sequence[Document]], revision: str) -> list[list[Sent]]:
    migrate(url)
    transactions: list[list[Sent]] = []
    with open_pool(url, "bench") as pool:
        work = Work(pool, resources, _now, time.perf_counter)
        for batch in batches:
            with _noting() as sent:
                save(work, batch, revision)
            transactions.append([(query, params) for query, params in sent if query])
    return transactions


def _now() -> datetime:
    return datetime.now(UTC)
