"""Dates as feeds write them. Pure. A date is read for certain or not at all: what is doubtful loses precision.

Forms: RFC 822 with its many abuses, RFC 3339 and W3CDTF, month names of some forty languages, East Asian dates, Unix
seconds. A time without a zone, or with one that nobody can tell, may be half a day off, so its precision is the day.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from shared.articles import Precision

CLOCK_SKEW = timedelta(minutes=15)  # a publisher's clock may be ahead of ours by this much

_ISO = re.compile(
    r"(\d{4})(?:-?(\d{1,2})(?:-?(\d{1,2}))?)?(?:[T\s]+(\d{1,2}):?(\d{2})(?::?(\d{2})(?:[.,]\d+)?)?)?\s*(.*)\Z"
)
_WEEK_DATE = re.compile(r"(\d{4})-?W(\d{2})-?([1-7])(?!\d)")  # ISO 8601: these two count weeks and days
_ORDINAL = re.compile(r"(\d{4})-?(\d{3})(?!\d)")
_YEAR_MONTH_DAY = re.compile(
    r"(?<!\d)(\d{4})\.?\s+(?:m\.\s+)?([^\W\d_]{3,})\.?\s+(\d{1,2})(?!\d)"
)  # Hungarian, Lithuanian
_NUMBERED = re.compile(r"(?<!\d)(\d{1,2})\s+(?:tháng|thg)\.?\s*(\d{1,2})(?:\s+năm|,)?\s+(\d{4})(?!\d)", re.IGNORECASE)
_DAY_MONTH_YEAR = re.compile(
    r"(?<!\d)(\d{1,2})(?:st|nd|rd|th|er|º|ª|\.)?[\s.,\-/]*(?:de\s+|d['’]|of\s+)?([^\W\d_]{3,})\.?[\s.,\-/]*(?:de\s+|del\s+)?(\d{4}|\d{2})(?!\d)",
    re.IGNORECASE,
)
_MONTH_DAY_YEAR = re.compile(r"([^\W\d_]{3,})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})(?!\d)", re.IGNORECASE)
_ASCTIME = re.compile(r"([^\W\d_]{3,})\s+(\d{1,2})\s+(\d{1,2}:\d{2}:\d{2}(?:\s+[A-Za-z+\-][\w:+\-]{0,9})?)\s+(\d{4})\Z")
_EAST_ASIAN = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월](?:\s*(\d{1,2})\s*[日일])?")
_SLASHED = re.compile(r"(?<!\d)(\d{1,4})[/.](\d{1,2})[/.](\d{1,4})(?!\d)")
_TIME = re.compile(
    r"(下午|오후)?\s*(?<!\d)(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?(?:[.,]\d+)?\s*([ap]\.?m\.?)?", re.IGNORECASE
)
_HALF = re.compile(r"([ap])\.?m\b\.?\s*", re.IGNORECASE)
_OFFSET = re.compile(r"\A(?:GMT|UTC|UT|Z)?\s*([+\-−])(\d{1,2}):?(\d{2})?\b", re.IGNORECASE)
_ZONE = re.compile(r"\A\(?([A-Z]{1,5})\)?(?![a-z])", re.IGNORECASE)

# Only names that mean one offset to nearly everybody. Source of the American ones: RFC 822, 5.1.
_ZONES = {
    **dict.fromkeys(("GMT", "UTC", "UT", "Z", "WET"), 0.0),
    **{"EST": -5.0, "EDT": -4.0, "CST": -6.0, "CDT": -5.0, "MST": -7.0, "MDT": -6.0, "PST": -8.0, "PDT": -7.0},
    **{"AKST": -9.0, "AKDT": -8.0, "HST": -10.0, "BST": 1.0, "WEST": 1.0, "CET": 1.0, "CEST": 2.0, "MEZ": 1.0},
    **{"MESZ": 2.0, "EET": 2.0, "EEST": 3.0, "MSK": 3.0, "SAST": 2.0, "JST": 9.0, "KST": 9.0, "HKT": 8.0, "SGT": 8.0},
    **{"AWST": 8.0, "ACST": 9.5, "AEST": 10.0, "AEDT": 11.0, "NZST": 12.0, "NZDT": 13.0, "BRT": -3.0, "ART": -3.0},
}

# Stems by month, letters folded (no accents). Names that mean different months to different neighbours are left out.
_STEMS = (
    "jan gen ene sty led ian oca tammi sijec saus jaan yan xan янв яну січ студз јан ιαν ينا",
    "feb fev fevr unor lut sub helmi velj vasar veeb peb фев лют феб φεβ فبر",
    "mar maa maerz mrz mrt brez maalis ozuj kov mac мар бер сак μαρ مار",
    "apr avr abr kwi dub nis huhti trav balan апр кві крас απρ ابر",
    "may mai mag mei maj kvet kve touko svib geg мая май тра мај μαι ماي",
    "jun juin giu iun cze cerven cervn haz kesa birz juun iyun huny xun июн чер юни чэр јун ιουν يون",
    "jul juil lug iul lipc lipi cervenec cervence tem heina liep juul iyul huly xul июл лип юли ліп јул ιουλ يول",
    "aug aou ago aout sie srpn srpe agu elo kolov avg avq rugpj ogo авг сер жні αυγ اغس",
    "sep set wrz zari eyl syys ruj rugs sent sety sze сен вер септ сеп σεπ سبت",
    "oct okt ott out paz rij eki loka spal окт жов кастр οκτ اكت",
    "nov listopadu kas marras noi lapkr stud nob noy ноя ное лис нов ліст νοε نوف",
    "dec dez dic des gru pros ara joulu det dis dek дек гру дец снеж δεκ ديس",
)
# Croatian and Polish, Czech or Serbian mean neighbouring months by these, and by "lip", "lis" and "srp".
_DISPUTED = frozenset(["listopad", "listopada", "lipanj", "lipnja", "srpanj", "srpnja"])


def _folded(word: str) -> str:
    """A word in small letters without accents, by which `й` is `и`."""
    split = unicodedata.normalize("NFKD", word.casefold().replace("ä", "a"))
    return "".join(c for c in split if not unicodedata.combining(c))


_MONTHS = {_folded(stem): number for number, stems in enumerate(_STEMS, 1) for stem in stems.split()}
_LONGEST = max(map(len, _MONTHS))


def read_date(text: str | None, now: datetime) -> tuple[datetime | None, Precision]:
    """The moment in UTC and how exactly it is known; (None, "unknown") where it cannot be told.

    A moment further ahead than a clock's error is put at `now` with precision unknown: the caller keeps the raw text.
    """
    moment, precision = _told(text)
    if moment is None or moment <= now:
        return moment, precision
    return now, precision if moment <= now + CLOCK_SKEW else "unknown"


def moment_of(text: str | None) -> datetime | None:
    """The moment in UTC, however far ahead; None where it cannot be told."""
    return _told(text)[0]


def _told(text: str | None) -> tuple[datetime | None, Precision]:
    if not text or not (text := text.strip()[:200]):
        return None, "unknown"
    moment, precision = _read(text)
    return (None, "unknown") if moment is None or moment.year < 1900 or moment == _EPOCH else (moment, precision)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # what software writes that has no date


@lru_cache(maxsize=2048)
def _read(text: str) -> tuple[datetime | None, Precision]:
    try:
        return _iso(text) or _named(text) or _numeric(text) or (None, "unknown")
    except (ValueError, OverflowError):  # the 31st of June
        return None, "unknown"


def _iso(text: str) -> tuple[datetime, Precision] | None:
    counted = _counted(text)
    if counted is not None:
        return counted
    match = _ISO.match(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, rest = match.groups()
    if hour is None:
        if rest or (month is None and len(text) != 4):
            return None
        if month is None:
            return datetime(int(year), 1, 1, tzinfo=UTC), "unknown"
        precision: Precision = "day" if day else "month"
        return datetime(int(year), int(month), int(day or 1), tzinfo=UTC), precision
    half = _HALF.match(rest)
    hours = int(hour) if half is None else _of_half(int(hour), half.group(1))
    local = datetime(int(year), int(month or 1), int(day or 1)) + _clock(hours, int(minute), int(second or 0))
    return _zoned(local, rest[half.end() :] if half else rest, "second" if second else "minute")


def _counted(text: str) -> tuple[datetime, Precision] | None:
    """A date that counts the weeks, or the days, of its year."""
    week, day = _WEEK_DATE.match(text), _ORDINAL.match(text)
    if week is not None:
        date, rest = datetime.fromisocalendar(*map(int, week.groups())), text[week.end() :]
    elif day is not None and not text[day.end() :].strip("T :+-.,Z0123456789"):
        start = datetime(int(day.group(1)), 1, 1)
        date, rest = start + timedelta(days=int(day.group(2)) - 1), text[day.end() :]
        if date.year != start.year:
            raise ValueError("no day of that year")
    else:
        return None
    return _with_time(date.year, date.month, date.day, rest, "day")


def _named(text: str) -> tuple[datetime, Precision] | None:
    east = _EAST_ASIAN.search(text)
    if east:
        year, month, day = east.groups()
        return _with_time(int(year), int(month), int(day or 1), text[east.end() :], "day" if day else "month")
    asctime = _ASCTIME.search(text)
    if asctime:
        number = _month(asctime.group(1))
        if number:
            return _with_time(int(asctime.group(4)), number, int(asctime.group(2)), asctime.group(3), "day")
    for match in _DAY_MONTH_YEAR.finditer(text):
        number = _month(match.group(2))
        if number:
            return _with_time(_year(match.group(3)), number, int(match.group(1)), text[match.end() :], "day")
    for match in _YEAR_MONTH_DAY.finditer(text):
        number = _month(match.group(2))
        if number:
            return _with_time(int(match.group(1)), number, int(match.group(3)), text[match.end() :], "day")
    numbered = _NUMBERED.search(text)
    if numbered:
        day, number, year = (int(part) for part in numbered.groups())
        return _with_time(year, number, day, text[numbered.end() :], "day")
    for match in _MONTH_DAY_YEAR.finditer(text):
        number = _month(match.group(1))
        if number:
            return _with_time(int(match.group(3)), number, int(match.group(2)), text[match.end() :], "day")
    return None


def _numeric(text: str) -> tuple[datetime, Precision] | None:
    if text.isdecimal() and len(text) in (10, 13):
        return datetime.fromtimestamp(int(text[:10]), UTC), "second"
    match = _SLASHED.search(text)
    if match is None:
        return None
    first, second, third = (int(part) for part in match.groups())
    rest = text[match.end() :]
    if len(match.group(1)) == 4:
        return _with_time(first, second, third, rest, "day")
    if len(match.group(3)) != 4:
        return None
    if "." in match.group() or first > 12:  # points are read day first everywhere
        return _with_time(third, second, first, rest, "day")
    if second > 12 or first == second:
        return _with_time(third, first, second, rest, "day")
    return None  # 3/4/2026: nobody can tell


def _with_time(year: int, month: int, day: int, rest: str, precision: Precision) -> tuple[datetime, Precision]:
    midnight = datetime(year, month, day)
    match = _TIME.search(rest)
    if match is None:
        return midnight.replace(tzinfo=UTC), precision
    hour, minute, second = int(match.group(2)), int(match.group(3)), int(match.group(4) or 0)
    if match.group(1) or match.group(5):
        hour = _of_half(hour, match.group(5) or "pm")
    local = midnight + _clock(hour, minute, second)
    return _zoned(local, rest[match.end() :], "second" if match.group(4) else "minute")


def _of_half(hour: int, half: str) -> int:
    """The hour of the day that an hour of its first or second half is; one that is none of these says it alone."""
    return hour % 12 + (12 if half[0] in "pP" else 0) if hour <= 12 else hour


def _clock(hour: int, minute: int, second: int) -> timedelta:
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and (minute or second)):
        raise ValueError("no time of day")
    return timedelta(hours=hour, minutes=minute, seconds=second)


def _zoned(local: datetime, zone: str, precision: Precision) -> tuple[datetime, Precision]:
    zone = zone.strip()
    offset = _OFFSET.match(zone)
    if offset:
        hours, minutes = int(offset.group(2)), int(offset.group(3) or 0)
        if hours > 14 or minutes > 59:
            return local.replace(tzinfo=UTC), "day"
        span = timedelta(hours=hours, minutes=minutes) * (1 if offset.group(1) == "+" else -1)
        return local.replace(tzinfo=timezone(span)).astimezone(UTC), precision
    name = _ZONE.match(zone)
    hours_off = _ZONES.get(name.group(1).upper()) if name else None
    if hours_off is None:
        return local.replace(tzinfo=UTC), "day"
    return (local - timedelta(hours=hours_off)).replace(tzinfo=UTC), precision


def _month(word: str) -> int | None:
    folded = _folded(word)
    if folded in _DISPUTED:
        return None
    for length in range(min(len(folded), _LONGEST), 2, -1):
        if folded[:length] in _MONTHS:
            return _MONTHS[folded[:length]]
    return None


def _year(text: str) -> int:
    year = int(text)
    return year if len(text) == 4 else year + (2000 if year < 70 else 1900)
