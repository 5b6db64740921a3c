"""The Celery worker: `celery -A services.enrich.worker worker`.

What the steps read is loaded here, once, before the pool forks: the children share it. Each child opens its own
connection to the store.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from celery import signals

from services.enrich.again.store import tell_steps
from services.enrich.batch import Work
from services.enrich.identity.keep import settle_operator
from services.enrich.pipeline import enricher_revision, known_steps, load_resources
from services.enrich.tasks import register
from services.enrich.workers.beat import Beat
from shared.db import open_pool, transaction
from shared.observe import configure_logging, notify_ready
from shared.parent import die_with_parent
from shared.queue import make_celery
from shared.settings import Settings

configure_logging("enrich")
settings = Settings()
app = make_celery(settings)
resources = load_resources(settings.ner, settings.topics, settings.entities, settings.sentiment == "lexicon")

_PARENT = os.getpid()
_child = ExitStack()
_work: list[Work] = []
_beats: list[Beat] = []  # one, in a child


def _now() -> datetime:
    return datetime.now(UTC)


def _open(**_: Any) -> None:
    die_with_parent(_PARENT)
    pool = _child.enter_context(open_pool(settings.database_url, "enrich"))
    with transaction(pool) as conn:
        settle_operator(conn, resources.own, _now())
        tell_steps(conn, enricher_revision(resources), known_steps(resources), _now())
    _work.append(Work(pool, resources, _now, time.perf_counter))
    beat = Beat(pool, _PARENT, enricher_revision(resources), _now)
    _child.callback(beat.stop)
    _beats.append(beat)
    beat.start()


def _close(**_: Any) -> None:
    _child.close()


def _begun(args: Sequence[Any] = (), **_: Any) -> None:
    for beat in _beats:
        beat.begun(len(args[0]) if args else 0)


def _done(state: str | None = None, **_: Any) -> None:
    for beat in _beats:
        beat.done(failed=state != "SUCCESS")


def _ready(**_: Any) -> None:
    notify_ready()


signals.worker_process_init.connect(_open, weak=False)
signals.worker_process_shutdown.connect(_close, weak=False)
signals.task_prerun.connect(_begun, weak=False)
signals.task_postrun.connect(_done, weak=False)
signals.worker_ready.connect(_ready, weak=False)
register(app, lambda: _work[0])
gc.freeze()  # what was loaded stays out of the children's collections, so their pages stay shared
