"""Dates named in English text, as ISO 8601 cut to the precision that was said, counted from the article's own date.

A weekday is the last one of that name up to the article's day, unless "next" stands before it; a day without a year is
the one nearest to the article, days ahead counting double: news tells of the past. What
cannot be told for sure is left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

from services.enrich.document import DateMention, Document
from services.enrich.resources import Resources

AHEAD = 2
MOST = 200  # of one article
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTH = r"(?P<month>January|February|March|April|May|June|July|August|September|October|November|December" \
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.?)"  # fmt: skip
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_PATTERNS = tuple(
    re.compile(rf"(?<!\w){pattern}(?!\w)")
    for pattern in (
        r"(?P<year>(?:19|20)\d\d)-(?P<number>[01]\d)-(?P<day>[0-3]\d)",
        rf"{_DAY}(?: of)? {_MONTH}(?:,? {_YEAR})?",
        rf"{_MONTH} {_DAY}(?:, ?{_YEAR})?(?!,? ?\d)",
        rf"{_MONTH},? (?:of )?(?:{_YEAR}|(?P<which>this|last|next) year)",
        r"(?P<which>last|next|this) (?P<weekday>Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)",
        r"(?P<weekday>Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)",
        r"(?P<relative>[Yy]esterday|[Tt]oday|[Tt]omorrow)",
        rf"(?<=[Ii]n ){_YEAR}",
        rf"(?<=[Ss]ince ){_YEAR}",
        r"(?P<which>[Tt]his|[Ll]ast|[Nn]ext) year",
    )
)
_ANY = re.compile(
    r"(?<!\w)(?:\d{1,4}|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|Mon|Tue|Wed|Thu|Fri|Sat|Sun|[Tt]his|[Ll]ast|[Nn]ext"
    r"|[Yy]esterday|[Tt]o(?:day|morrow)|last|next)"
)


class Dates:
    """Provides `dates`, in reading order."""

    name = "dates"
    revision = "1"
    needs = frozenset({"article", "body_text", "language"})
    provides = frozenset({"dates"})
    languages = frozenset({"en"})

    def run(self, docs: Sequence[Document], resources: Resources) -> None:
        """Resolve each document's dates against its own publication."""
        for doc in docs:
            base = (doc.article.published_at or doc.article.discovered_at).date()
            doc.dates = tuple(dates(doc.body_text, base))


def dates(text: str, base: date) -> list[DateMention]:
    """The dates named in a text that was published on `base`."""
    found: list[DateMention] = []
    at = 0
    for start in _ANY.finditer(text):
        if start.start() < at or len(found) == MOST:
            continue
        for pattern in _PATTERNS:
            match = pattern.match(text, start.start())
            value = _value(match.groupdict(), base) if match else None
            if match and value:
                found.append(DateMention(match.group(), match.start(), match.end(), value))
                at = match.end()
                break
    return found


def _value(said: dict[str, str | None], base: date) -> str | None:
    which = (said.get("which") or "").lower()
    if weekday := said.get("weekday"):
        return _weekday(_DAYS.index(weekday.lower()), which, base).isoformat()
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
