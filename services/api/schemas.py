"""The public objects as models: the OpenAPI document's, and what the served bytes are held against.

Nothing on the hot path builds these: articles and events are served as the bytes that enrichment wrote.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from services.api.problems import CODES
from shared.articles import Lane, Precision, Status
from shared.events import CloudEvent

EntityType = Literal["person", "organisation", "place", "event", "work", "product", "group"]
ENTITY_TYPES: tuple[EntityType, ...] = ("person", "organisation", "place", "event", "work", "product", "group")
FeedStatus = Literal["new", "ok", "failing", "quiet", "gone", "paused"]
FEED_STATUSES: tuple[FeedStatus, ...] = ("new", "ok", "failing", "quiet", "gone", "paused")
Scope = Literal["read", "write", "admin"]
SCOPES: tuple[Scope, ...] = ("read", "write", "admin")


_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)


def _moment(value: object) -> datetime:
    """A time as bodies have it: text with its offset. A bare number could be of seconds or of anything."""
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise ValueError("must be a time such as 2026-03-01T12:00:00Z")
    return datetime.fromisoformat(value.upper())


Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]


class Served(BaseModel):
    """Base of what is served: readers must ignore members they do not know, so more may come."""

    model_config = ConfigDict(extra="allow")


class Asked(BaseModel):
    """Base of what is read: an unknown member is refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Language(Served):
    """The language of the text and how sure we are, 0 to 1."""

    code: str
    confidence: float | None = None
    others: list[str] = []  # languages that have paragraphs of their own in it


class SourceObject(Served):
    """Who published it."""

    id: str
    name: str
    domain: str
    country: str | None = None


class FeedRefObject(Served):
    """A feed that carries the article."""

    id: int
    title: str | None = None
    guid: str | None = None


class ImageObject(Served):
    """A picture."""

    url: str
    width: int | None = None
    height: int | None = None
    caption: str | None = None
    credit: str | None = None


class Mention(Served):
    """Where an entity is named: Unicode code points into the text served, `text[start:end]`."""

    field: str
    start: int
    end: int
    text: str


class EntityObject(Served):
    """One real thing named in the article; the same thing has the same id everywhere."""

    id: str
    type: EntityType
    name: str
    aliases_seen: list[str] = []
    count: int
    salience: float
    confidence: float | None = None
    ids: dict[str, Any] = {}
    former_ids: Annotated[
        list[str] | None, Field(description="ids merged into this one: filters by them find it; absent: none")
    ] = None


class EntityWithMentions(EntityObject):
    """An entity with every place where it is named."""

    mentions: list[Mention]


class PlaceObject(Served):
    """A place of the article, one of its entities, on the map."""

    entity_id: str
    kind: Literal["country", "admin", "city", "other"]
    name: str
    country: str | None = None
    geonames_id: int | None = None
    lat: float | None = None
    lon: float | None = None
    role: Literal["dateline", "focus", "mention"]
    confidence: float


class CountryObject(Served):
    """A country the article plays in: its share of what the article says about places, 0 to 1."""

    code: str
    share: float


class Topic(Served):
    """A subject, by its IPTC Media Topic."""

    id: Annotated[str, StringConstraints(pattern=r"^medtop:[0-9]{8}$")]
    name: str
    path: list[str]
    score: float
    ids: Annotated[dict[str, str], Field(description="wikidata: what IPTC matches with it")] = {}


class Quote(Served):
    """What somebody said, in quotation marks or as reported: code points into `body_text`."""

    text: str
    speaker: str | None = None
    entity_id: str | None = None
    kind: Literal["direct", "indirect"] = "direct"
    start: int
    end: int


class DateObject(Served):
    """A time named in `body_text`, and the time it stands for."""

    text: str
    start: int
    end: int
    value: str


class NumberObject(Served):
    """People killed, injured or missing, or a sum of money, as `body_text` tells it: from `low` to `high`."""

    kind: Literal["killed", "injured", "missing", "money"]
    text: str
    low: Annotated[float | None, Field(description="null: no more than `high`")]
    high: Annotated[float | None, Field(description="null: at least `low`")]
    approximate: bool
    currency: Annotated[str | None, Field(description="ISO 4217; null for people, and where several could be meant")]
    start: int
    end: int


class LinkObject(Served):
    """A link in the text."""

    url: str
    text: str | None = None


class MediaObject(Served):
    """An enclosure."""

    url: str
    type: str | None = None
    length: int | None = None


