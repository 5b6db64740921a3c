"""JSONTestSuite posted to every route that takes JSON: what is no JSON is refused as such, and nothing breaks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

from services.api.problems import CODES
from services.api.schemas import ProblemDocument
from tests.api.conftest import Newsroom

SUITE = Path(__file__).resolve().parents[3] / "shared/data/standards/jsontestsuite"
# Our own, so that something is posted where the suite is absent.
NO_JSON = (
    b"",
    b"{",
    b'{"a":1,}',
    b"[1,]",
    b"{'a': 1}",
    b"[NaN]",
    b"[01]",
    b'["\x01"]',
    b"\xff\xfe",
    b'["\\x"]',
    b"nul",
)
JSON = (b"{}", b"[]", b"null", b"-0", b"1e3", b'"\\ud834\\udd1e"', b" [ 1 ] \n", b'{"a":{"a":[{}]}}', b'{"":0,"":1}')


def suite() -> list[Path]:
    return sorted(SUITE.rglob("*.json"))


@pytest.fixture
async def routes(newsroom: Newsroom, api: httpx.AsyncClient) -> list[tuple[str, str]]:
    """Every route that the document says to take JSON, with something there under the ids in their paths."""
    newsroom.article()
    for path, body in (
        ("/v1/feeds", {"url": "https://wire.example/rss"}),
        ("/v1/searches", {"name": "n", "filters": {"q": "harbour"}}),
        ("/v1/webhooks", {"url": "https://desk.example/hook"}),
    ):
        assert (await api.post(path, json=body)).status_code == 201
    paths = (await api.get("/openapi.json")).json()["paths"]
    found = [
        (method.upper(), path)
        for path, operations in paths.items()
        for method, told in operations.items()
        if "application/json" in told.get("requestBody", {}).get("content", {})
    ]
    assert len(found) >= 11
    ids = dict.fromkeys(("feed_id", "search_id", "webhook_id"), 1)
    return [(method, path.format(**ids)) for method, path in found]


async def send(api: httpx.AsyncClient, method: str, path: str, body: bytes) -> tuple[int, str | None]:
    """The status, and the code of the problem if it is one."""
    answer = await api.request(method, path, content=body, headers={"Content-Type": "application/json"})
    if answer.status_code < 400:
        return answer.status_code, None
    assert answer.headers["content-type"] == "application/problem+json"
    told = ProblemDocument.model_validate(answer.json())
    assert (told.status, CODES[told.code][0]) == (answer.status_code, answer.status_code)
    return answer.status_code, told.code


async def test_what_is_no_json_is_refused_everywhere(api: httpx.AsyncClient, routes: list[tuple[str, str]]) -> None:
    for method, path in routes:
        for body in NO_JSON:
            assert await send(api, method, path, body) == (400, "bad_json"), (method, path, body)
        for body in JSON:
            status, code = await send(api, method, path, body)
            # An empty object changes nothing, and asks for everything to be read again.
            assert (status, code) == (422, "bad_body") or (status < 300 and body == b"{}"), (method, path, body)


async def test_the_suite_is_refused_or_read_everywhere(api: httpx.AsyncClient, routes: list[tuple[str, str]]) -> None:
    if not suite():
        pytest.skip(f"the JSON test suite is not at {SUITE}")
    for n, file in enumerate(suite()):
        body = file.read_bytes()
        # Each file to three routes in turn, so that each route has seen dozens of every kind.
        for method, path in (routes * 2)[n % len(routes) :][:3]:
            status, code = await send(api, method, path, body)
            assert (status, code) in _fit(file.name), (file.name, method, path, status, code)


def _fit(name: str) -> set[tuple[int, str | None]]:
    refused, wrong = (400, "bad_json"), (422, "bad_body")
    read: set[tuple[int, str | None]] = {wrong, (200, None), (202, None)}  # `{}` may change nothing
    return {"n": {refused}, "y": read, "i": {refused, *read}}[name[0]]


async def test_what_json_may_hold_is_kept_as_it_is_or_refused(api: httpx.AsyncClient) -> None:
    for value in _values():
        body = json.dumps({"name": value, "filters": {"q": value}}).encode()
        answer = await api.post("/v1/searches", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (201, 422), (body, answer.text)
        if answer.status_code == 201:
            kept = (await api.get(answer.headers["location"])).json()
            assert (kept["name"], kept["filters"]["q"]) == (str(value).strip(), value)


def _values() -> Iterator[object]:
    """Every value inside the suite's good documents, and some of our own."""
    yield from (
        "Bücher 🚢",
        "a\u2028b",
        "\u202e",
        "x" * 200,
        "x" * 201,
        "\x7f",
        "0",
        0,
        -1,
        1.5,
        2**63,
        True,
        None,
        [],
        {},
    )
    load: Callable[[bytes], object] = json.loads
    for file in suite():
        if file.name.startswith("y_"):
            yield from _inside(load(file.read_bytes()))


def _inside(value: object) -> Iterator[object]:
    yield value
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _inside(one)


async def test_the_suite_over_a_socket_is_told_to_be_wrong_and_ends_nothing(
    newsroom: Newsroom, served: httpx.AsyncClient
) -> None:
    url = str(served.base_url).replace("http", "ws", 1) + "/v1/events/ws?after=0"
    deep = b'{"type":"subscribe","filters":' + b"[" * 900 + b"]" * 900 + b"}"
    bodies = [*NO_JSON, *JSON, deep, *(file.read_bytes() for file in suite())]
    bodies = [body for body in bodies if len(body) < 60_000]  # the server closes on more, with 1009

    async def heard() -> dict[str, Any]:
        while (told := json.loads(await socket.recv())).get("type") == "heartbeat":
            pass
        return dict(told)

    async with websockets.connect(url, max_size=None) as socket:
        for body in bodies:
            # As text where it is text; a frame that says so and is none would be the library's to refuse.
            await socket.send(body.decode() if _is_text(body) else body)
            told = await heard()
            assert (told["type"], told["code"] in CODES) == ("error", True), body[:80]
        newsroom.article("still here")
        assert (await heard())["data"]["title"] == "still here"


def _is_text(body: bytes) -> bool:
    try:
        return bool(body.decode())
    except UnicodeDecodeError:
        return False
