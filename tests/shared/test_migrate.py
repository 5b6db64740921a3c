"""Migrations apply once, in order, and never change under a database."""

from __future__ import annotations

import psycopg
import pytest

from shared.migrate import MigrationChanged, available, migrate


def test_a_migrated_database_has_nothing_left_to_apply(database_url: str) -> None:
    assert migrate(database_url) == []


def test_a_changed_migration_is_refused_by_name(database_url: str) -> None:
    name = available()[0][0]
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE schema_migrations SET sha256 = 'other' WHERE name = %s", (name,))
    with pytest.raises(MigrationChanged, match=name):
        migrate(database_url)


def test_what_is_missing_is_applied(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        conn.execute("DROP TABLE events, deployment")
        conn.execute("DELETE FROM schema_migrations WHERE name = '0001_log.sql'")
    assert migrate(database_url) == ["0001_log.sql"]
