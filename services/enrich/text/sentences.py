"""Sentence ends, by rule and in linear time, for any script."""

from __future__ import annotations

import re
from collections.abc import Iterator

LONGEST_SHORT = 6  # letters of an abbreviation without full stops in it
MAX_SENTENCE = 1_000  # characters: a longer run without an end is cut at a space, so that nothing grows with the input

_STOPS, _WIDE = r"[.!?\u2026\u061f\u06d4\u0964\u1362]", r"[\u3002\uff01\uff1f]"
# One class of characters first: the engine then looks for one of them and tries nothing anywhere else.
_END = re.compile(
    rf"[\n{_STOPS[1:-1]}{_WIDE[1:-1]}](?:(?<=\n)|(?<={_WIDE}){_WIDE}*[\u300d\u300f\u201d]?"
    rf"|(?<={_STOPS})(?<!{_STOPS}{{2}}){_STOPS}*+[\"'\u201d\u2019\u00bb)\]]*+(?=\s))"
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|Sr|Jr|St|Gen|Col|Capt|Lt|Sgt|Maj|Rep|Sen|Gov|Pres|Rev|Hon|vs|etc|No|Nos|Inc|Ltd|Co|Corp"
    r"|Bros|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec|Ave|Blvd|Rd|Mt|Ft|approx|e\.g|i\.e|a\.m|p\.m|Sra|Srta|Mme|Mlle"
    r"|Nr|Hr|Fr|Rs|v|GOV|SEN|REP|MR|MRS|MS|DR|LT|COL|GEN|SGT|ST|bzw|z\.B|d\.h|ca|Art|Abs|Bd)|\b[A-Z]|\b(?:[A-Z]\.)+[A-Z])\.$"
)

_DASHES = ("-", "\u2013", "\u2014")  # no sentence begins with one


def sentences(text: str) -> list[tuple[int, int]]:
    """`(start, end)` of every sentence, in order, without surrounding whitespace. A newline always ends one."""
    return list(sentence_spans(text))


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """The same one by one, for those who need the first only."""
    start = 0
    for match in _END.finditer(text):
        end = match.end()
        if match.group() == "." and _goes_on(text, match.start(), end):
            continue
        start += text.startswith(" ", start)
        if end - start > MAX_SENTENCE or text[start].isspace() or text[end - 1].isspace():
            yield from _trimmed(text, start, end)
        else:
            yield start, end
        start = end
    yield from _trimmed(text, start, len(text))


def _goes_on(text: str, dot: int, end: int) -> bool:
    """Whether a full stop belongs to an abbreviation or the next word starts in lower case."""
    follow = text[end : end + 3].lstrip()[:1]
    if follow.islower() or follow in _DASHES:
        return True
    word = text[max(0, dot - LONGEST_SHORT - 1) : dot]
    if len(word) > LONGEST_SHORT and word.isalpha():
        return False
    return bool(_ABBREVIATION.search(text, max(0, dot - 12), end)) and not text.startswith("\n", end)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    while end - start > MAX_SENTENCE:
        cut = text.rfind(" ", start + 1, start + MAX_SENTENCE)
        cut = cut if cut > start else start + MAX_SENTENCE
        yield start, cut
        start = cut + 1 if text[cut] == " " else cut
    if end > start:
        yield start, end
