"""Row 15: filter + page 1 and a deep page at a million articles, against the same at ten thousand.

`WIREDESK_BENCH_LISTS=10000000` asks it of ten million, with short cards and no bodies on both sides: 11 GB of disk.
"""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime, timedelta
from statistics import fmean

import httpx

from bench import many_articles
from bench.made_articles import Kind, letters
from bench.report import Row, percentile, spread

FEW, MILLION = 10_000, 1_000_000
MANY = int(os.environ.get("WIREDESK_BENCH_LISTS", MILLION))
KIND: Kind = "whole" if MANY <= MILLION else "bare"
MOST = 2 if MANY <= MILLION else 3  # times the median at ten thousand
EACH = 150  # requests of a kind


def questions(rng: random.Random) -> dict[str, list[str]]:
    """Paths by kind; common and rare values alike."""
    drawn = [int(200_000 ** rng.random()) for _ in range(EACH)]
    people = [letters(n) for n in drawn]
    now = datetime.now(UTC)

    def deep() -> str:
        return (now - timedelta(days=30 * rng.random())).strftime("to=%Y-%m-%dT%H:%M:%S.%fZ")

    def source() -> str:
        return f"source=source{int(2000 ** rng.random())}.example"

    return {
        "newest": [f"limit=50&{deep().replace('to=', 'from=2000-01-01&to=')}" for _ in range(EACH)],
        "language": [f"lang={rng.choice(['en', 'es', 'de'])}&{deep()}" for _ in range(EACH)],
        "entity, page 1": [f"entity=person:{name}&limit={50 + n % 3}" for n, name in enumerate(people)],
        "entity, deep": [f"entity=person:{name}&{deep()}" for name in people],
        "source and topic": [f"{source()}&topic=medtop:{rng.randint(1, 17):02}000000&{deep()}" for _ in range(EACH)],
        "two entities or one, place": [
            f"entity=person:{a}&entity=person:{b}&place=AA&has=entity&{deep()}"
            for a, b in zip(people, reversed(people), strict=True)
        ],
    }


def measure(articles: int) -> dict[str, tuple[list[float], float]]:
    """By kind: milliseconds, and how many articles an answer holds."""
    engine = many_articles.filled(articles, KIND)
    asked = questions(random.Random(5))
    with many_articles.api(engine) as base, httpx.Client(base_url=base, timeout=30) as client:
        many_articles.timed(client, [f"/v1/articles?{q}" for some in asked.values() for q in some[:20]])  # warm
        times = {kind: many_articles.timed(client, [f"/v1/articles?{q}" for q in some]) for kind, some in asked.items()}

        def items(some: list[str]) -> float:
            return fmean(len(client.get(f"/v1/articles?{q}").json()["items"]) for q in some[:20])

        return {kind: (times[kind], items(some)) for kind, some in asked.items()}


def run() -> Row:
    """Both sizes in one run."""
    few, many = measure(FEW), measure(MANY)
    figures: dict[str, float | int | str] = {}
    worst, alike = 0.0, 0.0
    for kind, (times, held) in many.items():
        told, before, held_before = spread(times), spread(few[kind][0]), few[kind][1]
        ratio = told["p50"] / before["p50"]
        worst = max(worst, ratio)
        if held_before >= held / 2:
            alike = max(alike, ratio)
        figures[kind] = (
            f"p50 {told['p50']} p99 {told['p99']} max {told['max']} ms, {held:.0f} articles;"
            f" at 10 k p50 {before['p50']}, {held_before:.0f} articles: {ratio:.1f} x"
        )
    p99 = percentile([t for times, _ in many.values() for t in times], 0.99)
    figures |= {"p99 of all ms": round(p99, 1), "worst p50 ratio": round(worst, 2)}
    figures["worst p50 ratio where both sizes answer with as much"] = round(alike, 2)
    return Row(
        15,
        f"filter + page 1 and deep page at {MANY:,} {KIND} articles",
        f"p50 <= {MOST} x of 10 k, p99 <= 50 ms",
        figures,
        p99 <= 50 and worst <= MOST,
        ["the store was read once before, into the memory of the system"],
    )
