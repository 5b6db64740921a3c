"""Builds `words_en.txt`: how frequent English words are in running news text.

    python -m training.lexicons.words ../shared/data/enrich/ner/ccby_pd/gmb_voa_silver.jsonl.gz

Input: gzip JSON lines with a `text` each. The counts in the repository come from the Groningen Meaning Bank's news
texts, which are in the public domain. Only words written in lower case at least once are counted, so names stay out.
Output: a line per Zipf class (log10 of occurrences per billion words, one decimal), falling, with its words.
"""

from __future__ import annotations

import gzip
import json
import math
import re
import sys
from collections import Counter
from pathlib import Path

AT_LEAST = 6  # occurrences: rarer words get the default weight anyway
_WORD = re.compile(r"(?<![\w'\u2019-])[a-z]+(?:['\u2019-][a-z]+)*(?!\w)")


def main(paths: list[str]) -> None:
    """Count and write."""
    lower: Counter[str] = Counter()
    total = 0
    for path in paths:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                text = json.loads(line)["text"]
                total += len(text.split())
                lower.update(_WORD.findall(text))
    classes: dict[str, list[str]] = {}
    for word, count in lower.items():
        if count >= AT_LEAST and len(word) > 1:
            classes.setdefault(f"{math.log10(count / total * 1e9):.1f}", []).append(word)
    out = Path(__file__).resolve().parents[2] / "services/enrich/lexicons/words_en.txt"
    with out.open("w", encoding="utf-8") as file:
        file.write("# Zipf class, then its words; built by training/lexicons/words.py\n")
        for zipf in sorted(classes, key=float, reverse=True):
            file.write(f"{zipf} {' '.join(sorted(classes[zipf]))}\n")
    print(total, "words read,", sum(map(len, classes.values())), "kept,", out.stat().st_size, "bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
