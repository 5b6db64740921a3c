"""The names that outside software relies on are all there: routes, event types, commands, client methods, settings."""

from __future__ import annotations

from pathlib import Path

import httpx
import typer
from wiredesk import Wiredesk
from wiredesk.cli import app as command_line

from shared.events import EVENT_TYPES
from shared.settings import Settings

ROUTES = """
GET /v1/articles · GET /v1/articles/{article_id} · GET /v1/articles/{article_id}/versions
GET /v1/articles/{article_id}/diff · GET /v1/articles/{article_id}/similar · GET /v1/articles/{article_id}/trace
GET /v1/entities · GET /v1/entities/{entity_id} · GET /v1/entities/{entity_id}/timeline
GET /v1/entities/{entity_id}/related · GET /v1/facets · GET /v1/timeseries
GET /v1/feeds · POST /v1/feeds · GET /v1/feeds/{feed_id} · PATCH /v1/feeds/{feed_id} · DELETE /v1/feeds/{feed_id}
POST /v1/feeds/{feed_id}/poll · GET /v1/feeds/{feed_id}/polls · GET /v1/feeds/{feed_id}/explain · POST /v1/feeds/doctor
GET /v1/feeds.opml · POST /v1/feeds.opml · GET /v1/events
GET /v1/webhooks · POST /v1/webhooks · GET /v1/webhooks/{webhook_id} · PATCH /v1/webhooks/{webhook_id}
DELETE /v1/webhooks/{webhook_id} · GET /v1/webhooks/{webhook_id}/deliveries · POST /v1/webhooks/{webhook_id}/replay
POST /v1/webhooks/{webhook_id}/test · POST /v1/webhooks/{webhook_id}/rotate
GET /v1/searches · POST /v1/searches · GET /v1/searches/{search_id} · PATCH /v1/searches/{search_id}
DELETE /v1/searches/{search_id} · POST /v1/searches/preview · GET /v1/searches/{search_id}/preview
GET /v1/searches/{search_id}.json · GET /v1/searches/{search_id}.rss · GET /v1/searches/{search_id}.atom
GET /v1/searches/{search_id}.jsonfeed · GET /v1/searches/{search_id}.ndjson · GET /v1/searches/{search_id}.csv
GET /v1/searches/{search_id}.ninjs · GET /v1/articles.json · GET /v1/articles.rss · GET /v1/articles.atom
GET /v1/articles.jsonfeed · GET /v1/articles.ndjson · GET /v1/articles.csv · GET /v1/articles.ninjs
GET /v1/articles/{article_id}.json · GET /v1/articles/{article_id}.ninjs · GET /v1/articles/{article_id}.jsonld
GET /v1/sources · GET /v1/ops/queues · GET /v1/ops/workers · GET /v1/ops/pipeline · POST /v1/ops/reenrich
GET /v1/keys · POST /v1/keys · DELETE /v1/keys/{key_id} · GET /healthz · GET /readyz · GET /metrics
"""
COMMANDS = """
up down status search tail trace queue replay migrate workers
feeds.add feeds.import feeds.export feeds.list feeds.doctor feeds.poll keys.create keys.list keys.revoke
webhooks.add webhooks.list webhooks.remove webhooks.test webhooks.deliveries
"""
TYPES = """
article.enriched article.corrected article.reannotated article.merged article.withdrawn
story.started story.grew story.merged feed.failing feed.recovered feed.quiet
"""
SETTINGS = """
home port host ingest_port starter_feeds allow_private min_poll_s max_poll_s fetch_pages page_wait_s host_concurrency
host_gap_s enrich_workers ner retention_days stream_keep auth admin_key rate_limit cors_origins webhook_backoff_s
database_url redis_url
"""
METHODS = """
search articles article trace versions similar facets timeseries head follow events entities feeds keys webhooks
searches ops
"""


async def test_every_route_is_there(api: httpx.AsyncClient) -> None:
    document = (await api.get("/openapi.json")).json()
    there = {f"{method.upper()} {path}" for path, told in document["paths"].items() for method in told}
    assert {line.strip() for line in ROUTES.replace("\n", "·").split("·") if line.strip()} - there == set()
    for path in ("/asyncapi.json", "/openapi.json", "/"):
        assert (await api.get(path)).status_code == 200


def test_every_event_type_command_setting_and_method_is_there() -> None:
    assert {f"wiredesk.{kind}.v1" for kind in TYPES.split()} == set(EVENT_TYPES)
    assert set(SETTINGS.split()) - set(Settings.model_fields) == set()
    root = typer.main.get_command(command_line)
    found = set()
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        found |= {name} | {f"{name}.{sub}" for sub in getattr(command, "commands", ())}
    assert set(COMMANDS.split()) - found == set()
    with Wiredesk("http://127.0.0.1:1") as desk:
        assert [name for name in METHODS.split() if not hasattr(desk, name)] == []


def test_the_examples_are_in_the_clients_readme() -> None:
    client = Path(__file__).resolve().parents[2] / "client"
    told = (client / "README.md").read_text("utf-8")
    for file in (client / "examples").glob("*.py"):
        assert f"examples/{file.name}" in told
