"""The real app on the run's engines, and a store filled with rows as ingest and enrich write them."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import psycopg
import pytest
import redis
from psycopg.types.json import Jsonb

from services.api.__main__ import Server, bind, configured
from services.api.app import create_app
from services.api.deps import Resources, open_resources
from shared import facts, log, stream, words
from shared.events import NewEvent, envelope, source_of
from shared.settings import Settings
from shared.stored import pack

BEGAN = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
Made = dict[str, Any]


@dataclass
class Newsroom:
    """Writes what ingest and enrich would write, and relays it when told to."""

    database_url: str
    redis_url: str
    conn: psycopg.Connection[Any] = field(init=False)
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.conn = psycopg.connect(self.database_url, autocommit=True)

    def article(
        self,
        title: str = "Harbour bridge reopens",
        *,
        body: str = "The bridge carries traffic again.",
        lang: str = "en",
        source: str = "wire.example",
        feed: int = 1,
        entities: tuple[tuple[str, str, str], ...] = (("place:lisbon", "place", "Lisbon"),),
        places: tuple[tuple[str, str | None], ...] = (),
        authors: tuple[str, ...] = ("M. Duarte",),
        images: tuple[str, ...] = (),
        quotes: tuple[str, ...] = (),
        topics: tuple[str, ...] = (),
        published: datetime | None = None,
        undated: bool = False,
        relay: bool = True,
    ) -> int:
        """One enriched article with its event; its id."""
        n = next(self.ids)
        at = published or BEGAN + timedelta(minutes=n)
        stamp = at.isoformat().replace("+00:00", "Z")
        named = [
            {
                "id": i,
                "type": t,
                "name": name,
                "aliases_seen": [name],
                "count": 1,
                "salience": 0.5,
                "confidence": 0.9,
                "ids": {},
            }
            for i, t, name in entities
        ]
        card: Made = {
            "id": n,
            "version": 1,
            "url": f"https://{source}/{n}",
            "canonical_url": f"https://{source}/{n}",
            "title": title,
            "subtitle": None,
            "description": "Two years of work end.",
            "authors": list(authors),
            "language": {"code": lang, "confidence": 0.99},
            "published_at": None if undated else stamp,
            "published_precision": "unknown" if undated else "second",
            "modified_at": None,
            "discovered_at": stamp,
            "fetched_at": stamp,
            "enriched_at": stamp,
            "body_source": "feed",
            "word_count": 5,
            "reading_time_s": 2,
            "paywalled": None,
            "status": "usable",
            "source": {"id": source, "name": source.title(), "domain": source, "country": None},
            "feeds": [{"id": feed, "title": "Wire", "guid": f"g{n}"}],
            "images": [{"url": u, "width": None, "height": None, "caption": None, "credit": None} for u in images],
            "entities": named,
            "places": [_place(i, country) for i, country in places],
            "topics": [{"id": one, "name": one, "path": [], "score": 0.9} for one in topics],
            "keywords": [{"text": "bridge", "score": 0.4}],
            "summary": [],
            "latency": {"published_to_seen_s": 0.0, "seen_to_enriched_s": 0.0},
        }
        whole = [{**e, "mentions": [{"field": "body_text", "start": 0, "end": 3, "text": body[:3]}]} for e in named]
        rest: Made = {
            "body_text": body,
            "entities": whole,
            "quotes": [{"text": q, "speaker": None, "entity_id": None, "start": 0, "end": len(q)} for q in quotes],
            "dates": [],
            "numbers": [],
            "links": [],
            "media": [],
            "annotations": {"entities": {"revision": "1", "took_ms": 1.0}},
        }
        with self.conn.transaction():
            self.conn.execute(
                "INSERT INTO articles (id, url, canonical_url, title, published_at, discovered_at, fetched_at, source,"
                " content_hash) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'x')",
                (n, card["url"], card["url"], title, None if undated else at, at, at, Jsonb(card["source"])),
            )
            self.conn.execute("INSERT INTO article_feeds VALUES (%s, %s, %s, %s)", (n, feed, f"g{n}", at))
            self.conn.execute("INSERT INTO article_versions VALUES (%s, 1, %s, %s, NULL, true, '[]')", (n, at, title))
            self.conn.execute(
                "INSERT INTO enriched_articles (article_id, version, revision, enriched_at, sort_at, lang, source_id,"
                " status, packed) VALUES (%s, 1, 'r1', %s, %s, %s, %s, 'usable', %s)",
                (n, at, at, lang, source, pack(card, orjson.dumps(card), rest, None)),
            )
            language = words.analyser(lang)
            found = words.indexed(title, f"{card['description']}\n{words.BREAK}\n{body}", language)
            self.conn.execute(
                "INSERT INTO article_lookup VALUES (%s, %s, %s, %s, %s)",
                (n, at, language, facts.facts(card, rest, at, at), found),
            )
            for i, t, name in entities:
                self.conn.execute(
                    "INSERT INTO entities (id, type, name, ids, first_seen_at, words, articles, last_seen_at)"
                    " VALUES (%s, %s, %s, '{}', %s, array_to_tsvector(%s), 1, %s)"
                    " ON CONFLICT (id) DO UPDATE SET articles = entities.articles + 1, last_seen_at = %s",
                    (i, t, name, at, words.tokens(name), at, at),
                )
            told = NewEvent("wiredesk.article.enriched.v1", f"articles/{n}", None, n, 1)
            (position,) = log.append(self.conn, [told], at)
            self.conn.execute("UPDATE enriched_articles SET position = %s WHERE article_id = %s", (position, n))
        if relay:
            self.relay()
        return n

    def tell(self, kind: Any, subject: str, data: Made, article_id: int | None = None, *, relay: bool = True) -> int:
        """One event by itself; its position."""
        with self.conn.transaction():
            (position,) = log.append(self.conn, [NewEvent(kind, subject, json.dumps(data), article_id)], BEGAN)
        if relay:
            self.relay()
        return position

    def relay(self) -> None:
        """Carry the log to the stream, as the relay does."""
        source = source_of(log.deployment(self.conn))
        with redis.Redis.from_url(self.redis_url) as client:
            end = stream.last(client)
            events = log.read(self.conn, end, 10_000)
            stream.append(client, end, [(e.position, envelope(e, source)) for e in events])

    def wipe(self) -> None:
        """Redis loses everything."""
        with redis.Redis.from_url(self.redis_url) as client:
            client.flushall()


def _place(entity_id: str, country: str | None) -> Made:
    where: Made = {"geonames_id": None, "lat": None, "lon": None}
    told: Made = {
        "entity_id": entity_id,
        "kind": "city",
        "name": entity_id.partition(":")[2].title(),
        "country": country,
    }
    return told | where | {"role": "mention", "confidence": 0.9}


@pytest.fixture
def newsroom(database_url: str, redis_url: str) -> Iterator[Newsroom]:
    room = Newsroom(database_url, redis_url)
    yield room
    room.conn.close()


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    return Settings(database_url=database_url, redis_url=redis_url, home=tmp_path, port=0)


@pytest.fixture
async def held(settings: Settings) -> AsyncIterator[Resources]:
    async with open_resources(settings) as resources:
        yield resources


@pytest.fixture
async def api(settings: Settings, held: Resources) -> AsyncIterator[httpx.AsyncClient]:
    """The app without a socket between: for all but streams."""
    transport = httpx.ASGITransport(create_app(settings, held), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


@asynccontextmanager
async def serving(settings: Settings, held: Resources) -> AsyncIterator[tuple[httpx.AsyncClient, Server]]:
    """The app behind a real server on a free port."""
    sock = bind(settings)
    host, port = sock.getsockname()[:2]
    server = Server(configured(create_app(settings, held)), held)
    task = asyncio.create_task(server.serve(sockets=[sock]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        async with httpx.AsyncClient(base_url=f"http://{host}:{port}", timeout=20) as client:
            yield client, server
    finally:
        server.should_exit = True
        await task


@pytest.fixture
async def served(settings: Settings, held: Resources) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(settings, held) as (client, _server):
        yield client
