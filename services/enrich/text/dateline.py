"""The dateline that a report opens with: where it was written, whose it is, where its text begins. Pure.

KARACHI (Reuters) - …            DES MOINES, Iowa, Nov. 24 (UPI) -- …      LONDON/PARIS, Nov 3 (Reuters) - …
NEW DELHI: …                     MUMBAI, Nov 3 (PTI) The rupee …           ODESA, Ukraine/ISTANBUL, Nov 3 - …
MOSCOW, November 3. /TASS/. …    NEW YORK--(BUSINESS WIRE)--…              Accra, Nov. 3, GNA – …
ABOARD AIR FORCE ONE (AP) — …    Abuja, Nigeria – …                        [Nairobi] …
By Ana Reis and Jo Uys PARIS, Nov 3 (Reuters) - …
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

LONGEST = 180  # characters
_UP = r"[^\W\d_a-z]"
_DASH = r"(?:--|[\u2014\u2013-])"
_CITY = rf"{_UP}(?:{_UP}|[.'\u2019]|[ -](?={_UP})){{1,38}}(?![a-z])"  # in capitals
_WORD = rf"{_UP}[\w'\u2019]{{2,20}}"
_TOWN = rf"{_WORD}(?:[ -](?:(?:de|da|do|es|el|al|of) )?{_WORD}){{0,2}}"  # in ordinary letters
_REGION = rf"(?:, (?:{_WORD}|[A-Z][a-z]+\.|[A-Z]\.[A-Z]\.)(?: {_WORD}){{0,2}})?"
_PLACE = rf"(?:{_CITY}|{_TOWN}){_REGION}"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec)(?:[a-z]+|\.)?"
_DATE = (
    rf"(?i:(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day,? ?)?(?:{_MONTH} \d{{1,2}}|\d{{1,2}} {_MONTH})(?:,? \d{{4}})?)"
)
_WIRE = (
    r"\((?P<wire>[^()\n]{2,40})\)|/(?P<slashed>[^/\n]{2,20})/|[,.] (?P<bare>[A-Z]{3,6})(?=:? ?[\u2014\u2013]| [-_] |:)"
)
_BEGINS = rf"(?=[\"\u201c\u2018'(]?(?:{_UP}|\d))"
_STOP = (
    rf"(?: ?(?:--|[\u2014\u2013]) ?| [_-] |(?<=[)/])(?: ?[-_:] ?|\. )|(?<=\))(?P<nothing> )(?=[^\W\d_a-z][a-z ]))"
    rf"|(?P<colon>: ){_BEGINS}"
)
_OPENING = re.compile(
    rf"(?P<by>By [^\n|]{{3,40}} \| |(?P<line>By [^\n|()]{{3,90}}?) (?=[A-Z]{{4}}))?"
    rf"(?P<where>{_PLACE}(?:(?: ?/ ?| and | & ){_PLACE}){{0,5}})"
    rf"(?P<when>(?:,? {_DATE}\.?)?)(?: ?[-\u2014\u2013]{{0,2}} ?(?:{_WIRE}))?(?:,? {_DATE})?(?:{_STOP})"
)
_BRACKETED = re.compile(rf"\[(?P<where>{_TOWN}(?:, {_TOWN})?)\] {_BEGINS}")
_ONE = re.compile(rf"(?:^|(?<=/)|(?<=/ )|(?<= and )|(?<= & ))(?:{_CITY}|{_TOWN})")
# What other forms part the text from: City region, state (agency) -
_OTHER = re.compile(rf"{_UP}[^\n:|()\u2014\u2013]{{1,60}}? ?\([^()\n]{{2,40}}\) ?{_DASH} ?")


@dataclass(frozen=True, slots=True)
class Dateline:
    """Where a report says it was written: the spans of its places and of the wire, and how sure its form is."""

    end: int  # where the text of the report begins
    places: tuple[tuple[int, int], ...]
    wire: tuple[int, int] | None
    dated: bool  # whether a date or a wire stands with it, as nothing else that opens a text has
    by: bool = False  # whether its authors stand before it


def dateline(text: str) -> Dateline | None:
    """The dateline a text opens with, by its form alone: whether such places exist is not asked."""
    return _dateline(text[:LONGEST])


@lru_cache(maxsize=64)  # several steps ask of one text
def _dateline(opens: str) -> Dateline | None:
    if match := _BRACKETED.match(opens):
        return Dateline(match.end(), (_first(match["where"], match.start("where")),), None, False)
    match = _OPENING.match(opens)
    if match is None:
        return None
    where, dated = match["where"], bool(match["when"] or match["wire"] or match["slashed"] or match["bare"])
    capitals = where[:3].isupper()
    if (match["colon"] and not capitals) or (match["nothing"] and not (capitals or match["when"])):
        return None
    if not (dated or capitals) and opens[match.end() : match.end() + 1].islower():
        return None  # Maria Duarte - the head of the union -
    if match["line"] and not match["when"]:
        return None
    at = match.start("where")
    places = tuple((at + one.start(), at + one.end()) for one in _ONE.finditer(where))
    wire = next((match.span(name) for name in ("wire", "slashed", "bare") if match[name]), None)
    if wire and any(letter.isdigit() for letter in opens[slice(*wire)]):
        wire = None  # (3 November 2026)
    return Dateline(match.end(), places, wire, dated, bool(match["line"]))


def _first(where: str, at: int) -> tuple[int, int]:
    return at, at + len(where.partition(",")[0])


def opening(text: str) -> int:
    """How many characters a dateline with what parts it from the text takes at the beginning; 0 where there is none."""
    if found := dateline(text):
        return found.end
    match = _OTHER.match(text[:LONGEST])
    return match.end() if match else 0
