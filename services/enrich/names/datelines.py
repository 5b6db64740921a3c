"""What a dateline names, whatever a tagger took it for: LONDON/PARIS (Agency), ABOARD AIR FORCE ONE. Pure."""

# ruff: noqa: SIM905 - lists of words read best as text

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from services.enrich.document import Mention
from services.enrich.gazetteer import PlaceRow
from services.enrich.names.fold import fold
from services.enrich.text.dateline import Dateline, dateline

LINE = 60  # characters behind a dateline; in capitals all of them, nothing tells a city from the rest
TOLD = 0.9  # score of a name that its place in the text tells
_ABOARD = re.compile(r"(?:ABOARD|ON BOARD) (?:THE )?")
_BESIDE = re.compile(r"(?:NEAR|OFF|IN|AT|OUTSIDE|ALONG|ON) (?:THE )?")
_NO_WIRE = frozenset("wire agency agencies staff reporter correspondent bureau online desk update exclusive".split())
_LETTERS = re.compile(r"[A-Z]{2,6}")


def datelined(found: Sequence[Mention], text: str, find: Callable[[str], Sequence[PlaceRow]]) -> list[Mention]:
    """The mentions of an English body, in order, with what its dateline tells. `find`: the places of a folded name."""
    opens = dateline(text)
    if opens is None or (not opens.dated and text[opens.end : opens.end + LINE].isupper()):
        return list(found)
    told = [one for start, end in opens.places if (one := _place(text, start, end, opens, found, find))]
    if opens.wire and (wire := _wire(text, *opens.wire, found)):
        told.append(wire)
    if told and opens.by:
        found = [_reporter(one, text, told[0].start) for one in found]
    rest = (one for one in found if not any(one.start < new.end and new.start < one.end for new in told))
    return sorted([*told, *rest], key=lambda mention: mention.start)


def _place(
    text: str,
    start: int,
    end: int,
    opens: Dateline,
    found: Sequence[Mention],
    find: Callable[[str], Sequence[PlaceRow]],
) -> Mention | None:
    """The place at `text[start:end]`; the vessel or plane that it was written aboard; None where neither is sure."""
    if aboard := _ABOARD.match(text, start, end):
        return Mention("body_text", aboard.end(), end, text[aboard.end() : end], "product", TOLD)
    beside = _BESIDE.match(text, start, end)
    if beside and not find(fold(text[start:end])):
        start = beside.end()
    name = text[start:end]
    known, capitals = bool(find(fold(name))), name.isupper()
    # The United Nations are where they sit; whatever else is in no table is a place by the form of the dateline alone.
    body = any((one.start, one.end, one.type) == (start, end, "organisation") for one in found)
    formed = capitals and not beside and not body and (opens.dated or text.startswith(", ", end))
    if (known and (capitals or opens.dated)) or formed:
        return Mention("body_text", start, end, name, "place", TOLD)
    return None


def _reporter(one: Mention, text: str, place: int) -> Mention:
    """A name of the line of authors, without the place right behind it that was read with it."""
    if not one.start < place < one.end:
        return one
    name = text[one.start : place].rstrip(" ,")
    return replace(one, end=one.start + len(name), text=name, type="person")


def _wire(text: str, start: int, end: int, found: Sequence[Mention]) -> Mention | None:
    """The wire's name, where it is one; (Agency) and (Own Correspondent) are none."""
    name = text[start:end]
    if read := next((one for one in found if (one.start, one.end) == (start, end)), None):
        return replace(read, type="organisation") if read.type == "place" else None
    known = _LETTERS.fullmatch(name) or (name[0].isupper() and name.lower() not in _NO_WIRE and name.isalpha())
    return Mention("body_text", start, end, name, "organisation", TOLD) if known else None
