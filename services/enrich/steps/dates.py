"""Dates named in English text, as ISO 8601 cut to the precision that was said, counted from the article's own date.

A weekday or a month alone is the last one of that name up to the article's day; where the clause before it looks ahead
("will vote on", "is due in", "by"), the next one. A day without a year is the one nearest to the article, days ahead
counting double: news tells of the past. What cannot be told for sure ("on a Thursday") is left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

from services.enrich.document import DateMention, Document
from services.enrich.resources import Resources
from services.enrich.text.tokens import Tokens

AHEAD = 2
MOST = 200  # of one article
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTH = r"(?P<month>January|February|March|April|May|June|July|August|September|October|November|December" \
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.?)"  # fmt: skip
_ALONE = r"(?P<alone>January|February|March|April|May|June|July|August|September|October|November|December)"
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10,
}  # fmt: skip


def _made_of(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(rf"(?<!\w){pattern}(?!\w)") for pattern in patterns)


# What may begin with a word, in the order in which it is tried. Months and years alone need the word before them.
_AGO = _made_of(rf"(?P<count>\d{{1,3}}|{'|'.join(_NUMBERS)}) (?P<unit>day|week|month|year)s? ago")
_FIGURES = (
    *_made_of(
        r"(?P<year>(?:19|20)\d\d)-(?P<number>[01]\d)-(?P<day>[0-3]\d)",
        rf"{_DAY}(?: of)? {_MONTH}(?:,? {_YEAR})?",
        rf"(?<=[Ii]n |[Bb]y |[Oo]f ){_YEAR}",
        rf"(?<=[Ss]ince |[Uu]ntil |[Aa]fter ){_YEAR}",
        rf"(?<=[Ff]rom ){_YEAR}",
        rf"(?<=[Bb]efore |[Dd]uring ){_YEAR}",
        rf"(?<=early ){_YEAR}",
        rf"(?<=late ){_YEAR}",
    ),
    *_AGO,
)
_NAMED_MONTH = _made_of(
    rf"{_MONTH} {_DAY}(?:, ?{_YEAR})?(?!,? ?\d)",
    rf"{_MONTH},? (?:of )?(?:{_YEAR}|(?P<which>this|last|next) year)",
    rf"(?<=[Ii]n |[Bb]y |[Oo]f ){_ALONE}",
    rf"(?<=[Ss]ince |[Uu]ntil |[Aa]fter ){_ALONE}",
    rf"(?<=[Ff]rom |[Ll]ast |[Nn]ext ){_ALONE}",
    rf"(?<=[Bb]efore |[Dd]uring ){_ALONE}",
)
_WEEKDAY = _made_of(r"(?P<weekday>Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)")
_RELATIVE = _made_of(r"(?P<relative>[Yy]esterday|[Tt]oday|[Tt]omorrow)")
_WHICH = _made_of(
    r"(?P<which>last|next|this) (?P<weekday>Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)",
    r"(?P<which>[Tt]his|[Ll]ast|[Nn]ext) year",
    r"(?P<which>[Tt]his|[Ll]ast|[Nn]ext) month",
    r"[Tt]his (?:morning|afternoon|evening)|[Tt]onight",
)
_BEGUN = {
    word: patterns
    for words, patterns in (
        ("January February March April May June July August September October November December", _NAMED_MONTH),
        ("Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec", _NAMED_MONTH),
        ("Monday Tuesday Wednesday Thursday Friday Saturday Sunday", _WEEKDAY),
        ("yesterday today tomorrow Yesterday Today Tomorrow", _RELATIVE),
        ("this last next tonight This Last Next Tonight", _WHICH),
        (" ".join(_NUMBERS), _AGO),
    )
    for word in words.split()
}
_AHEAD = re.compile(
    r"(?<!\w)(?:will|would|shall|expected|due|planned|plans?|scheduled|hopes?|wants?|(?:is|are|was|were) (?:set )?to"
    r"|ends|expires?|begins|starts|opens|closes|meets|faces?|takes place|plays? (?:away|at home))(?!\w)"
    r"|(?:by|until|next) $",
    re.IGNORECASE,
)
_SAID = re.compile(r"(?<!\w)(?:said|says|told|announced|wrote|added)(?!\w)")
SHORT = 15  # characters of a clause that is only a part of the one before: ", Denmark, on Sunday"
_CAPITALS = re.compile(
    r"(?<!\w)(?:january|february|march|april|may|june|july|august|september|october|november|december"
    r"|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|(?:mon|tues|wednes|thurs|fri|satur|sun)day)(?!\w)"
)
_SENTENCE = re.compile(r"[.!?\u2026][\"\u201d\u2019)]*\s|\n")


class Dates:
    """Provides `dates`, in reading order."""

    name = "dates"
    revision = "3"
    needs = frozenset({"article", "body_text", "language"})
    provides = frozenset({"dates"})
    languages = frozenset({"en"})

    def run(self, docs: Sequence[Document], resources: Resources) -> None:
        """Resolve each document's dates against its own publication."""
        for doc in docs:
            base = (doc.article.published_at or doc.article.discovered_at).date()
            doc.dates = tuple(dates(doc.tokens, base))


