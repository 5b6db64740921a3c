"""A store of a million made-up articles for rows 15 and 16, filled by PostgreSQL itself, and an API in front of it.

Values follow Zipf's law (k is taken about 1/k times as often as the first), as words, names and sources do: a word of
the commonest kind is in eight of ten articles, the rarest in one. An article has 385 words after its function words, as
4 KB of English have: 8 of 40,000 paragraphs and a few words of its own. Times are even over 30 days.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg

from bench.machine import ROOT, free_port, until
from deploy.local.engines import Postgres, Valkey
from shared.migrate import migrate

LOADING = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "20GB", "autovacuum": "off"}
# `letters` makes a word of a number; the digit at its end keeps stemmers from it. `zipf` draws a number.
TOOLS = """
CREATE FUNCTION letters(n int) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT substr(translate(md5(n::text), '0123456789', 'ghijklmnop'), 1, 4 + n % 5) || n % 10 $$;
CREATE FUNCTION zipf(most int, shift int) RETURNS int LANGUAGE sql VOLATILE AS
$$ SELECT floor(exp(ln(shift) + random() * ln((most + shift)::float8 / shift)))::int - shift + 1 $$;
CREATE UNLOGGED TABLE vocabulary AS SELECT n, letters(n) AS word FROM generate_series(1, 60001) AS n;
CREATE UNLOGGED TABLE paragraphs AS SELECT d.p AS n, string_agg(v.word, ' ' ORDER BY random()) AS told
FROM (SELECT p, zipf(60000, 30) AS k FROM generate_series(1, 40000) AS p, generate_series(1, 47) AS w) AS d
JOIN vocabulary v ON v.n = d.k GROUP BY d.p;
ALTER TABLE paragraphs ADD PRIMARY KEY (n);
CREATE UNLOGGED TABLE cards AS SELECT n, '"url":"https://source.example/' || n || '","description":"'
    || string_agg(letters(zipf(60000, 30)), ' ') || '"' AS told
FROM generate_series(1, 500) AS n, generate_series(1, 240) AS w GROUP BY n;
"""
FILL = """
WITH made AS MATERIALIZED (
    SELECT n AS id, now() - interval '30 days' * (1 - n / %(articles)s::float8) AS at,
           (ARRAY['en','en','en','en','en','en','es','fr','de','pt'])[1 + floor(random() * 10)::int] AS lang,
           'source' || zipf(2000, 3) || '.example' AS source, zipf(5000, 5) AS feed, 'PT' AS country,
           (SELECT array_agg(DISTINCT 'entity=person:' || letters(zipf(200000, 8)) ORDER BY
                             'entity=person:' || letters(zipf(200000, 8)))
            FROM generate_series(1, 8 + n * 0)) AS named,
           (SELECT array_agg(DISTINCT 'place=' || chr(65 + zipf(26, 2) - 1) || chr(65 + zipf(26, 2) - 1))
            FROM generate_series(1, 2 + n * 0)) AS places,
           (SELECT string_agg(p.told, ' ') FROM (
                SELECT 1 + floor(random() * 40000)::int AS k FROM generate_series(1, 8 + n * 0) OFFSET 0
            ) AS k JOIN paragraphs p ON p.n = k.k) AS body
    FROM generate_series(%(first)s::int, %(last)s::int) AS n
), looked AS (
    INSERT INTO article_lookup
    SELECT id, at, lang, ARRAY['author=' || letters(zipf(20000, 10)), 'day=' || to_char(at, 'YYYY-MM-DD'),
               'feed=' || feed,
               'has=author', 'has=body', 'has=entity', 'has=place', 'lang=' || lang, 'sample=' || id %% 256,
               'source=' || source, 'topic=medtop:' || lpad(zipf(17, 2)::text, 2, '0') || '000000', 'type=person'
           ] || named || places,
           ' ' || letters(zipf(60000, 30)) || ' ' || letters(id) || 'x1 ' || letters(zipf(60000, 30))
               || ' | ' || body || ' '
    FROM made
)
INSERT INTO enriched_articles (article_id, version, revision, position, enriched_at, sort_at, lang, source_id, status,
                               card, rest)
