"""What the rule tests look at: our Python files as trees, our text files, and small samples that break a rule."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("shared", "services", "deploy")


@dataclass(frozen=True)
class Module:
    """One Python file: its path from the repository's root, its text and its tree."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return _parsed(self.text)

    @property
    def name(self) -> str:
        """Its import path, which is its folder path."""
        return self.path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")

    def at(self, node: ast.AST, what: str) -> str:
        """A finding, as an editor can jump to it."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {what}"


@cache
def modules() -> tuple[Module, ...]:
    """Every Python file of the product."""
    found = (path for top in PRODUCT for path in sorted((ROOT / top).rglob("*.py")))
    return tuple(Module(str(path.relative_to(ROOT)), path.read_text("utf-8")) for path in found)


@cache
def text_files() -> tuple[tuple[str, str], ...]:
    """(path, text) of every file that is or would be committed, but for those that are not UTF-8 text."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return tuple((path, text) for path in listed if (text := _read(ROOT / path)) is not None)


@cache
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


def strings(tree: ast.AST) -> Iterator[tuple[ast.AST, str, bool]]:
    """(node, text, has placeholders for values) of every string, an f-string as one, docstrings left out.

    A placeholder for a constant of the module (a list of columns, say) is none for a value.
    """
    documented = {id(doc) for node in ast.walk(tree) if (doc := _docstring(node)) is not None}
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
            yield node, "".join(map(str, parts)), any(map(_takes_a_value, node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented | inside:
            yield node, node.value, False


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """(node, dotted name of what is called)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


def _takes_a_value(part: ast.expr) -> bool:
    if isinstance(part, ast.FormattedValue):
        return not (isinstance(part.value, ast.Name) and part.value.id.isupper())
    return not isinstance(part, ast.Constant)


def _docstring(node: ast.AST) -> ast.AST | None:
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            return first.value
    return None


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
