"""`/v1/ops/workers`: which Celery workers there are, what they do and what they did. Out of the rows they write."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from services.api import params
from services.api.answers import JSON, Body, answer, negotiate
from services.api.deps import resources
from services.api.openapi import described
from services.api.ops import store
from services.api.ops.routes import SILENT_S
from services.api.schemas import WorkerPage, WorkerProcess
from shared import log

router = APIRouter(prefix="/v1/ops", tags=["operations"])

_PROCESS = tuple(WorkerProcess.model_fields)
_SUMS = ("messages", "articles", "failures", "rss_bytes")


@router.get("/workers", **described(WorkerPage, fails=("not_acceptable",)))
async def workers(request: Request) -> Response:
    """The workers that enrich, each with the processes of its pool: busy or idle, how much done, how much memory."""
    negotiate(request, (JSON,))
    params.read(request.scope["query_string"], ())
    async with resources(request).reading() as conn:
        rows = await store.workers(conn)
        head = await log.head_async(conn)
    told = {"items": grouped(rows), "next": None, "position": head}
    return answer(request, Body(orjson.dumps(told, option=orjson.OPT_UTC_Z)))


def grouped(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Processes, sorted by worker, as workers."""
    return [
        _worker(host, pid, [row | {"state": _state(row)} for row in of_one])
        for (host, pid), of_one in groupby(rows, lambda row: (row["host"], row["worker_pid"]))
    ]


def _worker(host: str, pid: int, rows: list[dict[str, Any]]) -> dict[str, Any]:
    states = {row["state"] for row in rows}
    latest = max(rows, key=lambda row: row["seen_at"])
    told: dict[str, Any] = {"id": f"{host}:{pid}", "host": host, "pid": pid, "revision": latest["revision"]}
    told |= {"state": next(state for state in ("busy", "idle", "silent") if state in states)}
    told |= {"started_at": min(row["started_at"] for row in rows), "seen_at": latest["seen_at"]}
    told |= {name: sum(row[name] for row in rows) for name in _SUMS}
    return told | {"processes": [{name: row[name] for name in _PROCESS} for row in rows]}


def _state(row: dict[str, Any]) -> str:
    if row["silent_s"] > SILENT_S:
        return "silent"
    return "busy" if row["busy_since"] is not None else "idle"
