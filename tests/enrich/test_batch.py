"""A message may come twice, late, together with another or kill its worker: each article is told of once."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb
from zstandard import ZstdCompressor

from services.enrich import store
from services.enrich.batch import MAX_ATTEMPTS, Work, enrich_batch, portions, save
from services.enrich.pipeline import enrich
from services.enrich.retention import forget
from shared import log
from tests.keeping import alter, both, unpacked

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def put(conn: Connection, article_id: int, title: str = "Ministers meet in Lisbon", version: int = 1) -> None:
    """Store an article as ingest does."""
    conn.execute(
        "INSERT INTO articles (id, version, url, canonical_url, title, description, published_at, published_precision,"
        " discovered_at, fetched_at, body_html, source, content_hash) VALUES (%(id)s, %(version)s, %(url)s, %(url)s,"
        " %(title)s, null, %(now)s, 'second', %(now)s, %(now)s, %(body)s, %(source)s, 'x')"
        " ON CONFLICT (id) DO UPDATE SET version = excluded.version, title = excluded.title",
        {
            "id": article_id,
            "version": version,
            "url": f"https://northmail.example/{article_id}",
            "title": title,
            "now": NOW,
            "body": "<p>Maria Duarte met the ministers in Lisbon on Monday.</p>",
            "source": Jsonb(
                {"id": "northmail.example", "name": "Northmail", "domain": "northmail.example", "country": None}
            ),
        },
    )


def correct(conn: Connection, article_id: int, version: int, old: str, new: str) -> None:
    put(conn, article_id, new, version)
    conn.execute(
        "INSERT INTO article_versions (article_id, version, seen_at, title, significant, changes)"
        " VALUES (%s, %s, %s, %s, true, %s)",
        (article_id, version, NOW, new, Jsonb([{"field": "title", "old": old, "new": new}])),
    )


def told(conn: Connection) -> list[tuple[int, str, int]]:
    return [(e.position, e.type.split(".")[2], e.article_id or 0) for e in log.read(conn, 0, 1000)]


def test_an_article_is_told_of_once_however_often_its_id_comes(work: Work, conn: Connection) -> None:
    put(conn, 1)
    put(conn, 2)
    assert enrich_batch(work, [1, 2, 2, 404]) == 2
    assert enrich_batch(work, [2, 1]) == 0
    assert sorted(told(conn)) == [(1, "enriched", 1), (2, "enriched", 2)]
    rows = conn.execute("SELECT article_id, position FROM enriched_articles ORDER BY 1").fetchall()
    assert rows == [(1, 1), (2, 2)]
    assert conn.execute("SELECT count(*) FROM enrich_attempts").fetchone() == (0,)


def test_the_event_carries_the_card_and_the_row_the_whole(work: Work, conn: Connection) -> None:
    put(conn, 1)
    enrich_batch(work, [1])
    (event,) = log.read(conn, 0, 10)
    card, rest = both(conn, 1)
    assert json.loads(event.data) == card
    assert "mentions" not in card["entities"][0]
    mentions = [m for e in rest["entities"] for m in e["mentions"]]
    assert {m["text"] for m in mentions} >= {"Maria Duarte", "Lisbon"}
    for m in mentions:
        text = card["title"] if m["field"] == "title" else rest["body_text"]
        assert text[m["start"] : m["end"]] == m["text"]


def test_workers_that_meet_on_the_same_articles_tell_of_each_once(work: Work, conn: Connection) -> None:
    for n in range(1, 41):
        put(conn, n)
    ids = list(range(1, 41))
    threads = [
        threading.Thread(target=enrich_batch, args=(work, order)) for order in (ids, ids[::-1], ids[20:] + ids[:20])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(article for _, _, article in told(conn)) == ids
    assert [position for position, _, _ in told(conn)] == ids


def test_a_new_version_is_a_correction_with_everything_that_changed(work: Work, conn: Connection) -> None:
    put(conn, 1, "First")
    enrich_batch(work, [1])
    correct(conn, 1, 2, "First", "Second")
    correct(conn, 1, 3, "Second", "Third")
    enrich_batch(work, [1])
    event = log.read(conn, 1, 10)[0]
    assert event.type == "wiredesk.article.corrected.v1"
    data = json.loads(event.data)
    assert [(c["old"], c["new"]) for c in data["changes"]] == [("First", "Second"), ("Second", "Third")]
    assert (data["significant"], data["version"], data["title"]) == (True, 3, "Third")
    ((words,),) = conn.execute("SELECT words FROM article_lookup").fetchall()
    assert (" third " in words, " first " in words) == (True, False)


def test_an_article_changed_before_it_was_ever_enriched_is_told_of_as_new(work: Work, conn: Connection) -> None:
    put(conn, 1, "First")
    correct(conn, 1, 2, "First", "Second")
    enrich_batch(work, [1])
    assert told(conn) == [(1, "enriched", 1)]


def test_another_enricher_revision_reannotates_what_it_says_otherwise(work: Work, conn: Connection) -> None:
    put(conn, 1)
    enrich_batch(work, [1])
    put(conn, 2)
    enrich_batch(work, [2])
    conn.execute("UPDATE enriched_articles SET revision = 'older'")
    alter(conn, 1, lambda card, rest: card.update(summary=[]))
    enrich_batch(work, [1, 2])
    assert [(kind, n) for _, kind, n in told(conn)] == [("enriched", 1), ("enriched", 2), ("reannotated", 1)]
    (event,) = log.read(conn, 2, 10)
    assert [(c["field"], c["old"]) for c in json.loads(event.data)["changes"]] == [("summary", [])]


def test_an_event_says_for_ever_what_it_said(work: Work, conn: Connection) -> None:
    put(conn, 1, "First")
    enrich_batch(work, [1])
    first = log.read(conn, 0, 10)
    assert json.loads(first[0].data) == both(conn, 1)[0]
    assert conn.execute("SELECT card, data FROM events").fetchall() == [(None, None)]  # the article's row has it
    correct(conn, 1, 2, "First", "Second")
    enrich_batch(work, [1])
    second = log.read(conn, 0, 10)
    assert second[0] == first[0]
    assert json.loads(second[1].data)["title"] == "Second"
    # Read again without a word said otherwise, so untold of: the row changes under its event all the same.
    conn.execute("UPDATE enriched_articles SET revision = 'older'")
    enrich_batch(Work(work.pool, work.resources, lambda: NOW.replace(hour=9), work.timer), [1])
    assert both(conn, 1)[0]["enriched_at"] == "2026-03-02T09:00:00Z"
    assert log.read(conn, 0, 10) == second
    put(conn, 2)
    correct(conn, 1, 3, "Second", "Third")
    conn.execute("UPDATE articles SET duplicate_of = 2 WHERE id = 1")
    enrich_batch(work, [1])
    third = log.read(conn, 0, 10)
    assert third[:2] == second
    assert [(e.type.split(".")[2], json.loads(e.data)["title"]) for e in third[2:]] == [
        ("corrected", "Third"),
        ("merged", "Third"),
    ]
    assert "changes" in json.loads(third[2].data)
    assert "changes" not in json.loads(third[3].data)


def test_an_article_that_was_kept_unpacked_is_corrected_and_its_event_stays(work: Work, conn: Connection) -> None:
    put(conn, 1, "First")
    enrich_batch(work, [1])
    was = log.read(conn, 0, 10)
    unpacked(conn)
    assert log.read(conn, 0, 10) == was
    correct(conn, 1, 2, "First", "Second")
    enrich_batch(work, [1])
    events = log.read(conn, 0, 10)
    assert events[0] == was[0]
    assert json.loads(events[1].data)["title"] == both(conn, 1)[0]["title"] == "Second"
    assert conn.execute("SELECT card, rest FROM enriched_articles").fetchall() == [(None, None)]


def test_the_event_of_an_article_that_somebody_deleted_holds_nothing_up(work: Work, conn: Connection) -> None:
    put(conn, 1)
    put(conn, 2)
    enrich_batch(work, [1, 2])
    conn.execute("DELETE FROM enriched_articles WHERE article_id = 1")
    gone, there = log.read(conn, 0, 10)
    assert json.loads(gone.data) == {"id": 1, "version": 1}
    assert json.loads(there.data)["title"]


def test_an_english_article_keeps_a_vector_and_loses_it_with_its_language(work: Work, conn: Connection) -> None:
    put(conn, 1)
    enrich_batch(work, [1])
    ((vector,),) = conn.execute("SELECT vector FROM article_vectors").fetchall()
    assert len(vector) == 256
    conn.execute("UPDATE articles SET title = 'Die Minister', body_html = '<p>Die Minister trafen sich gestern.</p>'")
    conn.execute("UPDATE enriched_articles SET revision = 'older'")
    enrich_batch(work, [1])
    assert conn.execute("SELECT count(*) FROM article_vectors").fetchone() == (0,)


def test_a_withdrawn_article_is_told_of_as_withdrawn(work: Work, conn: Connection) -> None:
    put(conn, 1, "First")
    enrich_batch(work, [1])
    correct(conn, 1, 2, "First", "First")
    conn.execute("UPDATE articles SET status = 'withdrawn'")
    enrich_batch(work, [1])
    assert [kind for _, kind, _ in told(conn)] == ["enriched", "withdrawn"]


def test_an_article_found_to_be_another_is_told_of_as_merged_once_and_keeps_answering(
    work: Work, conn: Connection
) -> None:
    put(conn, 1)
    put(conn, 2)
    enrich_batch(work, [1, 2])
    conn.execute("UPDATE articles SET duplicate_of = 1 WHERE id = 2")
    for _ in range(2):
        enrich_batch(work, [1, 2])
    assert told(conn)[2:] == [(3, "merged", 2)]
    assert both(conn, 2)[0]["duplicate_of"] == 1
    assert conn.execute("SELECT position FROM enriched_articles WHERE article_id = 2").fetchall() == [(3,)]
    # Another survivor later is no second merge.
    put(conn, 3)
    conn.execute("UPDATE articles SET duplicate_of = 3 WHERE id = 2")
    enrich_batch(work, [2])
    assert [kind for _, kind, _ in told(conn)].count("merged") == 1


def test_a_duplicate_found_before_it_was_enriched_is_told_of_as_new_and_then_as_merged(
    work: Work, conn: Connection
) -> None:
    put(conn, 1)
    put(conn, 2)
    conn.execute("UPDATE articles SET duplicate_of = 1 WHERE id = 2")
    enrich_batch(work, [2])
    enrich_batch(work, [2])
    assert [kind for _, kind, _ in told(conn)] == ["enriched", "merged"]
    assert conn.execute("SELECT position FROM enriched_articles WHERE article_id = 2").fetchall() == [(2,)]


def test_an_article_that_kept_killing_its_worker_is_stored_with_the_reason_and_its_neighbours_are_not_harmed(
    work: Work, conn: Connection
) -> None:
    put(conn, 1)
    put(conn, 2)
    for _ in range(MAX_ATTEMPTS):  # what is left behind by workers that died: attempts counted, nothing saved
        store.begin(conn, [1], "r", NOW)
    assert enrich_batch(work, [1, 2]) == 2
    rest = both(conn, 1)[1]
    assert "died" in rest["annotations"]["pipeline"]["error"]
    rest = both(conn, 2)[1]
    assert "pipeline" not in rest["annotations"]
    assert rest["entities"]


def test_a_message_is_worked_off_in_growing_portions() -> None:
    assert [list(p) for p in portions(range(1, 21))] == [
        [1],
        [2, 3],
        [4, 5, 6, 7],
        [8, 9, 10, 11, 12, 13, 14, 15],
        [16, 17, 18, 19, 20],
    ]
    assert list(portions([])) == []


def test_a_transaction_costs_the_same_statements_for_one_article_and_for_many(
    work: Work, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []
    original = psycopg.Connection.execute

    def counted(self: Connection, *args: Any, **kwargs: Any) -> Any:
        counts[-1] += 1
        return original(self, *args, **kwargs)

    for n in range(1, 34):
        put(conn, n)
    documents = enrich(store.load(conn, range(1, 34)), work.resources, clock=work.timer)
    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Connection, "execute", counted)
        for some in (documents[:1], documents[1:]):
            counts.append(0)
            assert save(work, some, "r") == len(some)
    assert counts[0] <= counts[1] <= counts[0] + 3 <= 12  # many are claimed a few at a time


PAGE = (
    "<html><head><title>Ministers meet</title></head><body><nav><a href='/'>Home</a></nav><article><h1>Ministers</h1>"
    + "".join(
        f"<p>Paragraph {n}: Inês Castro told reporters in Tournai what was agreed on point {n}.</p>" for n in range(9)
    )
    + "</article></body></html>"
)


def store_page(conn: Connection, article_id: int, edition: int = 1, html: str = PAGE) -> None:
    """Store an article's page as ingest does."""
    conn.execute(
        "INSERT INTO pages (article_id, url, fetch_url, host, lane, wanted_at, status, outcome, fetched_at, final_url,"
        " charset, body, edition) VALUES (%(id)s, 'u', 'u', 'h', 'normal', %(now)s, 'stored', 'article', %(now)s,"
        " 'https://northmail.example/p', 'utf-8', %(body)s, %(edition)s)"
        " ON CONFLICT (article_id) DO UPDATE SET body = excluded.body, edition = excluded.edition",
        {"id": article_id, "now": NOW, "body": ZstdCompressor().compress(html.encode()), "edition": edition},
    )


