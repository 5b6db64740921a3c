"""Row 14: 5,000 SSE clients x 5 events/s at one process."""

from __future__ import annotations

from bench.fanout import wiredesk
from bench.report import Row

CLIENTS, RATE, EVENTS = 5000, 5.0, 50


def run() -> Row:
    """Every event to every client, and what a client costs in memory."""
    ours = wiredesk(CLIENTS, EVENTS, RATE)
    delivered = ours.seen.delivered / (CLIENTS * EVENTS)
    figures: dict[str, float | int | str] = {
        "delivered %": round(100 * delivered, 3),
        "p50 / p99 / max ms": f"{ours.seen.p50_ms:.1f} / {ours.seen.p99_ms:.1f} / {ours.seen.max_ms:.1f}",
        "KB a client": round(ours.kb_a_client, 1),
        "CPU s": round(ours.cpu_s, 2),
    }
    reached = delivered == 1 and ours.seen.p99_ms <= 700 and ours.kb_a_client <= 50
    return Row(
        14, "5,000 SSE clients x 5 events/s, one process", "100 %, p99 <= 700 ms, <= 50 KB each", figures, reached
    )
