from __future__ import annotations

from pathlib import Path

import httpx

from services.api import limits
from services.api.app import create_app
from services.api.deps import Resources, open_resources
from shared.settings import Settings


def client(settings: Settings, held: Resources) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_app(settings, held), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost")


async def test_a_caller_is_held_up_on_every_replica_together(settings: Settings, held: Resources) -> None:
    limits_on = settings.model_copy(update={"rate_limit": 3})
    async with client(limits_on, held) as one, client(limits_on, held) as other:
        answers = [await api.get("/v1/articles") for api in (one, other) * 4]
        # The minute may turn over in between; then at most one more round is let in.
        refused = [a for a in answers if a.status_code == 429]
        assert 2 <= len(refused) <= 5
        assert refused[0].json()["code"] == "rate_limited"
        assert 1 <= int(refused[0].headers["retry-after"]) <= limits.WINDOW_S
        assert answers[0].headers["ratelimit"].startswith('"minute";r=2;t=')
        assert answers[0].headers["ratelimit-policy"] == '"minute";q=3;w=60'
        assert (await one.get("/healthz")).status_code == 200


async def test_without_redis_nobody_is_held_up(settings: Settings, tmp_path: Path) -> None:
    alone = settings.model_copy(update={"redis_url": f"unix://{tmp_path}/nobody.sock", "rate_limit": 1})
    async with open_resources(alone) as held, client(alone, held) as api:
        assert [(await api.get("/v1/articles")).status_code for _ in range(3)] == [200, 200, 200]


async def test_another_site_cannot_write_through_a_browser(settings: Settings, held: Resources) -> None:
    async with client(settings, held) as api:
        feed = {"url": "https://wire.example/rss"}
        for origin in ("https://evil.example", "null", "http://localhost.evil.example"):
            answer = await api.post("/v1/feeds", json=feed, headers={"Origin": origin})
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), origin
        assert (await api.post("/v1/feeds", json=feed, headers={"Origin": "http://localhost"})).status_code == 201
    friendly = settings.model_copy(update={"cors_origins": ("https://desk.example",)})
    async with client(friendly, held) as api:
        answer = await api.post("/v1/feeds", json=feed, headers={"Origin": "https://desk.example"})
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "https://desk.example"
