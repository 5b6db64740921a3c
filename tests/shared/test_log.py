"""The log gives out gapless positions in commit order, whoever writes."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import psycopg
import pytest

from shared import log
from shared.events import NewEvent

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def event(n: int) -> NewEvent:
    return NewEvent("wiredesk.article.enriched.v1", f"articles/{n}", f'{{"id":{n}}}', n)


def append(url: str, events: list[NewEvent]) -> list[int]:
    with psycopg.connect(url) as conn:
        return log.append(conn, events, NOW)


def test_positions_count_up_from_one_in_the_order_given(database_url: str) -> None:
    assert append(database_url, [event(1), event(2)]) == [1, 2]
    assert append(database_url, [event(3)]) == [3]
    with psycopg.connect(database_url) as conn:
        assert [(e.position, e.subject) for e in log.read(conn, 1, 10)] == [(2, "articles/2"), (3, "articles/3")]
        assert log.head(conn) == 3


def test_nothing_to_append_takes_no_position(database_url: str) -> None:
    assert append(database_url, []) == []
    with psycopg.connect(database_url) as conn:
        assert log.head(conn) == 0


def test_what_is_sent_without_waiting_stands_at_the_head_for_the_rest_of_the_transaction(database_url: str) -> None:
    append(database_url, [event(1)])
    with psycopg.connect(database_url) as conn, conn.pipeline():
        log.send(conn, [event(2), event(3)], NOW)
        assert log.head(conn) == 3
        log.send(conn, [], NOW)
    with psycopg.connect(database_url) as conn:
        assert [(e.position, e.subject) for e in log.read(conn, 1, 10)] == [(2, "articles/2"), (3, "articles/3")]


def test_a_rolled_back_transaction_leaves_no_gap(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        log.append(conn, [event(1)], NOW)
        conn.rollback()
    assert append(database_url, [event(2)]) == [1]


def test_a_reader_that_saw_a_position_saw_all_before_it_while_many_write(database_url: str) -> None:
    writers, each = 4, 40
    seen: list[int] = []
    done = threading.Event()

    def write(start: int) -> None:
        with psycopg.connect(database_url, autocommit=True) as conn:
            for n in range(each):
                with conn.transaction():
                    log.append(conn, [event(start + n)] * (n % 3 + 1), NOW)

    def follow() -> None:
        with psycopg.connect(database_url, autocommit=True) as conn:
            while not done.is_set() or log.head(conn) > len(seen):
                seen.extend(e.position for e in log.read(conn, seen[-1] if seen else 0, 1000))

    follower = threading.Thread(target=follow)
    threads = [threading.Thread(target=write, args=(i * 1000,)) for i in range(writers)]
    for thread in [follower, *threads]:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    follower.join()
    assert len(seen) >= writers * each
    assert seen == list(range(1, len(seen) + 1))


async def test_the_async_forms_see_and_do_the_same(database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as conn:
        assert await log.oldest_async(conn) == 0
        async with conn.transaction():
            assert await log.append_async(conn, [event(1), event(2)], NOW) == [1, 2]
        assert [e.position for e in await log.read_async(conn, 0, 10)] == [1, 2]
        assert (await log.oldest_async(conn), await log.head_async(conn)) == (1, 2)
        name = await log.deployment_async(conn)
    with psycopg.connect(database_url) as sync:
        assert log.deployment(sync) == name != ""


def test_an_unknown_event_type_is_refused_by_nobody_but_typing_and_the_schema() -> None:
    from pydantic import ValidationError

    from shared.events import CloudEvent

    with pytest.raises(ValidationError):
        CloudEvent.model_validate(
            {"id": "1", "source": "urn:wiredesk:x", "type": "no.such", "subject": "x/1", "time": NOW, "data": {}}
        )
