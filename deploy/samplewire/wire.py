"""What the wire shows at a moment: a pure function of the articles and the seconds since the replay began.

Offsets are seconds from the start of the replay; articles at or before 0 are there from the beginning, dated in the
past. After the last offset the wire stays as it is: nothing repeats, nothing but the withdrawn vanishes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

ITEMS_PER_FEED = 30

# "on Monday" as each language says it; {on:-1} in an article stands for the day before its publication.
_ON_DAY = {
    "en": "on Monday,on Tuesday,on Wednesday,on Thursday,on Friday,on Saturday,on Sunday",
    "de": "am Montag,am Dienstag,am Mittwoch,am Donnerstag,am Freitag,am Samstag,am Sonntag",
    "fr": "lundi,mardi,mercredi,jeudi,vendredi,samedi,dimanche",
    "es": "el lunes,el martes,el miércoles,el jueves,el viernes,el sábado,el domingo",
    "pt": "na segunda-feira,na terça-feira,na quarta-feira,na quinta-feira,na sexta-feira,no sábado,no domingo",
    "it": "lunedì,martedì,mercoledì,giovedì,venerdì,sabato,domenica",
    "pl": "w poniedziałek,we wtorek,w środę,w czwartek,w piątek,w sobotę,w niedzielę",
    "ar": "يوم الاثنين,يوم الثلاثاء,يوم الأربعاء,يوم الخميس,يوم الجمعة,يوم السبت,يوم الأحد",
    "ja": "月曜日に,火曜日に,水曜日に,木曜日に,金曜日に,土曜日に,日曜日に",
    "sw": "Jumatatu,Jumanne,Jumatano,Alhamisi,Ijumaa,Jumamosi,Jumapili",
}
LANGUAGES = tuple(_ON_DAY)
_DAY_MARK = re.compile(r"\{on:([+-]?\d+)\}")


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed of a publisher; `key` is its path on the server without the leading slash."""

    publisher: str
    name: str
    title: str
    format: str
    body: str
    content: str = "html"
    images: bool = False
    lang: str = ""

    @property
    def key(self) -> str:
        """Path below the server root, `tagus/world.rss`: what an article's `feeds` names."""
        return f"{self.publisher}/{self.name}"


@dataclass(frozen=True, slots=True)
class Publisher:
    """An invented publisher; everything it serves lies under `/<slug>/`."""

    slug: str
    name: str
    tagline: str
    domain: str
    country: str
    lang: str
    colour: str
    json_ld: bool
    feeds: tuple[Feed, ...]


@dataclass(frozen=True, slots=True)
class Correction:
    """A change the publisher makes `after_s` seconds after publication: (old, new) texts, a new title, a note."""

    after_s: int
    title: str | None
    edits: tuple[tuple[str, str], ...]
    note: str


@dataclass(frozen=True, slots=True)
class Article:
    """An article as first published, with what will happen to it."""

    slug: str
    feeds: tuple[str, ...]
    lang: str
    at_s: int
    kind: str
    title: str
    summary: str
    paragraphs: tuple[str, ...]
    authors: tuple[str, ...] = ()
    section: str = ""
    tags: tuple[str, ...] = ()
    caption: str = ""
    credit: str = ""
    paywall: bool = False
    event: str = ""
    copy_of: str = ""
    corrections: tuple[Correction, ...] = ()
    withdrawn_after_s: int | None = None

    @property
    def publisher(self) -> str:
        """Slug of the publisher, the first part of every feed key."""
        return self.feeds[0].partition("/")[0]

    @property
    def path(self) -> str:
        """Path of the article's page."""
        return f"/{self.publisher}/articles/{self.slug}"


@dataclass(frozen=True, slots=True)
class Edition:
    """An article as it reads at a moment; `version` counts from 1, offsets are seconds in the replay."""

    article: Article
    title: str
    summary: str
    paragraphs: tuple[str, ...]
    version: int
    published_s: int
    changed_s: int


@dataclass(frozen=True, slots=True)
class Item:
    """An edition with real times, its day marks filled in."""

    article: Article
    title: str
    summary: str
    paragraphs: tuple[str, ...]
    published: datetime
    updated: datetime | None


@dataclass(frozen=True, slots=True)
class FeedState:
    """What a feed lists now, newest first, and when it last changed."""

    feed: Feed
    items: tuple[Item, ...]
    changed: datetime