def dates(tokens: Tokens, base: date) -> list[DateMention]:
    """The dates named in a text that was published on `base`."""
    found: list[DateMention] = []
    at = 0
    written, lowered = tokens.text, _in_lower_case(tokens.text)
    tokens = tokens if lowered is written else Tokens(lowered)
    begun = {word for word in tokens.there if word in _BEGUN or word[0].isdecimal()}
    for word, start in tokens.where(begun):
        if start < at or len(found) == MOST:
            continue
        for pattern in _BEGUN.get(word, _FIGURES):
            match = pattern.match(tokens.text, start)
            value = _value(match, base) if match else None
            if match and value:
                found.append(DateMention(written[match.start() : match.end()], match.start(), match.end(), value))
                at = match.end()
                break
    return found


def _in_lower_case(text: str) -> str:
    """A text that is all in capitals as it is written elsewhere, as long as it keeps its length: ON FRIDAY, MAY 3."""
    if not text.isupper():
        return text
    lowered = _CAPITALS.sub(lambda match: match.group().title(), text.lower())
    return lowered if len(lowered) == len(text) else text


def _value(match: re.Match[str], base: date) -> str | None:
    said = match.groupdict()
    which = (said.get("which") or "").lower()
    if weekday := said.get("weekday"):
        if not which and match.string[: match.start()].endswith((" a ", "\na ", " every ", " each ")):
            return None  # some Thursday or other
        return _weekday(_DAYS.index(weekday.lower()), which or _direction(match), base).isoformat()
    if alone := said.get("alone"):
        return _month_alone(_month(alone) or 1, _direction(match), base)
    if unit := said.get("unit"):
        counted = said["count"] or "1"
        return _ago(int(counted) if counted.isdigit() else _NUMBERS[counted], unit, base)
    if match.group().lower().endswith(("morning", "afternoon", "evening", "night")):
        return base.isoformat()
    if which and match.group().lower().endswith("month"):
        return _months(base, {"last": -1, "this": 0, "next": 1}[which])
    if relative := said.get("relative"):
        return (base + timedelta(days={"yesterday": -1, "today": 0, "tomorrow": 1}[relative.lower()])).isoformat()
    year = int(said["year"] or 0) if said.get("year") else _year(which, base)
    month = int(said["number"] or 0) if said.get("number") else _month(said.get("month"))
    day = int(said["day"] or 0) if said.get("day") else None
    if month is None:
        return str(year) if year else None
    if day is None:
        return f"{year:04d}-{month:02d}" if year else None
    return _nearest(year, month, day, base)


def _direction(match: re.Match[str]) -> str:
    """`next` where the sentence looks ahead before the date, else `last` or nothing said."""
    before = match.string[max(0, match.start() - 120) : match.start()]
    parts = _SENTENCE.split(before)[-1].split(",")
    clause = parts.pop()
    while parts and len(clause) <= SHORT and not _SAID.search(clause):
        clause = f"{parts.pop()},{clause}"
    return "next" if _AHEAD.search(clause) else "last" if clause.lower().endswith(("last ", "since ")) else ""


def _month_alone(month: int, direction: str, base: date) -> str:
    past = base.year if month <= base.month else base.year - 1
    ahead = base.year if month >= base.month else base.year + 1
    return f"{ahead if direction == 'next' else past:04d}-{month:02d}"


def _months(base: date, count: int) -> str:
    year, month = divmod(base.year * 12 + base.month - 1 + count, 12)
    return f"{year:04d}-{month + 1:02d}"


def _ago(count: int, unit: str, base: date) -> str | None:
    if unit == "year":
        return f"{base.year - count:04d}" if count < base.year else None
    if unit == "month":
        return _months(base, -count)
    return (base - timedelta(days=count * (7 if unit == "week" else 1))).isoformat()


def _year(which: str, base: date) -> int | None:
    return base.year + {"last": -1, "this": 0, "next": 1}[which] if which else None


def _month(name: str | None) -> int | None:
    if not name:
        return None
    return _MONTHS.index(name[:3].lower()) + 1


def _nearest(year: int | None, month: int, day: int, base: date) -> str | None:
    """The day, in the year said or else the one that brings it nearest; None where there is no such day."""
    years = (year,) if year else (base.year - 1, base.year, base.year + 1)
    near = [found for number in years if (found := _made(number, month, day))]
    if not near:
        return None
    return min(near, key=lambda found: (found - base) * AHEAD if found > base else base - found).isoformat()


def _made(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _weekday(number: int, which: str, base: date) -> date:
    back = (base.weekday() - number) % 7
    if which == "next":
        return base + timedelta(days=7 - back if back else 7)
    if which == "last" and back == 0:
        back = 7
    return base - timedelta(days=back)
