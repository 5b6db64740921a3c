"""What a page shows of its article where it declares nothing: headline, byline, date. Pure.

Old pages and small sites have neither JSON-LD nor meta elements, but name their parts: class="byline", rel="author",
<time datetime>, or a date in their own address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice

from lxml import etree

from services.enrich.names.fold import fold
from services.enrich.text.clean import clean_line
from shared.articles import Precision

LONGEST_NAME, LONGEST_DATE = 60, 60  # characters
MOST_TEXT = 50_000  # characters of a page's text that are searched for its day
_BYLINES = frozenset(
    {
        "author",
        "byline",
        "entry-author",
        "post-author",
        "author-name",
        "byline-name",
        "fn",
        "article-author",
        "autor",
        "username",
    }
)
_DATED = frozenset(
    {"date", "published", "entry-date", "post-date", "pubdate", "date-published", "article-date", "datum", "postdate",
     "post-time", "entry-time", "dateline", "updated", "meta-date", "postmetadata", "entry-meta", "post-meta",
     "postmeta", "submitted", "post-info", "art_info", "article-info", "posted-on", "timestamp"}
)  # fmt: skip
# Searched in C: a page has thousands of elements. Which words of a class are meant, is looked at after.
_FIND_BYLINE = etree.XPath(
    "//*[@rel='author' or @itemprop='author' or contains(@class, 'author') or contains(@class, 'byline')"
    " or contains(@class, 'autor') or contains(@class, 'fn') or contains(@class, 'username')]"
)
_FIND_DATE = etree.XPath(
    "//*[@itemprop='datePublished' or contains(@class, 'date') or contains(@class, 'publi')"
    " or contains(@class, 'datum') or contains(@class, 'meta') or contains(@class, 'time')"
    " or contains(@class, 'submitted') or contains(@class, 'info') or contains(@class, 'posted')]"
)
_BY = re.compile(
    r"^(?:(?:geschrieben |written |posted |ver\u00f6ffentlicht )?(?:by|von|par|por|di|door)|autor(?:in)?:?)\s+", re.I
)
_ADDRESS = re.compile(r"/((?:19|20)\d\d)/(0?[1-9]|1[0-2])(?:/(0?[1-9]|[12]\d|3[01]))?(?:/|$)")
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january januar janvier enero janeiro gennaio jan", "february februar f\u00e9vrier febrero"
            " fevereiro febbraio feb",
            "march m\u00e4rz mars marzo mar\u00e7o mar m\u00e4r", "april avril abril aprile apr", "may mai mayo"
            " maio maggio",
            "june juni juin junio junho giugno jun", "july juli juillet julio julho luglio jul", "august"
            " ao\u00fbt agosto aug",
            "september septembre septiembre setembro settembre sep sept", "october oktober octobre octubre"
            " outubro ottobre oct okt",
            "november novembre noviembre novembro nov", "december dezember d\u00e9cembre diciembre dezembro"
            " dicembre dec dez",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
_NUMERIC = re.compile(
    r"(?<!\d)(?:(?P<y>(?:19|20)\d\d)-(?P<m>\d\d)-(?P<d>\d\d)|(?P<d2>\d{1,2})\.\s?(?P<m2>\d{1,2})\.\s?(?P<y2>(?:19|20)\d\d))(?!\d)"
)
_NAMED = re.compile(
    r"(?<!\w)(?:(?P<d>\d{1,2})(?:\.|st|nd|rd|th)?\s+(?:de\s+)?(?P<m>[^\W\d_]{3,10})\.?,?\s+(?:de\s+)?(?P<y>(?:19|20)\d\d)"
    r"|(?P<m2>[^\W\d_]{3,10})\.?\s+(?P<d2>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<y2>(?:19|20)\d\d))(?!\d)"
)


def headline(root: etree._Element, told: str | None) -> str | None:
    """The longest heading that the page's title holds, without the site's name around it; else the title as it is."""
    if told is None:
        return None
    whole = fold(told)
    shown = [
        clean_line(" ".join(str(part) for part in node.itertext()))
        for tag in ("h1", "h2", "h3")
        for node in list(root.iter(tag))[:10]
    ]
    held = [text for text in shown if len(text) >= 4 and fold(text) in whole]
    return max(held, key=len, default=told)


def authors(root: etree._Element) -> tuple[str, ...]:
    """Names in the first element that is marked as one of a byline."""
    for node in _marked(_FIND_BYLINE, root, _BYLINES):
        text = _BY.sub("", _text(node)).strip(" ,|\u2022")
        if 2 <= len(text) <= LONGEST_NAME and len(text.split()) <= 5 and not re.search(r"\d{3}|@|https?:", text):
            return (text,)
    return ()


def published(root: etree._Element) -> tuple[datetime | None, Precision]:
    """The day in the first element that is marked as a date, else in the page's own address."""
    for node in root.iter("time"):
        if found := _day(node.get("datetime") or _text(node)):
            return found, "day"
    for node in _marked(_FIND_DATE, root, _DATED):
        if found := _day(node.get("content") or _text(node)[: LONGEST_DATE * 3]):
            return found, "day"
    address = next((link.get("href") for link in root.iter("link") if link.get("rel") == "canonical"), None)
    if address and (match := _ADDRESS.search(address)):
        year, month, day = (int(part) if part else None for part in match.groups())
        if day is None:  # a day of that month that stands on the page is the day
            same = (one for one in _days(_text(root, MOST_TEXT)) if (one.year, one.month) == (year, month))
            if shown := next(same, None):
                return shown, "day"
        made = _made(year, month, day or 1)
        return made, ("day" if day else "month") if made else "unknown"
    return None, "unknown"


def _marked(find: etree.XPath, root: etree._Element, classes: frozenset[str]) -> Iterator[etree._Element]:
    """The elements that `find` finds and whose class, if that is why, is one of these."""
    found = find(root)
    for node in found if isinstance(found, list) else ():
        if not isinstance(node, etree._Element):
            continue
        names = (node.get("class") or "").lower().split()
        if node.get("itemprop") or node.get("rel") == "author" or not classes.isdisjoint(names):
            yield node


def _text(node: etree._Element, most: int = 1_000) -> str:
    return clean_line(" ".join(islice((str(part) for part in node.itertext()), most))[:most])


def _day(text: str) -> datetime | None:
    return next(_days(text), None)


def _days(text: str) -> Iterator[datetime]:
    """The days named in a text, those in numbers first."""
    for match in _NUMERIC.finditer(text):
        said = match.groupdict()
        found = _made(int(said["y"] or said["y2"]), int(said["m"] or said["m2"]), int(said["d"] or said["d2"]))
        if found:
            yield found
    for match in _NAMED.finditer(text):
        said = match.groupdict()
        month = _MONTHS.get((said["m"] or said["m2"]).lower())
        found = _made(int(said["y"] or said["y2"]), month, int(said["d"] or said["d2"])) if month else None
        if found:
            yield found


def _made(year: int | None, month: int | None, day: int | None) -> datetime | None:
    try:
        return datetime(year or 0, month or 0, day or 0, tzinfo=UTC)
    except ValueError:
        return None
