"""`make bench`, or `python -m bench 10 18`: run rows of the targets and print what they say."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from bench.report import Row, show


def rows() -> dict[int, str]:
    """Row number -> module."""
    files = sorted(Path(__file__).parent.glob("row[0-9][0-9]_*.py"))
    return {int(f.stem[3:5]): f"bench.{f.stem}" for f in files}


def main() -> int:
    """Run the rows asked for, or all. Exit status 1 when one whose target is set does not reach it."""
    known = rows()
    wanted = [int(a) for a in sys.argv[1:]] or sorted(known)
    unknown = [n for n in wanted if n not in known]
    if unknown:
        print(f"no such row: {unknown}; there are {sorted(known)}", file=sys.stderr)
        return 2
    done: list[Row] = []
    for number in wanted:
        print(f"row {number} ...", flush=True)
        row: Row = importlib.import_module(known[number]).run()
        show(row)
        done.append(row)
    return 1 if any(row.reached is False for row in done) else 0


if __name__ == "__main__":
    sys.exit(main())
