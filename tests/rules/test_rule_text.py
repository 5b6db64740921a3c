"""What no committed file may say, and what documents promise: links that lead somewhere, commands that exist."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.rules.source import ROOT, Module, modules, text_files

# Written in pieces so that this file does not say them either.
REGISTRIES = re.compile("|".join(re.escape(a + b) for a, b in [
    ("pypi", ".org"), ("pythonhosted", ".org"), ("registry.npmjs", ".org"), ("deb.debian", ".org"),
    ("registry-1.docker", ".io"), ("crates", ".io"),
]))  # fmt: skip
ABSOLUTE = re.compile("(?<![\\w.:/~-])/(" + "work|root|home/[a-z]\\w*|Users/\\w+" + ")/")
LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:|#)([^)#\s]+)")


def registry_hosts(path: str, text: str) -> list[str]:
    return [f"{path}: names the registry {found[0]}" for found in REGISTRIES.finditer(text)]


def absolute_paths(path: str, text: str) -> list[str]:
    return [f"{path}: a path of one machine: {found[0]}" for found in ABSOLUTE.finditer(text)]


def dead_links(path: str, text: str) -> list[str]:
    if not path.endswith(".md"):
        return []
    here = (ROOT / path).parent
    return [f"{path}: [{target}] is not there" for target in LINK.findall(text) if not (here / target).exists()]


def unknown_make_targets(path: str, text: str) -> list[str]:
    if not path.endswith(".md"):
        return []
    known = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.M))
    return [
        f"{path}: make {name} does not exist" for name in re.findall(r"`make ([a-z][a-z-]*)", text) if name not in known
    ]


@pytest.mark.parametrize("rule", [registry_hosts, absolute_paths, dead_links, unknown_make_targets])
def test_no_committed_file_breaks_the_rule(rule: object) -> None:
    assert [finding for path, text in text_files() for finding in rule(path, text)] == []  # type: ignore[operator]


@pytest.mark.parametrize(
    "rule, text",
    [
        (registry_hosts, "index = https://" + "pypi" + ".org/simple"),
        (absolute_paths, "open('/" + "root/x')"),
        (absolute_paths, "see /" + "home/ann/x"),
        (dead_links, "[the guide](docs/nowhere.md)"),
        (unknown_make_targets, "run `make magic`"),
    ],
)
def test_a_breach_is_seen(rule: object, text: str) -> None:
    assert rule("NEWS.md", text) != []  # type: ignore[operator]


def undeclared_imports(module: Module, declared: set[str]) -> list[str]:
    """Third-party packages that the module imports and pyproject.toml does not name (they came along with another)."""
    names = {
        (node, name.split(".")[0])
        for node in ast.walk(module.tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
    }
    ours = {"shared", "services", "deploy", "tests"} | sys.stdlib_module_names
    return [
        module.at(node, f"{name} is no declared dependency")
        for node, name in names
        if name not in ours and not {normal(d) for d in carriers().get(name, [name])} & declared
    ]


carriers = cache(packages_distributions)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", name, maxsplit=1)[0]).lower()


def declared_dependencies() -> set[str]:
    return {normal(line) for line in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]}


def test_every_import_is_a_declared_dependency() -> None:
    declared = declared_dependencies() | {"spacy"}  # an operator's own choice (WIREDESK_NER=spacy:…), never required
    assert [finding for module in modules() for finding in undeclared_imports(module, declared)] == []


def test_an_undeclared_import_is_seen() -> None:
    assert undeclared_imports(Module("shared/x.py", "import requests"), declared_dependencies()) != []


def test_the_lock_holds_every_declared_dependency_with_hashes() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    pinned = {normal(line) for line in re.findall(r"^[A-Za-z0-9][^\s;]*", lock, re.M)}
    assert declared_dependencies() - pinned == set()
    assert all("--hash=sha256:" in block for block in re.split(r"\n(?=[A-Za-z0-9])", lock)[1:])


BAD = {
    "services": ("services/ingest/poll.py", "import services.api.store"),
    "shared": ("shared/urls.py", "import services.api.store"),
    "services-deploy": ("services/api/store.py", "import deploy.local"),
    "deploy": ("deploy/local.py", "import services.api.store"),
    "pure": ("shared/articles.py", "import socket"),
}


@pytest.mark.parametrize("name", BAD)
def test_each_import_contract_sees_a_breach(tmp_path: Path, name: str) -> None:
    for folder in ("shared", "deploy", "services", "services/ingest", "services/enrich", "services/api"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").touch()
    for path, _ in BAD.values():
        (tmp_path / path).touch()
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    chosen = next(c for c in contracts if c["id"] == name)
    lines = ["[importlinter]\nroot_packages =\n  shared\n  services\n  deploy\ninclude_external_packages = True\n"]
    lines.append(f"[importlinter:contract:{name}]")
    for key, value in chosen.items():
        if key == "source_modules" and name == "pure":
            value = ["shared.articles"]
        lines.append(f"{key} = {value}" if isinstance(value, str) else f"{key} =\n  " + "\n  ".join(value))
    (tmp_path / ".importlinter").write_text("\n".join(lines))
    (tmp_path / BAD[name][0]).write_text(BAD[name][1])  # that it holds without this, `make check` shows
    told = lint(tmp_path)
    assert told.returncode == 1 and "BROKEN" in told.stdout, told.stdout


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = (
        "import sys; from importlinter.cli import lint_imports_command; sys.path.insert(0, '.'); lint_imports_command()"
    )
    command = [sys.executable, "-c", program, "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)
