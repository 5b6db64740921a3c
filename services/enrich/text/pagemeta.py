"""What a page says of its article: JSON-LD first, then its meta elements, then what it shows. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson
from lxml import etree

from services.enrich.text import pageseen
from services.enrich.text.clean import clean_line
from shared.articles import Image, Precision

MAX_JSON = 400_000  # characters of one JSON-LD block
MOST_IMAGES, MOST_AUTHORS, DEEP = 20, 10, 6
_ARTICLES = frozenset(
    {
        "article", "newsarticle", "reportagenewsarticle", "opinionnewsarticle", "analysisnewsarticle",
        "backgroundnewsarticle", "reviewnewsarticle", "askpublicnewsarticle", "advertisercontentarticle", "blogposting",
        "liveblogposting", "report", "satiricalarticle", "scholarlyarticle", "techarticle", "socialmediaposting",
    }
)  # fmt: skip
_SPACES = re.compile(r"[\x00-\x1f]")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_NOT_A_NAME = re.compile(
    r"https?://|www\.|@|[\[(]at[\])]|^(?:by|(?:wordpress|site|web)?-?admin(?:istrator)?|webmaster|editor|staff|redaktion|von|par|por)$",
    re.IGNORECASE,
)
_BYLINE = re.compile(
    r"^(?:(?:by|von|par|por|di|door|texte?:?)\s+"
    r"|(?:author|autor(?:in)?|auteur|interview|redaktion|text|written by)(?::\s*|\s+))(?=\S)",
    re.IGNORECASE,
)
_DATED = (
    "article:published_time", "datepublished", "date", "dc.date", "dcterms.created", "dc.date.issued", "dcterms.date",
    "pubdate", "publish-date", "publication_date", "sailthru.date", "parsely-pub-date",
)  # fmt: skip
_SIGNED = ("author", "article:author", "dc.creator", "dcterms.creator", "parsely-author", "sailthru.author", "byl")


@dataclass(frozen=True, slots=True)
class PageMeta:
    """What was declared; empty where nothing was. `body` is JSON-LD's articleBody as it stands there."""

    title: str | None = None
    description: str | None = None
    body: str = ""
    authors: tuple[str, ...] = ()
    published_at: datetime | None = None
    published_precision: Precision = "unknown"
    modified_at: datetime | None = None
    images: tuple[Image, ...] = ()
    section: str | None = None
    language: str | None = None
    paywalled: bool | None = None


def read_meta(root: etree._Element) -> PageMeta:
    """Everything a page declares about its article."""
    blocks = list(_blocks(root))
    found = _of_json(_with_people(_first_article(blocks), blocks))
    meta = _metas(root)
    dates = (_when(meta.get(name)) for name in _DATED)
    when, precision = next((one for one in dates if one[0]), (None, "unknown"))
    published = (found.published_at, found.published_precision) if found.published_at else (when, precision)
    if published[0] is None:
        published = pageseen.published(root)
    named = found.authors or _signed(meta) or _names(pageseen.authors(root))
    titled = _line(meta.get("og:title")) or _line(root.findtext(".//title"))
    image = meta.get("og:image")
    return replace(
        found,
        title=found.title or pageseen.headline(root, titled),
        description=found.description or _line(meta.get("og:description") or meta.get("description")),
        authors=named,
        published_at=published[0],
        published_precision=published[1],
        modified_at=found.modified_at or _when(meta.get("article:modified_time"))[0],
        images=found.images or ((Image(image),) if image and image.startswith(("http://", "https://")) else ()),
        section=found.section or _line(meta.get("article:section")),
        language=found.language or root.get("lang") or meta.get("og:locale"),
        paywalled=found.paywalled if found.paywalled is not None else _tier(meta.get("article:content_tier")),
    )


