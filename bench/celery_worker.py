"""The worker of row 7: `celery -A bench.celery_worker worker`, with the product's settings and tasks that do nothing.

The product's task takes a batch of ids. An id above 10^15 is the time it was sent, nanoseconds of Unix time: how long
it took to start goes to a list in Redis.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import redis

from bench.row07_celery import DONE, NOTHING, STARTED
from shared.queue import TASK, make_celery
from shared.settings import Settings

settings = Settings()
app = make_celery(settings)
client = redis.Redis.from_url(settings.redis_url)


@app.task(name=TASK)
def enrich(ids: Sequence[int]) -> None:
    """Nothing, but count the messages by the last id of a run."""
    if ids[-1] > 10**15:
        client.rpush(STARTED, time.time_ns() - ids[-1])
    elif ids[-1] == 0:
        client.rpush(DONE, 1)


@app.task(name=NOTHING)
def nothing(article_id: int) -> None:
    """Nothing, for one id."""
    if article_id == 0:
        client.rpush(DONE, 1)
