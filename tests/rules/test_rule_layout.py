"""Names of modules, where settings are made, what pure modules may touch, who may catch everything."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import cache

import grimp
import pytest

from shared.settings import Settings
from tests.rules.source import ROOT, Module, calls, modules, strings

BANNED = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}
CLOCKS = re.compile(
    r"\b(datetime\.now|datetime\.utcnow|datetime\.today|date\.today|time\.(time|time_ns|monotonic\w*))$"
)
FOREIGN = {
    "urllib.request",
    "http.client",
    "http.server",
    "smtplib",
    "ftplib",
    "random",
}  # import-linter sees only `urllib`
SETTINGS_ENTRY = {"services/enrich/worker.py"}  # what Celery imports as its entry
ENVIRONMENT_READERS = {"shared/settings.py"}
PURE_CONTRACT = "pure"
IMPURE_ON_PURPOSE = {
    "shared.parent",
    "shared.settings",
    "services.ingest.metrics",
}  # they speak to the system, if through no library


@cache
def contract(name: str) -> dict[str, list[str]]:
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return next(c for c in found if c["id"] == name)


def is_pure(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in contract(PURE_CONTRACT)["source_modules"])


def banned_names(module: Module) -> list[str]:
    parts = module.name.split(".")
    return [
        f"{module.path}: no module is called {part}; name it after its one idea" for part in parts if part in BANNED
    ]


def clocks_in_pure_modules(module: Module) -> list[str]:
    """A pure module gets `now` as an argument. (Measuring how long a step took, with perf_counter, tells no time.)"""
    if not is_pure(module.name):
        return []
    read = [module.at(node, f"{name} reads the clock") for node, name in calls(module.tree) if CLOCKS.search(name)]
    passed = [
        module.at(node, "reads the clock")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom)
        and node.module == "time"
        and {"time", "monotonic"} & {a.name for a in node.names}
    ]
    return read + passed


def foreign_imports_in_pure_modules(module: Module) -> list[str]:
    if not is_pure(module.name):
        return []
    names = [
        (node, name)
        for node in ast.walk(module.tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    ]
    return [module.at(node, f"a pure module does not import {name}") for node, name in names if name in FOREIGN]


def settings_made_outside_entries(module: Module) -> list[str]:
    entry = (
        module.path.endswith("__main__.py") or module.path in SETTINGS_ENTRY or '__name__ == "__main__"' in module.text
    )
    if entry:
        return []
    made = [module.at(n, "settings are built in entry files") for n, name in calls(module.tree) if name == "Settings"]
    return made


def environment_read_outside_settings(module: Module) -> list[str]:
    """A setting has one door. Variables that are no settings of ours (NOTIFY_SOCKET) may be read where they matter."""
    if module.path in ENVIRONMENT_READERS or not module.path.startswith(("shared/", "services/")):
        return []
    ours = re.compile(r"^(WIREDESK_\w+|DATABASE_URL|REDIS_URL)$")
    reads = "os.environ" in module.text or "getenv" in module.text
    return [
        module.at(n, f"{text} is read past the settings")
        for n, text, _ in strings(module.tree)
        if reads and ours.match(text)
    ]


def catch_alls_without_reason(module: Module) -> list[str]:
    lines = module.text.splitlines()
    found = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else "everything"
            wide = caught in ("everything", "Exception", "BaseException")
            reason = re.search(r"# noqa: BLE001 - \w+", lines[node.lineno - 1])
            if wide and not reason:
                found.append(module.at(node, "catches everything without `# noqa: BLE001 - reason`"))
    return found


RULES: list[Callable[[Module], list[str]]] = [
    banned_names,
    clocks_in_pure_modules,
    foreign_imports_in_pure_modules,
    settings_made_outside_entries,
    environment_read_outside_settings,
    catch_alls_without_reason,
]


@pytest.mark.parametrize("rule", RULES)
def test_the_product_keeps_the_rule(rule: Callable[[Module], list[str]]) -> None:
    assert [finding for module in modules() for finding in rule(module)] == []


@pytest.mark.parametrize(
    "rule, path, text",
    [
        (banned_names, "services/api/utils.py", ""),
        (banned_names, "shared/common/__init__.py", ""),
        (clocks_in_pure_modules, "shared/events.py", "from datetime import datetime\nx = datetime.now()"),
        (clocks_in_pure_modules, "shared/events.py", "import time\nx = time.time()"),
        (clocks_in_pure_modules, "shared/articles.py", "from time import monotonic"),
        (foreign_imports_in_pure_modules, "shared/articles.py", "import urllib.request"),
        (foreign_imports_in_pure_modules, "shared/articles.py", "from http.client import HTTPConnection"),
        (settings_made_outside_entries, "services/api/feeds.py", "s = Settings()"),
        (environment_read_outside_settings, "shared/http.py", "import os\nx = os.environ['WIREDESK_PORT']"),
        (catch_alls_without_reason, "shared/http.py", "try: pass\nexcept Exception: pass"),
        (catch_alls_without_reason, "shared/http.py", "try: pass\nexcept: pass"),
        (catch_alls_without_reason, "shared/http.py", "try: pass\nexcept Exception:  # noqa: BLE001\n  pass"),
    ],
)
def test_a_breach_is_seen(rule: Callable[[Module], list[str]], path: str, text: str) -> None:
    assert rule(Module(path, text)) != []


def test_a_catch_all_with_its_reason_passes() -> None:
    text = "try: pass\nexcept Exception:  # noqa: BLE001 - one bad article must not end the worker\n  pass"
    assert catch_alls_without_reason(Module("services/enrich/tasks.py", text)) == []


def unlisted_pure_modules(graph: grimp.ImportGraph, listed: Callable[[str], bool]) -> list[str]:
    """Modules that reach no I/O library but are not under the contract that keeps it so."""
    forbidden = set(contract(PURE_CONTRACT)["forbidden_modules"])
    ours = [
        m for m in graph.modules if m.startswith(("shared.", "services.")) and not (ROOT / m.replace(".", "/")).is_dir()
    ]
    return [
        f"{name} reaches no I/O library: put it into the contract `pure` in pyproject.toml"
        for name in sorted(set(ours) - IMPURE_ON_PURPOSE)
        if not listed(name) and not graph.find_upstream_modules(name) & forbidden
    ]


def test_every_module_that_is_pure_is_kept_pure() -> None:
    graph = grimp.build_graph("shared", "services", include_external_packages=True)
    assert unlisted_pure_modules(graph, is_pure) == []
    assert unlisted_pure_modules(graph, lambda name: is_pure(name) and name != "shared.articles") != []


def undocumented(readme: str) -> list[str]:
    """Settings without a row of their own in a table of the README."""
    rows = "\n".join(line for line in readme.splitlines() if line.lstrip().startswith("|"))
    names = [
        str(field.validation_alias) if field.validation_alias else f"WIREDESK_{name.upper()}"
        for name, field in Settings.model_fields.items()
    ]
    return [name for name in names if f"`{name}`" not in rows]


def test_every_setting_stands_in_the_readme() -> None:
    assert undocumented((ROOT / "README.md").read_text()) == []


def test_a_setting_only_spoken_of_counts_as_undocumented() -> None:
    assert "WIREDESK_PORT" in undocumented("`WIREDESK_PORT` is the port\n| `WIREDESK_PORTAL` | x |")
    assert "WIREDESK_PORT" not in undocumented("| `WIREDESK_PORT` | 8080 |")


def test_every_file_of_tests_has_a_name_of_its_own() -> None:
    """The folders of tests are no packages: pytest would not collect the second of two files with one name."""
    files = [path.relative_to(ROOT) for path in (ROOT / "tests").rglob("test_*.py")]
    names = [path.name for path in files]
    assert [str(path) for path in files if names.count(path.name) > 1] == []
