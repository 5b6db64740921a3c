"""Pages found by looks at the index are those found by going through all, however articles lie in time."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from services.api.deps import Resources
from services.api.query import encode_cursor, read_articles
from services.api.search import condition as conditions
from services.api.search import store
from services.api.search.finding import store as finding
from shared.stored import pack
from tests.api.conftest import Newsroom

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
ROWS = 4_000
UNIT = timedelta(seconds=4096)


def moments(rng: random.Random) -> list[datetime]:
    """Dense times and empty ones, many at one moment, at the edges of stretches, ahead, at both ends of time."""
    edge = datetime.fromtimestamp(NOW.timestamp() // 16777216 * 16777216, UTC)
    kinds = (
        lambda: NOW - timedelta(seconds=rng.random() * 86_400),
        lambda: NOW - timedelta(days=300 + rng.random()),
        lambda: NOW - timedelta(days=4_000 * rng.random()),
        lambda: edge + rng.choice((-1, 0, 1)) * timedelta(microseconds=1) + rng.choice((-512, -8, -1, 0, 1)) * UNIT,
        lambda: datetime(2025, 6, 1, tzinfo=UTC),
        lambda: NOW + timedelta(days=800 * rng.random()),
    )
    ends = [datetime(1, 1, 2, tzinfo=UTC), datetime(1969, 12, 31, 23, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)]
    return ends + [rng.choice(kinds)() for _ in range(ROWS - len(ends))]


@pytest.fixture
def spread(newsroom: Newsroom) -> Newsroom:
    rng = random.Random(3)
    into = "COPY article_lookup (article_id, sort_at, lang, facts, words) FROM STDIN"
    with newsroom.conn.cursor() as cursor, cursor.copy(into) as copy:
        for n, at in enumerate(moments(rng), 1):
            told = [f"entity=e{int(300 ** rng.random())}", f"lang={rng.choice(('en', 'en', 'es'))}"]
            told += ["day=later"] if at > NOW + timedelta(days=1) else []
            words = f" title | harbour {'bridg open' if n % 3 else 'open bridg'} w{int(100 ** rng.random())} "
            copy.write_row((n, at, "en", told, words))
    newsroom.conn.execute(
        "INSERT INTO enriched_articles (article_id, version, revision, enriched_at, sort_at, source_id, status, packed)"
        " SELECT article_id, 1, 'r', sort_at, sort_at, 's', 'usable', %s FROM article_lookup",
        (pack({}, b"{}", {}, None),),
    )
    newsroom.conn.execute("ANALYZE article_lookup, enriched_articles")
    return newsroom


ASKED = {
    "entity=e1": "facts && '{entity=e1}'",
    "entity=e2&lang=es": "facts && '{entity=e2}' AND facts && '{lang=es}'",
    "entity=e9&entity=e200": "facts && '{entity=e9,entity=e200}'",
    "entity=e250": "facts && '{entity=e250}'",
    "entity=none": "false",
    "entity=e3&to=2025-12-01": "facts && '{entity=e3}' AND sort_at < '2025-12-01'",
    "entity=e3&from=2024-01-01&to=2026-02-01":
        "facts && '{entity=e3}' AND sort_at < '2026-02-01' AND sort_at >= '2024-01-01'",
    "q=w7": "words ~ ' w7 '",
    "q=w7&entity=e1": "words ~ ' w7 ' AND facts && '{entity=e1}'",
    'q=%22open+bridge%22+w2': "words ~ ' open bridg ' AND words ~ ' w2 '",
    "q=%22harbour+open%22&entity=e5": "words ~ ' harbour open ' AND facts && '{entity=e5}'",
}  # fmt: skip


@pytest.mark.parametrize("few", [1, 40, 300])
async def test_looks_find_what_going_through_all_finds(
    spread: Newsroom, held: Resources, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(finding, "WALK", 7)
    monkeypatch.setattr(finding, "WALK_WORDS", 5)
    monkeypatch.setattr(finding, "WALK_MORE", 20)
    monkeypatch.setattr(finding, "WALK_FEW", 3)
    monkeypatch.setattr(finding, "FEW", few)
    async with held.reading() as conn:
        for asked, condition in ASKED.items():
            every = f"SELECT article_id FROM article_lookup WHERE {condition} ORDER BY sort_at DESC, article_id DESC"
            expected = [article_id for (article_id,) in spread.conn.execute(every.encode()).fetchall()]
            assert expected or asked == "entity=none"
            seen: list[int] = []
            cursor = ""
            limit = max(3, len(expected) // 9)
            for _ in range(60):
                query = read_articles(f"{asked}&limit={limit}{cursor}".encode())
                answer = await store.newest(conn, query, NOW, ROWS, rest=False)
                seen += [row.article_id for row in answer.rows[:limit]]
                if len(answer.rows) <= limit:
                    break
                cursor = f"&cursor={encode_cursor(answer.rows[limit - 1].sort_at, answer.rows[limit - 1].article_id)}"
            assert seen == expected, asked


async def test_a_stretch_is_named_as_the_index_names_it(newsroom: Newsroom) -> None:
    for at in moments(random.Random(4))[:200]:
        ((told,),) = newsroom.conn.execute("SELECT lookup_stretches(%s)", (at,)).fetchall()
        seconds = (at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1)
        assert told == [int(seconds // (4096 * 8**level)) * 8 + level for level in range(5)]


def test_what_a_filter_lets_pass_has_its_part() -> None:
    def asks(query: str) -> bool:
        return "f_has" in conditions.condition(read_articles(query.encode()).filter).values

    assert not asks("entity=e1&has=entity")
    assert not asks("place=PT&has=image&has=place")
    assert asks("entity=e1&has=image")
    assert asks("has=entity")
