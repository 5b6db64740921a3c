"""SQL stands in `store.py` and migrations, parameterised; no store commits; each table has one writing service."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import pytest

from tests.rules.source import ROOT, Module, calls, modules, strings

# Upper-case keywords with what must follow, so that a sentence that begins with "Select" is none.
SQL = re.compile(
    r"^\s*(SELECT\s|INSERT INTO\s|UPDATE\s+\w+\s+(\w+\s+)?SET\b|DELETE FROM\s|WITH\s+(RECURSIVE\s+)?[\w{]+"
    r"|TRUNCATE\s|COPY\s\w|(CREATE|ALTER|DROP)\s+(UNIQUE\s+)?(TABLE|INDEX|DATABASE|VIEW|FUNCTION|TRIGGER|ROLE)\b|LISTEN\s\w|NOTIFY\s\w)"
)
WRITES = re.compile(r"(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?|COPY)\s+(?:ONLY\s+)?([a-z_]\w*)")
# Besides the stores: the log's one append and read, the migrator's own table, the embedded server's own database.
ALLOWED = {"shared/log.py", "shared/migrate.py", "deploy/local/engines.py"}
OWNER = re.compile(r"^-- written by: (\S+)", re.M)


def sql_outside_stores(module: Module) -> list[str]:
    if module.path.endswith("/store.py") or module.path in ALLOWED:
        return []
    return [module.at(node, "SQL outside a store") for node, text, _ in strings(module.tree) if SQL.match(text)]


def sql_with_values_in_its_text(module: Module) -> list[str]:
    return [
        module.at(node, "values go in as parameters, not into the text")
        for node, text, placeholders in strings(module.tree)
        if placeholders and SQL.match(text)
    ]


def commits_in_stores(module: Module) -> list[str]:
    if not module.path.endswith("/store.py"):
        return []
    ending = (".commit", ".rollback", ".transaction")
    return [
        module.at(node, f"a store does not call {name}") for node, name in calls(module.tree) if name.endswith(ending)
    ]


def owners(migrations: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """{table: who writes it} and the tables without the header."""
    found: dict[str, str] = {}
    missing: list[str] = []
    for name, text in migrations.items():
        for made in re.finditer(r"^CREATE TABLE (?:IF NOT EXISTS )?(\w+)", text, re.M):
            header = OWNER.search(text[: made.start()].rpartition("\n\n")[2])
            if header is None:
                missing.append(f"{name}: {made[1]} has no `-- written by: …` in the comment above it")
            else:
                found[made[1]] = header[1]
    return found, missing


def writers_that_do_not_own(module: Module, owned: Mapping[str, str]) -> list[str]:
    writer = module.path.split("/")[1] if module.path.startswith("services/") else module.path
    return [
        module.at(node, f"{table} is written by {owned[table]}, not by {writer}")
        for node, text, _ in strings(module.tree)
        for table in WRITES.findall(text)
        if table in owned and owned[table] != writer
    ]


def shipped() -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted((ROOT / "shared/migrations").glob("*.sql"))}


def found_in(rule: object, among: Iterable[Module]) -> list[str]:
    return [finding for module in among for finding in rule(module)]  # type: ignore[operator]


@pytest.mark.parametrize("rule", [sql_outside_stores, sql_with_values_in_its_text, commits_in_stores])
def test_the_product_keeps_the_rule(rule: object) -> None:
    assert found_in(rule, modules()) == []


def test_every_table_has_one_writing_service() -> None:
    owned, missing = owners(shipped())
    assert missing == []
    assert owned["events"] == "shared/log.py"
    assert set(owned.values()) <= {"ingest", "enrich", "api", "shared/log.py", "this"}  # "this migration alone"


def test_no_service_writes_the_table_of_another() -> None:
    owned, _ = owners(shipped())
    assert [finding for module in modules() for finding in writers_that_do_not_own(module, owned)] == []


@pytest.mark.parametrize(
    "rule, path, text",
    [
        (sql_outside_stores, "services/api/feeds.py", 'QUERY = """\n  SELECT id FROM feeds"""'),
        (sql_outside_stores, "shared/db.py", 'x("LISTEN feeds")'),
        (sql_outside_stores, "services/ingest/poll.py", 'x("UPDATE feeds SET url = %s", (u,))'),
        (sql_with_values_in_its_text, "services/api/store.py", "x(f\"SELECT id FROM feeds WHERE url = '{url}'\")"),
        (commits_in_stores, "services/api/store.py", "async def f(conn): await conn.commit()"),
        (commits_in_stores, "services/enrich/store.py", "with conn.transaction(): pass"),
    ],
)
def test_a_breach_is_seen(rule: object, path: str, text: str) -> None:
    assert found_in(rule, [Module(path, text)]) != []


def test_words_that_are_no_sql_are_left_alone() -> None:
    text = '"""SELECT in a docstring."""\nx = "Select a feed"\ny = "UPDATE comes later"\nz = "WITH"'
    assert sql_outside_stores(Module("services/api/feeds.py", text)) == []


def test_a_table_without_a_header_is_seen() -> None:
    assert owners({"0009_x.sql": "-- About it.\nCREATE TABLE lone (id int);"})[1] != []
    far = "-- written by: api\n\nCREATE TABLE lone (id int);"
    assert owners({"0009_x.sql": far})[1] != []  # the header belongs to the comment right above


@pytest.mark.parametrize(
    "statement", ["INSERT INTO feeds VALUES (1)", "WITH x AS (DELETE FROM feeds RETURNING 1) SELECT 1"]
)
def test_a_foreign_writer_is_seen(statement: str) -> None:
    module = Module("services/ingest/store.py", f'x("{statement}")')
    assert writers_that_do_not_own(module, {"feeds": "api"}) != []
    assert writers_that_do_not_own(module, {"feeds": "ingest"}) == []
