"""What is past goes in order, and nothing else does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from services.enrich.retention import Retention
from shared import log
from shared.events import NewEvent
from tests.api.conftest import BEGAN, Newsroom


@pytest.fixture
def newsroom(database_url: str, redis_url: str) -> Iterator[Newsroom]:
    room = Newsroom(database_url, redis_url)
    yield room
    room.conn.close()


def positions(room: Newsroom) -> list[int]:
    return [event.position for event in log.read(room.conn, 0, 100)]


def held(room: Newsroom, table: str) -> list[int]:
    return [i for (i,) in room.conn.execute(f"SELECT article_id FROM {table} ORDER BY 1").fetchall()]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "keep, end, left",
    [(2, 5, [4, 5]), (0, 5, [1, 2, 3, 4, 5]), (1, 5, [5]), (9, 5, [1, 2, 3, 4, 5]), (2, 1, [2, 3, 4, 5])],
    ids=["two", "all", "the head", "more than there are", "none the stream lacks"],
)
def test_the_newest_events_are_kept(newsroom: Newsroom, keep: int, end: int, left: list[int]) -> None:
    for n in range(5):
        newsroom.article(f"n{n}", relay=False)
    assert Retention(keep, 0).round(newsroom.conn, end, datetime.now(UTC))
    assert positions(newsroom) == left
    assert held(newsroom, "enriched_articles") == [1, 2, 3, 4, 5]  # no article goes with its event


def test_what_goes_is_one_piece_whatever_the_clocks_said(newsroom: Newsroom) -> None:
    for minutes in (0, 5, 1, 9):
        with newsroom.conn.transaction():
            told = NewEvent("wiredesk.feed.quiet.v1", "feeds/1", "{}", None)
            log.append(newsroom.conn, [told], BEGAN + timedelta(minutes=minutes))
    assert log.trim(newsroom.conn, 0, BEGAN + timedelta(minutes=2), 4, 100) == 3
    assert positions(newsroom) == [4]
    assert log.trim(newsroom.conn, 0, BEGAN + timedelta(days=2), 4, 100) == 0  # the head stays, however old


def test_articles_go_with_their_days(newsroom: Newsroom) -> None:
    lisbon, porto = ("place:lisbon", "place", "Lisbon"), ("place:porto", "place", "Porto")
    newsroom.article("old", published=BEGAN, entities=(lisbon, porto))
    newsroom.article("older", published=BEGAN - timedelta(days=1), entities=(lisbon,))
    newsroom.article("new", published=BEGAN + timedelta(days=20), entities=(lisbon,))
    assert Retention(0, 10).round(newsroom.conn, 3, BEGAN + timedelta(days=21))
    assert held(newsroom, "enriched_articles") == held(newsroom, "article_lookup") == [3]
    assert positions(newsroom) == [3]
    counts = newsroom.conn.execute("SELECT id, articles FROM entities ORDER BY id").fetchall()
    assert counts == [("place:lisbon", 1), ("place:porto", 0)]


def test_an_event_younger_than_the_days_keeps_the_card_of_an_article_that_goes(newsroom: Newsroom) -> None:
    newsroom.article("long known", published=BEGAN - timedelta(days=1))
    newsroom.conn.execute("UPDATE events SET at = %s", (BEGAN + timedelta(days=20),))
    newsroom.article("new", published=BEGAN + timedelta(days=20))
    was = log.read(newsroom.conn, 0, 10)
    assert Retention(0, 10).round(newsroom.conn, 2, BEGAN + timedelta(days=21))
    assert held(newsroom, "enriched_articles") == [2]
    assert log.read(newsroom.conn, 0, 10) == was
