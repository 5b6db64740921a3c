"""Keep every article in a database of your own, SQLite or PostgreSQL, exactly once.

    python to_database.py news.db
    python to_database.py postgresql://desk@localhost/news      (pip install 'psycopg[binary]')

The position is written in the transaction that writes the article, so a crash at any moment loses neither and doubles
neither: the next run goes on after the last article that is there. `WIREDESK_URL` and `WIREDESK_KEY` say where the desk
is.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
from contextlib import AbstractContextManager
from typing import Any

from wiredesk import Article, StreamReset, Wiredesk

TABLES = (
    "CREATE TABLE IF NOT EXISTS articles (id BIGINT PRIMARY KEY, version INTEGER NOT NULL, position BIGINT NOT NULL,"
    " status TEXT NOT NULL, url TEXT NOT NULL, title TEXT NOT NULL, lang TEXT, published_at TEXT, whole TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS stands_at (one INTEGER PRIMARY KEY CHECK (one = 1), position BIGINT NOT NULL)",
)
KEEP = """
    INSERT INTO articles (id, version, position, status, url, title, lang, published_at, whole)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET
        version = excluded.version, position = excluded.position, status = excluded.status, url = excluded.url,
        title = excluded.title, lang = excluded.lang, published_at = excluded.published_at, whole = excluded.whole
    WHERE articles.position < excluded.position
"""
STAND = "INSERT INTO stands_at VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET position = excluded.position"


class Database:
    """The articles and the position up to which they are complete. `follow(resume=…)` reads that from here."""

    def __init__(self, where: str) -> None:
        if where.startswith(("postgres://", "postgresql://")):
            import psycopg

            self._connection: Any = psycopg.connect(where, autocommit=True)
            self._mark = "%s"
        else:
            self._connection = sqlite3.connect(where)
            self._mark = "?"
        with self._transaction():
            for table in TABLES:
                self._do(table)

    def _transaction(self) -> AbstractContextManager[Any]:
        """Commits at the end, or rolls back: psycopg's is made for it, SQLite's is the connection."""
        made: AbstractContextManager[Any] = self._connection.transaction() if self._mark == "%s" else self._connection
        return made

    def _do(self, statement: str, *values: Any) -> Any:
        return self._connection.execute(statement.replace("?", self._mark), values)

    def load(self) -> int | None:
        """Where to go on after; None at the first start."""
        row = self._do("SELECT position FROM stands_at").fetchone()
        return row[0] if row else None

    def save(self, position: int) -> None:
        """Nothing: `keep` has saved it, together with the article."""

    def keep(self, position: int, article: Article | None = None) -> None:
        """An article, and that everything up to a position is here: both or neither."""
        with self._transaction():
            if article is not None:
                self._do(KEEP, *_row(article))
            self._do(STAND, position)


def _row(one: Article) -> tuple[Any, ...]:
    published = one.published_at.isoformat() if one.published_at else None
    lang = one.language.code if one.language else None
    return (one.id, one.version, one.position, one.status, one.url, one.title, lang, published, one.model_dump_json())


def catch_up(desk: Wiredesk, database: Database, missed: StreamReset) -> None:
    """Read what changed while we were away for longer than the stream reaches back, then go on with the stream."""
    since = database.load() or 0
    for article in desk.articles(since=since, include="full"):
        database.keep(since, article)
    database.keep(max(missed.oldest - 1, since))


def run(desk: Wiredesk, database: Database) -> None:
    """For ever: every article as it comes, is corrected or withdrawn."""
    events = desk.follow(
        after=0,
        include="full",
        resume=database,
        on_reset=lambda missed: catch_up(desk, database, missed),
    )
    for event in events:
        database.keep(event.position, event.article)


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("database", help="a file for SQLite, or a postgresql:// address")
    url = os.environ.get("WIREDESK_URL", "http://127.0.0.1:8080")
    with Wiredesk(url, key=os.environ.get("WIREDESK_KEY")) as desk:
        run(desk, Database(asked.parse_args().database))