def test_a_page_that_is_there_in_time_is_read_with_the_article(work: Work, conn: Connection) -> None:
    put(conn, 1)
    store_page(conn, 1)
    assert enrich_batch(work, [1]) == 1
    (event,) = log.read(conn, 0, 10)
    assert (event.type, json.loads(event.data)["body_source"]) == ("wiredesk.article.enriched.v1", "page")
    assert enrich_batch(work, [1]) == 0


def test_a_later_page_makes_one_reannotation_that_says_what_changed(work: Work, conn: Connection) -> None:
    put(conn, 1)
    enrich_batch(work, [1])
    store_page(conn, 1)
    assert (enrich_batch(work, [1]), enrich_batch(work, [1])) == (1, 0)
    assert [kind for _, kind, _ in told(conn)] == ["enriched", "reannotated"]
    data = json.loads(log.read(conn, 1, 10)[0].data)
    changes = {change["field"]: change for change in data["changes"]}
    assert (changes["body_source"]["old"], changes["body_source"]["new"]) == ("feed", "page")
    assert changes["body_text"]["new"].startswith("Paragraph 0") or "Paragraph 0" in changes["body_text"]["new"]
    assert "Inês Castro" in changes["entities"]["new"] and "Inês Castro" not in changes["entities"]["old"]
    assert data["version"] == 1


