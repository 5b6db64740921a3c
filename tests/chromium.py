"""Finds a Chromium for the browser tests, or installs one: `python -m tests.chromium`.

Order: CHROMIUM (a path), one that is installed, Debian's package when we are root, Playwright's own download. When none
of these works the browser tests skip and say why; with CI set they fail instead.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALL_S = 600


def find() -> str | None:
    """The path of a Chromium that is here already."""
    named = os.environ.get("CHROMIUM")
    if named:
        return shutil.which(named)
    for name in NAMES:
        if found := shutil.which(name):
            return found
    return _playwrights_own()


def install() -> str | None:
    """Install one; its path, or None when nothing worked."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
        env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]):
            subprocess.run(command, env=env, timeout=INSTALL_S, check=False, **quiet)
    if found := find():
        return found
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], timeout=INSTALL_S, check=False)
    return find()


def _playwrights_own() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if os.path.exists(path) else None


def main() -> int:
    """Say which one the tests will use; it is no error that there is none."""
    found = find() or install()
    print(f"  browser tests: {found or 'no Chromium here and none could be installed: they will be skipped'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
