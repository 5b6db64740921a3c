"""Ids reach exactly their lane, many in a message."""

from __future__ import annotations

import base64
import json

import pytest
import redis

from shared.queue import BATCH, QUEUES, make_celery, reserved, send, waiting
from shared.settings import Settings


@pytest.fixture
def settings(redis_url: str) -> Settings:
    return Settings(redis_url=redis_url)


def ids_in(client: redis.Redis, queue: str) -> list[list[int]]:
    messages = [json.loads(m) for m in client.lrange(queue, 0, -1)]
    return [json.loads(base64.b64decode(m["body"]))[0][0] for m in reversed(messages)]


def test_a_message_carries_many_ids_and_reaches_its_lane_alone(settings: Settings, redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    ids = list(range(1, BATCH + 9))
    send(make_celery(settings), ids, "breaking")
    assert ids_in(client, QUEUES["breaking"]) == [ids[:BATCH], ids[BATCH:]]
    assert client.llen(QUEUES["normal"]) == client.llen(QUEUES["backfill"]) == 0
    assert (waiting(client), reserved(client)) == (2, 0)


def test_nothing_to_send_sends_nothing(settings: Settings, redis_url: str) -> None:
    send(make_celery(settings), [], "normal")
    assert waiting(redis.Redis.from_url(redis_url)) == 0


def test_every_lane_has_a_queue_of_its_own(settings: Settings, redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    app = make_celery(settings)
    for n, lane in enumerate(QUEUES):
        send(app, [n], lane)
    assert [ids_in(client, queue) for queue in QUEUES.values()] == [[[0]], [[1]], [[2]]]
