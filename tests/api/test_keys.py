from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import httpx_sse
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from services.api import auth
from services.api.app import create_app
from services.api.auth import first_key, needs_keys, scope_for
from services.api.deps import open_resources
from services.api.hosts import is_loopback
from shared.settings import Settings
from tests.api.conftest import Newsroom, serving

ADMIN = "wd_" + "a" * 43


@asynccontextmanager
async def guarded(settings: Settings, **more: object) -> AsyncIterator[httpx.AsyncClient]:
    closed = settings.model_copy(update={"auth": "keys", **more})
    async with open_resources(closed) as held:
        await first_key(held)
        transport = httpx.ASGITransport(create_app(closed, held), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield client


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def make(api: httpx.AsyncClient, *scopes: str, **more: str) -> tuple[int, str]:
    answer = await api.post("/v1/keys", json={"name": "n", "scopes": list(scopes), **more}, headers=bearer(ADMIN))
    assert answer.status_code == 201, answer.text
    return answer.json()["id"], answer.json()["key"]


@pytest.mark.parametrize(
    ("host", "auth", "closed"),
    [
        ("127.0.0.1", "auto", False), ("127.9.9.9", "auto", False), ("::1", "auto", False),
        ("localhost", "auto", False),
        ("0.0.0.0", "auto", True), ("::", "auto", True), ("10.0.0.5", "auto", True), ("news.example", "auto", True),
        ("127.0.0.1", "keys", True), ("0.0.0.0", "open", False),
    ],
)  # fmt: skip
def test_open_on_loopback_and_closed_elsewhere(host: str, auth: str, closed: bool) -> None:
    assert needs_keys(Settings(host=host, auth=auth)) is closed


def test_a_name_that_only_looks_local_is_not_loopback() -> None:
    assert not is_loopback("localhost.example")
    assert not is_loopback("127.0.0.1.example")


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v1/articles", "read"), ("GET", "/v1/events", "read"), ("GET", "/metrics", "read"),
        ("POST", "/v1/feeds", "write"), ("DELETE", "/v1/feeds/1", "write"), ("PATCH", "/v1/webhooks/1", "write"),
        ("GET", "/v1/keys", "admin"), ("POST", "/v1/keys", "admin"),
        ("GET", "/healthz", None), ("GET", "/readyz", None), ("GET", "/", None), ("GET", "/openapi.json", None),
    ],
)  # fmt: skip
def test_what_a_request_needs(method: str, path: str, scope: str | None) -> None:
    assert scope_for(method, path) == scope


