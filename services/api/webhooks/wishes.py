"""What a subscription asks for: the filters of the query string, said in JSON. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlencode

from services.api import query
from services.api.problems import InputError, Problem, nearest, refuse
from services.api.views import View

NAMES = frozenset(
    p.name for p in (*query.FILTERS, *query.EVENTS) if p.name in {f.name for f in query.FILTERS} | {"has", "type"}
)


def view(filters: Mapping[str, Any], include: str | None) -> View:
    """The view of the log that filters stand for. Raises `Problem` 422 naming the member of the body that is wrong."""
    told = pairs(filters, NAMES) + ([("include", include)] if include else [])
    try:
        asked = query.read_events(urlencode(told).encode())
    except Problem as problem:
        raise refuse("bad_body", in_body(problem)) from problem
    return View(asked.filter, asked.form)


def pairs(filters: Mapping[str, Any], names: Collection[str]) -> list[tuple[str, str]]:
    """The filters as a query string has them. Raises `Problem` 422 for a name or a kind of value that there is not."""
    wrong = [
        InputError(f"body.filters.{name}", "there is no such filter", nearest(name, names))
        for name in filters
        if name not in names
    ]
    wrong += [
        InputError(f"body.filters.{name}", "must be text, a number, or a list of these")
        for name, value in filters.items()
        if not all(isinstance(v, str | int) and not isinstance(v, bool) for v in _values(value))
    ]
    if wrong:
        raise refuse("bad_body", wrong)
    return [(name, str(v)) for name, value in filters.items() for v in _values(value)]


def in_body(problem: Problem) -> list[InputError]:
    """What is wrong with a query string, told by its place in the body."""
    return [_in_body(e) for e in problem.errors] or [_whole(problem)]


def _values(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _in_body(error: InputError) -> InputError:
    name = error.where.removeprefix("query.")
    place = "body.include" if name == "include" else f"body.filters.{name}"
    return InputError(place, error.message, error.suggestion)


def _whole(problem: Problem) -> InputError:
    return InputError("body.filters", problem.message)
