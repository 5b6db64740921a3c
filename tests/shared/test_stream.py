"""The stream is a contiguous piece of the log, whatever happens to Redis."""

from __future__ import annotations

import redis
import redis.asyncio

from shared import stream
from shared.events import STREAM_KEY


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
