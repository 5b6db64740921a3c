"""`/v1/ops`: how deep the queues are, how fast the stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
import redis.asyncio
from fastapi import APIRouter, Request
from starlette.responses import Response

from services.api import params
from services.api.answers import JSON, Body, answer, negotiate
from services.api.deps import resources
from services.api.openapi import described
from services.api.ops import store
from services.api.schemas import Pipeline, Queues
from shared import log
from shared.queue import QUEUES

router = APIRouter(prefix="/v1/ops", tags=["operations"])
SILENT_S = 30.0  # a worker's process unheard of for so long missed several beats


@dataclass(frozen=True, slots=True)
class Broker:
    """Messages in Redis: waiting by lane, and taken by a worker but not done. None where Redis is away."""

    waiting: dict[str, int] | None
    reserved: int | None
    reason: str | None = None


async def look_at_broker(client: redis.asyncio.Redis) -> Broker:
    """How many messages wait and run, each of up to `shared.queue.BATCH` articles."""
    try:
        async with client.pipeline(transaction=False) as pipe:
            for name in QUEUES.values():
                pipe.llen(name)
            pipe.hlen("unacked")
            *lengths, reserved = await pipe.execute()
    except (redis.RedisError, OSError) as error:
        return Broker(None, None, str(error))
    return Broker({lane: int(n) for lane, n in zip(QUEUES, lengths, strict=True)}, int(reserved))


@router.get("/queues", **described(Queues))
async def queues(request: Request) -> Response:
    """The true depth: articles that wait in the store, messages that wait in Redis, that workers hold, and run."""
    held = resources(request)
    negotiate(request, (JSON,))
    params.read(request.scope["query_string"], ())
    async with held.reading() as conn:
        rows = await store.backlog(conn)
        messages, articles = await store.running(conn, SILENT_S)
    broker = await look_at_broker(held.redis)
    by_lane = {row["lane"]: row for row in rows}
    lanes = [
        {
            "lane": lane,
            "pending": by_lane.get(lane, {}).get("pending", 0),
            "sent": by_lane.get(lane, {}).get("sent", 0),
            "oldest_age_s": by_lane.get(lane, {}).get("oldest_age_s"),
            "messages_waiting": None if broker.waiting is None else broker.waiting[lane],
        }
        for lane in QUEUES
    ]
    told = {
        "pending": sum(lane["pending"] for lane in lanes),
        "oldest_age_s": max((row["oldest_age_s"] for row in rows), default=None),
        "messages_waiting": None if broker.waiting is None else sum(broker.waiting.values()),
        "messages_reserved": broker.reserved,
        "messages_running": messages,
        "articles_running": articles,
        "lanes": lanes,
        "redis": {"ok": broker.reason is None, "reason": broker.reason},
    }
    return answer(request, Body(_json(told)))


@router.get("/pipeline", **described(Pipeline))
async def pipeline(request: Request) -> Response:
    """The last hour: latency of every stage, throughput, polls by outcome. At most 20,000 events are looked at."""
    held = resources(request)
    negotiate(request, (JSON,))
    params.read(request.scope["query_string"], ())
    async with held.reading() as conn:
        measured = await store.latencies(conn)
        told = await store.told(conn)
        polled = await store.polled(conn)
        again, often, messages = await store.failures(conn)
        head = await log.head_async(conn)
    stages = [_stage(name, measured[name]) for name in ("published_to_stored", "stored_to_told")]
    answered = {
        "window_s": 3600,
        "articles_enriched": measured["enriched"],
        "stages": stages,
        "events": [{"type": kind, "count": count} for kind, count in told],
        "polls": polled,
        "failures": {"articles_tried_again": again, "articles_tried_thrice": often, "messages": messages},
        "position": head,
        "followers": held.hub.followers,
    }
    return answer(request, Body(_json(answered)))


def _stage(name: str, values: list[float] | None) -> dict[str, Any]:
    p50, p90, p99 = values or (None, None, None)
    return {"stage": name, "p50_s": p50, "p90_s": p90, "p99_s": p99}


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_UTC_Z, default=int)  # sums come as Decimal
