"""The door that Celery knocks on: one task, five lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import psycopg
from celery import Celery
from psycopg_pool import PoolTimeout

from services.enrich.batch import Work, enrich_batch
from shared.queue import MAX_RUNS, TASK


def register(app: Celery, work: Callable[[], Work]) -> None:
    """Give the app its task. `work` is asked in the pool child, where its connection was opened.

    A store that is away is waited for, some seconds; what takes longer, the sweep sends again.
    """

    @app.task(
        name=TASK,
        max_retries=MAX_RUNS,
        autoretry_for=(psycopg.OperationalError, PoolTimeout),
        retry_backoff=1,
        retry_backoff_max=8,
    )
    def enrich(ids: Sequence[int]) -> None:
        enrich_batch(work(), ids)
