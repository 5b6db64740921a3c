"""Row 13: 1,000 SSE clients x 10 events/s, against `sse-starlette` in the same run."""

from __future__ import annotations

from bench.fanout import sse_starlette, wiredesk
from bench.report import Row

CLIENTS, RATE, EVENTS = 1000, 10.0, 100


def run() -> Row:
    """One after the other, each in a process of its own."""
    ours, rival = wiredesk(CLIENTS, EVENTS, RATE), sse_starlette(CLIENTS, EVENTS, RATE)
    ratio = ours.cpu_s / rival.cpu_s
    delivered = ours.seen.delivered / (CLIENTS * EVENTS)
    figures: dict[str, float | int | str] = {
        "delivered %": round(100 * delivered, 3),
        "p50 / p99 / max ms": f"{ours.seen.p50_ms:.1f} / {ours.seen.p99_ms:.1f} / {ours.seen.max_ms:.1f}",
        "CPU s": round(ours.cpu_s, 2),
        "sse-starlette CPU s": round(rival.cpu_s, 2),
        "sse-starlette delivered %": round(100 * rival.seen.delivered / (CLIENTS * EVENTS), 3),
        "sse-starlette p50 / p99 ms": f"{rival.seen.p50_ms:.1f} / {rival.seen.p99_ms:.1f}",
        "CPU ratio": round(ratio, 2),
        "KB a client": round(ours.kb_a_client, 1),
        "sse-starlette KB a client": round(rival.kb_a_client, 1),
    }
    reached = ratio <= 0.7 and delivered == 1 and ours.seen.p99_ms <= 100
    return Row(13, "1,000 SSE clients x 10 events/s", "<= 0.7 x its CPU, 100 %, p99 <= 100 ms", figures, reached)
