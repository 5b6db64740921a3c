"""The stream is a contiguous piece of the log, whatever happens to Redis."""

from __future__ import annotations

import json
from typing import Any

import redis
import redis.asyncio

from shared import stream
from shared.events import STREAM_FIELD, STREAM_KEY


def pairs(*positions: int) -> list[tuple[int, bytes]]:
    return [(p, b'{"id":"%d"}' % p) for p in positions]


def test_appending_after_the_end_moves_the_end(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    assert stream.last(client) == 0
    assert stream.append(client, 0, pairs(1, 2)) == 2
    assert stream.append(client, 2, pairs(3)) == 3
    assert client.xrange(STREAM_KEY) == [(b"%d-0" % p, {b"event": b'{"id":"%d"}' % p}) for p in (1, 2, 3)]


def test_appending_after_anything_but_the_end_adds_nothing_and_tells_the_end(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    stream.append(client, 0, pairs(1, 2))
    assert stream.append(client, 0, pairs(1, 2)) == 2
    assert stream.append(client, 5, pairs(6)) == 2
    assert client.xlen(STREAM_KEY) == 2


def test_a_wipe_between_two_batches_is_noticed(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    stream.append(client, 0, pairs(1, 2))
    client.flushdb()
    assert stream.append(client, 2, pairs(3)) == 0
    assert client.xlen(STREAM_KEY) == 0


def test_a_trimmed_stream_still_knows_its_end(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    stream.append(client, 0, pairs(1, 2))
    client.xtrim(STREAM_KEY, maxlen=0)
    assert stream.last(client) == 2
    assert stream.append(client, 2, pairs(3)) == 3


async def test_readers_get_what_comes_after_their_position(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    stream.append(client, 0, pairs(7, 8, 9))
    reader = redis.asyncio.Redis.from_url(redis_url)
    assert await stream.read(reader, 7, block_ms=10) == pairs(8, 9)
    assert await stream.read(reader, 9, block_ms=10) == []
    assert await stream.first(reader) == 7
    await reader.aclose()


def test_consumer_groups_share_the_events_and_take_over_what_a_dead_member_held(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        stream.append(client, 0, [(n, b'{"id":"%d"}' % n) for n in range(1, 11)])
        client.xgroup_create(STREAM_KEY, "archive", id="0")
        client.xgroup_create(STREAM_KEY, "alerts", id="4-0")  # from a position it had from elsewhere

        def take(group: str, member: str, count: int) -> list[tuple[bytes, dict[bytes, bytes]]]:
            answer: Any = client.xreadgroup(group, member, {STREAM_KEY: ">"}, count=count)
            return answer[0][1] if isinstance(answer, list) else next(iter(answer.values()))[0]

        one, two = take("archive", "one", 6), take("archive", "two", 6)
        assert [i for i, _ in one + two] == [b"%d-0" % n for n in range(1, 11)]
        assert all(json.loads(fields[STREAM_FIELD.encode()])["id"] + "-0" == i.decode() for i, fields in one + two)
        assert [i for i, _ in take("alerts", "one", 100)] == [b"%d-0" % n for n in range(5, 11)]
        client.xack(STREAM_KEY, "archive", *(i for i, _ in one[:2] + two))
        stream.append(client, 10, [(11, b'{"id":"11"}')])
        claimed: Any = client.xautoclaim(STREAM_KEY, "archive", "two", min_idle_time=0)
        assert [i for i, _ in claimed[1]] == [b"%d-0" % n for n in range(3, 7)]
        client.xack(STREAM_KEY, "archive", *(i for i, _ in claimed[1]))
        assert [i for i, _ in take("archive", "two", 100)] == [b"11-0"]
        waiting: Any = client.xpending(STREAM_KEY, "archive")
        assert waiting["pending"] == 1
