"""`/healthz`, `/readyz` and `/metrics`: for supervisors, load balancers and Prometheus."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg
import redis.asyncio
from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from services.api import params
from services.api import store as api_store
from services.api.answers import JSON
from services.api.deps import Resources, resources
from services.api.openapi import described
from services.api.ops.metrics import Metrics
from services.api.problems import MEDIA_TYPE, Problem, document
from services.api.schemas import Readiness
from services.api.stream import STORE_AWAY
from shared import log, stream
from shared.migrate import available

router = APIRouter(tags=["health"])

CHECK_S = 2.0
NEEDED = ("database", "migrations", "reader")  # without the others we serve on, degraded


@dataclass(frozen=True, slots=True)
class Check:
    """One dependency: whether it is well, and what is to be said of it."""

    ok: bool
    told: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The member of `checks`."""
        return {"ok": self.ok, **self.told}


@router.get("/healthz", **described(None, also={JSON: {"type": "object"}}))
async def alive(request: Request) -> Response:
    """The process runs and answers. Says nothing of what it depends on."""
    params.read(request.scope["query_string"], ())
    return Response(b'{"status":"ok"}', media_type=JSON)


@router.get("/readyz", **described(Readiness, fails=("unavailable",)))
async def ready(request: Request) -> Response:
    """Whether requests can be served, and the reason for each dependency. Without Redis we serve from PostgreSQL."""
    params.read(request.scope["query_string"], ())
    checks = await readiness(resources(request))
    told = {name: check.as_json() for name, check in checks.items()}
    if not all(checks[name].ok for name in NEEDED):
        wrong = ", ".join(name for name, check in checks.items() if not check.ok)
        problem = document(Problem("unavailable", f"not ready: {wrong}", members={"checks": told}))
        return Response(orjson.dumps(problem), 503, {"Retry-After": "1"}, MEDIA_TYPE)
    status = "ready" if all(check.ok for check in checks.values()) else "degraded"
    return Response(orjson.dumps({"status": status, "checks": told}), media_type=JSON)


@router.get("/metrics", **described(None, also={"text/plain": {"type": "string"}}))
async def metrics(request: Request) -> Response:
    """Prometheus: this process, and the depth of queues and the head of the log as of now."""
    params.read(request.scope["query_string"], ())
    told: Metrics = request.app.state.metrics
    await told.refresh(resources(request))
    return Response(generate_latest(told.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def is_ready(held: Resources) -> bool:
    """Whether `/readyz` would say so."""
    checks = await readiness(held)
    return all(checks[name].ok for name in NEEDED)


async def readiness(held: Resources) -> dict[str, Check]:
    """Every dependency's state. Never raises for an absent engine."""
    database, migrations, head = await _store(held)
    end, reason = await _stream_end(held)
    lag = None if end is None or head is None else max(0, head - end)
    return {
        "database": database,
        "migrations": migrations,
        "redis": Check(reason is None, {"reason": reason}),
        "stream": Check(end is not None, {"head": head, "stream": end, "lag": lag, "served": held.hub.head}),
        "reader": Check(not held.reader.done(), {}),
    }


async def _store(held: Resources) -> tuple[Check, Check, int | None]:
    try:
        async with asyncio.timeout(CHECK_S), held.reading() as conn:
            applied = await api_store.migrations(conn)
            head = await log.head_async(conn)
    except psycopg.errors.UndefinedTable:
        return Check(True, {}), Check(False, {"missing": [name for name, _ in available()]}), None
    except (*STORE_AWAY, TimeoutError) as error:
        reason = str(error) or "no answer in time"
        return Check(False, {"reason": reason}), Check(False, {"reason": "the database is away"}), None
    missing = [name for name, _ in available() if name not in applied]
    return Check(True, {}), Check(not missing, {"missing": missing}), head


async def _stream_end(held: Resources) -> tuple[int | None, str | None]:
    try:
        async with asyncio.timeout(CHECK_S):
            return await stream.last_async(held.redis), None
    except (redis.RedisError, OSError, TimeoutError) as error:
        return None, str(error) or "no answer in time"
