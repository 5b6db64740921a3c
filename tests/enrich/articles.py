"""Articles as ingest would store them, for the tests of the steps."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from shared.articles import Article, FeedRef, Source

NOW = datetime(2026, 11, 23, 12, 0, 30, tzinfo=UTC)


def article(title: str = "", body: str | None = None, **given: Any) -> Article:
    """An article of the Ferry Post; `body` is plain paragraphs or HTML, `given` replaces any field."""
    html = body if body is None or "<" in body else "".join(f"<p>{part}</p>" for part in body.split("\n\n"))
    fields: dict[str, Any] = {
        "id": 7,
        "version": 1,
        "url": "https://ferry.example/a/7?utm=1",
        "canonical_url": "https://ferry.example/a/7",
        "title": title,
        "subtitle": None,
        "description": None,
        "authors": ("Ana Reis",),
        "language": None,
        "published_at": datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC),
        "published_precision": "second",
        "modified_at": None,
        "discovered_at": datetime(2026, 11, 23, 12, 0, 20, tzinfo=UTC),
        "fetched_at": datetime(2026, 11, 23, 12, 0, 20, tzinfo=UTC),
        "body_html": html,
        "page_html": None,
        "source": Source("ferry.example", "The Ferry Post", "ferry.example"),
        "feeds": (FeedRef(3, "Ferry Post news", "tag:7"),),
        "images": (),
        "media": (),
        "categories": (),
        "status": "usable",
        "paywalled": None,
    }
    return Article(**{**fields, **given})
