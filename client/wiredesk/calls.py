"""What is asked for by each method, apart from the asking: shared by the sync and the async client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypedDict, TypeVar
from urllib.parse import parse_qsl, urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from wiredesk.errors import Unexpected, from_response

Result = TypeVar("Result", bound=BaseModel)
Values = str | int | Sequence[str | int]
When = str | datetime


class Filters(TypedDict, total=False):
    """Article filters: a list means "any of these", several filters mean "all of them".

    `published_from` is inclusive, `published_to` exclusive; `lang` is a primary subtag, `source` and `entity` are ids.
    """

    lang: Values
    source: Values
    feed: Values
    entity: Values
    entity_type: Values
    place: Values
    topic: Values
    story: Values
    author: Values
    has: Values
    published_from: When
    published_to: When


_RENAMED = {"published_from": "from", "published_to": "to"}


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request."""

    method: str
    path: str
    params: tuple[tuple[str, str], ...] = ()
    json: Any = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 30.0

    def arguments(self) -> dict[str, Any]:
        """As httpx takes it."""
        given: dict[str, Any] = {
            "method": self.method,
            "url": self.path.lstrip("/"),
            "params": list(self.params) or None,
            "headers": dict(self.headers),
            "timeout": httpx.Timeout(self.timeout_s, connect=10.0),
        }
        if self.json is not None:
            given["json"] = self.json
        if self.content is not None:
            given["content"] = self.content
        return given


def get(path: str, **params: Any) -> Call:
    """A GET; parameters that are None are left out."""
    return Call("GET", path, query(params))


def query(given: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Query parameters by the API's names; a list repeats its parameter."""
    pairs: list[tuple[str, str]] = []
    for name, value in given.items():
        if value is None:
            continue
        values = [value] if isinstance(value, str | int | float | datetime) else list(value)
        pairs += [(_RENAMED.get(name, name), _text(v)) for v in values]
    return tuple(pairs)


def following_page(call: Call, next_url: str) -> Call:
    """The next page. Only the query of `next` counts, so that a key never goes to another host than the one named."""
    return Call(call.method, call.path, tuple(parse_qsl(urlsplit(next_url).query)), headers=call.headers)


def checked(response: httpx.Response) -> httpx.Response:
    """The response, or the `ApiError` it stands for."""
    if response.status_code >= 400:
        raise from_response(response.status_code, response.headers, response.content, datetime.now(UTC))
    return response


def parsed(response: httpx.Response, model: type[Result]) -> Result:
    """The body as a model. Raises `ApiError`, or `Unexpected` if it is not what the API gives."""
    content = checked(response).content
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Unexpected(
            f"{response.request.url} answered {response.status_code} with something else than expected"
            f" ({where + ': ' if where else ''}{first['msg']})"
        ) from error


def body_time(value: When | None) -> str | None:
    """A time as bodies have it: RFC 3339 text."""
    return value.isoformat() if isinstance(value, datetime) else value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else str(value)