class AnnotationObject(Served):
    """What one step of the enrichment did, or why it could not."""

    revision: str
    took_ms: float | None = None
    error: str | None = None
    skipped: str | None = None
    limited: str | None = None


class Keyword(Served):
    """A word or phrase that says what it is about."""

    text: str
    score: float


class Latency(Served):
    """How long each stage took, in seconds."""

    published_to_seen_s: float | None = None
    seen_to_enriched_s: float | None = None


class ArticleCard(Served):
    """An article as lists and events carry it."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "position": 412,
                    "id": 87,
                    "version": 1,
                    "url": "https://wire.example/2026/harbour",
                    "canonical_url": "https://wire.example/2026/harbour",
                    "title": "Harbour bridge reopens in Lisbon",
                    "description": "After two years of work the bridge carries traffic again.",
                    "authors": ["M. Duarte"],
                    "language": {"code": "en", "confidence": 0.99},
                    "published_at": "2026-03-01T08:00:00Z",
                    "published_precision": "second",
                    "discovered_at": "2026-03-01T08:01:10Z",
                    "fetched_at": "2026-03-01T08:01:10Z",
                    "enriched_at": "2026-03-01T08:01:11Z",
                    "status": "usable",
                    "source": {"id": "wire.example", "name": "Wire", "domain": "wire.example", "country": None},
                    "feeds": [{"id": 3, "title": "Wire", "guid": "h-1"}],
                    "entities": [
                        {"id": "place:lisbon", "type": "place", "name": "Lisbon", "count": 2, "salience": 0.6}
                    ],
                }
            ]
        },
    )

    id: int
    version: int
    position: int
    url: str
    canonical_url: str
    title: str
    subtitle: str | None = None
    description: str | None = None
    authors: list[str]
    language: Language | None = None
    published_at: AwareDatetime | None = None
    published_precision: Precision
    modified_at: AwareDatetime | None = None
    discovered_at: AwareDatetime
    fetched_at: AwareDatetime
    enriched_at: AwareDatetime
    body_source: Literal["feed", "page"] | None = None
    word_count: int | None = None
    reading_time_s: int | None = None
    paywalled: bool | None = None
    status: Status
    source: SourceObject
    feeds: list[FeedRefObject]
    images: list[ImageObject] = []
    entities: list[EntityObject] = []
    places: list[PlaceObject] = []
    countries: list[CountryObject] = []
    topics: list[Topic] = []
    keywords: list[Keyword] = []
    summary: list[str] = []
    sentiment: dict[str, Any] | None = None
    story: dict[str, Any] | None = None
    duplicate_of: int | None = None
    credit: dict[str, Any] | None = None
    latency: Latency | None = None


class ArticleWhole(ArticleCard):
    """The whole article: the card and what is too big or too rare for lists."""

    entities: list[EntityWithMentions] = []  # type: ignore[assignment]  # narrower, as served
    body_text: str | None = None
    quotes: list[Quote] = []
    dates: list[DateObject] = []
    numbers: list[NumberObject] = []
    links: list[LinkObject] = []
    media: list[MediaObject] = []
    annotations: dict[str, AnnotationObject] = {}


EMBEDDING = (
    "embedding"  # 256 numbers of a vector of length one, null for other languages than English: only by `fields`
)
ARTICLE_FIELDS: tuple[str, ...] = (*ArticleWhole.model_fields, EMBEDDING)
REST_FIELDS: tuple[str, ...] = tuple(name for name in ArticleWhole.model_fields if name not in ArticleCard.model_fields)


class ArticleSome(Served):
    """Some members of an article, as `fields` asks for them, and always these four."""

    id: int
    version: int
    position: int
    title: str


class ArticleServed(RootModel[ArticleWhole | ArticleSome]):
    """The whole article, or the members that `fields` asks for."""


class Page(Served):
    """A list: `next` is the address of the page after, `position` the head of the log when this was read."""

    next: str | None
    position: int


class ArticlePage(Page):
    """A page of articles."""

    items: list[Annotated[ArticleCard | ArticleSome, Field(union_mode="left_to_right")]]


class EventPage(Page):
    """A page of events; `position` is the last position looked at, from which to go on."""

    items: list[CloudEvent]


class Change(Served):
    """What was and what is."""

    field: str
    old: Any = None
    new: Any = None


class VersionObject(Served):
    """One version of an article."""

    version: int
    position: Annotated[
        int | None, Field(description="of the event that told of it; null: none did, or it is no longer retained")
    ]
    seen_at: AwareDatetime
    title: str
    modified_at: AwareDatetime | None
    significant: bool
    changes: list[Change]


class Versions(Served):
    """All versions, the first first."""

    items: list[VersionObject]


class Diff(Served):
    """What changed between two versions of an article."""

    from_: int = Field(alias="from")
    to: int
    significant: bool
    changes: list[Change]


class TraceStep(Served):
    """One thing that happened to the article."""

    at: AwareDatetime
    step: str


class Trace(Served):
    """Everything that happened to an article, in order."""

    id: int
    items: list[TraceStep]


class ErrorObject(Served):
    """A stable code and a message for people."""

    code: str
    message: str


class FeedError(ErrorObject):
    """Why a feed fails. `candidates` are addresses of feeds that a web page names, where one is served for a feed."""

    candidates: list[str] | None = None


class Warning(Served):
    """Something the operator should know of a feed."""

    code: str
    message: str
    since: AwareDatetime | None = None


class FeedState(Served):
    """What polling found."""

    status: FeedStatus
    last_polled_at: AwareDatetime | None
    last_success_at: AwareDatetime | None
    next_poll_at: AwareDatetime | None
    interval_s: float
    outcome: str | None
    http_status: int | None
    error: FeedError | None
    failures: int
    entries_in_last_poll: int
    articles_total: int
    new_total: int
    corrected_total: int
    unchanged_total: int
    duplicate_total: int
    refused_total: int
    capped_total: int
    moved_to: Annotated[str | None, Field(description="where a proven permanent redirect leads: polled instead of url")]
    format: str | None
    hub: dict[str, Any] | None
    warnings: list[Warning]


class FeedSource(Asked):
    """Who publishes the feed and where it is at home, where the feed itself does not say it rightly.

    A place that has namesakes is rather taken for the one at home: in `country`, and in `admin1` of it.
    """

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    domain: Annotated[str, StringConstraints(min_length=1, max_length=253)] | None = None
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None
    admin1: (
        Annotated[
            str,
            StringConstraints(pattern=r"^[A-Z0-9]{1,8}$"),
            Field(description="GeoNames' first-level code inside `country`: GA for Georgia of the US, ENG for England"),
        ]
        | None
    ) = None

    @model_validator(mode="after")
    def _inside(self) -> FeedSource:
        if self.admin1 is not None and self.country is None:
            raise ValueError("admin1 needs the country that it lies in")
        return self


class FeedObject(Served):
    """A feed: what the operator asked for, and what polling found."""

    id: int
    url: str
    title: str | None
    site_url: str | None
    tags: list[str]
    priority: Lane
    paused: bool
    source: dict[str, Any] | None
    created_at: AwareDatetime
    state: FeedState


class FeedPage(Page):
    """A page of feeds, oldest first."""

    items: list[FeedObject]


Title = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Tags = Annotated[list[Tag], Field(max_length=50)]


class FeedIn(Asked):
    """A feed to subscribe."""

    model_config = ConfigDict(
        extra="forbid",
        str_strip_whitespace=True,
        json_schema_extra={"examples": [{"url": "https://wire.example/rss", "tags": ["europe"]}]},
    )

    url: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    title: Title | None = None
    tags: Tags = []
    source: FeedSource | None = None
    priority: Lane = "normal"
    paused: bool = False


class FeedPatch(Asked):
    """What to change; a member left out stays. `title` or `source` null: as the feed itself says."""

    title: Title | None = None
    tags: Tags | None = None
    source: FeedSource | None = None
    priority: Lane | None = None
    paused: bool | None = None


class PollObject(Served):
    """One poll of a feed."""

    at: AwareDatetime
    took_ms: int
    outcome: str
    http_status: int | None
    bytes: int
    entries: int
    counts: dict[str, int]
    error: FeedError | None = None


class PollPage(Page):
    """The last polls, newest first."""

    items: list[PollObject]


class DoctorIn(Asked):
    """An address to examine."""

    model_config = ConfigDict(
        extra="forbid", str_strip_whitespace=True, json_schema_extra={"examples": [{"url": "https://wire.example/"}]}
    )

    url: Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class DoctorFinding(Served):
    """One thing the doctor found. `evidence` holds what was counted or read.

    Codes: an error's is the outcome that a poll would have (`not_a_feed`, `timeout`, ...). The others: `moved`,
    `redirected`, `robots_allow`, `robots_disallow`; `format`, `no_entries`, `damaged`, `encoding_repaired`,
    `entities_refused`, `items_capped`, `items_repeated`, `text`; `guids`, `guids_shared`, `guids_missing`,
    `items_unnamed`; `dates`, `dates_unreadable`, `dates_ahead`, `dates_coarse`, `dates_missing`;
    `validators_honoured`, `validators_missing`, `validators_ignored`, `body_unstable`; `hub_none`, `hub_declared`,
    `hub_silent`, `hub_pushes`, `hub_misses`, `hub_unreachable`; `stale`, `depth`, `depth_short`, `interval`.
    """

    code: str
    severity: Literal["info", "warning", "error"]
    message: str
    evidence: dict[str, Any]


class DoctorReport(Served):
    """What an address gives. An error among the findings makes it `refused`, a warning `usable`, neither `good`."""

    url: str
    verdict: Literal["good", "usable", "refused"]
    findings: list[DoctorFinding]
    format: str | None
    entries: int
    predicted_interval_s: float | None
    candidates: list[str]


class RuleVote(Served):
    """One rule of the schedule: on what ground, for which wait, and whether it decided."""

    rule: Annotated[
        str,
        Field(
            description="rhythm, lost_articles, ttl, cache_control, floor, ceiling, back_off, retry_after, samplewire,"
            " paused or gone"
        ),
    ]
    input: Annotated[str, Field(description="what it went by, for people")]
    vote_s: Annotated[float | None, Field(description="seconds to wait; null: until something changes")]
    decided: bool


class LossesObject(Served):
    """How often two successful polls shared no item."""

    count: int
    since: AwareDatetime
    last_at: AwareDatetime
    within_s: Annotated[float, Field(description="the next poll must come within this")]


class MovesObject(Served):
    """The permanent redirect seen of late."""

    to: str
    seen: Annotated[int, Field(description="good polls in a row that were led there")]
    since: AwareDatetime
    last_at: AwareDatetime


class TrustObject(Served):
    """What is remembered of the feed's ETag and Last-Modified."""

    conditional: Annotated[int, Field(description="polls in a row that sent them")]
    unmodified: Annotated[int, Field(description="answers of 304 in a row")]
    doubts: int
    full_at: Annotated[AwareDatetime | None, Field(description="the last unconditional poll")]
    lied_at: Annotated[AwareDatetime | None, Field(description="when they were caught; they are not sent for 30 days")]


