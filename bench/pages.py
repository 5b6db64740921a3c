"""Real article pages with their text marked (beside the checkout), and how much of it an extraction brings."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "articles" / "aeb-half"
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class MarkedPage:
    """A page and the text of its article as people marked it."""

    html: str
    text: str


def pages(folder: Path = FOLDER) -> list[MarkedPage]:
    """The pages of scrapinghub/article-extraction-benchmark that are here. Raises FileNotFoundError without them."""
    marked = json.loads((folder / "ground-truth.json").read_text(encoding="utf-8"))
    return [
        MarkedPage(gzip.decompress(path.read_bytes()).decode("utf-8", "replace"), marked[key]["articleBody"])
        for key in sorted(marked)
        if (path := folder / "html" / f"{key}.html.gz").exists()
    ]


def score(found: list[MarkedPage], extract: Callable[[str], str]) -> dict[str, float]:
    """Precision, recall and F1 of runs of four words in per cent, each the mean over pages."""
    every = [_one(extract(page.html), page.text) for page in found]
    names = ("P", "R", "F1")
    return {name: round(100 * sum(one[n] for one in every) / len(every), 1) for n, name in enumerate(names)}


def _one(made: str, wanted: str) -> tuple[float, float, float]:
    mine, theirs = _runs(made), _runs(wanted)
    shared = sum((mine & theirs).values())
    precision, recall = shared / max(1, sum(mine.values())), shared / max(1, sum(theirs.values()))
    return precision, recall, 2 * precision * recall / (precision + recall) if shared else 0.0


def _runs(text: str) -> Counter[tuple[str, ...]]:
    words = _WORD.findall(text)
    return Counter(tuple(words[at : at + 4]) for at in range(max(1, len(words) - 3))) if words else Counter()
