"""The command `wiredesk`: a client of the HTTP API, and where the server is installed the way to start and stop it.

Exit codes: 0 done, 1 refused, 2 wrong usage, 3 not found, 4 not allowed, 5 not reachable, 6 try later, 130 Ctrl-C.
"""

from __future__ import annotations

import sys

from wiredesk.cli.app import app
from wiredesk.cli.output import complain
from wiredesk.errors import NotAllowed, NotFound, TryLater, Unexpected, Unreachable, WiredeskError

EXIT_CODES: tuple[tuple[type[WiredeskError], int], ...] = (
    (NotFound, 3),
    (NotAllowed, 4),
    (Unreachable, 5),
    (Unexpected, 5),
    (TryLater, 6),
    (WiredeskError, 1),
)

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line; errors become one line on standard error and an exit code."""
    try:
        app()
    except WiredeskError as error:
        complain(error)
        sys.exit(next(code for kind, code in EXIT_CODES if isinstance(error, kind)))
