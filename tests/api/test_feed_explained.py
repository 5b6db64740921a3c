"""Why a feed is polled when it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson

from services.api.schemas import Explanation
from services.ingest.losses import Losses
from services.ingest.rhythm import Rhythm
from services.ingest.schedule import Bounds, Facts, plan
from services.ingest.signs import Signs
from services.ingest.validators import Answer, Trust
from tests.api.conftest import Newsroom

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


async def subscribed(api: httpx.AsyncClient) -> int:
    feed_id: int = (await api.post("/v1/feeds", json={"url": "https://wire.example/rss"})).json()["id"]
    return feed_id


def polled(newsroom: Newsroom, feed_id: int, status: str = "ok") -> dict[str, Any]:
    """A state as ingest's own functions make it."""
    rhythm = Rhythm().after([NOW - timedelta(hours=3 * n) for n in range(30)], 7200.0, True, NOW)
    signs = Signs(Losses().after(True, False, 900.0, NOW), Trust().after(Answer(False, False, True, True), NOW))
    planned = plan(Facts(rhythm, within_s=signs.losses.within_s), Bounds(300, 86_400), NOW, 0.0)
    stored = orjson.dumps(rhythm.stored() | signs.stored()).decode()
    newsroom.conn.execute(
        "INSERT INTO feed_states (feed_id, status, rhythm) VALUES (%s, %s, %s)", (feed_id, status, stored)
    )
    rules = orjson.dumps([list(rule) for rule in planned.rules]).decode()
    newsroom.conn.execute(
        "INSERT INTO feed_clocks (feed_id, next_poll_at, interval_s, rules, full_at) VALUES (%s, %s, %s, %s, %s)",
        (feed_id, planned.next_poll_at if status == "ok" else None, planned.interval_s, rules, signs.trust.full_at),
    )
    told: dict[str, Any] = orjson.loads(stored)
    return told


async def test_every_rule_tells_its_input_and_vote_and_one_decided(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    feed_id = await subscribed(api)
    stored = polled(newsroom, feed_id)
    answer = await api.get(f"/v1/feeds/{feed_id}/explain")
    told = answer.json()
    Explanation.model_validate(told)
    assert (answer.status_code, told["next_poll_at"], told["interval_s"]) == (200, "2026-11-23T14:00:00Z", 7200)
    votes = {rule["rule"]: rule["vote_s"] for rule in told["rules"]}
    assert set(votes) == {"rhythm", "lost_articles", "ttl", "floor", "ceiling"}
    assert (votes["lost_articles"], votes["ttl"], votes["floor"]) == (450, 7200, 300)
    assert [rule["rule"] for rule in told["rules"] if rule["decided"]] == ["ttl"]
    rhythm = told["rhythm"]
    assert (rhythm["gap_s"], rhythm["losses"]["count"], rhythm["ttl_s"]) == (stored["gap_s"], 1, 7200)
    assert (len(rhythm["hours"]), sum(rhythm["hours"]), rhythm["hours"][12]) == (168, 26, 1)  # midnights are days
    assert datetime.fromisoformat(rhythm["validators"]["lied_at"]) == NOW
    assert datetime.fromisoformat(rhythm["validators"]["full_at"]) == NOW


async def test_a_feed_that_is_not_polled_says_why(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    feed_id = await subscribed(api)
    polled(newsroom, feed_id, "paused")
    await api.patch(f"/v1/feeds/{feed_id}", json={"paused": True})
    told = (await api.get(f"/v1/feeds/{feed_id}/explain")).json()
    Explanation.model_validate(told)
    assert told["next_poll_at"] is None
    assert [(rule["rule"], rule["vote_s"]) for rule in told["rules"] if rule["decided"]] == [("paused", None)]


async def test_a_feed_never_polled_has_no_rules_yet(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    feed_id = await subscribed(api)
    told = (await api.get(f"/v1/feeds/{feed_id}/explain")).json()
    Explanation.model_validate(told)
    assert (told["next_poll_at"], told["interval_s"], told["rules"], told["rhythm"]["gap_s"]) == (None, 0, [], None)


async def test_an_unknown_feed_is_not_explained(api: httpx.AsyncClient) -> None:
    for name in ("4711", "x"):
        answer = await api.get(f"/v1/feeds/{name}/explain")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_the_explanation_is_in_the_document(api: httpx.AsyncClient) -> None:
    document = (await api.get("/openapi.json")).json()
    told = document["paths"]["/v1/feeds/{feed_id}/explain"]["get"]["responses"]["200"]
    assert told["content"]["application/json"]["schema"]["$ref"].endswith("/Explanation")
    assert {"Explanation", "RuleVote", "RhythmObject"} <= set(document["components"]["schemas"])