@dataclass(frozen=True, slots=True)
class Wire:
    """The whole programme: publishers and articles, articles by offset."""

    publishers: tuple[Publisher, ...]
    articles: tuple[Article, ...]

    def publisher(self, slug: str) -> Publisher | None:
        """The publisher under this path prefix."""
        return next((publisher for publisher in self.publishers if publisher.slug == slug), None)

    def feed(self, key: str) -> Feed | None:
        """The feed with this key."""
        return next((feed for feed in self.feeds() if feed.key == key), None)

    def feeds(self) -> tuple[Feed, ...]:
        """Every feed of every publisher."""
        return tuple(feed for publisher in self.publishers for feed in publisher.feeds)


def edition_at(article: Article, elapsed_s: float) -> Edition | None:
    """The article as it reads `elapsed_s` into the replay; None before its publication and after its withdrawal."""
    elapsed_s = max(elapsed_s, 0)
    if article.at_s > elapsed_s or _is_withdrawn(article, elapsed_s):
        return None
    edition = Edition(article, article.title, article.summary, article.paragraphs, 1, article.at_s, article.at_s)
    for correction in article.corrections:
        if article.at_s + correction.after_s <= elapsed_s:
            edition = _correct(edition, correction)
    return edition


def wire_at(articles: Iterable[Article], elapsed_s: float) -> tuple[Edition, ...]:
    """Every visible edition `elapsed_s` seconds into the replay, newest publication first."""
    editions = (edition_at(article, elapsed_s) for article in articles)
    visible = [edition for edition in editions if edition is not None]
    return tuple(sorted(visible, key=lambda edition: (-edition.published_s, edition.article.slug)))


def feed_at(wire: Wire, feed: Feed, now: datetime, started: datetime) -> FeedState:
    """What `feed` lists at `now` when the replay began at `started`."""
    elapsed_s = (now - started).total_seconds()
    mine = [article for article in wire.articles if feed.key in article.feeds]
    editions = wire_at(mine, elapsed_s)
    changes = [edition.changed_s for edition in editions]
    changes += [_withdrawal_s(article) for article in mine if _is_withdrawn(article, elapsed_s)]
    return FeedState(
        feed=feed,
        items=tuple(dated(edition, started) for edition in editions[:ITEMS_PER_FEED]),
        changed=started + timedelta(seconds=max(changes, default=0)),
    )


def dated(edition: Edition, started: datetime) -> Item:
    """The edition with real times; {on:-1} becomes the weekday before its publication, in its language."""
    published = started + timedelta(seconds=edition.published_s)
    lang = edition.article.lang
    corrected = edition.version > 1
    return Item(
        article=edition.article,
        title=_fill_days(edition.title, lang, published),
        summary=_fill_days(edition.summary, lang, published),
        paragraphs=tuple(_fill_days(text, lang, published) for text in edition.paragraphs),
        published=published,
        updated=started + timedelta(seconds=edition.changed_s) if corrected else None,
    )


def edit(text: str, edits: Iterable[tuple[str, str]]) -> str:
    """`text` with every (old, new) pair replaced in turn."""
    for old, new in edits:
        text = text.replace(old, new)
    return text


def _correct(edition: Edition, correction: Correction) -> Edition:
    paragraphs = tuple(edit(text, correction.edits) for text in edition.paragraphs)
    return replace(
        edition,
        title=correction.title or edition.title,
        summary=edit(edition.summary, correction.edits),
        paragraphs=(*paragraphs, correction.note) if correction.note else paragraphs,
        version=edition.version + 1,
        changed_s=edition.published_s + correction.after_s,
    )


def _withdrawal_s(article: Article) -> int:
    return article.at_s + (article.withdrawn_after_s or 0)


def _is_withdrawn(article: Article, elapsed_s: float) -> bool:
    return article.withdrawn_after_s is not None and _withdrawal_s(article) <= elapsed_s


def _fill_days(text: str, lang: str, published: datetime) -> str:
    def on_day(mark: re.Match[str]) -> str:
        day = published + timedelta(days=int(mark[1]))
        return _ON_DAY[lang].split(",")[day.weekday()]

    return _DAY_MARK.sub(on_day, text)
