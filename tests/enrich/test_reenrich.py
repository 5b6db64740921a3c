"""A slice is read again: only what a step would say otherwise, in the backfill lane, whoever dies in between."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import redis
from psycopg.types.json import Jsonb

from services.enrich.again import store
from services.enrich.again.run import AGAIN, WAITING, Reenricher
from services.enrich.again.touched import touched
from services.enrich.batch import Work, enrich_batch
from services.enrich.pipeline import Resources, enricher_revision, known_steps
from shared import log
from shared.queue import QUEUES
from tests.enrich.test_batch import put
from tests.keeping import alter

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
def conn(database_url: str, resources: Resources) -> Iterator[Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        store.tell_steps(connection, enricher_revision(resources), known_steps(resources), NOW)
        yield connection


class Desk:
    """A reenricher whose clock and queue are in hand."""

    def __init__(self, redis_url: str) -> None:
        self.now = NOW
        self.client: redis.Redis = redis.Redis.from_url(redis_url)
        self.sent: list[list[int]] = []
        self.work = Reenricher(self.client, self.send, lambda: self.now)

    def send(self, ids: Sequence[int]) -> None:
        self.sent.append(list(ids))

    def turn(self, conn: Connection) -> None:
        while self.work.round(conn):
            pass


@pytest.fixture
def desk(redis_url: str) -> Desk:
    return Desk(redis_url)


def ask(conn: Connection, steps: list[str] | None = None, forced: bool = False, dry: bool = False, **part: Any) -> int:
    """Ask as api does."""
    row = conn.execute(
        "INSERT INTO reenrich_requests (slice, steps, forced, dry_run) VALUES (%s, %s, %s, %s) RETURNING id",
        (Jsonb(part), steps, forced, dry),
    ).fetchone()
    assert row is not None
    return int(row[0])


def age(conn: Connection, article_id: int, step: str) -> None:
    """Make an article as a worker with an older revision of one step would have left it: other, and without topics."""

    def as_then(card: dict[str, Any], rest: dict[str, Any]) -> None:
        card["topics"] = []
        rest["annotations"][step]["revision"] = "0"

    alter(conn, article_id, as_then)
    conn.execute("UPDATE enriched_articles SET revision = 'older' WHERE article_id = %s", (article_id,))


def told(conn: Connection) -> list[tuple[str, int]]:
    return [(e.type.split(".")[2], e.article_id or 0) for e in log.read(conn, 0, 1000)]


def run_of(conn: Connection, request_id: int) -> dict[str, Any]:
    cursor = conn.execute("SELECT * FROM reenrich_runs WHERE request_id = %s", (request_id,))
    row = cursor.fetchone()
    assert row is not None
    return dict(zip((c.name for c in cursor.description or ()), row, strict=True))


def test_another_revision_of_a_step_touches_what_it_read_and_nothing_else() -> None:
    steps = {
        "page": {"revision": "2", "languages": None},
        "quotes": {"revision": "2", "languages": ["de", "en"]},
        "dates": {"revision": "1", "languages": ["en"]},
    }
    read = {"revision": "1", "took_ms": 1.0}
    assert touched({"page": read, "quotes": {**read, "revision": "2"}, "dates": read}, steps, "en") == ["page"]
    skipped = {"page": {"revision": "1", "skipped": "page"}, "dates": {"revision": "1", "skipped": "language"}}
    assert touched({**skipped, "quotes": {"revision": "1", "skipped": "language"}}, steps, "de") == ["quotes"]
    assert touched({**skipped, "quotes": {"revision": "1", "skipped": "language"}}, steps, "fi") == []
    assert touched({**skipped, "quotes": {"revision": "2", "error": "ValueError: x"}}, steps, "de") == ["quotes"]
    assert touched({"pipeline": {"revision": "x", "error": "died"}}, steps, None) == ["page"]


def test_only_touched_articles_are_read_again_and_told_of_with_what_changed(
    work: Work, conn: Connection, desk: Desk
) -> None:
    for n in (1, 2, 3):
        put(conn, n, "Earthquake kills seven, rescuers search the rubble")
    enrich_batch(work, [1, 2, 3])
    age(conn, 2, "topics")
    conn.execute("UPDATE enriched_articles SET revision = 'older'")
    request = ask(conn)
    desk.turn(conn)
    assert desk.sent == [[2]]
    assert enrich_batch(work, [2]) == 1
    desk.turn(conn)
    event = log.read(conn, 3, 10)[0]
    assert event.type == "wiredesk.article.reannotated.v1"
    (change,) = json.loads(event.data)["changes"]
    assert change["field"] == "topics"
    assert change["old"] == []
    assert "disaster, accident and emergency incident" in change["new"]
    run = run_of(conn, request)
    assert (run["looked"], run["touched"], run["by_step"]) == (3, 1, {"topics": 1})
    assert run["finished_at"] == NOW
    # Those it would read just the same carry its name now, so that no late message reads them again.
    assert enrich_batch(work, [1, 2, 3]) == 0
    assert len(told(conn)) == 4


def test_what_says_the_same_again_is_not_told_of(work: Work, conn: Connection, desk: Desk) -> None:
    put(conn, 1)
    enrich_batch(work, [1])
    request = ask(conn, forced=True)
    desk.turn(conn)
    assert desk.sent == [[1]]
    assert enrich_batch(work, [1]) == 0
    assert enrich_batch(work, [1]) == 0
    desk.turn(conn)
    assert told(conn) == [("enriched", 1)]
    assert conn.execute("SELECT changes FROM rereads").fetchone() == ([],)
    assert run_of(conn, request)["finished_at"] is not None


@pytest.mark.parametrize(
    ("part", "ids"),
    [
        ({"ids": [2, 99]}, [2]),
        ({"lang": ["de"]}, []),
        ({"source": ["northmail.example"], "from": "2026-03-02T09:00:00Z"}, [3]),
        ({"to": "2026-03-02T09:00:00Z"}, [1, 2]),
        ({"feed": [5]}, [1]),
    ],
)
def test_a_slice_holds_what_was_asked_for(
    work: Work, conn: Connection, desk: Desk, part: dict[str, Any], ids: list[int]
) -> None:
    for n in (1, 2, 3):
        put(conn, n)
    conn.execute("UPDATE articles SET published_at = published_at + interval '2 hours' WHERE id = 3")
    conn.execute("INSERT INTO article_feeds (article_id, feed_id, first_seen_at) VALUES (1, 5, now())")
    enrich_batch(work, [1, 2, 3])
    ask(conn, forced=True, **part)
    desk.turn(conn)
    assert [n for message in desk.sent for n in message] == ids


def test_a_request_for_steps_leaves_the_others_work_alone(work: Work, conn: Connection, desk: Desk) -> None:
    for n in (1, 2):
        put(conn, n)
    enrich_batch(work, [1, 2])
    age(conn, 1, "topics")
    age(conn, 2, "summary")
    ask(conn, steps=["summary"])
    desk.turn(conn)
    assert desk.sent == [[2]]
    assert conn.execute("SELECT revision FROM enriched_articles WHERE article_id = 1").fetchone() == ("older",)


def test_a_dry_run_counts_and_leaves_everything(work: Work, conn: Connection, desk: Desk) -> None:
    put(conn, 1)
    enrich_batch(work, [1])
    age(conn, 1, "topics")
    request = ask(conn, dry=True)
    desk.turn(conn)
    assert desk.sent == []
    run = run_of(conn, request)
    assert (run["touched"], run["by_step"], run["finished_at"]) == (1, {"topics": 1}, NOW)
    assert conn.execute("SELECT revision FROM enriched_articles").fetchone() == ("older",)


def test_what_the_queue_lost_is_sent_again_and_what_is_gone_is_not_waited_for(
    work: Work, conn: Connection, desk: Desk
) -> None:
    for n in (1, 2):
        put(conn, n)
    enrich_batch(work, [1, 2])
    request = ask(conn, forced=True)
    desk.turn(conn)
    desk.turn(conn)
    assert desk.sent == [[1, 2]]
    conn.execute("DELETE FROM articles WHERE id = 2")
    desk.now = NOW + AGAIN + timedelta(seconds=1)
    desk.turn(conn)
    assert desk.sent == [[1, 2], [1]]
    enrich_batch(work, [1])
    desk.turn(conn)
    assert run_of(conn, request)["finished_at"] is not None


def test_a_full_lane_is_not_filled_further(work: Work, conn: Connection, desk: Desk) -> None:
    put(conn, 1)
    enrich_batch(work, [1])
    desk.client.rpush(QUEUES["backfill"], *["x"] * WAITING)
    ask(conn, forced=True)
    desk.turn(conn)
    assert desk.sent == []
    desk.client.ltrim(QUEUES["backfill"], 1, -1)
    desk.turn(conn)
    assert desk.sent == [[1]]


def test_a_new_version_in_between_settles_the_request_too(work: Work, conn: Connection, desk: Desk) -> None:
    put(conn, 1, "First")
    enrich_batch(work, [1])
    request = ask(conn, forced=True)
    desk.turn(conn)
    put(conn, 1, "Second", version=2)
    enrich_batch(work, [1])
    assert [kind for kind, _ in told(conn)] == ["enriched", "corrected"]
    desk.turn(conn)
    assert run_of(conn, request)["finished_at"] is not None


def test_requests_wait_where_no_worker_ever_started(conn: Connection, desk: Desk) -> None:
    conn.execute("DELETE FROM enricher_revisions")
    ask(conn)
    assert desk.work.round(conn) is False
    assert conn.execute("SELECT count(*) FROM reenrich_runs").fetchone() == (0,)