class RhythmObject(Served):
    """When the feed brings news, as far as it is known; null before there is enough to tell."""

    newest_at: AwareDatetime | None
    gap_s: Annotated[float | None, Field(description="median distance of the newest items")]
    longest_gap_s: float | None
    history_s: Annotated[float | None, Field(description="how long it has been known, by its items' dates")]
    ttl_s: Annotated[float | None, Field(description="the feed's own word on how often to come")]
    quiet_polls: Annotated[int, Field(description="polls in a row whose body held nothing new")]
    quiet_since: Annotated[AwareDatetime | None, Field(description="when it was found quieter than its rhythm allows")]
    hours: Annotated[list[int], Field(description="items by hour of the week, UTC, from Monday; old ones fade")]
    losses: LossesObject | None
    validators: TrustObject | None
    moves: MovesObject | None


class Explanation(Served):
    """Why the next poll is when it is."""

    next_poll_at: AwareDatetime | None
    interval_s: float
    rules: list[RuleVote]
    rhythm: RhythmObject


class PollAsked(Served):
    """The poll was asked for and will be made."""

    feed_id: int
    request_id: int


class OpmlRefused(Served):
    """An outline that was not taken."""

    url: str
    message: str


class OpmlAnswer(Served):
    """What became of an OPML document's outlines."""

    added: int
    known: int
    refused: list[OpmlRefused]


