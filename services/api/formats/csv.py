"""CSV (RFC 4180) with a header line. Pure.

The first columns are fixed; then come the `fields` asked for, or a few that tables want. Lists of texts are joined by
"; ", other things inside are JSON. Texts that a spreadsheet would take for a formula get an apostrophe in front
(OWASP, CSV Injection), since titles are written by strangers.
"""

from __future__ import annotations

import csv
import io
from typing import Any

import orjson

from services.api.formats.listing import Listing

MEDIA_TYPE = "text/csv"
FIRST = ("id", "url", "title", "published_at", "source", "lang")
NEEDS = ("url", "published_at", "source", "language")
FURTHER = ("description", "authors", "modified_at", "status", "word_count", "canonical_url", "version", "position")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def render(listing: Listing) -> bytes:
    """The table."""
    further = tuple(name for name in listing.fields or FURTHER if name not in FIRST)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow((*FIRST, *further))
    for item in listing.items:
        told = item.told
        fixed = (
            told["id"],
            told.get("url"),
            told["title"],
            told.get("published_at"),
            (told.get("source") or {}).get("id"),
            (told.get("language") or {}).get("code"),
        )
        writer.writerow([_cell(value) for value in (*fixed, *(told.get(name) for name in further))])
    return out.getvalue().encode()


def _cell(value: Any) -> str | int | float | None:
    if isinstance(value, list) and all(isinstance(v, str) for v in value):
        value = "; ".join(value)
    if isinstance(value, list | dict):
        value = orjson.dumps(value).decode()
    if not isinstance(value, str):
        return value if value is None or not isinstance(value, bool) else str(value).lower()
    text = value.replace("\0", "")
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
