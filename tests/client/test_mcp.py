"""The MCP server by the official client over stdin and stdout, against the real API."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from mcp import Client, StdioServerParameters

from tests.api.conftest import Newsroom, held, newsroom, served, settings  # noqa: F401 - fixtures


@pytest.fixture
def server(served: httpx.AsyncClient) -> StdioServerParameters:  # noqa: F811
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WIREDESK_")}
    line = ["-c", "from wiredesk.cli import main; main()", "--url", str(served.base_url), "mcp"]
    return StdioServerParameters(command=sys.executable, args=line, env=environment)


async def _ask(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert isinstance(result.structured_content, dict)
    return result.structured_content


async def test_an_assistant_searches_reads_and_follows(
    server: StdioServerParameters,
    newsroom: Newsroom,  # noqa: F811
) -> None:
    for n in range(3):
        newsroom.article(f"Harbour {n}", body=f"Number {n} in Lisbon", published=datetime.now(UTC))
    async with Client(server) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert names == {"search", "article", "similar", "versions", "entities", "entity", "timeline", "follow"}
        found = await _ask(client, "search", q="harbour", lang=["en"], limit=2)
        assert [one["title"] for one in found["items"]] == ["Harbour 2", "Harbour 1"]
        assert found["position"] == 3
        whole = await _ask(client, "article", id=found["items"][0]["id"])
        assert whole["body_text"] == "Number 2 in Lisbon"
        assert [v["version"] for v in (await _ask(client, "versions", id=1))["items"]] == [1]
        assert {one["id"] for one in (await _ask(client, "similar", id=1))["items"]} <= {2, 3}
        [lisbon] = (await _ask(client, "entities", prefix="lis"))["items"]
        assert (await _ask(client, "entity", id=lisbon["id"]))["related"] == []
        steps = (await _ask(client, "timeline", entity=lisbon["id"], interval="week"))["items"]
        assert sum(step["count"] for step in steps) == 3
        newsroom.article("Harbour 3")
        told = await _ask(client, "follow", after=found["position"], wait_s=20)
        assert [event["data"]["title"] for event in told["items"]] == ["Harbour 3"]


async def test_what_the_api_refuses_is_a_tool_error_that_says_why(
    server: StdioServerParameters,
    newsroom: Newsroom,  # noqa: F811
) -> None:
    newsroom.article("One")
    async with Client(server) as client:
        missing = await client.call_tool("article", {"id": 99})
        assert missing.is_error and "not_found" in str(missing.content)
        wrong = await client.call_tool("search", {"lang": ["nonsense!"]})
        assert wrong.is_error and "query.lang" in str(wrong.content)
