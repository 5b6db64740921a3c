"""A head of a request is read up to a size: what has no end is not gathered."""

from __future__ import annotations

import asyncio
import json

import httpx

from services.api.lines import MAX_HEAD_BYTES


async def test_a_head_without_end_is_cut(served: httpx.AsyncClient) -> None:
    reader, writer = await asyncio.open_connection(served.base_url.host, served.base_url.port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Much: ")
    sent = 0
    try:
        while sent < 40 * MAX_HEAD_BYTES and not reader.at_eof():
            writer.write(b"x" * 16_384)
            sent += 16_384
            await writer.drain()
            await asyncio.sleep(0)
        told = await reader.read()
    except ConnectionError:  # what was sent after the answer was refused
        told = b""
    writer.close()
    assert sent < 40 * MAX_HEAD_BYTES
    if told:
        head, _, body = told.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 431 ")
        assert json.loads(body)["code"] == "head_too_large"


async def test_what_is_long_without_being_a_head_is_read(served: httpx.AsyncClient) -> None:
    big = {"name": "n", "filters": {"q": "x"}, "padding": "y" * (3 * MAX_HEAD_BYTES)}
    for _ in range(3):  # over one connection, each body ending in a read of its own
        answer = await served.post("/v1/searches", json=big)
        assert answer.status_code in (413, 422)
        assert (await served.get("/healthz", headers={"X-Some": "x" * 8000})).status_code == 200
