"""Request bodies: read within a size, of the right type, into a model; what is wrong is told by its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, get_args

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from services.api.problems import InputError, Problem, nearest, refuse

MAX_JSON_BYTES = 1_000_000
MAX_DEPTH = 100  # far below what Python's stack and PostgreSQL's can take

Model = TypeVar("Model", bound=BaseModel)


async def read_bytes(request: Request, types: Sequence[str], max_bytes: int) -> bytes:
    """The body, if it has one of the types. Raises `Problem` 415 or 413; reads no more than `max_bytes`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in types:
        told = f"send it as {' or '.join(types)}" + (f", not {kind}" if kind else "")
        raise Problem("unsupported_media_type", told, members={"offered": list(types)})
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise Problem("too_large", f"the body may have {max_bytes} bytes", headers={"Connection": "close"})
    return bytes(body)


async def read_json(request: Request, model: type[Model]) -> Model:
    """The JSON body as a model. Raises `Problem` 400 for what is no JSON, 422 for the wrong shape."""
    body = await read_bytes(request, ("application/json",), MAX_JSON_BYTES)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem("bad_json", f"the body is not JSON: {error}") from error
    if _too_deep(value, MAX_DEPTH):
        raise Problem("bad_json", f"the body is nested deeper than {MAX_DEPTH} levels")
    if _has_nul(value):
        raise Problem("bad_body", "no text may hold the character U+0000")
    return parse(model, value)


def _too_deep(value: Any, left: int) -> bool:
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return left < 0 or any(_too_deep(member, left - 1) for member in members)


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value  # PostgreSQL's text cannot hold it
    if isinstance(value, dict):
        return any("\0" in key or _has_nul(v) for key, v in value.items())
    return isinstance(value, list) and any(map(_has_nul, value))


def parse(model: type[Model], value: Any) -> Model:
    """A value as a model. Raises `Problem` 422 naming every place that is wrong."""
    try:
        # As JSON, strictly: 0 is no `false`, "1" no number, and yet times and choices may be texts.
        return model.model_validate_json(orjson.dumps(value), strict=True)
    except ValidationError as error:
        raise refuse("bad_body", [_wrong(e, model) for e in error.errors(include_url=False)]) from error


def _wrong(error: Any, model: type[BaseModel]) -> InputError:
    place = ".".join(("body", *(str(part) for part in error["loc"])))
    if error["type"] == "missing":
        return InputError(place, "is missing")
    if error["type"] == "extra_forbidden":
        *path, name = error["loc"]
        return InputError(place, "there is no such member here", nearest(str(name), _members(model, path)))
    if error["type"] == "string_pattern_mismatch":
        pattern, upper = error["ctx"]["pattern"], str(error["input"]).upper()
        meant = upper if len(upper) <= 3 and re.search(pattern, upper) else None  # a code, not a name
        return InputError(place, f"must match {pattern}", meant)
    if error["type"] == "too_short":
        return InputError(place, f"must have at least {error['ctx']['min_length']} member")
    if error["type"] == "literal_error":
        choices = re.findall(r"'([^']*)'", error["ctx"]["expected"])
        return InputError(place, f"must be one of: {', '.join(choices)}", nearest(str(error["input"]), choices))
    if error["type"] == "value_error":  # of our own checks
        return InputError(place, str(error["ctx"]["error"]))
    return InputError(place, str(error["msg"]))


def _members(model: type[BaseModel], path: Sequence[int | str]) -> set[str]:
    """The names of the members of a model, or of one within it."""
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    inner = fields.get(str(path[0])) if path else None
    if inner is None:
        return set(fields) if not path else set()
    models = [m for m in _within(inner.annotation) if isinstance(m, type) and issubclass(m, BaseModel)]
    return set().union(*(_members(m, [part for part in path[1:] if isinstance(part, str)]) for m in models))


def _within(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _within(part)
