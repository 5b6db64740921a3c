"""A page may give itself a name that leads to 127.0.0.1; what it asks for then names it in `Host`."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from pydantic import ValidationError
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from services.api.deps import Resources
from services.api.hosts import is_among, name_of
from shared.settings import Settings
from tests.api.conftest import Newsroom, serving

PATHS = ("/", "/v1/articles", "/v1/events", "/v1/feeds", "/v1/keys", "/metrics", "/openapi.json", "/dashboard/app.js")
OURS = ("127.0.0.1", "127.0.0.1:8080", "localhost", "LOCALHOST:80", "localhost.", "desk.localhost:8080", "[::1]:8080")
FOREIGN = (
    "evil.example",
    "evil.example:8080",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "10.0.0.5",
    "",
    "a b",
)


async def asked(api: httpx.AsyncClient, method: str, path: str, *hosts: str) -> tuple[int, bytes]:
    """The status and body of a request sent as it is: a client library would mend what is wrong with it."""
    reader, writer = await asyncio.open_connection(api.base_url.host, api.base_url.port)
    heads = "".join(f"Host: {host}\r\n" for host in hosts)
    writer.write(f"{method} {path} HTTP/1.1\r\n{heads}Connection: close\r\nAccept: */*\r\n\r\n".encode())
    told = await reader.read()
    writer.close()
    head, _, body = told.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


async def test_a_page_whose_name_was_made_to_lead_here_reads_nothing(served: httpx.AsyncClient) -> None:
    for path in PATHS:
        answer = await served.get(path, headers={"Host": "evil.example:8080"})
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (421, "wrong_host"), path
        assert answer.headers["content-type"] == "application/problem+json"
        assert "WIREDESK_ALLOWED_HOSTS" in problem["detail"] and "evil.example" in problem["detail"]
        assert problem["errors"][0]["where"] == "header.Host"
    for method, path in (("POST", "/v1/feeds"), ("POST", "/v1/hub"), ("OPTIONS", "/v1/feeds"), ("HEAD", "/")):
        same = {"Host": "evil.example", "Origin": "http://evil.example"}  # to the browser it is one site
        assert (await served.request(method, path, headers=same)).status_code == 421, (method, path)
    assert (await served.get("/v1/feeds")).json()["items"] == []


async def test_only_names_that_lead_to_this_machine_are_answered(served: httpx.AsyncClient) -> None:
    for host in OURS:
        assert (await asked(served, "GET", "/v1/feeds", host))[0] == 200, host
    for host in FOREIGN:
        assert (await asked(served, "GET", "/v1/feeds", host))[0] in (400, 421), host
    assert (await asked(served, "GET", "/v1/feeds", "localhost", "evil.example"))[0] in (400, 421)


async def test_probes_ask_by_whatever_name_they_know(served: httpx.AsyncClient) -> None:
    for path in ("/healthz", "/readyz"):
        assert (await served.get(path, headers={"Host": "wiredesk-7f.cluster.example"})).status_code == 200


async def test_nor_does_a_websocket_open_by_such_a_name(newsroom: Newsroom, served: httpx.AsyncClient) -> None:
    port = served.base_url.port
    assert port is not None
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"ws://evil.example:{port}/v1/events/ws", host="127.0.0.1", port=port):
            pass
    assert refused.value.response.status_code == 421
    assert b"wrong_host" in refused.value.response.body
    newsroom.article("Harbour opens")
    async with connect(f"ws://localhost:{port}/v1/events/ws?after=0", host="127.0.0.1", port=port) as ws:
        assert "Harbour opens" in str(await ws.recv())


async def test_names_under_which_it_is_published_are_answered(settings: Settings, held: Resources) -> None:
    published = settings.model_copy(update={"allowed_hosts": ("desk.example", ".news.example")})
    async with serving(published, held) as (api, _):
        for host in ("desk.example", "desk.example:443", "a.news.example", "127.0.0.1"):
            assert (await api.get("/v1/articles", headers={"Host": host})).status_code == 200, host
        for host in ("a.desk.example", "news.example", "evilnews.example"):
            assert (await api.get("/v1/articles", headers={"Host": host})).status_code == 421, host
    anything = settings.model_copy(update={"allowed_hosts": ("*",)})
    async with serving(anything, held) as (api, _):
        assert (await api.get("/v1/articles", headers={"Host": "evil.example"})).status_code == 200


async def test_open_on_every_address_any_address_is_answered(settings: Settings, held: Resources) -> None:
    told_so = settings.model_copy(update={"host": "0.0.0.0", "auth": "open"})
    async with serving(told_so, held) as (api, _):
        for host, status in (("192.0.2.7:8080", 200), ("[2001:db8::7]:8080", 200), ("evil.example", 421)):
            assert (await asked(api, "GET", "/v1/feeds", host))[0] == status, host


async def test_where_keys_are_asked_for_the_key_decides(settings: Settings, held: Resources) -> None:
    async with serving(settings.model_copy(update={"auth": "keys"}), held) as (api, _):
        assert (await api.get("/v1/articles", headers={"Host": "evil.example"})).status_code == 401


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("News.Example:8080", "news.example"), ("news.example.", "news.example"), ("[::1]:80", "::1"), ("::1", "::1"),
        ("[::1", "::1"), (":8080", ""), ("", ""),
    ],
)  # fmt: skip
def test_the_name_in_a_host_header(header: str, name: str) -> None:
    assert name_of(header) == name


def test_a_dot_in_front_stands_for_all_names_below() -> None:
    assert is_among("a.b.example", (".b.example",)) and not is_among("b.example", (".b.example",))


def test_names_are_set_without_scheme_and_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIREDESK_ALLOWED_HOSTS", " Desk.Example., .news.example ,::1")
    assert Settings().allowed_hosts == ("desk.example", ".news.example", "::1")
    for wrong in ("https://desk.example", "desk.example:443"):
        monkeypatch.setenv("WIREDESK_ALLOWED_HOSTS", wrong)
        with pytest.raises(ValidationError, match="without scheme and port"):
            Settings()