class SourceCount(Served):
    """A source, how much of it there is, and what became of every item its feeds were polled with."""

    id: str
    name: str | None
    domain: str | None
    country: str | None
    articles: int
    newest_at: Annotated[AwareDatetime | None, Field(description="null: none of its articles is enriched yet")]
    feeds: Annotated[int, Field(description="feeds subscribed now that were read at least once")]
    outcomes: Annotated[
        dict[str, int],
        Field(description="items of all polls: new, corrected, unchanged, duplicate, refused, capped"),
    ]


class SourcePage(Page):
    """A page of sources, in order of their ids."""

    items: list[SourceCount]


class KeyIn(Asked):
    """A key to make."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    scopes: Annotated[list[Scope], Field(min_length=1)]
    expires_at: Moment | None = None


class KeyMade(Served):
    """The new key: shown this once, stored only as its hash."""

    id: int
    key: str


class KeyObject(Served):
    """What is known of a key."""

    id: int
    name: str
    prefix: str
    scopes: list[Scope]
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    last_used_at: AwareDatetime | None


class KeyPage(Page):
    """A page of the keys that are not revoked, the oldest first."""

    items: list[KeyObject]


class AuditObject(Served):
    """One writing request that was let in: by which key (null: none was needed), what, and how it ended."""

    id: int
    at: AwareDatetime
    key_id: int | None
    key_name: str | None
    method: str
    path: str
    status: int


class AuditPage(Page):
    """The writes, newest first."""

    items: list[AuditObject]


class WrongInput(Served):
    """One thing wrong with the input."""

    where: str
    message: str
    suggestion: str | None = None


class ProblemDocument(Served):
    """An error: RFC 9457, with a `code` out of a closed list."""

    type: str
    title: str
    status: int
    code: Annotated[str, Field(json_schema_extra={"enum": list(CODES)})]
    detail: str
    errors: list[WrongInput] | None = None


class LaneDepth(Served):
    """One lane of the queue. `pending` articles, of which `sent` were sent to Redis at least once."""

    lane: Lane
    pending: int
    sent: int
    oldest_age_s: float | None
    messages_waiting: int | None


class Queues(Served):
    """The true depth of the queue: articles in the store, messages in Redis. Null where Redis is away."""

    pending: int
    oldest_age_s: float | None
    messages_waiting: int | None
    messages_reserved: int | None
    messages_running: Annotated[int, Field(description="of those reserved: worked on now, as workers last told")]
    articles_running: int
    lanes: list[LaneDepth]


class WorkerProcess(Served):
    """One process of a worker's pool; counts are since it started."""

    pid: int
    state: Annotated[Literal["idle", "busy", "silent"], Field(description="silent: not heard of, so hung or killed")]
    started_at: AwareDatetime
    seen_at: Annotated[AwareDatetime, Field(description="when it last told of itself: it does every few seconds")]
    busy_since: AwareDatetime | None
    busy_articles: Annotated[int, Field(description="in the message it works on")]
    messages: Annotated[int, Field(description="worked off, whatever became of them")]
    articles: Annotated[int, Field(description="in these messages")]
    failures: Annotated[int, Field(description="messages that ended in an error")]
    rss_bytes: Annotated[int, Field(description="memory; pages shared with its worker are counted in each")]