SELECT m.id, 1, 'r', m.id, m.at, m.at, m.lang, m.source, 'usable',
       '{"id":' || m.id || ',"version":1,"title":"' || letters(m.id) || '",' || c.told || '}', '{}'
FROM made m JOIN cards c ON c.n = 1 + m.id %% 500
"""
INDEXES = ("article_lookup_found", "article_lookup_newest")
_kept: dict[int, Postgres] = {}
_folders: list[Path] = []


def filled(articles: int) -> Postgres:
    """A running server with so many articles; made once per run, its folder removed at the end."""
    if articles not in _kept:
        home = Path(tempfile.mkdtemp(prefix="wiredesk-bench-"))
        _folders.append(home)
        engine = Postgres(home, settings=LOADING | {"maintenance_work_mem": "1500MB"})
        engine.start()
        engine.create_database()
        migrate(engine.url())
        begun = time.monotonic()
        _fill(engine.url(), articles)
        engine.stop()
        engine = Postgres(home, settings={"fsync": "off"})
        engine.start()
        _kept[articles] = engine
        print(f"  {articles:,} articles made in {time.monotonic() - begun:.0f} s", flush=True)
    return _kept[articles]


@atexit.register
def _clean() -> None:
    for engine in _kept.values():
        engine.stop()
    for folder in _folders:
        shutil.rmtree(folder, ignore_errors=True)


def _fill(url: str, articles: int) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(TOOLS)
        definitions = [
            conn.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", (name,)).fetchall()[0][0]
            for name in INDEXES
        ]
        for name in INDEXES:
            conn.execute(f"DROP INDEX {name}".encode())
        step = 10_000
        spans = [(first, min(first + step - 1, articles)) for first in range(1, articles + 1, step)]
        workers = [threading.Thread(target=_some, args=(url, articles, spans[n::2])) for n in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        for definition in definitions:
            conn.execute(definition.encode())
        conn.execute(
            "INSERT INTO events (position, at, type, subject, data) VALUES (%s, now(), 't', 's', '{}')", (articles,)
        )
        conn.execute("VACUUM ANALYZE")
        conn.execute("CHECKPOINT")


def _some(url: str, articles: int, spans: list[tuple[int, int]]) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        for first, last in spans:
            conn.execute(FILL.encode(), {"articles": articles, "first": first, "last": last})


@contextlib.contextmanager
def api(engine: Postgres) -> Iterator[str]:
    """An API on that store; its address."""
    home = Path(tempfile.mkdtemp(prefix="wiredesk-bench-"))
    valkey = Valkey(home)
    valkey.start()
    port = free_port()
    kept = {k: v for k, v in os.environ.items() if not k.startswith("WIREDESK_")}
    told = {
        "DATABASE_URL": engine.url(),
        "REDIS_URL": valkey.url(),
        "WIREDESK_PORT": str(port),
        "WIREDESK_HOME": str(home),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "services.api"], cwd=ROOT, env=kept | told, stdout=subprocess.DEVNULL
    )
    base = f"http://127.0.0.1:{port}"
    try:
        until(lambda: httpx.get(base + "/healthz", timeout=5).status_code == 200, 30)
        yield base
    finally:
        process.terminate()
        process.wait()
        valkey.stop()
        shutil.rmtree(home, ignore_errors=True)


def timed(client: httpx.Client, paths: list[str]) -> list[float]:
    """Milliseconds of each request, one after the other. Raises `httpx.HTTPStatusError`."""
    found = []
    for path in paths:
        begun = time.perf_counter()
        answer = client.get(path)
        found.append((time.perf_counter() - begun) * 1000)
        answer.raise_for_status()
    return found
