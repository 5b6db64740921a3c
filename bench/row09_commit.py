"""Row 9: the enrichment commit, against PostgreSQL alone: the very same statements and values in a bare loop.

What the product sends is noted as it sends it, then sent again to another database, one transaction after the other,
with nothing in between: no JSON made, no diff, no rows built. The two take turns, a tenth of the articles each time.
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
from bench.text import english, headline
from deploy.local.engines import Postgres
from services.enrich.batch import Work, save
from services.enrich.document import Document
from services.enrich.pipeline import Resources, enrich, enricher_revision, load_resources
from shared.articles import Article
from shared.db import open_pool
from shared.migrate import migrate

WORDS = 500
BATCHES = {1: 400, 16: 1_600, 64: 1_280}  # articles to a transaction -> articles
TURNS = 10
Sent = tuple[Any, Any]
Connection = psycopg.Connection[tuple[Any, ...]]
Figures = dict[str, float | int | str]


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


def _bare(conn: Connection, transactions: Sequence[Sequence[Sent]]) -> None:
    for statements in transactions:
        with conn.transaction(), conn.pipeline():
            for query, params in statements:
                conn.execute(query, params)


def _english(numbers: range) -> list[Article]:
    """Articles of running English, each with a text of its own."""
    some = articles(1, 1)[0]
    return [
        replace(some, id=n, title=headline(n), body_html="".join(f"<p>{p}</p>" for p in english(WORDS, n)))
        for n in numbers
    ]


def _measured(postgres: Postgres, size: int, resources: Resources, documents: Sequence[Document]) -> Figures:
    """The product's rate and the bare loop's, in turns: what slows the machine for a while slows both."""
    revision = enricher_revision(resources)
    for name in ("product", "bare"):
        postgres.create_database(f"{name}{size}")
        migrate(postgres.url(f"{name}{size}"))
    product = bare = 0.0
    with (
        open_pool(postgres.url(f"product{size}"), "bench") as pool,
        psycopg.connect(postgres.url(f"bare{size}"), autocommit=True) as conn,
    ):
        work = Work(pool, resources, _now, time.perf_counter)
        for some in _cut(documents, len(documents) // TURNS):
            transactions: list[list[Sent]] = []
            begun = time.monotonic()
            for batch in _cut(some, size):
                with _noting() as sent:
                    save(work, batch, revision)
                transactions.append(sent)
            product += time.monotonic() - begun
            begun = time.monotonic()
            _bare(conn, [[(query, params) for query, params in sent if query] for sent in transactions])
            bare += time.monotonic() - begun
    return {
        f"batch {size}: articles/s": round(len(documents) / product),
        f"batch {size}: bare loop articles/s": round(len(documents) / bare),
        f"batch {size}: ratio": round(bare / product, 2),
    }


def _cut(documents: Sequence[Document], size: int) -> Iterator[Sequence[Document]]:
    for n in range(0, len(documents), size):
        yield documents[n : n + size]


def run() -> Row:
    """For each batch size: the product's rate, and that of its statements alone."""
    resources = load_resources("rules")
    home = Path(tempfile.mkdtemp(prefix="wiredesk-bench-"))
    postgres = Postgres(home)
    figures: Figures = {}
    at = 1
    try:
        postgres.start()
        for size, count in BATCHES.items():
            documents = enrich(_english(range(at, at + count)), resources, clock=time.perf_counter)
            figures |= _measured(postgres, size, resources, documents)
            at += count
    finally:
        postgres.stop()
        shutil.rmtree(home, ignore_errors=True)
    reached = float(figures["batch 16: ratio"]) >= 0.8
    return Row(9, f"enrichment commit, {WORDS} words", ">= 0.8 x its statements in a bare loop", figures, reached)


def _now() -> datetime:
    return datetime.now(UTC)
