"""What a request asks for: its parameters read into a filter, a page and a form. Pure."""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from services.api import params
from services.api.filters import Filter
from services.api.params import Param
from services.api.problems import InputError, Problem, refuse
from services.api.schemas import ARTICLE_FIELDS, ENTITY_TYPES
from shared.events import EVENT_TYPES
from shared.facts import OF_REST, ON_CARD

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME = {"type": "string", "format": "date-time"}
_LANGUAGE = {"type": "string", "pattern": "^[A-Za-z]{2,3}$"}
_PLACE = {"type": "string", "pattern": "^([A-Z]{2}|[^:]*:.*)$", "maxLength": 200}
_POSITION = {"type": "integer", "minimum": 0}
_CURSOR = struct.Struct(">qq")
RANKED_MOST = 1000  # ranking reads the words of each
_RANKED = struct.Struct(">dqqqqq")
Place = tuple[datetime, int]  # of an article in the order newest first: sort_at and id


@dataclass(frozen=True, slots=True)
class Ranked:
    """A place in the order of relevance; the oldest article that was ranked and the moment that age was counted from:
    later pages rank the same ones by the same measure.
    """

    rank: float
    at: Place
    floor: Place
    now: datetime


@dataclass(frozen=True, slots=True)
class Form:
    """How much of an object is served: its card, the whole of it, or some members; and what is put beside."""

    full: bool = False
    fields: tuple[str, ...] = ()
    mentions: bool = False
    versions: bool = False

    @property
    def plain(self) -> bool:
        """Whether the ready bytes can be served as they are."""
        return not (self.full or self.fields or self.mentions or self.versions)


@dataclass(frozen=True, slots=True)
class ArticleQuery:
    """A page of articles: at most `limit` that pass, from after the cursor on; newest first, or best first."""

    filter: Filter
    form: Form
    limit: int
    after: Place | None = None
    relevance: bool = False
    ranked_after: Ranked | None = None


@dataclass(frozen=True, slots=True)
class EventQuery:
    """A stretch of the log: what passes after a position; `wait_s` is how long to wait for the first."""

    filter: Filter
    form: Form
    after: int | None
    limit: int
    wait_s: float


def encode_cursor(sort_at: datetime, article_id: int) -> str:
    """The opaque cursor of the last item of a page."""
    return _opaque(_CURSOR.pack(_micros(sort_at), article_id))


def encode_ranked(last: Ranked) -> str:
    """The opaque cursor of the last item of a page in the order of relevance."""
    (at, one), (floor_at, floor) = last.at, last.floor
    return _opaque(_RANKED.pack(last.rank, _micros(at), one, _micros(floor_at), floor, _micros(last.now)))


