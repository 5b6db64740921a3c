"""How answers and errors are shown: JSON for programs, plain columns for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from wiredesk.errors import ApiError

_CONTROL = {c: None for c in [*range(32), *range(127, 160)]}
_HINTS = {
    401: "give a key: WIREDESK_KEY or --key",
    403: "this key has not the scope that is needed",
}


def plain(value: Any) -> str:
    """One line of text without control characters: what publishers write must not steer the terminal."""
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    if isinstance(value, list | tuple):
        return ", ".join(plain(v) for v in value) or "-"
    return " ".join(str(value).split()).translate(_CONTROL)


def jsonable(value: Any) -> Any:
    """A model, or a list of them, as JSON values; members that the server left out stay out."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_unset=True)
    if isinstance(value, list | tuple):
        return [jsonable(v) for v in value]
    return value


def show_json(value: Any) -> None:
    """Print one JSON document."""
    print(json.dumps(jsonable(value), ensure_ascii=False, indent=2))


def show_json_line(value: Any) -> None:
    """Print one JSON document on one line, at once."""
    print(json.dumps(jsonable(value), ensure_ascii=False), flush=True)


def show_rows(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table with aligned columns; the last one is as long as it wants."""
    table = [tuple(head), *(tuple(plain(cell) for cell in row) for row in rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(head))]
    for row in table:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths[:-1], strict=True)]
        print("  ".join([*cells, row[-1]]))


def show_members(value: Any, indent: str = "") -> None:
    """Print any JSON object as an indented outline."""
    members = jsonable(value)
    for name, member in members.items() if isinstance(members, dict) else enumerate(members):
        label = f"{indent}{plain(name)}:" if isinstance(members, dict) else f"{indent}-"
        if isinstance(member, dict | list) and member:
            print(label)
            show_members(member, indent + "  ")
        else:
            print(f"{label} {plain(member if member not in ({}, []) else None)}")


def complain(error: Exception) -> None:
    """One line on standard error."""
    text = plain(error)
    if isinstance(error, ApiError):
        text += f" [{plain(error.code)}]"
        if error.retry_after_s:
            text += f"; try again in {error.retry_after_s:.0f} s"
        if error.status in _HINTS:
            text += f"; {_HINTS[error.status]}"
    print(f"wiredesk: {text}", file=sys.stderr)