async def test_without_a_key_nobody_gets_in(settings: Settings) -> None:
    async with guarded(settings, admin_key=ADMIN) as api:
        for headers in ({}, {"Authorization": "Basic x"}, {"Authorization": "Bearer"}, bearer("wd_wrong")):
            answer = await api.get("/v1/articles", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
            assert answer.headers["www-authenticate"] == "Bearer"
        for path in ("/healthz", "/readyz", "/openapi.json"):
            assert (await api.get(path)).status_code == 200
        assert (await api.post("/v1/feeds", content=b"{")).status_code == 401


async def test_a_key_can_do_what_its_scopes_say(settings: Settings) -> None:
    async with guarded(settings, admin_key=ADMIN) as api:
        _, reader = await make(api, "read")
        _, writer = await make(api, "write")
        feed = {"url": "https://wire.example/rss"}
        assert (await api.get("/v1/articles", headers=bearer(reader))).status_code == 200
        refused = await api.post("/v1/feeds", json=feed, headers=bearer(reader))
        assert (refused.status_code, refused.json()["code"], refused.json()["scope"]) == (403, "forbidden", "write")
        assert (await api.post("/v1/feeds", json=feed, headers=bearer(writer))).status_code == 201
        assert (await api.get("/v1/feeds", headers=bearer(writer))).status_code == 200
        for key in (reader, writer):
            assert (await api.get("/v1/keys", headers=bearer(key))).status_code == 403
        assert (await api.get("/v1/keys", headers=bearer(ADMIN))).status_code == 200
        assert (await api.post("/v1/feeds", json=feed, headers=bearer(ADMIN))).status_code == 200


async def test_keys_end_by_time_and_by_hand(settings: Settings) -> None:
    async with guarded(settings, admin_key=ADMIN) as api:
        _, old = await make(api, "read", expires_at=(datetime.now(UTC) - timedelta(seconds=1)).isoformat())
        assert (await api.get("/v1/articles", headers=bearer(old))).status_code == 401
        ends = datetime.now(UTC) + timedelta(seconds=1)
        _, short = await make(api, "read", expires_at=ends.isoformat())
        first = await api.get("/v1/articles", headers=bearer(short))
        assert first.status_code == 200 or datetime.now(UTC) > ends
        while datetime.now(UTC) < ends:
            await asyncio.sleep(0.05)
        assert (await api.get("/v1/articles", headers=bearer(short))).status_code == 401  # though it was just looked up
        key_id, key = await make(api, "read")
        assert (await api.get("/v1/articles", headers=bearer(key))).status_code == 200
        assert (await api.delete(f"/v1/keys/{key_id}", headers=bearer(ADMIN))).status_code == 204
        assert (await api.get("/v1/articles", headers=bearer(key))).status_code == 401
        assert (await api.delete(f"/v1/keys/{key_id}", headers=bearer(ADMIN))).status_code == 404


async def test_only_the_hash_is_kept_and_use_is_noted(newsroom: Newsroom, settings: Settings) -> None:
    async with guarded(settings, admin_key=ADMIN) as api:
        key_id, key = await make(api, "read")
        await api.get("/v1/articles", headers=bearer(key))
        listed = (await api.get("/v1/keys", headers=bearer(ADMIN))).json()["items"]
    (mine,) = [k for k in listed if k["id"] == key_id]
    assert mine["scopes"] == ["read"]
    assert mine["last_used_at"] is not None
    assert key.startswith(mine["prefix"])
    kept = newsroom.conn.execute("SELECT api_keys::text FROM api_keys").fetchall()
    assert all(key not in row and ADMIN not in row for (row,) in kept)


async def test_writes_are_audited_with_their_key(newsroom: Newsroom, settings: Settings) -> None:
    async with guarded(settings, admin_key=ADMIN) as api:
        key_id, key = await make(api, "write")
        await api.post("/v1/feeds", json={"url": "https://wire.example/rss"}, headers=bearer(key))
        await api.get("/v1/feeds", headers=bearer(key))
        await api.delete("/v1/feeds/77", headers=bearer(key))
    rows = newsroom.conn.execute("SELECT key_id, method, path, status FROM api_audit ORDER BY id").fetchall()
    assert rows[1:] == [(key_id, "POST", "/v1/feeds", 201), (key_id, "DELETE", "/v1/feeds/77", 404)]


async def test_the_first_key_is_made_once_printed_once_and_kept(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with guarded(settings) as api:
        file = tmp_path / "admin.key"
        key = file.read_text().strip()
        assert file.stat().st_mode & 0o777 == 0o600
        assert capsys.readouterr().out.count(key) == 1
        assert (await api.get("/v1/keys", headers=bearer(key))).status_code == 200
    async with guarded(settings) as api:
        assert file.read_text().strip() == key
        assert capsys.readouterr().out == ""
        assert (await api.get("/v1/keys", headers=bearer(key))).status_code == 200


async def test_a_key_made_by_hand_is_no_reason_to_make_another(
    settings: Settings, tmp_path: Path, newsroom: Newsroom
) -> None:
    async with guarded(settings, admin_key=ADMIN):
        pass
    async with guarded(settings):
        assert not (tmp_path / "admin.key").exists()


async def test_writes_are_told_to_admins_newest_first(settings: Settings) -> None:
    async with guarded(settings, admin_key=ADMIN) as api:
        _, writer = await make(api, "write")
        refused = await api.post("/v1/searches", json={"name": "n", "filters": {}}, headers=bearer(writer))
        made = await api.post("/v1/searches", json={"name": "n", "filters": {"q": "x"}}, headers=bearer(writer))
        assert (refused.status_code, made.status_code) == (422, 201)
        assert (await api.get("/v1/ops/audit", headers=bearer(writer))).status_code == 403
        page = (await api.get("/v1/ops/audit", params={"limit": 2}, headers=bearer(ADMIN))).json()
        told = [(one["method"], one["path"], one["status"], one["key_name"]) for one in page["items"]]
        assert told == [("POST", "/v1/searches", 201, "n"), ("POST", "/v1/searches", 422, "n")]
        rest = (await api.get(page["next"], headers=bearer(ADMIN))).json()
        assert [(one["path"], one["key_name"]) for one in rest["items"]] == [("/v1/keys", "WIREDESK_ADMIN_KEY")]
        assert rest["next"] is None


async def test_streams_end_with_the_key_they_came_with(
    settings: Settings, newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "REMEMBERED_S", 0.1)
    newsroom.article("one")
    closed = settings.model_copy(update={"auth": "keys", "admin_key": ADMIN})
    async with open_resources(closed) as held, serving(closed, held) as (api, _):
        await first_key(held)
        key_id, key = await make(api, "read")
        socket = f"ws://{api.base_url.host}:{api.base_url.port}/v1/events/ws?after=0"
        async with (
            asyncio.timeout(30),
            httpx_sse.aconnect_sse(api, "GET", "/v1/events?after=0", headers=bearer(ADMIN)) as stays,
            httpx_sse.aconnect_sse(api, "GET", "/v1/events?after=0", headers=bearer(key)) as ends,
            connect(socket, additional_headers=bearer(key)) as ws,
        ):
            kept, cut = stays.aiter_sse(), ends.aiter_sse()
            assert [(await anext(events)).id for events in (kept, cut)] == ["1", "1"]
            assert json.loads(await ws.recv())["id"] == "1"
            assert (await api.delete(f"/v1/keys/{key_id}", headers=bearer(ADMIN))).status_code == 204
            assert [event async for event in cut] == []
            told = [json.loads(await ws.recv()) for _ in range(1)]
            assert (told[0]["type"], told[0]["reason"]) == ("closing", "the key is expired or revoked")
            with pytest.raises(ConnectionClosed) as over:
                await ws.recv()
            assert over.value.rcvd is not None
            assert over.value.rcvd.code == 1008
            newsroom.article("two")
            assert (await anext(kept)).id == "2"


async def test_an_unreadable_time_is_refused_in_plain_words(api: httpx.AsyncClient) -> None:
    answer = await api.post("/v1/keys", json={"name": "n", "scopes": ["read"], "expires_at": "tomorrow"})
    (wrong,) = answer.json()["errors"]
    assert (answer.status_code, wrong["where"]) == (422, "body.expires_at")
    assert wrong["message"].startswith("must be a time")


async def test_a_page_in_a_browser_shows_its_key_as_a_subprotocol(newsroom: Newsroom, settings: Settings) -> None:
    closed = settings.model_copy(update={"auth": "keys", "admin_key": ADMIN})
    async with open_resources(closed) as held, serving(closed, held) as (api, _):
        await first_key(held)
        newsroom.article()
        url = f"ws://127.0.0.1:{api.base_url.port}/v1/events/ws?after=0"
        async with connect(url, subprotocols=[Subprotocol("wiredesk"), Subprotocol(ADMIN)]) as ws:
            assert ws.subprotocol == "wiredesk"
            assert json.loads(await ws.recv())["id"] == "1"
        wrong = Subprotocol("wd_" + "x" * 43)
        for offered in ([Subprotocol("wiredesk"), wrong], [Subprotocol(ADMIN)], [Subprotocol("wiredesk")]):
            with pytest.raises(InvalidStatus) as refused:
                async with connect(url, subprotocols=offered):
                    pass
            assert refused.value.response.status_code == 401
        async with connect(url, additional_headers=bearer(ADMIN)) as ws:
            assert ws.subprotocol is None
