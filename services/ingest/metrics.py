"""What ingest counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """One process's figures, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.polls = Counter(
            "wiredesk_ingest_polls", "Polls by outcome", labelnames=("outcome",), registry=self.registry
        )
        self.items = Counter(
            "wiredesk_ingest_items", "Polled items by outcome", labelnames=("outcome",), registry=self.registry
        )
        self.poll_seconds = Histogram(
            "wiredesk_ingest_poll_seconds", "Whole polls, claim to commit", buckets=_SECONDS, registry=self.registry
        )
        self.fetched_bytes = Counter(
            "wiredesk_ingest_fetched_bytes", "Bytes of feed bodies, unpacked", registry=self.registry
        )
        self.running = Gauge("wiredesk_ingest_polls_running", "Polls under way", registry=self.registry)
        self.leases_lost = Counter(
            "wiredesk_ingest_leases_lost", "Polls whose lease ended before they saved", registry=self.registry
        )
        self.losses = Counter(
            "wiredesk_ingest_lost_overlaps",
            "Polls that shared no item with the poll before: articles may be lost",
            registry=self.registry,
        )
        self.pages = Counter(
            "wiredesk_ingest_pages",
            "Visits to pages by outcome",
            labelnames=("outcome",),
            registry=self.registry,
        )
        self.pushes = Counter(
            "wiredesk_ingest_pushes", "What hubs pushed", labelnames=("outcome",), registry=self.registry
        )
        self.hubs = Counter(
            "wiredesk_ingest_hub_requests", "Requests to hubs by what came of them", ("state",), registry=self.registry
        )
        self.queued = Counter(
            "wiredesk_ingest_articles_queued", "Ids sent to the queue", labelnames=("why",), registry=self.registry
        )
        self.queue_messages = Gauge(
            "wiredesk_queue_messages_waiting", "Messages in the lanes, when last looked", registry=self.registry
        )

    def render(self) -> bytes:
        """The text exposition format."""
        return generate_latest(self.registry)
