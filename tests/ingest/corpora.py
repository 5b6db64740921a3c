"""The developer feed corpora beside the checkout: other people's text, never part of this repository."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.ingest.items import ParsedFeed
from services.ingest.parse import Job, parse

DATA = Path(__file__).parents[3] / "shared/data"
FEEDS = DATA / "feeds"
NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
HERE = "https://news.example/feed"

needs_feeds = pytest.mark.skipif(not FEEDS.is_dir(), reason="the feed corpora are not beside the checkout")

_HEADER = re.compile(rb"^\s*Header:\s*Content-type:\s*(.+?)\s*$", re.IGNORECASE | re.MULTILINE)


def files(*folders: str, suffixes: tuple[str, ...] = ()) -> Iterator[Path]:
    """The feeds of some folders (all without), in order: no licences, no expectations."""
    for top in [FEEDS / folder for folder in folders] or [FEEDS]:
        for path in sorted(top.rglob("*")):
            if path.is_file() and _is_feed(path) and (not suffixes or path.suffix in suffixes):
                yield path


def _is_feed(path: Path) -> bool:
    if path.name in ("LICENSE", "README.md", "urls.tsv") or "expected" in path.stem or ".serde" in path.name:
        return False
    return path.suffix != ".json" or not path.with_suffix(".xml").exists()


def name(path: Path) -> str:
    """Its path within the corpora."""
    return str(path.relative_to(FEEDS))


def read(path: Path, content_type: str | None = None, url: str = HERE) -> ParsedFeed:
    """The feed in a file, served as its own comment says. Raises `NotAFeed`."""
    body = path.read_bytes()
    header = _HEADER.search(body[:2000])
    said = header.group(1).decode("ascii", "replace") if header else None
    return parse(body, Job(1, url, content_type or said, NOW))


def expected(path: Path) -> Any:
    """The JSON that stands beside a feed, None without any."""
    beside = (path.with_suffix(".json"), path.with_suffix(".serde.json"), path.with_name(path.stem + "_expected.json"))
    for candidate in beside:
        if candidate != path and candidate.exists():
            return json.loads(candidate.read_text("utf-8"))
    return None
