"""Query parameters: one table says what a route takes; reading, refusing and the OpenAPI document all follow it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from services.api.problems import InputError, Problem, nearest, refuse
from shared import words

MAX_POSITION = 2**63 - 1
TEXT: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 200}
_LANGUAGES = {name: code for code, name in reversed(words.STEMMERS.items())}  # of norwegian: no
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Unfit(ValueError):
    """What is wrong with a value, and what may have been meant."""

    def __init__(self, message: str, suggestion: str | None) -> None:
        super().__init__(message)
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True)
class Param:
    """One query parameter. `parse` raises `ValueError` saying what is expected; `schema` is its JSON schema."""

    name: str
    about: str
    parse: Callable[[str], Any]
    schema: dict[str, Any] = field(default_factory=lambda: TEXT)
    many: bool = False
    default: Any = None
    example: Any = None


def read(query: bytes, params: Sequence[Param]) -> dict[str, Any]:
    """The values of a query string by parameter name; `many` ones as tuples. Raises `Problem`: nothing is ignored."""
    known = {p.name: p for p in params}
    values: dict[str, Any] = {p.name: () if p.many else p.default for p in params}
    seen: set[str] = set()
    wrong: list[InputError] = []
    unknown: list[InputError] = []
    for name, text in _pairs(query):
        param = known.get(name)
        if param is None:
            unknown.append(InputError(f"query.{name}", "there is no such parameter here", nearest(name, known)))
            continue
        if name in seen and not param.many:
            wrong.append(InputError(f"query.{name}", "may stand only once"))
            continue
        seen.add(name)
        try:
            value = param.parse(_clean(text))
        except ValueError as error:
            meant = error.suggestion if isinstance(error, Unfit) else _nearest_choice(param, text)
            wrong.append(InputError(f"query.{name}", str(error), meant))
            continue
        values[name] = (*values[name], value) if param.many else value
    if unknown:
        raise refuse("unknown_parameter", unknown + wrong)
    if wrong:
        raise refuse("bad_value", wrong)
    return values


def _pairs(query: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=200)
    except ValueError as error:
        raise Problem("bad_value", "the query string is not percent-encoded UTF-8, or too long") from error


def _clean(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("has control characters in it")
    if not text.strip():
        raise ValueError("is empty")
    return text


def _nearest_choice(param: Param, text: str) -> str | None:
    return nearest(text, param.schema.get("enum", ()))


def text(max_chars: int = 200) -> Callable[[str], str]:
    """Any text up to a length."""

    def parse(value: str) -> str:
        if len(value) > max_chars:
            raise ValueError(f"is longer than {max_chars} characters")
        return value

    return parse


def integer(low: int, high: int) -> Callable[[str], int]:
    """A whole number within bounds, both included."""

    def parse(value: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,19}", value) or not low <= int(value) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(value)

    return parse


def position(value: str) -> int:
    """A position of the event log."""
    if not re.fullmatch(r"[0-9]{1,19}", value) or int(value) > MAX_POSITION:
        raise ValueError("must be a position: a whole number, 0 or more")
    return int(value)


def choice(*valid: str) -> Callable[[str], str]:
    """One of a closed list."""

    def parse(value: str) -> str:
        if value not in valid:
            raise ValueError(f"must be one of: {', '.join(valid)}")
        return value

    return parse


def matching(pattern: str, expected: str) -> Callable[[str], str]:
    """A text of a form."""

    def parse(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"must be {expected}")
        return value

    return parse


def flag(value: str) -> bool:
    """`true` or `false`."""
    if value not in ("true", "false"):
        raise ValueError("must be true or false")
    return value == "true"


def language(value: str) -> str:
    """The primary subtag of a BCP 47 language tag, lower case."""
    if not re.fullmatch(r"[A-Za-z]{2,3}", value):
        tag = re.match(r"([A-Za-z]{2,3})[-_]", value)
        meant = tag[1].lower() if tag else _LANGUAGES.get(nearest(value, _LANGUAGES) or "")
        raise Unfit("must be a primary language subtag of two or three letters, such as en", meant)
    return value.lower()


def topic(value: str) -> str:
    """The id of an IPTC Media Topic."""
    if not re.fullmatch(r"medtop:[0-9]{8}", value):
        digits = re.search(r"[0-9]{8}\Z", value)
        meant = f"medtop:{digits[0]}" if digits else None
        raise Unfit("must be a Media Topic such as medtop:04000000", meant)
    return value


def place(value: str) -> str:
    """The id of an entity, or an upper-case ISO 3166 alpha-2 country."""
    if not re.fullmatch(r"[A-Z]{2}", value) and ":" not in value:
        meant = value.upper() if re.fullmatch(r"[A-Za-z]{2}", value) else None
        raise Unfit("must be the id of a place, such as place:lisbon, or an upper-case country, such as PT", meant)
    return text()(value)


def moment(value: str) -> datetime:
    """An RFC 3339 time, or a date, which stands for its first moment in UTC."""
    if not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}($|[Tt ])", value):
        raise ValueError("must be a time such as 2026-03-01T12:00:00Z, or a date such as 2026-03-01")
    try:
        when = datetime.fromisoformat(value.replace(" ", "+") if value.count(" ") and "T" in value else value)
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a time such as 2026-03-01T12:00:00Z, or a date such as 2026-03-01") from None


def words_of(*valid: str) -> Callable[[str], tuple[str, ...]]:
    """A comma-separated list of names out of a closed list."""

    def parse(value: str) -> tuple[str, ...]:
        names = tuple(part.strip() for part in value.split(","))
        for name in names:
            if name not in valid:
                raise Unfit(f"{name!r} is none of: {', '.join(valid)}", nearest(name, valid))
        return names

    return parse


def limit(high: int, default: int) -> Param:
    """How many items a page holds."""
    schema = {"type": "integer", "minimum": 1, "maximum": high, "default": default}
    return Param("limit", "items on a page", integer(1, high), schema, default=default)


CURSOR = Param(
    "cursor",
    "where the page before ended; taken from `next`",
    integer(0, MAX_POSITION),
    {"type": "integer", "minimum": 0},
)


def openapi(params: Sequence[Param]) -> list[dict[str, Any]]:
    """The parameters as OpenAPI parameter objects."""
    told = []
    for p in params:
        one: dict[str, Any] = {"name": p.name, "in": "query", "required": False, "description": p.about}
        if p.many:
            one |= {"schema": {"type": "array", "items": p.schema}, "style": "form", "explode": True}
        else:
            one["schema"] = p.schema
        if p.example is not None:
            one["example"] = p.example
        told.append(one)
    return told
