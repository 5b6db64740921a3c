"""What operators are told, typed: queues, workers, the pipeline, sources, who changed what, and re-reading."""

# ruff: noqa: RUF012 - pydantic copies a default for every object

from __future__ import annotations

from datetime import datetime
from typing import Any

from wiredesk.models import Model


class LaneDepth(Model):
    """One lane of the queue: articles `pending`, of which `sent` were sent to Redis at least once."""

    lane: str
    pending: int = 0
    sent: int = 0
    oldest_age_s: float | None = None
    messages_waiting: int | None = None


class Queues(Model):
    """The true depth: articles in the store, messages in Redis (None where it is away), what runs now."""

    pending: int = 0
    oldest_age_s: float | None = None
    messages_waiting: int | None = None
    messages_reserved: int | None = None
    messages_running: int = 0
    articles_running: int = 0
    lanes: list[LaneDepth] = []
    redis: dict[str, Any] = {}


class WorkerProcess(Model):
    """One process of a worker's pool: `idle`, `busy` or `silent`; counts since it started."""

    pid: int
    state: str
    started_at: datetime | None = None
    seen_at: datetime | None = None
    busy_since: datetime | None = None
    busy_articles: int = 0
    messages: int = 0
    articles: int = 0
    failures: int = 0
    rss_bytes: int = 0


class Worker(Model):
    """A Celery worker with the processes of its pool, their counts added up."""

    id: str
    host: str
    pid: int
    state: str
    revision: str | None = None
    started_at: datetime | None = None
    seen_at: datetime | None = None
    messages: int = 0
    articles: int = 0
    failures: int = 0
    rss_bytes: int = 0
    processes: list[WorkerProcess] = []


class Stage(Model):
    """Percentiles of one stage, in seconds; None where nothing passed it."""

    stage: str
    p50_s: float | None = None
    p90_s: float | None = None
    p99_s: float | None = None


class Pipeline(Model):
    """The last `window_s` seconds of the whole way."""

    window_s: int
    articles_enriched: int = 0
    stages: list[Stage] = []
    events: list[dict[str, Any]] = []
    polls: list[dict[str, Any]] = []
    failures: dict[str, int] = {}
    position: int | None = None
    followers: int | None = None


class SourceCount(Model):
    """A source, how much of it there is, and what became of every item that its feeds were polled with."""

    id: str
    name: str | None = None
    domain: str | None = None
    country: str | None = None
    articles: int = 0
    newest_at: datetime | None = None
    feeds: int = 0
    outcomes: dict[str, int] = {}


class AuditEntry(Model):
    """One writing request that was let in, by which key (None: none was needed), and how it ended."""

    id: int
    at: datetime
    key_id: int | None = None
    key_name: str | None = None
    method: str
    path: str
    status: int


class FieldChanges(Model):
    """How many articles say otherwise in a field, with some of them: {id, old, new}."""

    field: str
    articles: int
    samples: list[dict[str, Any]] = []


class Reenrichment(Model):
    """A slice of the store that is read again: how far it is and, where one is asked for, what it changed by field.

    `looked`: compared; `touched`: to be read again; `reread`: read; `changed`: say otherwise now.
    """

    id: int
    status: str
    at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    slice: dict[str, Any] = {}
    steps: list[str] | None = None
    force: bool = False
    dry_run: bool = False
    revision: str | None = None
    looked: int = 0
    touched: int = 0
    reread: int = 0
    changed: int = 0
    by_step: dict[str, int] = {}
    fields: list[FieldChanges] = []


class RuleVote(Model):
    """One rule of the schedule: on what ground, for which wait, and whether it decided."""

    rule: str
    input: str
    vote_s: float | None = None
    decided: bool = False


class Explanation(Model):
    """Why a feed's next poll is when it is."""

    next_poll_at: datetime | None = None
    interval_s: float | None = None
    rules: list[RuleVote] = []
    rhythm: dict[str, Any] = {}
