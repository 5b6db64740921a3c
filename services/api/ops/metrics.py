"""What Prometheus is told: this process's requests and subscribers, and the whole system's queues as of the scrape."""

from __future__ import annotations

import time

import redis.asyncio
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.deps import Resources
from services.api.ops import store
from services.api.ops.routes import look_at_broker
from services.api.stream import STORE_AWAY
from shared import log, stream


class Metrics:
    """One registry per app, so that several may live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.requests = Histogram(
            "wiredesk_api_request_seconds",
            "Time to the whole answer; streams count until their first byte",
            ("method", "route", "status"),
            registry=self.registry,
            buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
        )
        self.refused = Counter(
            "wiredesk_api_scrape_failures_total",
            "Engines that were away at a scrape",
            ("engine",),
            registry=self.registry,
        )
        self.followers = self._gauge("wiredesk_api_followers", "Open event streams of this process")
        self.served = self._gauge("wiredesk_api_served_position", "Last position given to live readers here")
        self.head = self._gauge("wiredesk_events_head", "Newest position of the log")
        self.lag = self._gauge("wiredesk_stream_lag", "Events of the log that the stream does not have yet")
        self.pending = self._gauge("wiredesk_queue_pending_articles", "Articles that wait for enrichment", "lane")
        self.oldest = self._gauge("wiredesk_queue_oldest_seconds", "Age of the one that waits longest", "lane")
        self.waiting = self._gauge("wiredesk_queue_waiting_messages", "Messages no worker has taken", "lane")
        self.reserved = self._gauge("wiredesk_queue_reserved_messages", "Messages a worker has taken")
        self.feeds = self._gauge("wiredesk_feeds", "Feeds by state", "status")
        self.articles = self._gauge("wiredesk_articles", "Articles, as the planner estimates", "state")

    def _gauge(self, name: str, about: str, *labels: str) -> Gauge:
        return Gauge(name, about, labels, registry=self.registry)

    async def refresh(self, held: Resources) -> None:
        """Look at the engines. What is away keeps its last value, and counts as a failure."""
        self.followers.set(held.hub.followers)
        self.served.set(held.hub.head)
        try:
            await self._from_store(held)
        except STORE_AWAY:
            self.refused.labels("postgresql").inc()
        broker = await look_at_broker(held.redis)
        if broker.waiting is None or broker.reserved is None:
            self.refused.labels("redis").inc()
            return
        for lane, count in broker.waiting.items():
            self.waiting.labels(lane).set(count)
        self.reserved.set(broker.reserved)

    async def _from_store(self, held: Resources) -> None:
        async with held.reading() as conn:
            head = await log.head_async(conn)
            lanes = await store.backlog(conn)
            statuses = await store.feeds_by_status(conn)
            stored, enriched = await store.sizes(conn)
        self.head.set(head)
        for gauge in (self.pending, self.oldest, self.feeds):
            gauge.clear()
        for lane in lanes:
            self.pending.labels(lane["lane"]).set(lane["pending"])
            self.oldest.labels(lane["lane"]).set(lane["oldest_age_s"])
        for status, count in statuses:
            self.feeds.labels(status).set(count)
        self.articles.labels("stored").set(stored)
        self.articles.labels("enriched").set(enriched)
        try:
            self.lag.set(max(0, head - await stream.last_async(held.redis)))
        except (redis.RedisError, OSError):
            self.refused.labels("redis").inc()


class Timed:
    """ASGI middleware: how long each request took, by the route it was for."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and note the time at the end, for streams at the beginning."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        noted, status = False, 500

        async def noting(message: Message) -> None:
            nonlocal noted, status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif not noted:
                noted = True
                self._note(scope, status, time.perf_counter() - begun)
            await send(message)

        await self._app(scope, receive, noting)

    def _note(self, scope: Scope, status: int, took_s: float) -> None:
        route = getattr(scope.get("route"), "path_format", "other")
        self._metrics.requests.labels(scope["method"], route, str(status)).observe(took_s)
