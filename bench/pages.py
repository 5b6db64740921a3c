"""Real article pages with their text marked (beside the checkout), and how much of it an extraction brings."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services.enrich.names.fold import fold
from services.enrich.steps.page import read
from services.enrich.text.pagemeta import PageMeta

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "articles" / "aeb-half"
METADATA = FOLDER.with_name("trafilatura-cc")
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


def declared(folder: Path = METADATA) -> dict[str, float]:
    """Title, author and day of 64 pages (trafilatura's own set, Creative Commons), per cent right of those marked."""
    marked = json.loads((folder / "evaldata.json").read_text(encoding="utf-8"))
    right: Counter[str] = Counter()
    wanted: Counter[str] = Counter()
    for told in marked.values():
        found = read((folder / "html" / told["file"]).read_text(encoding="utf-8", errors="replace"))
        meta = found[1] if found else PageMeta()
        names = fold(", ".join(meta.authors))
        day = meta.published_at.date().isoformat() if meta.published_at else ""
        for name, same in (
            ("title", fold(meta.title or "") == fold(told.get("title") or "")),
            (
                "author",
                bool(names) and (names in fold(told.get("author") or "") or fold(told["author"] or "") in names),
            ),
            ("date", day == told.get("date")),
        ):
            wanted[name] += bool(told.get(name))
            right[name] += bool(told.get(name)) and same
    return {name: round(100 * right[name] / wanted[name], 1) for name in wanted}


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
