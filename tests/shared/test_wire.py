"""HTTP/1.1 as servers really speak it, byte by byte, and connections kept, lost and raced."""

from __future__ import annotations

import asyncio
import ipaddress
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from shared.addresses import Allowances
from shared.connections import IDLE_MOST, Connections, Origin, Refused, in_turn
from shared.http import Client, FetchError, Limits, open_client
from shared.wire import HEAD_BYTES

LOOPBACK = Allowances.of([ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")])
BRIEF = Limits(total_s=2.0, silence_s=0.5, sent_bytes=100_000, unpacked_bytes=100_000)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnews"


@dataclass
class Server:
    """Answers the nth request with the nth text, whatever it is; then closes if told to."""

    answers: Sequence[bytes]
    close: bool = False
    port: int = 0
    connections: int = 0
    asked: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.asked.append(await reader.readuntil(b"\r\n\r\n"))
                answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
                for part in answer.split(b"<pause>"):
                    writer.write(part)
                    await writer.drain()
                    await asyncio.sleep(0.01)
                if self.close:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/feed"


@asynccontextmanager
async def serving(*answers: bytes, close: bool = False) -> AsyncIterator[Server]:
    made = Server(answers, close)
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield made


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with open_client(LOOPBACK, BRIEF) as made:
        yield made


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (OK, b"news"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nne\r\n2;x=y\r\nws\r\n0\r\nLate: 1\r\n\r\n",
            b"news",
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4  \r\n<pause>news\r\n0\r\n\r\n", b"news"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n<pause>" + OK, b"news"),
        (b"HTTP/1.0 200 OK\r\n\r\nne<pause>ws", b"news"),
        (b"HTTP/1.1 200 OK\nContent-Length: 4\n\nnews", b"news"),
        (b"HTT<pause>P/1.1 200 OK\r\nContent-Le<pause>ngth: 4\r\n\r<pause>\nn<pause>ews", b"news"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnewsand more", b"news"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nnews\r\n0\r\n\r\n", b"news"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n", b""),
    ],
)
async def test_bodies_end_where_they_end(client: Client, answer: bytes, body: bytes) -> None:
    async with serving(answer, close=True) as server:
        assert (await client.get(server.url)).body == body


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nnews", "protocol"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nnews\r\n", "protocol"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nnews!", "protocol"),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "protocol"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * (HEAD_BYTES + 9) + b"\r\n\r\n", "protocol"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000, "protocol"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 60_000, "too_big"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nLate: " + b"x" * 400_000, "too_big"),
        (b"", "protocol"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "protocol"),
    ],
)
async def test_what_is_torn_smuggled_or_endless_is_refused(client: Client, answer: bytes, code: str) -> None:
    async with serving(answer, close=True) as server:
        with pytest.raises(FetchError) as raised:
            await client.get(server.url)
    assert raised.value.code == code


async def test_headers_are_joined_and_any_bytes_of_theirs_are_text(client: Client) -> None:
    head = b"HTTP/1.1 200 OK\r\nLink: <a>\r\nlink: <b>\r\nX-Utf: \xc3\xa9\r\nX-Latin: \xe9\r\nContent-Length: 0\r\n\r\n"
    async with serving(head) as server:
        headers = (await client.get(server.url)).headers
    assert [headers[name] for name in ("link", "x-utf", "x-latin")] == ["<a>, <b>", "é", "é"]


async def test_what_is_asked_names_us_and_the_host_and_nobody_can_add_a_line(client: Client) -> None:
    async with serving(OK) as server:
        await client.get(server.url.replace("127", "me:p%40ss@127") + "?a=1#x", headers={"user-agent": "Other"})
        with pytest.raises(FetchError) as raised:
            await client.get(server.url, headers={"If-None-Match": '"1"\r\nX-Evil: 1'})
    lines = server.asked[0].decode().split("\r\n")
    assert lines[0] == "GET /feed?a=1 HTTP/1.1"
    assert {f"Host: 127.0.0.1:{server.port}", "User-Agent: Other", "Authorization: Basic bWU6cEBzcw=="} < set(lines)
    assert (raised.value.code, len(server.asked)) == ("protocol", 1)


async def test_a_connection_is_kept_for_the_next_request_and_never_shared(client: Client) -> None:
    async with serving(OK) as server:
        for _ in range(3):
            await client.get(server.url)
        assert server.connections == 1
        await asyncio.gather(*(client.get(server.url) for _ in range(4)))
        assert server.connections == 4
        await client.post(server.url, b"")
        assert server.connections == 5


