"""`up`, `down`, `migrate`: there only where the server is installed beside this client."""

from __future__ import annotations

import importlib.util
import os
import sys

import typer


def register(app: typer.Typer) -> None:
    """Add the commands if their modules can be found; the modules themselves run in a process of their own."""
    if _installed("deploy.local"):
        app.command()(up)
        app.command()(down)
    if _installed("shared.migrate"):
        app.command()(migrate)


def up() -> None:
    """Start the server on this machine: engines and all processes; Ctrl-C stops it."""
    _run("deploy.local")


def down() -> None:
    """Stop the server that runs on this machine."""
    _run("deploy.local", "--down")


def migrate() -> None:
    """Apply what the database named by DATABASE_URL lacks."""
    _run("shared.migrate")


def _run(module: str, *arguments: str) -> None:
    """Become it: its signals, output and exit code are ours."""
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
