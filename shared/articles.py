"""What ingest stores and enrich reads: an article as its publishers gave it, before any enrichment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Precision = Literal["second", "minute", "day", "month", "unknown"]
Status = Literal["usable", "corrected", "withdrawn"]
Lane = Literal["breaking", "normal", "backfill"]


@dataclass(frozen=True, slots=True)
class Source:
    """Who published it. `id` is stable: the registrable domain unless the operator named another."""

    id: str
    name: str
    domain: str
    country: str | None = None  # ISO 3166-1 alpha-2, upper case
    admin1: str | None = None  # GeoNames' first-level code inside it, where an operator set one


@dataclass(frozen=True, slots=True)
class FeedRef:
    """One feed that carries the article, and the guid it uses for it there."""

    id: int
    title: str
    guid: str | None


@dataclass(frozen=True, slots=True)
class Image:
    """A picture named by the feed or the page; sizes in pixels where the publisher stated them."""

    url: str
    width: int | None = None
    height: int | None = None
    caption: str | None = None
    credit: str | None = None


@dataclass(frozen=True, slots=True)
class Media:
    """An enclosure: audio, video or document."""

    url: str
    type: str | None = None
    length: int | None = None  # bytes


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What is known of the stored page besides its HTML. `outcome` is `article` or `paywall`."""

    edition: int  # counts the different pages that were stored
    outcome: str
    url: str  # where it came from in the end
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class Article:
    """One article at one version, as stored by ingest. All text is Unicode without control characters.

    `title`, `subtitle` and `description` are plain text; `body_html` and `page_html` are HTML, the former already
    sanitised. `language` is what the feed declared (BCP 47), if anything. Times are aware and in UTC.
    """

    id: int
    version: int
    url: str
    canonical_url: str
    title: str
    subtitle: str | None
    description: str | None
    authors: tuple[str, ...]
    language: str | None
    published_at: datetime | None
    published_precision: Precision
    modified_at: datetime | None
    discovered_at: datetime
    fetched_at: datetime
    body_html: str | None
    page_html: str | None
    source: Source
    feeds: tuple[FeedRef, ...]
    images: tuple[Image, ...]
    media: tuple[Media, ...]
    categories: tuple[str, ...]
    status: Status
    paywalled: bool | None
    page: PageFacts | None = None
    duplicate_of: int | None = None  # the article that this one was found to be
