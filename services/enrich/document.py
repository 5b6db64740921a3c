"""One article on its way through the steps: what each step reads and fills in.

A `Document` starts as the article alone; every step assigns the fields it provides (assigns, never appends: a step may
be run again on the same document). Offsets are Unicode code points into exactly `title` and `body_text`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NotRequired, TypedDict

from services.enrich.text.tokens import Tokens
from shared.articles import Article

EntityType = Literal["person", "organisation", "place", "event", "work", "product", "group"]
TextField = Literal["title", "body_text"]
PlaceKind = Literal["country", "admin", "city", "other"]
PlaceRole = Literal["dateline", "focus", "mention"]
BodySource = Literal["feed", "page"]


class Annotation(TypedDict):
    """Provenance of one step on one document: what ran, how long, and why there is nothing or less than in English."""

    revision: str
    took_ms: NotRequired[float]
    error: NotRequired[str]
    skipped: NotRequired[str]
    limited: NotRequired[str]


@dataclass(frozen=True, slots=True)
class Language:
    """ISO 639-1 primary subtag where one exists (else 639-3) and how sure, 0 to 1; `others` have own paragraphs."""

    code: str
    confidence: float
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """A hyperlink of the body, absolute http(s), with the text it was set on."""

    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Mention:
    """One name where it stands: `text == getattr(document, field)[start:end]`. `score` is the tagger's, 0 to 1."""

    field: TextField
    start: int
    end: int
    text: str
    type: EntityType
    score: float


@dataclass(frozen=True, slots=True)
class Cluster:
    """Mentions that fold into one thing, before it has an identity. `key` is the folded name, `name` the shown one."""

    type: EntityType
    key: str
    name: str
    mentions: tuple[Mention, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A place and where it lies. `kind` other, without coordinates: a continent, or one the table does not know.

    `keys` are those of the clusters that mean it.
    """

    keys: tuple[str, ...]
    entity_id: str
    kind: PlaceKind
    name: str
    country: str | None  # ISO 3166-1 alpha-2
    geonames_id: int | None
    lat: float | None
    lon: float | None
    role: PlaceRole
    confidence: float


@dataclass(frozen=True, slots=True)
class CountryShare:
    """A country the article plays in, and its share of what the article says about places, 0 to 1."""

    code: str  # ISO 3166-1 alpha-2
    share: float


@dataclass(frozen=True, slots=True)
class Entity:
    """One real thing named in the article. `ids` holds public identifiers (geonames, iso3166, wikidata)."""

    id: str
    type: EntityType
    name: str
    aliases_seen: tuple[str, ...]
    count: int
    salience: float
    confidence: float
    ids: dict[str, str]
    mentions: tuple[Mention, ...]
    former_ids: tuple[str, ...] = ()  # keys that were merged into this one


@dataclass(frozen=True, slots=True)
class Topic:
    """An IPTC Media Topic (`medtop:NNNNNNNN`); `path` names it and the broader ones, broadest first; score 0 to 1."""

    id: str
    name: str
    path: tuple[str, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Sentiment:
    """How good (1) or bad (-1) a text sounds, how that was told, and by how many words."""

    score: float
    method: Literal["lexicon"]
    words: int


@dataclass(frozen=True, slots=True)
class Keyword:
    """A word or phrase that tells what the article is about, as written there; score 0 to 1, the best has 1."""

    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Quote:
    """Speech in the body: `start`/`end` span the words between the quotation marks, or the clause that reports it."""

    text: str
    speaker: str | None
    entity_id: str | None
    start: int
    end: int
    direct: bool = True


@dataclass(frozen=True, slots=True)
class DateMention:
    """A date named in the body; `value` is ISO 8601, cut to the precision that was said (2026, 2026-05, 2026-05-03)."""

    text: str
    start: int
    end: int
    value: str


@dataclass(frozen=True, slots=True)
class NumberMention:
    """A number worth a table: so many people, or so much money, from `low` to `high` (None: not said).

    Both are the same for an exact number, and for one that is only about right.
    """

    kind: Literal["killed", "injured", "missing", "money"]
    text: str
    start: int
    end: int
    low: float | None
    high: float | None
    approximate: bool
    currency: str | None  # ISO 4217, where the text tells


@dataclass(frozen=True, slots=True)
class Home:
    """Where a source is at home, as its own articles tell: ISO 3166-1 alpha-2, and GeoNames' first-level code."""

    country: str
    admin: str | None


@dataclass(frozen=True, slots=True)
class Identities:
    """Keys of entities that were found to be another one's thing, and the other way round."""

    into: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # former key -> the key and name that it has now
    former: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # key -> those that were merged into it


@dataclass(slots=True)
class Document:
    """An article and everything the steps have found out about it so far."""

    article: Article
    title: str = ""
    subtitle: str | None = None
    description: str | None = None
    page: PageText | None = None
    body_text: str = ""
    body_source: BodySource | None = None
    links: tuple[Link, ...] = ()
    word_count: int = 0
    language: Language | None = None
    mentions: tuple[Mention, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    places: tuple[Place, ...] = ()
    entities: tuple[Entity, ...] = ()
    countries: tuple[CountryShare, ...] = ()
    topics: tuple[Topic, ...] = ()
    keywords: tuple[Keyword, ...] = ()
    sentiment: Sentiment | None = None
    embedding: bytes | None = None  # a signed byte a number; the largest is 127
    summary: tuple[str, ...] = ()
    quotes: tuple[Quote, ...] = ()
    dates: tuple[DateMention, ...] = ()
    numbers: tuple[NumberMention, ...] = ()
    annotations: dict[str, Annotation] = field(default_factory=dict)
    home: Home | None = None  # given beside the article: what was learned of its source
    identities: Identities = field(default_factory=Identities)  # given too: merged keys
    _tokens: Tokens | None = field(default=None, repr=False, compare=False)

    def text_of(self, name: TextField) -> str:
        """The exact text a mention's offsets count in."""
        return self.title if name == "title" else self.body_text

    @property
    def tokens(self) -> Tokens:
        """The words of the body, cut when a step first asks for them."""
        if self._tokens is None or self._tokens.text is not self.body_text:
            self._tokens = Tokens(self.body_text)
        return self._tokens


@dataclass(frozen=True, slots=True)
class PageText:
    """What extraction made of the stored page: clean paragraphs and the links in them."""

    body_text: str
    links: tuple[Link, ...]
