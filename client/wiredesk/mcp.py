"""A Model Context Protocol server over the HTTP API, for newsroom assistants: `wiredesk mcp` (needs `wiredesk[mcp]`).

It reads and never writes. What the API refuses comes back as a tool error with its code, place and suggestion.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Literal, ParamSpec

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel

from wiredesk.aio import AsyncWiredesk
from wiredesk.errors import ApiError, WiredeskError

Asked = ParamSpec("Asked")
Told = dict[str, Any]
INSTRUCTIONS = (
    "Wiredesk is a newsroom's wire desk: articles of many publishers, each stored once and enriched with entities,"
    " places, topics and quotes. Search first, then read articles whole by id. Entity ids (such as person:ana-sa or"
    " place:geonames:2267057) come from search results and from `entities`. Every list carries a `position`:"
    " `follow` with after=position tells what has come since."
)
MOST = 50  # articles or events of one answer: an assistant reads them all


def server(url: str, key: str | None) -> MCPServer:
    """The server of one Wiredesk; `run("stdio")` serves it."""
    desk = AsyncWiredesk(url, key)
    made = MCPServer("wiredesk", instructions=INSTRUCTIONS, log_level="WARNING")

    @made.tool()
    @_told
    async def search(
        q: str | None = None,
        lang: list[str] | None = None,
        source: list[str] | None = None,
        entity: list[str] | None = None,
        place: list[str] | None = None,
        topic: list[str] | None = None,
        published_from: str | None = None,
        published_to: str | None = None,
        sort: Literal["newest", "relevance"] = "newest",
        limit: int = 10,
        cursor: str | None = None,
    ) -> Told:
        """Find articles. `q` takes words, "phrases", OR and -minus; a list means any of these, several filters all.

        `place` is an entity id or an upper-case country code, `topic` an IPTC id (medtop:NNNNNNNN), times are RFC 3339.
        The answer holds cards without text, the `position` to follow from, and `next` with the cursor of the next page.
        """
        asked = {
            "lang": lang, "source": source, "entity": entity, "place": place, "topic": topic,
            "published_from": published_from, "published_to": published_to,
        }  # fmt: skip
        filters: Any = {name: value for name, value in asked.items() if value is not None}
        return _plain(await desk.search(q, sort=sort, limit=min(limit, MOST), cursor=cursor, **filters))

    @made.tool()
    @_told
    async def article(id: int) -> Told:
        """One article whole: text, entities with their mentions, quotes, dates, and how it was found."""
        return _plain(await desk.article(id))

    @made.tool()
    @_told
    async def similar(id: int, limit: int = 10) -> Told:
        """Articles like one, with how like they are and in what."""
        return _plain(await desk.similar(id, limit=min(limit, MOST)))

    @made.tool()
    @_told
    async def versions(id: int) -> Told:
        """Every version of an article, with what its publisher changed."""
        return _plain(await desk.versions(id))

    @made.tool()
    @_told
    async def entities(prefix: str, type: list[str] | None = None, limit: int = 10) -> Told:
        """People, organisations, places and other things whose names begin so, the most named first."""
        return _plain(await desk.entities.find(prefix, type=type, limit=min(limit, MOST)))

    @made.tool()
    @_told
    async def entity(id: str) -> Told:
        """One entity with its identifiers, and those named together with it."""
        return _plain(await desk.entities.get(id)) | {"related": _plain(await desk.entities.related(id))["items"]}

    @made.tool()
    @_told
    async def timeline(
        entity: str | None = None, q: str | None = None, interval: Literal["hour", "day", "week", "month"] = "day"
    ) -> Told:
        """How many articles name an entity, or match words, step by step."""
        filters: Any = {"entity": entity} if entity else {}
        return _plain(await desk.timeseries(interval, q=q, **filters))

    @made.tool()
    @_told
    async def follow(after: int, wait_s: int = 10, limit: int = 20, lang: list[str] | None = None) -> Told:
        """Events after a position, waiting up to `wait_s` seconds (at most 60) for one; ask again after `position`."""
        filters: Any = {"lang": lang} if lang else {}
        return _plain(await desk.events(after, limit=min(limit, MOST), wait_s=min(wait_s, 60), **filters))

    return made


def _plain(answer: BaseModel) -> Told:
    return answer.model_dump(mode="json", exclude_none=True)


def _told(tool: Callable[Asked, Awaitable[Told]]) -> Callable[Asked, Awaitable[Told]]:
    """The tool with refusals told as tool errors: code, place, suggestion."""

    @wraps(tool)
    async def run(*args: Asked.args, **kwargs: Asked.kwargs) -> Told:
        try:
            return await tool(*args, **kwargs)
        except ApiError as error:
            raise ToolError(f"{error.code}: {error}") from error
        except WiredeskError as error:
            raise ToolError(str(error)) from error

    return run
