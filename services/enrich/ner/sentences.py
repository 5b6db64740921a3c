"""Sentences of a text by offsets: fast, linear, for text that is read, not parsed.

A wrong cut costs little here, because the model reads several sentences at once; cutting at all lets those that hold
no name be left out.
"""

from __future__ import annotations

import re

#: A line end, or sentence punctuation with its closing quotation marks before white space. A run of full stops is tried
#: once, from its beginning: trying it from each of them would take the square of its length.
#: One class of characters comes first: the engine looks for one of them and tries nothing anywhere else.
_END = re.compile(
    "[\\n\\r\\u2028\\u2029.!?…。！？](?:(?<=[\\n\\r\\u2028\\u2029])[\\n\\r\\u2028\\u2029]*+"
    "|(?<=[.!?…。！？])(?<![.!?…。！？]{2})[.!?…。！？]*+[\"'”’»)\\]]*+(?=\\s))"
)
_ABBREVIATION = re.compile(
    "(?:^|[\\s(\"'“‘])(?:[A-Z]|(?:[A-Za-z]\\.)+[A-Za-z]|Mr|Mrs|Ms|Dr|Prof|Gen|Lt|Col|Capt|Cpl|Sgt|Maj|Adm|Cmdr|Sen|Rep|Gov|Rev|"
    "Fr|Hon|Pres|St|Jr|Sr|vs|No|Mt|Ft|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec|Calif|Fla|Mass|Conn|Pa|Va|Ill|Ind|"
    "Mich|Minn|Wash|Ore|Ariz|Tenn|Tex|Ga|Ala|Okla|Kan|Ky|La|Md|Wis)\\.$"
)
_LOOK_BACK = 24
_LONGEST = 5  # letters of an abbreviation without full stops in it


def sentences(text: str) -> list[tuple[int, int]]:
    """Cut ``text`` into sentences; code-point offsets, in order, without the white space around them."""
    found: list[tuple[int, int]] = []
    start = 0
    for mark in _END.finditer(text):
        if mark.group()[0] == "." and _goes_on(text, mark):
            continue
        _keep(text, start, mark.end(), found)
        start = mark.end()
    _keep(text, start, len(text), found)
    return found


def _goes_on(text: str, mark: re.Match[str]) -> bool:
    """Tell whether a full stop ends an abbreviation, or a lower-case letter follows it."""
    after = text[mark.end() + 1 : mark.end() + 2]
    if after.islower():
        return True
    word = text[max(0, mark.start() - _LONGEST - 1) : mark.start()]
    if mark.end() - mark.start() > 1 or (len(word) > _LONGEST and word.isalpha()):
        return False
    return _ABBREVIATION.search(text, max(0, mark.end() - _LOOK_BACK), mark.end()) is not None


def _keep(text: str, start: int, end: int, found: list[tuple[int, int]]) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        found.append((start, end))
