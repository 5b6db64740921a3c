"""Fifty subscribers and four webhooks, while replicas and the relay die: the small form of row 24 of the benchmark."""

from __future__ import annotations

from pathlib import Path

from bench.soak import Size, soak

SMALL = Size(
    sse=40,
    ws=10,
    hooks=4,
    stalled=0,
    seconds=9,
    rate=25,
    kill_every_s=2.5,
    down_s=1,
    dies=("api 0", "api 1", "relay 0"),
)


def test_nothing_is_missing_doubled_or_out_of_order_for_any_kind_of_subscriber_while_replicas_are_killed(
    tmp_path: Path, database_url: str, redis_url: str
) -> None:
    told = soak(database_url, redis_url, tmp_path, SMALL, print)
    assert told.right, told
    assert told.kills == {"api 0": 1, "api 1": 1, "relay 0": 1}
    assert told.given > 50 * 60
    assert told.hook_deliveries
    assert told.connections > 50
