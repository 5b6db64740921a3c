"""An installed spaCy pipeline's figures beside ours: kept in a file, since few have the pipeline installed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from bench import quality_marked, quality_sets
from bench.quality_rows import Row
from services.enrich.pipeline import load_resources

KEPT = Path(__file__).with_name("quality_beside.json")
_HEAD = """
## Beside what people install

`{package}` {version}, plugged in as `WIREDESK_NER=spacy:{package}` with the same steps around it;
`make quality ARGS="--beside {package}"` measures it anew where it is installed.

| task | languages | set | size | exact F1: ours | theirs | overlap F1: ours | theirs |
|---|---|---|---|---|---|---|---|
"""
TASKS = ("persons", "organisations", "places", "entities")


def measure(package: str) -> list[Row]:
    """Names by the pipeline, on the sets that ours is scored on; kept in the file where all of them are there."""
    other, tier = load_resources(f"spacy:{package}"), f" (spacy:{package})"
    rows = quality_marked.rows(quality_marked.score(quality_marked.marked(other)), tier)
    complete = quality_sets.DATA.is_dir()
    if complete:
        rows += quality_sets.entities(other, tier=tier)
    rows = [row for row in rows if row.task in TASKS]
    if complete:
        figures = {f"{row.task}: {row.set.removesuffix(tier)}": row.figures for row in rows}
        kept = {"package": package, "version": version(package), "figures": figures}
        KEPT.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return rows


def table(rows: Sequence[Row], path: Path = KEPT) -> str:
    """Markdown: exact and overlap F1 of the pipeline measured last, beside ours of today."""
    if not path.exists():
        return ""
    kept = json.loads(path.read_text(encoding="utf-8"))
    head = _HEAD.format(package=kept["package"], version=kept["version"])
    lines = [
        f"| {row.task} | {row.languages} | {row.set} | {row.size} | {row.figures['F1']} | {theirs['F1']}"
        f" | {row.figures['overlap F1']} | {theirs['overlap F1']} |\n"
        for row in rows
        if (theirs := kept["figures"].get(row.key))
    ]
    return head + "".join(lines)
