"""The outbound client against a server that behaves badly."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import socket
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from shared.addresses import Allowances
from shared.cookies import Cookies
from shared.http import Client, FetchError, Limits, open_client
from tests.ingest.publisher import Publisher, publishing

LOOPBACK = Allowances.of([ipaddress.ip_network("127.0.0.1/32")])
BRIEF = Limits(total_s=1.0, silence_s=0.4, sent_bytes=200_000, unpacked_bytes=500_000)


@pytest.fixture
async def publisher() -> AsyncIterator[Publisher]:
    async with publishing() as server:
        yield server


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with open_client(LOOPBACK) as made:
        yield made


async def failing(client: Client, url: str) -> str:
    with pytest.raises(FetchError) as raised:
        await client.get(url, limits=BRIEF)
    return raised.value.code


async def test_a_body_comes_whole_with_its_headers(client: Client, publisher: Publisher) -> None:
    publisher.serve("/feed", b"hello", ETag='"1"', Content_Type="text/plain")
    response = await client.get(publisher.url("/feed"))
    assert (response.status, response.body, response.headers["etag"]) == (200, b"hello", '"1"')
    assert response.permanent_url is None
    assert publisher.asked[0][1]["User-Agent"].startswith("Wiredesk/")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw", "members"])
async def test_packed_bodies_are_unpacked(client: Client, publisher: Publisher, encoding: str) -> None:
    text = b"news " * 1000
    raw = zlib.compressobj(wbits=-15)
    packed = {"gzip": gzip.compress(text), "deflate": zlib.compress(text), "raw": raw.compress(text) + raw.flush()}
    packed["members"] = gzip.compress(text[:700]) + gzip.compress(b"") + gzip.compress(text[700:]) + bytes(9)
    name = {"raw": "deflate", "members": "gzip"}.get(encoding, encoding)
    publisher.serve("/feed", packed[encoding], Content_Encoding=name)

    async def dripped(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Encoding": name})
        await response.prepare(request)
        for byte in packed[encoding]:
            await response.write(bytes([byte]))
        return response

    publisher.answers["/dripped"] = dripped
    assert (await client.get(publisher.url("/feed"))).body == text
    assert (await client.get(publisher.url("/dripped"))).body == text


async def test_a_gzip_bomb_is_stopped(client: Client, publisher: Publisher) -> None:
    publisher.serve("/bomb", gzip.compress(bytes(20_000_000)), Content_Encoding="gzip")
    publisher.serve("/bombs", gzip.compress(bytes(1_000_000)) * 20, Content_Encoding="gzip")
    publisher.serve("/nothings", gzip.compress(b"") * 500_000, Content_Encoding="gzip")
    assert await failing(client, publisher.url("/bomb")) == "too_big"
    assert await failing(client, publisher.url("/bombs")) == "too_big"
    assert (await client.get(publisher.url("/nothings"))).body == b""


async def test_a_damaged_or_unasked_packing_is_a_broken_answer(client: Client, publisher: Publisher) -> None:
    publisher.serve("/damaged", b"\x1f\x8b" + b"x" * 100, Content_Encoding="gzip")
    publisher.serve("/brotli", b"xx", Content_Encoding="br")
    assert await failing(client, publisher.url("/damaged")) == "protocol"
    assert await failing(client, publisher.url("/brotli")) == "protocol"


async def test_what_is_called_gzip_and_is_not_packed_is_taken_as_it_is(client: Client, publisher: Publisher) -> None:
    publisher.serve("/feed", b"<rss/>", Content_Encoding="gzip")
    assert (await client.get(publisher.url("/feed"))).body == b"<rss/>"


async def test_who_lets_in_only_who_brings_back_a_cookie_is_read(client: Client, publisher: Publisher) -> None:
    async def walled(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Cookie") == "seen=1; who=a%2Cb":
            return web.Response(body=b"here")
        answer = web.Response(status=301, headers={"Location": f"{request.path}#top"})
        answer.headers.add("Set-Cookie", "seen=1; Expires=Wed, 21 Oct 2037 07:28:00 GMT; Path=/")
        answer.headers.add("Set-Cookie", "who=a%2Cb; HttpOnly")
        return answer

    publisher.answers["/walled"] = walled
    for _ in range(2):  # nothing is kept between requests
        response = await client.get(publisher.url("/walled"))
        assert (response.body, response.url, response.permanent_url) == (b"here", publisher.url("/walled"), None)
    assert publisher.times("/walled") == 4


def test_cookies_go_back_to_their_own_domain_only() -> None:
    cookies = Cookies()
    cookies.take("https://www.news.example/feed", "a=1; Domain=.news.example, b=x y, =2, c\x00=3, d")
    assert cookies.header("https://news.example/feed") == {"Cookie": "a=1; b=x"}
    assert cookies.header("https://other.example/feed") == {}
    for n in range(100):
        cookies.take("https://10.0.0.1/", f"n{n}=1, long{n}={'x' * 5000}")
    assert cookies.header("https://10.0.0.1/")["Cookie"].count("=") == 20


async def test_an_endless_body_is_stopped(client: Client, publisher: Publisher) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"<item/>" * 2000)

    publisher.answers["/endless"] = endless
    assert await failing(client, publisher.url("/endless")) == "too_big"


async def test_a_body_announced_too_big_is_not_read(client: Client, publisher: Publisher) -> None:
    publisher.serve("/big", bytes(300_000))
    assert await failing(client, publisher.url("/big")) == "too_big"


async def test_silence_and_slow_dripping_end_by_the_clock(client: Client, publisher: Publisher) -> None:
    async def silent(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    async def dripping(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x")
            await asyncio.sleep(0.1)

    publisher.answers |= {"/silent": silent, "/dripping": dripping}
    codes = await asyncio.gather(*(failing(client, publisher.url(path)) for path in ("/silent", "/dripping")))
    assert codes == ["timeout", "timeout"]


async def test_redirects_are_followed_and_permanent_ones_told(client: Client, publisher: Publisher) -> None:
    publisher.serve("/old", b"", status=301, Location="/newer")
    publisher.serve("/newer", b"", status=308, Location="/today")
    publisher.serve("/today", b"", status=302, Location="/feed")
    publisher.serve("/feed", b"here")
    response = await client.get(publisher.url("/old"))
    assert (response.body, response.url) == (b"here", publisher.url("/feed"))
    assert response.permanent_url == publisher.url("/today")


async def test_a_redirect_loop_ends(client: Client, publisher: Publisher) -> None:
    publisher.serve("/loop", b"", status=302, Location="/loop")
    publisher.serve("/nowhere", b"", status=302)
    assert await failing(client, publisher.url("/loop")) == "redirects"
    assert await failing(client, publisher.url("/nowhere")) == "redirects"
    assert publisher.times("/loop") == BRIEF.redirects + 1


async def test_a_redirect_to_a_private_address_is_not_followed(client: Client, publisher: Publisher) -> None:
    publisher.serve("/out", b"", status=302, Location=f"http://127.0.0.2:{publisher.port}/feed")
    publisher.serve("/metadata", b"", status=302, Location="http://169.254.169.254/latest/")
    assert await failing(client, publisher.url("/out")) == "address_refused"
    assert await failing(client, publisher.url("/metadata")) == "address_refused"


async def test_a_name_that_leads_to_a_private_address_is_refused_where_the_socket_is_made(
    monkeypatch: pytest.MonkeyPatch, publisher: Publisher
) -> None:
    answers = iter(["127.0.0.1", "127.0.0.2"])  # the name server's answer changes after the first look

    def look_up(host: str, port: int, *_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    publisher.serve("/feed", b"here")
    for allowed, expected in ((True, 200), (False, None)):
        async with open_client(LOOPBACK) as client:  # a client each, since names are remembered for a minute
            url = f"http://news.example:{publisher.port}/feed"
            if allowed:
                assert (await client.get(url)).status == expected
            else:
                assert await failing(client, url) == "address_refused"
    assert publisher.times("/feed") == 1


async def test_who_does_not_answer_is_told_apart_from_who_does_not_exist(client: Client) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    assert await failing(client, f"http://127.0.0.1:{port}/") == "connect"
    assert await failing(client, "http://nobody.invalid/") == "dns"


async def test_what_is_no_http_and_what_breaks_off_are_broken_answers(client: Client) -> None:
    async def nonsense(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
        writer.close()

    for handler in (nonsense, cut):
        server = await asyncio.start_server(handler, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            assert await failing(client, f"http://127.0.0.1:{port}/") in ("protocol", "connect")


async def test_a_plain_server_asked_for_tls_is_a_tls_failure(client: Client, publisher: Publisher) -> None:
    assert await failing(client, publisher.url("/feed").replace("http://", "https://")) == "tls"


async def test_a_post_carries_its_body_and_follows_nothing(client: Client, publisher: Publisher) -> None:
    seen: list[bytes] = []

    async def hook(request: web.Request) -> web.StreamResponse:
        seen.append(await request.read())
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    publisher.answers["/hook"] = hook
    response = await client.post(publisher.url("/hook"), b'{"a":1}', headers={"Content-Type": "application/json"})
    assert (response.status, seen, publisher.times("/elsewhere")) == (302, [b'{"a":1}'], 0)
