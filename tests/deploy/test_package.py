"""What is installed is what is in the repository: a data file left out fails only on the user's machine."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.rules.source import PRODUCT, ROOT


def test_the_installed_package_holds_every_file_of_the_product(tmp_path: Path) -> None:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *PRODUCT, "pyproject.toml"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    source = tmp_path / "source"
    for path in [*listed, "README.md", "LICENSE", "NOTICE"]:
        if (ROOT / path).exists():  # one that was just deleted is still listed
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, source / path)
    build = [sys.executable, "-m", "pip", "wheel", "-qq", "--no-deps", "--no-build-isolation", "-w", str(tmp_path), "."]
    subprocess.run(build, cwd=source, check=True, timeout=300)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        installed = set(packed.namelist())
    assert {path for path in listed if path.startswith(PRODUCT) and (ROOT / path).exists()} - installed == set()
    assert not any(name.endswith(".pyc") for name in installed)
