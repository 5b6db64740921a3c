"""The objects of the API, typed. Members that a later server adds are kept and reachable as attributes.

A list with `fields=` leaves members out, so whatever is not sure to be there has a default. Times are aware.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")

ENRICHED = "wiredesk.article.enriched.v1"
CORRECTED = "wiredesk.article.corrected.v1"
REANNOTATED = "wiredesk.article.reannotated.v1"
MERGED = "wiredesk.article.merged.v1"
WITHDRAWN = "wiredesk.article.withdrawn.v1"
RESET = "wiredesk.stream.reset"


class Model(BaseModel):
    """Base of all: unknown members are kept."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)


class Language(Model):
    """BCP 47 code and how sure the detection is (0 to 1)."""

    code: str | None = None
    confidence: float | None = None


class Source(Model):
    """Who published it."""

    id: str
    name: str | None = None
    domain: str | None = None
    country: str | None = None


class FeedRef(Model):
    """A feed that carries the article, and the guid it has there."""

    id: int
    title: str | None = None
    guid: str | None = None


class Mention(Model):
    """Where an entity stands: `title[start:end]` or `body_text[start:end]` is `text`, in Unicode code points."""

    field: Literal["title", "body_text"] | str
    start: int
    end: int
    text: str


class Entity(Model):
    """Someone or something named in the article; `id` is the same in every article."""

    id: str
    type: str
    name: str
    aliases_seen: list[str] = []
    count: int = 0
    salience: float | None = None
    confidence: float | None = None
    ids: dict[str, Any] = {}
    former_ids: list[str] | None = None
    mentions: list[Mention] = []


class Image(Model):
    """A picture; sizes in pixels."""

    url: str
    width: int | None = None
    height: int | None = None
    caption: str | None = None
    credit: str | None = None


class Keyword(Model):
    """A telling word or phrase."""

    text: str
    score: float | None = None


class Topic(Model):
    """An IPTC Media Topic (`medtop:NNNNNNNN`)."""

    id: str
    name: str | None = None
    path: list[Any] = []
    score: float | None = None
    ids: dict[str, str] = {}


class Article(Model):
    """An article: its card in lists and events, the whole of it from `article()` or with `include="full"`."""

    id: int
    version: int = 1
    position: int | None = None
    url: str | None = None
    canonical_url: str | None = None
    title: str = ""
    subtitle: str | None = None
    description: str | None = None
    authors: list[Any] = []
    language: Language | None = None
    published_at: datetime | None = None
    published_precision: str | None = None
    modified_at: datetime | None = None
    discovered_at: datetime | None = None
    fetched_at: datetime | None = None
    enriched_at: datetime | None = None
    body_text: str | None = None
    body_source: str | None = None
    word_count: int | None = None
    reading_time_s: float | None = None
    paywalled: bool | None = None
    status: str | None = None
    source: Source | None = None
    feeds: list[FeedRef] = []
    images: list[Image] = []
    media: list[dict[str, Any]] = []
    links: list[Any] = []
    entities: list[Entity] = []
    places: list[dict[str, Any]] = []
    topics: list[Topic] = []
    keywords: list[Keyword] = []
    summary: list[Any] = []
    quotes: list[dict[str, Any]] = []
    dates: list[dict[str, Any]] = []
    numbers: list[dict[str, Any]] = []
    sentiment: Any = None
    story: dict[str, Any] | None = None
    duplicate_of: Any = None
    annotations: dict[str, Any] = {}
    latency: dict[str, Any] = {}


class Change(Model):
    """One field that a correction changed."""

    field: str
    old: Any = None
    new: Any = None


class Event(Model):
    """A CloudEvent of the stream. Types this version does not know are delivered like the others."""

    id: str
    source: str
    type: str
    subject: str = ""
    time: datetime
    data: dict[str, Any] = {}

    @property
    def position(self) -> int:
        """Its place in the log; resume after it."""
        return int(self.id)

    @property
    def article(self) -> Article | None:
        """The article it tells of, as it was then; None for events of feeds and stories."""
        return Article.model_validate(self.data) if self.subject.startswith("articles/") else None

    @property
    def changes(self) -> list[Change]:
        """What a `corrected` or `reannotated` event changed."""
        return [Change.model_validate(c) for c in self.data.get("changes") or []]


class FeedError(Model):
    """Why the last poll failed."""

    code: str
    message: str | None = None


class FeedState(Model):
    """What polling found."""

    status: str = "new"
    last_polled_at: datetime | None = None
    last_success_at: datetime | None = None
    next_poll_at: datetime | None = None
    interval_s: float | None = None
    outcome: str | None = None
    http_status: int | None = None
    error: FeedError | None = None
    failures: int = 0
    entries_in_last_poll: int = 0
    articles_total: int = 0
    new_total: int = 0
    corrected_total: int = 0
    unchanged_total: int = 0
    duplicate_total: int = 0
    refused_total: int = 0
    capped_total: int = 0
    moved_to: str | None = None
    format: str | None = None
    hub: dict[str, Any] | None = None
    warnings: list[dict[str, Any]] = []


class Feed(Model):
    """A subscription: what the operator asked for, and in `state` what came of it."""

    id: int
    url: str
    title: str | None = None
    site_url: str | None = None
    tags: list[str] = []
    priority: str = "normal"
    paused: bool = False
    created_at: datetime | None = None
    state: FeedState = Field(default_factory=FeedState)


