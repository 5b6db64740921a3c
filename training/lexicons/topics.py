"""Cut the IPTC Media Topics to the table the steps read: ``python -m training.lexicons.topics FILE``.

FILE is the vocabulary as gzip JSON lines (id, name, broader, wikidata, retired). Retired concepts are left out.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

OUT = Path(__file__).resolve().parents[2] / "shared" / "vocabularies" / "mediatopics.tsv"
HEAD = (
    "# IPTC Media Topics, 2022-02-03, English names and matches; copyright IPTC (iptc.org), CC BY 4.0."
    " id, broader id, name, Wikidata\n"
)


def main() -> None:
    """Write the table."""
    with gzip.open(Path(sys.argv[1]), "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    lines = [
        "\t".join(
            (
                _number(row["id"]),
                _number(row["broader"][0]) if row["broader"] else "",
                row["name"],
                row["wikidata"][0].rsplit("/", 1)[1] if row["wikidata"] else "",
            )
        )
        + "\n"
        for row in sorted(rows, key=lambda row: str(row["id"]))
        if not row["retired"]
    ]
    OUT.write_text(HEAD + "".join(lines), encoding="utf-8")


def _number(key: str) -> str:
    return key.removeprefix("medtop:")


if __name__ == "__main__":
    main()
