"""A poll costs the same number of statements whatever the number of its items."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from services.ingest.resources import Resources
from tests.ingest.desk import Desk
from tests.ingest.publisher import Publisher, item, rss


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Everything sent to articles' tables, as it is sent."""
    sent: list[str] = []
    execute = psycopg.AsyncConnection.execute

    async def counting(self: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        text = query.decode() if isinstance(query, bytes) else str(query)
        if ("article" in text or "finish" in text) and "FROM pages" not in text:  # pages are claimed by the clock
            sent.append(text)
        return await execute(self, query, *arguments, **options)

    monkeypatch.setattr(psycopg.AsyncConnection, "execute", counting)
    yield sent


async def test_the_number_of_statements_does_not_depend_on_the_number_of_items(
    desk: Desk, publisher: Publisher, ingest: Resources, statements: list[str]
) -> None:
    counts: dict[str, list[int]] = {"first": [], "mixed": []}
    for size in (4, 400):
        first = [
            item(n, link=f"https://news.example/{size}/{n}", title=f"Story {n} of {size}", pubDate="")
            for n in range(size)
        ]
        publisher.serve(f"/{size}", rss(first))
        statements.clear()
        feed = await desk.subscribe(publisher.url(f"/{size}"))
        await desk.until(lambda feed=feed: desk.rows("SELECT 1 FROM polls WHERE feed_id = %s", feed))
        counts["first"].append(sum("polls WHERE" not in text for text in statements))
        changed = [row | {"title": f"New {row['title']}"} for row in first[: size // 2]]
        newer = [
            item(n, guid=f"n{n}", link=f"https://news.example/{size}/n{n}", title=f"Newer {n} of {size}", pubDate="")
            for n in range(size // 2)
        ]
        publisher.serve(f"/{size}", rss(newer + changed + first[size // 2 :]))
        statements.clear()
        poll = await desk.poll_and_wait(feed)
        assert (poll["counts"]["new"], poll["counts"]["corrected"]) == (size // 2, size // 2)
        counts["mixed"].append(
            sum("feed_answers WHERE request_id" not in text and "polls WHERE" not in text for text in statements)
        )
    assert counts["first"][0] == counts["first"][1] > 0
    assert counts["mixed"][0] == counts["mixed"][1] > 0
