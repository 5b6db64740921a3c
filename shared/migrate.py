"""Applies the migrations that a database lacks, in order, each in its own transaction: `python -m shared.migrate`."""

from __future__ import annotations

import hashlib
import sys
from importlib.resources import files

import psycopg

from shared.errors import WiredeskError
from shared.locks import Lock
from shared.settings import Settings


class MigrationChanged(WiredeskError):
    """A migration that was applied before now has another text."""

    code = "migration_changed"


def available() -> list[tuple[str, str]]:
    """(name, SQL text) of every migration shipped, in order."""
    folder = files("shared") / "migrations"
    return sorted((f.name, f.read_text("utf-8")) for f in folder.iterdir() if f.name.endswith(".sql"))


def migrate(database_url: str) -> list[str]:
    """Apply what is missing and return the names applied.

    Raises `MigrationChanged` if an applied migration's text differs: write a new one instead of editing an old one.
    """
    applied: list[str] = []
    with psycopg.connect(database_url, autocommit=True, application_name="wiredesk-migrate") as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", (Lock.MIGRATE,))
        conn.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations"
            " (name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        known: dict[str, str] = dict(conn.execute("SELECT name, sha256 FROM schema_migrations").fetchall())
        for name, text in available():
            digest = hashlib.sha256(text.encode()).hexdigest()
            if name in known:
                if known[name] != digest:
                    raise MigrationChanged(
                        f"{name} was changed after it was applied; put the change in a new migration"
                    )
                continue
            with conn.transaction():
                conn.execute(text.encode())
                conn.execute(
                    "INSERT INTO schema_migrations (name, sha256) VALUES (%s, %s)",
                    (name, digest),
                )
            applied.append(name)
    return applied


def main() -> int:
    """Entry: migrate DATABASE_URL and say what was done."""
    settings = Settings()
    if not settings.database_url:
        print("DATABASE_URL is not set: name the database to migrate", file=sys.stderr)
        return 2
    applied = migrate(settings.database_url)
    print("\n".join(f"applied {name}" for name in applied) or "nothing to apply")
    return 0


if __name__ == "__main__":
    sys.exit(main())
