"""Row 12: a list page of 50 articles of 4 KB, hot and straight from PostgreSQL, against FastAPI's `response_model`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import httpx

from bench.load import load
from bench.machine import ROOT, free_port, machine, publisher, until
from bench.report import Row

ARTICLES, WORDS = 60, 420  # 420 words: about 4 KB for the whole object
SECONDS = 5.0


def run() -> Row:
    """The same page three ways; the hot page is asked for again and again, the cold one at another cursor each time."""
    with publisher(1, ARTICLES, WORDS) as base, machine() as one:
        one.start()
        one.add_feed(base + "/f/0")
        until(lambda: one.position() >= ARTICLES, 120, every_s=0.2)
        page = httpx.get(f"{one.url}/v1/articles?limit=50&include=full", timeout=30)
        # A filter that is spelled anew makes the answer one that nobody asked for yet; the rows are the same.
        hot = load(one.port, "/v1/articles?limit=50&include=full", seconds=SECONDS)
        cold = load(one.port, "/v1/articles?limit=50&include=full&from=2000-01-01T00:00:00.{n:06}Z", seconds=SECONDS)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "page.json"
            file.write_bytes(page.content)
            port = free_port()
            plain = subprocess.Popen([sys.executable, "-m", "bench.plain_api", str(port), str(file)], cwd=ROOT)
            try:
                until(lambda: httpx.get(f"http://127.0.0.1:{port}/page", timeout=5).status_code == 200, 30)
                rival = load(port, "/page", seconds=SECONDS)
            finally:
                plain.terminate()
                plain.wait()
    figures: dict[str, float | int | str] = {
        "bytes a page": hot.bytes_each,
        "hot requests/s": round(hot.requests_per_s),
        "hot p99 ms": round(hot.p99_ms, 1),
        "from PostgreSQL requests/s": round(cold.requests_per_s),
        "from PostgreSQL p99 ms": round(cold.p99_ms, 1),
        "response_model requests/s": round(rival.requests_per_s),
        "hot ratio": round(hot.requests_per_s / rival.requests_per_s, 2),
        "PostgreSQL ratio": round(cold.requests_per_s / rival.requests_per_s, 2),
        "errors": hot.errors + cold.errors + rival.errors,
    }
    reached = hot.requests_per_s >= 5 * rival.requests_per_s and cold.requests_per_s >= rival.requests_per_s
    return Row(12, "list page of 50 x 4 KB", "hot >= 5 x, straight from PostgreSQL >= 1 x", figures, reached)
