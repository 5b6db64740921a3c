"""The plans of lists and counts: an index that is lost, or a plan that walks the store, is a failure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from services.api.deps import Resources
from services.api.query import encode_cursor, read_articles
from services.api.search import store
from services.api.search.finding import store as finding
from shared.stored import pack
from tests.api.conftest import Newsroom

NOW = datetime(2026, 3, 10, tzinfo=UTC)
ROWS = 12_000


@pytest.fixture
def filled(newsroom: Newsroom) -> Newsroom:
    """Articles of three weeks: facts and words of every frequency, in rows as wide as real ones."""
    newsroom.conn.execute(
        """
        INSERT INTO article_lookup
        SELECT n, at, 'en',
               ARRAY['day=' || to_char(at, 'YYYY-MM-DD'), 'lang=' || CASE WHEN mod(n, 3) = 0 THEN 'es' ELSE 'en' END,
                     'sample=' || mod(n, 256), 'entity=e' || mod(n, 1000), 'place=' || chr(65 + mod(n, 26)) || 'X',
                     'author=a' || mod(n, 5000), 'topic=medtop:04000000', 'source=s' || mod(n, 200)],
               ' title | bridg harbour w' || mod(n, 20) || ' v' || mod(n, 2000) || repeat(' x' || mod(n, 7), 40) || ' '
        FROM (SELECT n, %s - n * interval '150 seconds' AS at FROM generate_series(1, %s) AS n) AS made
        """,
        (NOW, ROWS),
    )
    newsroom.conn.execute(
        "INSERT INTO enriched_articles (article_id, version, revision, position, enriched_at, sort_at, lang, source_id,"
        " status, packed) SELECT article_id, 1, 'r', article_id, sort_at, sort_at, 'en', 's', 'usable', %s"
        " FROM article_lookup",
        (pack({}, b"{}", {"body_text": "x" * 1500}, None),),
    )
    newsroom.conn.execute("ANALYZE article_lookup, enriched_articles")
    return newsroom


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def planned(newsroom: Newsroom, statement: bytes, values: dict[str, Any]) -> list[dict[str, Any]]:
    cursor = psycopg.ClientCursor(newsroom.conn)
    ((told,),) = cursor.execute(b"EXPLAIN (ANALYZE, FORMAT JSON) " + statement, values).fetchall()
    return list(nodes(told[0]["Plan"]))


CURSOR = encode_cursor(NOW - timedelta(days=9), 5)
ASKED = [
    "lang=es", "entity=e7", "entity=e7&entity=e8&place=AX", "author=a77", "topic=medtop:04000000&source=s3",
    "place=BX&lang=en", f"entity=e7&cursor={CURSOR}", "entity=e7&from=2026-03-01&to=2026-03-05", "entity=none",
    "q=harbour", "q=v77", "q=v77+w17", "q=%22harbour+w17%22", "q=harbour+-bridge", "q=v77+OR+v78&lang=en",
    f"q=v77&cursor={CURSOR}", "q=none", "q=%22w17+harbour%22", "q=%22harbour+bridge%22",
]  # fmt: skip


def test_lists_use_their_indexes_and_read_a_bounded_part(filled: Newsroom) -> None:
    for asked in ASKED:
        statement, values = store.page_of(read_articles(asked.encode()), NOW, ROWS, rest=False)
        plan = planned(filled, statement, values)
        scans = [n for n in plan if n.get("Relation Name") in ("article_lookup", "enriched_articles")]
        assert scans, asked
        assert not [n for n in scans if n["Node Type"] == "Seq Scan" and n["Actual Loops"]], asked
        assert {"article_lookup_newest", "article_lookup_found"} <= {n.get("Index Name") for n in plan}, asked
        read = sum(n["Actual Rows"] * n["Actual Loops"] for n in scans)
        assert read <= 2 * (finding.WALK + finding.WALK_MORE) + finding.FEW, (asked, read)
        (by_id,) = [n for n in scans if n["Relation Name"] == "enriched_articles"]
        assert by_id["Actual Rows"] * by_id["Actual Loops"] <= 51, asked


def test_the_plain_list_walks_its_index(filled: Newsroom) -> None:
    for asked in (b"", b"limit=200", f"cursor={CURSOR}".encode(), b"from=2026-03-01&to=2026-03-05"):
        plan = planned(filled, *store.page_of(read_articles(asked), NOW, ROWS, rest=True))
        assert {"article_lookup_newest", "enriched_articles_pkey"} <= {n.get("Index Name") for n in plan}
        assert not [n for n in plan if n["Node Type"] in ("Seq Scan", "Bitmap Heap Scan")], asked


def test_what_changed_lately_is_read_out_of_the_log(filled: Newsroom) -> None:
    filled.conn.execute(
        "INSERT INTO events SELECT n, now(), 't', 's', n, '{}' FROM generate_series(1, %s) AS n", (ROWS,)
    )
    filled.conn.execute("ANALYZE events")
    query = read_articles(f"lang=en&since={ROWS - 100}".encode())
    plan = planned(filled, *store.page_of(query, NOW, ROWS, rest=False))
    assert {"events_pkey", "article_lookup_pkey"} <= {n.get("Index Name") for n in plan}
    assert sum(n["Actual Rows"] * n["Actual Loops"] for n in plan if n.get("Relation Name") == "article_lookup") <= 100


async def test_a_phrase_that_is_hard_to_find_ends_its_page_early_and_goes_on(
    filled: Newsroom, held: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "LOOKS", 100)
    filled.conn.execute(
        "UPDATE article_lookup SET words = ' title | w17 harbour bridg ' WHERE article_id IN (5, 900, 9000, 11999)"
    )
    seen: list[int] = []
    pages = 0
    query = "q=%22w17+harbour%22&limit=2"
    cursor = ""
    async with held.reading() as conn:
        while True:
            asked = read_articles(f"{query}{cursor}".encode())
            answer = await store.newest(conn, asked, NOW, ROWS, rest=False)
            seen += [row.article_id for row in answer.rows[:2]]
            pages += 1
            if len(answer.rows) > 2:
                last = answer.rows[1].sort_at, answer.rows[1].article_id
            elif answer.cut is None:
                break
            else:
                last = answer.cut
            cursor = f"&cursor={encode_cursor(*last)}"
    assert seen == [5, 900, 9000, 11999]
    assert 2 < pages < 40