class WorkerObject(Served):
    """A Celery worker: sums over the processes of its pool. `silent` where none of them was heard of."""

    id: Annotated[str, Field(description="host and process id")]
    host: str
    pid: int
    state: Literal["idle", "busy", "silent"]
    revision: Annotated[str, Field(description="of the enricher; where they differ, an upgrade is under way")]
    started_at: AwareDatetime
    seen_at: AwareDatetime
    messages: int
    articles: int
    failures: int
    rss_bytes: int
    processes: list[WorkerProcess]


class WorkerPage(Page):
    """The workers. One that was killed stays for an hour, silent; one that was stopped is gone."""

    items: list[WorkerObject]


class StageLatency(Served):
    """Percentiles of one stage, in seconds; null where nothing passed it."""

    stage: str
    p50_s: float | None
    p90_s: float | None
    p99_s: float | None


class EnrichFailures(Served):
    """What went wrong in enrichment, as of now."""

    articles_tried_again: Annotated[int, Field(description="begun more than once and not done: a worker died on them")]
    articles_tried_thrice: Annotated[int, Field(description="of these, soon to be stored without annotations")]
    messages: Annotated[int, Field(description="that ended in an error at the workers that run now")]


class Pipeline(Served):
    """The last hour of the whole way."""

    window_s: int
    articles_enriched: int
    stages: list[StageLatency]
    events: list[dict[str, Any]]
    polls: list[dict[str, Any]]
    failures: EnrichFailures
    position: int
    followers: int


class Readiness(Served):
    """`ready`, or `degraded` where Redis is away and PostgreSQL serves alone; each dependency with its reason."""

    status: Literal["ready", "degraded"]
    checks: dict[str, dict[str, Any]]
