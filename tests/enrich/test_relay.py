"""The relay makes the stream say what the log says, whatever became of the stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
import redis

from services.enrich.relay import relay_once, settle
from shared import log, stream
from shared.events import STREAM_KEY, NewEvent

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def conn(database_url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def client(redis_url: str) -> redis.Redis:
    return redis.Redis.from_url(redis_url)


def tell(conn: psycopg.Connection[tuple[object, ...]], count: int) -> None:
    with conn.transaction():
        log.append(conn, [NewEvent("wiredesk.article.enriched.v1", "articles/1", '{"id":1}', 1)] * count, NOW)


def streamed(client: redis.Redis) -> list[int]:
    return [int(json.loads(fields[b"event"])["id"]) for _, fields in client.xrange(STREAM_KEY)]


def test_what_was_logged_is_streamed_once(conn: psycopg.Connection[tuple[object, ...]], client: redis.Redis) -> None:
    tell(conn, 3)
    end = relay_once(conn, client, "urn:wiredesk:t", 0)
    assert end == 3
    assert relay_once(conn, client, "urn:wiredesk:t", end) == 3
    assert streamed(client) == [1, 2, 3]


def test_a_second_relay_that_believes_an_older_end_adds_nothing(
    conn: psycopg.Connection[tuple[object, ...]], client: redis.Redis
) -> None:
    tell(conn, 2)
    relay_once(conn, client, "s", 0)
    tell(conn, 1)
    assert relay_once(conn, client, "s", 1) == 2
    assert streamed(client) == [1, 2]


def test_a_wiped_stream_is_filled_again_from_the_log(
    conn: psycopg.Connection[tuple[object, ...]], client: redis.Redis
) -> None:
    tell(conn, 3)
    end = relay_once(conn, client, "s", 0)
    client.flushdb()
    tell(conn, 1)
    end = relay_once(conn, client, "s", end)
    assert end == 0
    assert relay_once(conn, client, "s", end) == 4
    assert streamed(client) == [1, 2, 3, 4]


def test_only_the_newest_window_is_filled_into_an_empty_stream(
    conn: psycopg.Connection[tuple[object, ...]], client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "WINDOW", 2)
    tell(conn, 5)
    assert relay_once(conn, client, "s", 0) == 5
    assert streamed(client)[-2:] == [4, 5]
    assert 3 not in streamed(client)


def test_a_stream_of_another_log_is_dropped(conn: psycopg.Connection[tuple[object, ...]], client: redis.Redis) -> None:
    tell(conn, 1)
    stream.append(client, 0, [(9, b"{}")])
    assert settle(conn, client) == 0
    assert client.exists(STREAM_KEY) == 0
    assert settle(conn, client) == 0