def _metas(root: etree._Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in root.iter("meta"):
        name = (node.get("property") or node.get("name") or node.get("itemprop") or "").lower()
        content = (node.get("content") or "").strip()
        if name and content:
            found.setdefault(name, content[:5_000])
    return found


def _signed(meta: dict[str, str]) -> tuple[str, ...]:
    """The names in the first meta element for them that has any."""
    return next((names for name in _SIGNED if (names := _names([meta.get(name)]))), ())


def _with_people(article: dict[str, Any], blocks: Sequence[Any]) -> dict[str, Any]:
    """The article with its authors in place of their addresses: a graph may set them apart, `{"@id": "#ana"}`."""
    wanted = [one.get("@id") for one in _list(article.get("author")) if isinstance(one, dict) and "name" not in one]
    if not any(wanted):
        return article
    people = {one["@id"]: one for block in blocks for one in _things(block, DEEP) if "@id" in one and "name" in one}
    authors = [
        people.get(str(one.get("@id")), one) if isinstance(one, dict) else one for one in _list(article["author"])
    ]
    return {**article, "author": authors}


def _things(value: Any, deep: int) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for one in value[:100]:
            yield from _things(one, deep - 1) if deep else ()
    elif isinstance(value, dict):
        yield value
        if deep and isinstance(value.get("@graph"), dict | list):
            yield from _things(value["@graph"], deep - 1)


def _first_article(blocks: Sequence[Any]) -> dict[str, Any]:
    """The JSON-LD article that tells most."""
    every = [one for block in blocks for one in _articles(block, DEEP)]
    return max(every, key=lambda one: (len(one), len(str(one.get("articleBody") or ""))), default={})


def _blocks(root: etree._Element) -> Iterator[Any]:
    for node in root.iter("script"):
        if "ld+json" not in (node.get("type") or "").lower():
            continue
        text = (node.text or "").strip().removeprefix("<!--").removesuffix("-->").strip().rstrip(";")
        if not text or len(text) > MAX_JSON:
            continue
        for attempt in (text, _SPACES.sub(" ", text)):  # raw line ends inside strings are the usual fault
            try:
                yield orjson.loads(attempt)
            except orjson.JSONDecodeError:
                continue
            break


def _articles(value: Any, deep: int) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for one in value[:100]:
            yield from _articles(one, deep - 1) if deep else ()
    elif isinstance(value, dict):
        kinds = value.get("@type")
        if any(str(kind).rsplit("/", 1)[-1].lower() in _ARTICLES for kind in _list(kinds)):
            yield value
        for name in ("@graph", "mainEntity", "mainEntityOfPage", "hasPart"):
            if deep and isinstance(value.get(name), dict | list):
                yield from _articles(value[name], deep - 1)


def _of_json(told: dict[str, Any]) -> PageMeta:
    when, precision = _when(told.get("datePublished"))
    section = _list(told.get("articleSection"))
    free = told.get("isAccessibleForFree")
    language = told.get("inLanguage")
    body = told.get("articleBody")
    return PageMeta(
        title=_line(told.get("headline")),
        description=_line(told.get("description")),
        body=body if isinstance(body, str) else "",
        authors=_names(_list(told.get("author"))),
        published_at=when,
        published_precision=precision,
        modified_at=_when(told.get("dateModified"))[0],
        images=tuple(_images(_list(told.get("image")))),
        section=_line(section[0]) if section else None,
        language=language if isinstance(language, str) else None,
        paywalled=None if free is None else str(free).strip().lower() in ("false", "0", "no"),
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _line(value: Any) -> str | None:
    return (clean_line(value[:5_000]) or None) if isinstance(value, str) else None


def _names(values: Sequence[Any]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for value in values[: MOST_AUTHORS * 2]:
        name = _line(value.get("name") if isinstance(value, dict) else value)
        name = _BYLINE.sub("", name) if name else None
        if name and len(name) <= 100 and not _NOT_A_NAME.search(name):
            found[name] = None
    return tuple(found)[:MOST_AUTHORS]


def _images(values: Sequence[Any]) -> Iterator[Image]:
    for value in values[:MOST_IMAGES]:
        told = value if isinstance(value, dict) else {"url": value}
        url = told.get("url") or told.get("contentUrl")
        if not isinstance(url, str) or not url.startswith(("http://", "https://")) or len(url) > 2_048:
            continue
        credit = told.get("creditText") or told.get("copyrightHolder") or told.get("author") or told.get("creator")
        credit = credit[0] if isinstance(credit, list) and credit else credit
        yield Image(
            url=clean_line(url),
            width=_size(told.get("width")),
            height=_size(told.get("height")),
            caption=_line(told.get("caption") or told.get("description")),
            credit=_line(credit.get("name") if isinstance(credit, dict) else credit),
        )


def _size(value: Any) -> int | None:
    if isinstance(value, dict):
        value = value.get("value")
    text = str(value).removesuffix("px").strip() if value is not None else ""
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text[:7]) < 100_000 and len(text) < 7 else None


def _when(value: Any) -> tuple[datetime | None, Precision]:
    """An ISO 8601 time as far as it is told; without its zone the day is all that can be relied on."""
    text = value.strip() if isinstance(value, str) else ""
    if not _DATE.match(text):
        return None, "unknown"
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        try:
            found = datetime.fromisoformat(text[:10])
        except ValueError:
            return None, "unknown"
        return found.replace(tzinfo=UTC), "day"
    if len(text) <= 10:
        return found.replace(tzinfo=UTC), "day"
    if found.tzinfo is None:
        return found.replace(tzinfo=UTC), "day"
    return found.astimezone(UTC), "second" if text.count(":") >= (3 if text[-3:-2] == ":" else 2) else "minute"


def _tier(value: str | None) -> bool | None:
    return {"locked": True, "metered": True, "free": False}.get((value or "").strip().lower())
