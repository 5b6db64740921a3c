"""Languages of other people's sentences: a thousand in each of 60 languages, which the package `eld` carries.

Every second one is scored and was not looked at; the rest showed what goes wrong. Nothing is copied, and the package's
own detector is not loaded.
"""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.quality_rows import Row
from services.enrich.pipeline import Resources

SET = "eld's sentences"
CUT = 60  # characters
LEAST = 5  # languages named in a row
#: Languages of Europe's states and the large ones of Asia, as far as the set has them.
PRESS = "ar bg ca cs da de el en es et fa fi fr he hi hr hu it ja ko lt lv nl no pl pt ro ru sk sl sr sv th tr uk vi zh"
UNCASED = "ar fa he hi ja ko th zh"
#: What the set calls by the wider name: its Norwegian is both written forms, its Kurdish Central Kurdish.
WITHIN = {"no": "nn", "ku": "ckb"}

Lines = list[tuple[str, str]]  # language, text


def path() -> Path | None:
    """The file, where the package is installed."""
    spec = importlib.util.find_spec("eld")
    found = Path(next(iter(spec.submodule_search_locations or [""])), "tests/data/big-test.txt") if spec else None
    return found if found and found.is_file() else None


def sentences(file: Path, *, seen: bool = False) -> Lines:
    """The half that is only scored, or (`seen`) the other one."""
    count: Counter[str] = Counter()
    lines: Lines = []
    for row in file.read_text(encoding="utf-8").splitlines():
        code, tab, text = row.partition("\t")
        count[code] += 1
        if tab and count[code] % 2 == (0 if seen else 1):
            lines.append((code, text))
    return lines


def cut(text: str) -> str:
    """The first words, as many as go into 60 characters."""
    if len(text) <= CUT:
        return text
    head, space, _ = text[: CUT + 1].rpartition(" ")
    return head if space and len(head) > CUT / 2 else text[:CUT]


def capitalised(text: str) -> str:
    """As English headlines write it."""
    return " ".join(word[:1].upper() + word[1:] for word in text.split(" "))


def rows(resources: Resources) -> Iterator[Row]:
    """The sentences and their beginnings, in every language and in those of the larger press; and recased."""
    file = path()
    if file is None:
        print("the package eld is not installed: the languages of its sentences are not scored", file=sys.stderr)
        return
    lines = sentences(file)
    press = [one for one in lines if one[0] in PRESS.split()]
    begun = f"{SET} cut to {CUT} characters"
    yield _row(resources, f"{begun}, larger press", press, cut)
    yield _row(resources, f"{SET}, larger press", press)
    cased = [one for one in press if one[0] not in UNCASED.split()]
    yield _row(resources, f"{begun}, larger press, in Title Case", cased, lambda text: capitalised(cut(text)))
    yield _row(resources, f"{begun}, larger press, IN CAPITALS", cased, lambda text: cut(text).upper())
    yield _row(resources, begun, lines, cut)
    yield _row(resources, SET, lines)


def _row(resources: Resources, name: str, lines: Lines, change: Callable[[str], str] = str) -> Row:
    right: dict[str, list[bool]] = defaultdict(list)
    for code, text in lines:
        told = resources.language_model.detect(change(text))
        right[code].append(told is not None and told.code in (code, WITHIN.get(code)))
    shares = {code: round(100 * sum(hits) / len(hits), 1) for code, hits in right.items()}
    every = round(100 * sum(map(sum, right.values())) / len(lines), 1)
    least = ", ".join(f"{code} {shares[code]}" for code in sorted(shares, key=lambda code: shares[code])[:LEAST])
    figures = {"right": every, "worst": min(shares.values())}
    return Row("language", f"{len(right)} languages", name, f"{len(lines)} sentences (least: {least})", figures)