def decode_cursor(text: str) -> Place | Ranked:
    """The place a cursor stands for. Raises `ValueError`."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        if _opaque(raw) != text:
            raise ValueError
        if len(raw) == _CURSOR.size:
            at, one = _CURSOR.unpack(raw)
            return _moment(at), one
        rank, at, one, floor_at, floor, now = _RANKED.unpack(raw)
        return Ranked(rank, (_moment(at), one), (_moment(floor_at), floor), _moment(now))
    except (ValueError, binascii.Error, struct.error, OverflowError):
        raise ValueError("is not a cursor of this list; start again without it") from None


def _opaque(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _moment(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def _has(*parts: str) -> Param:
    schema = {"type": "string", "enum": list(parts)}
    return Param("has", "a part that it has", params.choice(*parts), schema, many=True, example="image")


FILTERS: tuple[Param, ...] = (
    Param(
        "q",
        "words in title, description or body; phrases in quotes, OR, -minus",
        params.text(500),
        params.TEXT | {"maxLength": 500},
        many=True,
        example='"climate summit" OR cop31 -football',
    ),
    Param("lang", "language of the text, a primary subtag", params.language, _LANGUAGE, many=True, example="en"),
    Param("source", "id of the source", params.text(), many=True, example="example.org"),
    Param(
        "feed",
        "id of a feed that carries it",
        params.integer(1, params.MAX_POSITION),
        {"type": "integer", "minimum": 1},
        many=True,
    ),
    Param("entity", "id of an entity named in it", params.text(), many=True),
    Param(
        "entity_type",
        "type of an entity named in it",
        params.choice(*ENTITY_TYPES),
        {"type": "string", "enum": list(ENTITY_TYPES)},
        many=True,
    ),
    Param(
        "place",
        "where it plays: id of a place, or country (ISO 3166 alpha-2)",
        params.place,
        _PLACE,
        many=True,
        example="PT",
    ),
    Param(
        "topic",
        "id of an IPTC Media Topic, which matches narrower ones",
        params.topic,
        {"type": "string", "pattern": "^medtop:[0-9]{8}$"},
        many=True,
        example="medtop:04000000",
    ),
    Param("author", "name of an author, whatever its case", params.text(), many=True, example="M. Duarte"),
    Param("from", "published at or after", params.moment, _TIME, example="2026-03-01T00:00:00Z"),
    Param("to", "published before", params.moment, _TIME),
    Param("since", "changed after this position of the log (exclusive)", params.position, _POSITION),
)
FORM: tuple[Param, ...] = (
    Param(
        "include",
        "`full`: whole articles instead of their cards",
        params.words_of("full"),
        {"enum": ["full"]},
        many=True,
    ),
    Param(
        "fields",
        "keep only these members, and id, title, version, position; `embedding`, a vector, comes only so",
        params.words_of(*ARTICLE_FIELDS),
        example="url,published_at",
    ),
)
INCLUDE = Param(
    "include",
    "`full`: whole articles, not their cards; `mentions`: where entities are named; `versions`: what was seen when."
    " Several with commas, or repeated",
    params.words_of("full", "mentions", "versions"),
    {"type": "string", "pattern": "^(full|mentions|versions)(,(full|mentions|versions))*$"},
    many=True,
    example="versions,mentions",
)
# A filter of articles may ask for parts that cards, and so events, do not have.
ASKED: tuple[Param, ...] = (*FILTERS, _has(*sorted(ON_CARD | OF_REST)))
ARTICLES: tuple[Param, ...] = (
    *ASKED,
    Param(
        "sort",
        "`newest`: published_at falling, articles without it by discovered_at; `relevance`: best first, out of the"
        f" newest {RANKED_MOST} that answer `q`, which it needs",
        params.choice("newest", "relevance"),
        {"enum": ["newest", "relevance"], "default": "newest"},
        default="newest",
    ),
    params.limit(200, 50),
    Param("cursor", "where the page before ended; taken from `next`", decode_cursor),
    INCLUDE,
    FORM[1],
)
WHOLE_ARTICLES = tuple(p for p in ARTICLES if p.name != "fields")  # in formats that have their own members
EVENTS: tuple[Param, ...] = (
    *FILTERS,
    _has(*sorted(ON_CARD)),
    Param(
        "type",
        "type of the event",
        params.choice(*EVENT_TYPES),
        {"type": "string", "enum": list(EVENT_TYPES)},
        many=True,
        example="wiredesk.article.enriched.v1",
    ),
    Param("after", "only events after this position (exclusive); absent: from now on", params.position, _POSITION),
    params.limit(1000, 100),
    Param(
        "wait",
        "seconds to wait for the first event (pages only)",
        params.integer(0, 60),
        {"type": "integer", "minimum": 0, "maximum": 60, "default": 0},
        default=0,
    ),
    *FORM,
)
SOCKET: tuple[Param, ...] = tuple(p for p in EVENTS if p.name not in ("limit", "wait"))
ONE_ARTICLE: tuple[Param, ...] = (INCLUDE, FORM[1])


def read_articles(query: bytes) -> ArticleQuery:
    """The page that a query string asks for. Raises `Problem`."""
    v = params.read(query, ARTICLES)
    relevance, cursor = v["sort"] == "relevance", v["cursor"]
    if relevance and not v["q"]:
        raise refuse(
            "bad_value", [InputError("query.sort", "relevance needs q: without words nothing is more relevant")]
        )
    if cursor is not None and isinstance(cursor, Ranked) is not relevance:
        raise refuse(
            "bad_value", [InputError("query.cursor", "is of the list in another order; start again without it")]
        )
    after, ranked = (None, cursor) if relevance else (cursor, None)
    return ArticleQuery(_filter(v), _form(v), v["limit"], after, relevance, ranked)


def read_counts(query: bytes, takes: tuple[Param, ...]) -> tuple[Filter, dict[str, Any]]:
    """The articles that are to be counted, and every value of a query string by name. Raises `Problem`."""
    v = params.read(query, takes)
    return _filter({"entity": ()} | v), v


def read_events(query: bytes) -> EventQuery:
    """The stretch of the log that a query string asks for. Raises `Problem`."""
    v = params.read(query, EVENTS)
    return EventQuery(_filter(v), _form(v), v["after"], v["limit"], float(v["wait"]))


def read_socket(query: bytes) -> EventQuery:
    """What a WebSocket asks for. Raises `Problem`."""
    v = params.read(query, SOCKET)
    return EventQuery(_filter(v), _form(v), v["after"], 0, 0.0)


def read_filters(filters: object) -> Filter:
    """Filters as a WebSocket sends them, `{"lang": ["es"]}`: the same parameters, the same checks. Raises `Problem`,
    whose places are members of `filters`.
    """
    if not isinstance(filters, dict):
        raise refuse("bad_value", [InputError("filters", "must be an object of lists")])
    pairs = []
    for name, values in filters.items():
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, bool) or not isinstance(value, str | int):
                raise refuse(
                    "bad_value", [InputError(f"filters.{name}", "must be a text or a number, or a list of them")]
                )
            pairs.append((str(name), str(value)))
    known = tuple(p for p in SOCKET if p.name not in ("after", *(f.name for f in FORM)))
    try:
        return _filter(params.read(urlencode(pairs).encode(), known))
    except Problem as problem:
        told = [replace(e, where=e.where.replace("query.", "filters.", 1)) for e in problem.errors]
        raise (refuse(problem.code, told) if told else problem) from problem


def with_values(path: str, query: bytes, **values: object) -> str:
    """The same request with some parameters set anew: a `next` link."""
    kept = [(k, v) for k, v in parse_qsl(query.decode("ascii"), keep_blank_values=True) if k not in values]
    return f"{path}?{urlencode(kept + [(k, str(v)) for k, v in values.items()])}"


def _filter(v: dict[str, Any]) -> Filter:
    return Filter(
        type=_set(v.get("type", ())),
        q=_set(" ".join(q.split()) for q in v["q"]),
        lang=_set(v["lang"]),
        source=_set(v["source"]),
        feed=_set(v["feed"]),
        entity=_set(v["entity"]),
        entity_type=_set(v["entity_type"]),
        place=_set(v["place"]),
        topic=_set(v["topic"]),
        author=_set(name.strip().lower() for name in v["author"]),
        has=_set(v["has"]),
        start=v["from"],
        end=v["to"],
        since=v["since"],
    )


def _set(values: Any) -> tuple[Any, ...]:
    return tuple(sorted(set(values)))  # so that equal questions are equal filters


def _form(v: dict[str, Any]) -> Form:
    told = {name for names in v["include"] for name in names}
    more = {name: name in told for name in ("full", "mentions", "versions")}
    return Form(fields=_set(v["fields"] or ()), **more)