def test_a_reading_without_the_page_never_replaces_one_with_it(work: Work, conn: Connection) -> None:
    put(conn, 1)
    with work.pool.connection() as c:
        before = store.load(c, [1])
    store_page(conn, 1)
    enrich_batch(work, [1])
    assert save(work, enrich(before, work.resources, clock=time.perf_counter), "another") == 0


def test_a_correction_of_what_was_told_and_dropped_is_no_second_enriched(work: Work, conn: Connection) -> None:
    put(conn, 1)
    put(conn, 2)
    enrich_batch(work, [1, 2])
    assert forget(conn, NOW + timedelta(days=1)) == 2
    correct(conn, 1, 2, "Ministers meet in Lisbon", "Ministers met in Lisbon")
    put(conn, 3, version=2)  # corrected before it was first read
    enrich_batch(work, [1, 3])
    assert sorted(told(conn)[2:]) == [(3, "corrected", 1), (4, "enriched", 3)]
    data = json.loads(log.read(conn, 2, 1)[0].data)
    assert [(c["field"], c["new"]) for c in data["changes"]] == [("title", "Ministers met in Lisbon")]
    assert forget(conn, NOW + timedelta(days=1)) == 2
    correct(conn, 1, 3, "Ministers met in Lisbon", "Ministers left Lisbon")
    enrich_batch(work, [1])
    assert told(conn)[-1][1:] == ("corrected", 1)
    data = json.loads(log.read(conn, 4, 1)[0].data)
    assert [(c["old"], c["new"]) for c in data["changes"]] == [("Ministers met in Lisbon", "Ministers left Lisbon")]