class Poll(Model):
    """One poll of a feed; the counts add up to `entries`."""

    at: datetime | None = None
    took_ms: int | None = None
    outcome: str | None = None
    http_status: int | None = None
    bytes: int | None = None
    entries: int = 0
    counts: dict[str, int] = {}
    error: dict[str, Any] | None = None


class Finding(Model):
    """One thing the doctor found of a feed: `info`, `warning` or `error`."""

    code: str
    severity: str
    message: str
    evidence: dict[str, Any] = {}


class Diagnosis(Model):
    """What an address gives; `candidates` are feeds of its site. `verdict`: `good`, `usable` or `refused`."""

    url: str
    verdict: str
    findings: list[Finding] = []
    format: str | None = None
    entries: int = 0
    predicted_interval_s: float | None = None
    candidates: list[str] = []


class OpmlImport(Model):
    """What became of the outlines of an OPML file."""

    added: Any = None
    known: Any = None
    refused: Any = None


class Key(Model):
    """An API key; `key` itself is told once, when it is made."""

    id: str | int
    name: str | None = None
    scopes: list[str] = []
    key: str | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None


class NewSecret(Model):
    """The secret of a webhook that was rotated; the one before signs as well until `old_until`."""

    secret: str
    old_until: datetime | None = None


class Webhook(Model):
    """A push subscription; `secret` is told once, when it is made."""

    id: str | int
    url: str | None = None
    status: str | None = None
    status_reason: str | None = None
    filters: dict[str, Any] = {}
    include: str | None = None
    position: int | None = None
    secret: str | None = None
    created_at: datetime | None = None


class SavedSearch(Model):
    """A filter kept under a name; `feeds` are its addresses by extension."""

    id: int
    name: str
    filters: dict[str, Any] = {}
    feeds: dict[str, str] = {}
    created_at: datetime | None = None
    updated_at: datetime | None = None
    readers: int | None = None
    readers_failing: int | None = None


class Delivery(Model):
    """One attempt at delivering one event."""

    webhook_id: str | None = None
    position: int | None = None
    attempt: int | None = None
    at: datetime | None = None
    status_code: int | None = None
    took_ms: int | None = None
    error: Any = None


class Document(Model):
    """An answer whose members are the server's own (traces, operator figures): all reachable as attributes."""


class Page(Model, Generic[Item]):
    """One page of a list. `position` is the head of the log when it was read: following after it misses nothing."""

    items: list[Item] = []
    next: str | None = None
    position: int | None = None


class Bucket(Model):
    """How many articles one interval has; `start` is inclusive, `end` exclusive."""

    start: datetime
    end: datetime
    count: int


class TimeSeries(Model):
    """Counts over time, without a gap. Counted in a sample of the share `sampled` unless `exact`."""

    interval: str
    items: list[Bucket] = []
    total: int = 0
    exact: bool = True
    sampled: float = 1.0
    position: int | None = None


class FacetValue(Model):
    """One value, as the filter of that name takes it, and how many articles have it."""

    value: str
    name: str | None = None
    count: int


class Facet(Model):
    """The commonest values of one field."""

    field: str
    values: list[FacetValue] = []


class Facets(Model):
    """Counts by field. Counted in a sample of the share `sampled` unless `exact`."""

    items: list[Facet] = []
    total: int = 0
    exact: bool = True
    sampled: float = 1.0
    position: int | None = None


class KnownEntity(Model):
    """One real thing that articles name, in the directory."""

    id: str
    type: str
    name: str
    ids: dict[str, Any] = {}
    articles: int = 0
    first_seen_at: datetime | None = None
    last_seen_at: datetime | None = None
    aliases: list[str] = []
    former_ids: list[str] = []
    changes: list[dict[str, Any]] = []


class RelatedEntity(Model):
    """An entity that the same articles name; `lift`: how many times as often as in all articles."""

    id: str
    type: str
    name: str
    count: int
    share: float | None = None
    lift: float | None = None


class SimilarArticle(Article):
    """An article like another, with how like it is (0 to 1) and in what."""

    similarity: float
    because: list[str] = []


class Diff(Model):
    """What changed between two versions; `significant` where a reader should know."""

    start: int = Field(alias="from")
    end: int = Field(alias="to")
    significant: bool = True
    changes: list[Change] = []


class TraceStep(Model):
    """One thing that happened to an article; further members by its kind."""

    at: datetime
    step: str


class Trace(Model):
    """Everything that happened to an article, in order."""

    id: int
    items: list[TraceStep] = []


class Overlap(Model):
    """How many of the articles looked at another saved search finds as well."""

    id: int
    name: str
    count: int
    share: float


class Preview(Model):
    """What filters would have found: by day, the newest, and what other searches find too."""

    days: list[Bucket] = []
    sample: list[Article] = []
    looked_at: int = 0
    overlap: list[Overlap] = []
    total: int = 0
    exact: bool = True
    sampled: float = 1.0
    position: int | None = None


class Replay(Model):
    """The stretch that is sent again: `after` is exclusive, `until` inclusive."""

    after: int
    until: int


class Version(Model):
    """One version of an article; `changes` against the one before it."""

    version: int
    position: int | None = None
    seen_at: datetime | None = None
    title: str = ""
    modified_at: datetime | None = None
    significant: bool = True
    changes: list[dict[str, Any]] = []
