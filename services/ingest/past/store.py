"""What is dropped of an article that is past: its page, its texts and those of its versions. None commits.

Its names, hashes and version numbers stay, a few hundred bytes: by them an item that a feed still carries is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import takewhile

from services.ingest.store import Conn


async def after(conn: Conn, article_id: int, before: datetime, most: int) -> list[int]:
    """At most `most` articles after an id, in order, up to the first that was not discovered before a time."""
    cursor = await conn.execute(
        "SELECT id, discovered_at < %s FROM articles WHERE id > %s ORDER BY id LIMIT %s", (before, article_id, most)
    )
    return [row[0] for row in takewhile(lambda row: row[1], await cursor.fetchall())]


async def drop_pages(conn: Conn, ids: Sequence[int]) -> None:
    """Their pages go, fetched or still wanted."""
    await conn.execute("DELETE FROM pages WHERE article_id = ANY(%s)", (list(ids),))


async def empty_versions(conn: Conn, ids: Sequence[int]) -> None:
    """What each version said goes; that there was one, and its hash, stay."""
    await conn.execute(
        """
        UPDATE article_versions
        SET title = '', description = NULL, body_html = NULL, body_packed = NULL, authors = NULL,
            changes = '[]'
        WHERE article_id = ANY(%s) AND (title <> '' OR changes <> '[]')
        """,
        (list(ids),),
    )


async def empty_articles(conn: Conn, ids: Sequence[int]) -> None:
    """Their texts and pictures go; title, addresses, times and hash stay. What is empty already is left alone."""
    await conn.execute(
        """
        UPDATE articles SET subtitle = NULL, description = NULL, body_html = NULL, body_packed = NULL, authors = '{}',
                            images = '[]', media = '[]', categories = '{}'
        WHERE id = ANY(%s) AND (subtitle IS NOT NULL OR description IS NOT NULL OR body_html IS NOT NULL
                                OR body_packed IS NOT NULL OR authors <> '{}' OR images <> '[]' OR media <> '[]'
                                OR categories <> '{}')
        """,
        (list(ids),),
    )
