"""Row 17: what an article of 4 KB of text takes on disk, everything included, once it was polled, enriched, told of.

Words are drawn as often as running English has them, so that packing gains what it gains on real text; one sentence in
four has names in it. The log of PostgreSQL itself is not counted: it is bounded, however many articles there are.
"""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import psycopg

from bench.machine import Machine, free_port, machine, until
from bench.report import Row
from bench.text import headline, sentence, vocabulary
from deploy.local.engines import Postgres

ITEMS, FEEDS, CHARS = 50, 12, 4096
FIRST = 2  # feeds before the first look: what a table takes empty is not an article's

_SIZES = """
SELECT relname, CASE relkind WHEN 'i' THEN pg_relation_size(oid) ELSE pg_table_size(oid) END
FROM pg_class WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace
"""


def run() -> Row:
    """How every table and index grows, by article."""
    with _publisher() as base, machine() as one:
        one.start()
        _take(one, base, range(FIRST))
        before = _sizes(one)
        _take(one, base, range(FIRST, FEEDS))
        after = _sizes(one)
    articles = (FEEDS - FIRST) * ITEMS
    grown = {name: (size - before.get(name, 0)) / articles for name, size in after.items()}
    total = sum(grown.values())
    figures: dict[str, float | int | str] = {"bytes of text": CHARS, "bytes on disk": round(total)}
    figures |= {name: round(size) for name, size in sorted(grown.items(), key=lambda told: -told[1]) if size >= 40}
    figures["ratio"] = round(total / CHARS, 2)
    return Row(17, "disk per article of 4 KB", "<= 2 x the text", figures, total <= 2 * CHARS)


def _take(one: Machine, base: str, feeds: range) -> None:
    for n in feeds:
        one.add_feed(f"{base}/{n}.xml")
    until(lambda: one.position() >= (feeds[-1] + 1) * ITEMS, 300, every_s=0.5)


def _sizes(one: Machine) -> dict[str, int]:
    with psycopg.connect(Postgres(one.home).url(), autocommit=True) as conn:
        conn.execute("VACUUM")
        return dict(conn.execute(_SIZES).fetchall())


@contextlib.contextmanager
def _publisher() -> Iterator[str]:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        for n in range(FEEDS):
            (Path(folder) / f"{n}.xml").write_text(_feed(n), "utf-8")
        command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", folder]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        base = f"http://127.0.0.1:{port}"
        try:
            until(lambda: httpx.get(f"{base}/0.xml", timeout=5).status_code == 200, 30)
            yield base
        finally:
            process.terminate()
            process.wait()


def _feed(feed: int) -> str:
    words, weights = vocabulary()
    items = []
    for n in range(ITEMS):
        seed = feed * ITEMS + n
        rng = random.Random(seed)
        text = ""
        while len(text) < CHARS:
            names = rng.random() < 0.25
            told = (
                sentence(rng) if names else " ".join(rng.choices(words, cum_weights=weights, k=16)).capitalize() + "."
            )
            text += told + (" " if rng.random() < 0.75 else "</p><p>")
        date = format_datetime(datetime.now(UTC) - timedelta(minutes=seed))
        link = f"https://wire.example/{feed}/2026/{seed}"
        body = f"&lt;p&gt;{text[:CHARS].replace('<', '&lt;').replace('>', '&gt;')}&lt;/p&gt;"
        items.append(
            f"<item><guid>{link}</guid><link>{link}</link><title>{headline(seed)}</title><pubDate>{date}</pubDate>"
            f"<content:encoded>{body}</content:encoded></item>"
        )
    return (
        "<?xml version='1.0' encoding='utf-8'?><rss version='2.0' "
        "xmlns:content='http://purl.org/rss/1.0/modules/content/'><channel><title>Wire</title>"
        f"<link>https://wire.example/{feed}</link><description>d</description>{''.join(items)}</channel></rss>"
    )
