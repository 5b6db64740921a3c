"""Where a subscriber stands, remembered between runs: anything with `load` and `save` will do."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Protocol

from wiredesk.errors import WiredeskError


class ResumeState(Protocol):
    """Remembers one position: that of the last event which was dealt with."""

    def load(self) -> int | None:
        """The position to go on after; None where there is none yet."""

    def save(self, position: int) -> None:
        """Called after each event, when the next one is asked for."""


class MemoryState:
    """Remembers for as long as the object lives."""

    def __init__(self, position: int | None = None) -> None:
        self.position = position

    def load(self) -> int | None:
        """The position, if any."""
        return self.position

    def save(self, position: int) -> None:
        """Remember it."""
        self.position = position


class FileState:
    """Remembers in a file, replaced as a whole each time, so that a crash leaves the old or the new position.

    Raises `WiredeskError` if the file holds something else than a position: going on from nowhere would skip events.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def load(self) -> int | None:
        """The position in the file; None where there is no file."""
        try:
            text = self.path.read_text("ascii").strip()
        except FileNotFoundError:
            return None
        except UnicodeDecodeError:
            text = ""
        if not text.isdigit():
            raise WiredeskError(f"{self.path} does not hold a position; remove it to start anew")
        return int(text)

    def save(self, position: int) -> None:
        """Write it to a new file and put that in the old one's place."""
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(handle, "w") as file:
                file.write(f"{position}\n")
            os.replace(name, self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
