"""The OpenAPI document held against the real API by schemathesis: what is documented is served, and nothing else.

Fails on any 5xx, on a status, a type, a header or a shape that is not documented, on input that the document forbids
and the API takes, and on methods that are answered though not documented. The examples are the same in every run.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any, cast

import psycopg
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi import checks

from deploy.local.engines import Postgres, Valkey
from services.api.__main__ import bind
from services.api.app import create_app
from services.api.deps import Resources, open_resources
from shared.settings import Settings
from tests.api.conftest import Newsroom
from tests.conftest import TEMPLATE

ARTICLES = 12
EXAMPLES = 12  # of each route, beside those in the document
DATABASE = "contract_kept"
# What only another process can answer, which does not run here: 503 within the time it is waited for.
ASKS_OTHERS = {"/v1/feeds/doctor", "/v1/webhooks/{webhook_id}/test"}
# A schema cannot say everything: that relevance needs words, that an address is private, that a version exists.
NOT_ALL_SAID = checks.positive_data_acceptance

REFUSALS = [400, 401, 403, 404, 405, 406, 409, 410, 413, 415, 422]

_unused = Settings(database_url="postgresql://", redis_url="redis://")
_config = schemathesis.Config.from_dict(
    {
        "phases": {"coverage": {"enabled": False}},
        "generation": {"mode": "all"},
        "checks": {"negative_data_rejection": {"expected-statuses": REFUSALS}},
    }
)
document = schemathesis.openapi.from_dict(create_app(_unused, cast(Resources, None)).openapi(), config=_config)


@pytest.fixture(scope="module")
def address(postgres: Postgres, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real API on a port of its own, with some of everything in its store."""
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {DATABASE} TEMPLATE {TEMPLATE}")
    url, home = postgres.url(DATABASE), tmp_path_factory.mktemp("home")
    _fill(url, valkey.url())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.api.feeds.routes.DOCTOR_S", 0.2)
        patch.setattr("services.api.webhooks.routes.PING_WAIT_S", 0.2)
        with _served(Settings(database_url=url, redis_url=valkey.url(), home=home, port=0)) as base:
            yield base
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")


def _fill(database_url: str, redis_url: str) -> None:
    room = Newsroom(database_url, redis_url)
    room.wipe()
    for n in range(ARTICLES):
        room.article(
            f"Harbour {n}",
            lang=("en", "es")[n % 2],
            places=(("place:lisbon", "PT"),),
            quotes=("so it is",),
            topics=("medtop:04000000",),
            images=("https://wire.example/1.jpg",),
            relay=False,
        )
    room.relay()
    room.conn.execute(
        "INSERT INTO feeds (url, url_key) VALUES ('https://wire.example/rss', 'https://wire.example/rss')"
    )
    room.conn.close()


class _served:
    """Runs the API in a thread and a loop of its own; gives its address."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        sock = bind(self._settings)
        self._base = "http://{}:{}".format(*sock.getsockname()[:2])
        async with open_resources(self._settings) as held:
            app = create_app(self._settings, held)
            server = uvicorn.Server(uvicorn.Config(app, http="httptools", lifespan="off", log_config=None))
            task = asyncio.create_task(server.serve(sockets=[sock]))
            self._ready.set()  # connections wait in the socket until it serves
            await self._over.wait()
            server.should_exit = True
            await task

    def __enter__(self) -> str:
        self._thread.start()
        assert self._ready.wait(60)
        return self._base

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()


@document.parametrize()
@settings(
    max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
def test_what_is_documented_is_served_and_nothing_else(case: Any, address: str) -> None:
    if str(case.query.get("wait")).isdigit() and int(case.query["wait"]) <= 60:
        case.query["wait"] = 0  # nothing comes: it would be waited in vain
    excluded = [NOT_ALL_SAID]
    answer = case.call(base_url=address)
    if case.path in ASKS_OTHERS and answer.status_code == 503:
        assert answer.json()["code"] == "unavailable"
        excluded.append(schemathesis.checks.not_a_server_error)
    case.validate_response(answer, excluded_checks=excluded)
