"""One log file for each process, bounded: `home/logs/<name>.log`, and the part before it in `<name>.log.1`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import IO

LOG_BYTES = 5_000_000


def open_log(home: Path, name: str) -> IO[bytes]:
    """The process's log for appending; what is over the bound is put aside first."""
    path = log_path(home, name)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    rotate(path)
    return path.open("ab")


def log_path(home: Path, name: str) -> Path:
    """Where the log of the process `name` is."""
    return home / "logs" / f"{name}.log"


def rotate(path: Path, limit: int = LOG_BYTES) -> bool:
    """Put the text aside and begin anew in the same file, which its process keeps open for appending."""
    if not path.exists() or path.stat().st_size <= limit:
        return False
    shutil.copyfile(path, path.with_suffix(".log.1"))
    os.truncate(path, 0)
    return True


def log_size(home: Path, name: str) -> int:
    """How many bytes the log holds now."""
    path = log_path(home, name)
    return path.stat().st_size if path.exists() else 0


def log_tail(home: Path, name: str, lines: int = 8, since: int = 0) -> str:
    """The last lines of a process's log, for a message about its end; only what came after `since` bytes."""
    try:
        with log_path(home, name).open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(0, end - 8192, since if since < end else 0))  # it may have begun anew since
            return "\n".join(line[:400] for line in log.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