@pytest.mark.parametrize(
    "first",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nnews",
        b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nnews",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nnews\r\n0\r\n\r\n",
        OK + OK,  # an answer to what was not asked
        OK + b"<pause>" + OK,
        OK + b"<pause>rubbish",
    ],
)
async def test_a_connection_that_may_hold_anything_else_is_not_asked_again(client: Client, first: bytes) -> None:
    async with serving(first, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfresh") as server:
        assert (await client.get(server.url)).body == b"news"
        await asyncio.sleep(0.05)  # what comes unasked comes now
        assert (await client.get(server.url)).body == b"fresh"
        assert server.connections == 2


async def test_a_kept_connection_that_its_server_closes_meanwhile_costs_nothing(client: Client) -> None:
    """The second request is read and not answered: as if its server had closed at that moment."""
    async with serving(OK, b"", OK) as server:

        async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            server.connections += 1
            server.asked.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(OK)
            if server.connections == 1:
                await reader.readuntil(b"\r\n\r\n")
                writer.close()

        once = await asyncio.start_server(closing, "127.0.0.1", 0)
        async with once:
            url = f"http://127.0.0.1:{once.sockets[0].getsockname()[1]}/"
            assert (await client.get(url)).body == b"news"
            assert (await client.get(url)).body == b"news"
    assert server.connections == 2


async def test_no_more_than_so_many_connections_are_kept() -> None:
    connections = Connections(LOOPBACK)
    made: list[Any] = []

    class Kept:
        open = True
        idle_since = 0.0

        def close(self) -> None:
            self.open = False

    for n in range(IDLE_MOST + 5):
        made.append(Kept())
        connections.keep(Origin(False, f"h{n}", 80), made[-1])
    assert sum(kept.open for kept in made) == IDLE_MOST
    assert connections.kept(Origin(False, "h0", 80)) is made[0]
    assert connections.kept(Origin(True, "h1", 80)) is None
    connections.close()
    assert [kept.open for kept in made[:2]] == [True, False]


def resolving(*found: tuple[socket.AddressFamily, str]) -> Callable[..., list[Any]]:
    def look_up(host: str, port: int, *_: Any) -> list[Any]:
        return [(family, socket.SOCK_STREAM, 6, "", (address, port)) for family, address in found]

    return look_up


async def test_a_names_other_addresses_are_tried_and_private_ones_never(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(OK) as server:
        with socket.socket() as unused:
            unused.bind(("127.0.0.9", 0))  # bound and not listening: refused at once
            for found in (
                resolving((socket.AF_INET, "10.0.0.1"), (socket.AF_INET, "127.0.0.1")),
                resolving((socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.9"), (socket.AF_INET, "127.0.0.1")),
            ):
                monkeypatch.setattr(socket, "getaddrinfo", found)
                async with open_client(LOOPBACK, BRIEF) as client:
                    assert (await client.get(f"http://news.example:{server.port}/")).body == b"news"
        monkeypatch.setattr(
            socket, "getaddrinfo", resolving((socket.AF_INET, "10.0.0.1"), (socket.AF_INET6, "fe80::1"))
        )
        async with open_client(LOOPBACK, BRIEF) as client:
            with pytest.raises(FetchError) as raised:
                await client.get(f"http://news.example:{server.port}/")
    assert raised.value.code == "address_refused"
    assert "10.0.0.1, fe80::1" in raised.value.message


async def test_the_guard_stands_where_the_connection_is_made() -> None:
    """Whoever hands it an address that was never checked gets no connection."""
    async with serving(OK) as server:
        connections = Connections(Allowances())
        origin = Origin(False, "news.example", server.port)
        for addresses in ([(socket.AF_INET, "127.0.0.1")], [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]):
            with pytest.raises(Refused):
                await connections.connect(origin, addresses)
        connections.close()
    assert server.connections == 0


async def test_tls_is_for_the_name_that_was_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    making = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 9 -subj /CN=news.example"
    names = ["-addext", "subjectAltName=DNS:news.example", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*making.split(), *names], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    monkeypatch.setattr(socket, "getaddrinfo", resolving((socket.AF_INET, "127.0.0.1")))
    server = Server([OK])
    codes = []
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context) as listening:
        port = listening.sockets[0].getsockname()[1]
        for trusted, host in ((False, "news.example"), (True, "other.example"), (True, "127.0.0.1")):
            if trusted:
                monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
            async with open_client(LOOPBACK, BRIEF) as client:
                with pytest.raises(FetchError) as raised:
                    await client.get(f"https://{host}:{port}/")
                codes.append(raised.value.code)
        async with open_client(LOOPBACK, BRIEF) as client:
            for _ in range(3):
                assert (await client.get(f"https://news.example:{port}/")).body == b"news"
    assert codes == ["tls", "tls", "tls"]
    assert (len(server.asked), server.connections) == (3, 1)


def test_families_take_turns() -> None:
    six, four = [(10, f"2001:db8::{n}") for n in range(3)], [(2, "192.0.2.1")]
    assert in_turn(six + four) == [six[0], four[0], six[1], six[2]]
