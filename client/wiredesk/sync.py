"""The synchronous client. Made from `aio.py` by `python client/make_sync.py`: change that one, not this."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack
from urllib.parse import quote

import httpx
from pydantic import BaseModel

from wiredesk.calls import Call, Filters, Values, When, body_time, checked, following_page, get, parsed, query
from wiredesk.errors import StreamReset, Unreachable
from wiredesk.following import Following
from wiredesk.models import (
    Article,
    Delivery,
    Diagnosis,
    Diff,
    Document,
    Event,
    Facets,
    Feed,
    Key,
    KnownEntity,
    NewSecret,
    OpmlImport,
    Page,
    Poll,
    Preview,
    RelatedEntity,
    Replay,
    SavedSearch,
    SimilarArticle,
    TimeSeries,
    Trace,
    Version,
    Webhook,
)
from wiredesk.operating import AuditEntry, Explanation, Pipeline, Queues, Reenrichment, SourceCount, Worker
from wiredesk.resume import ResumeState

Result = TypeVar("Result", bound=BaseModel)
DEFAULT_URL = "http://127.0.0.1:8080"


class Wiredesk:
    """A connection to one Wiredesk. Use it in a `with` block, or `close` it.

    Every method raises `ApiError` when the API refuses, `Unreachable` when it does not answer.
    """

    def __init__(self, url: str = DEFAULT_URL, key: str | None = None) -> None:
        headers = {"accept": "application/json", "user-agent": "wiredesk-python/0.1"}
        if key:
            headers["authorization"] = f"Bearer {key}"
        self.url = url.rstrip("/")
        self._http = httpx.Client(base_url=self.url + "/", headers=headers)
        self.entities = Entities(self)
        self.feeds = Feeds(self)
        self.keys = Keys(self)
        self.webhooks = Webhooks(self)
        self.searches = Searches(self)
        self.ops = Ops(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def search(
        self,
        q: str | None = None,
        *,
        sort: str | None = None,
        limit: int | None = None,
        since: int | None = None,
        include: Values | None = None,
        fields: str | None = None,
        cursor: str | None = None,
        **filters: Unpack[Filters],
    ) -> Page[Article]:
        """One page of articles, newest first unless `sort="relevance"`."""
        more = {"sort": sort, "limit": limit, "since": since, "include": include, "fields": fields, "cursor": cursor}
        return self.read(Call("GET", "/v1/articles", query({"q": q, **filters, **more})), Page[Article])

    def articles(
        self,
        q: str | None = None,
        *,
        sort: str | None = None,
        since: int | None = None,
        include: Values | None = None,
        **filters: Unpack[Filters],
    ) -> Iterator[Article]:
        """All matching articles, page by page; stable while new ones arrive. `since`: changed after this position."""
        more = {"sort": sort, "since": since, "include": include, "limit": 200}
        call = Call("GET", "/v1/articles", query({"q": q, **filters, **more}))
        return self.each(call, Article)

    def article(self, article_id: int) -> Article:
        """The whole of one article."""
        return self.read(get(f"/v1/articles/{article_id}"), Article)

    def render(self, article_id: int, form: str) -> bytes:
        """One article in another form: `ninjs` or `jsonld`."""
        return self.raw(get(f"/v1/articles/{article_id}.{quote(form)}"))

    def export(
        self,
        form: str,
        q: str | None = None,
        *,
        limit: int | None = None,
        since: int | None = None,
        fields: str | None = None,
        cursor: str | None = None,
        **filters: Unpack[Filters],
    ) -> bytes:
        """One page of articles in another form: `rss`, `atom`, `jsonfeed`, `ndjson`, `csv` or `ninjs`."""
        more = {"limit": limit, "since": since, "fields": fields, "cursor": cursor}
        return self.raw(Call("GET", f"/v1/articles.{quote(form)}", query({"q": q, **filters, **more})))

    def trace(self, article_id: int) -> Trace:
        """Every step the article went through, with times."""
        return self.read(get(f"/v1/articles/{article_id}/trace"), Trace)

    def diff(self, article_id: int, start: int | None = None, end: int | None = None) -> Diff:
        """What changed between two of its versions, in whole texts; by default between the last two."""
        call = Call("GET", f"/v1/articles/{article_id}/diff", query({"from": start, "to": end}))
        return self.read(call, Diff)

    def versions(self, article_id: int) -> Page[Version]:
        """All versions of the article, each with what changed."""
        return self.read(get(f"/v1/articles/{article_id}/versions"), Page[Version])

    def similar(self, article_id: int, *, limit: int | None = None) -> Page[SimilarArticle]:
        """Articles like this one, the most like it first."""
        return self.read(get(f"/v1/articles/{article_id}/similar", limit=limit), Page[SimilarArticle])

    def facets(
        self, field: Values, *, size: int | None = None, q: str | None = None, **filters: Unpack[Filters]
    ) -> Facets:
        """How many matching articles have each value of some fields, the commonest values first."""
        call = Call("GET", "/v1/facets", query({"field": field, "size": size, "q": q, **filters}))
        return self.read(call, Facets)

    def timeseries(
        self, interval: str | None = None, *, q: str | None = None, **filters: Unpack[Filters]
    ) -> TimeSeries:
        """How many matching articles each `hour`, `day`, `week` or `month` has."""
        call = Call("GET", "/v1/timeseries", query({"interval": interval, "q": q, **filters}))
        return self.read(call, TimeSeries)

    def sources(self) -> Iterator[SourceCount]:
        """Every source with its number of articles, and what became of each item of its feeds; in order of ids."""
        return self.each(get("/v1/sources", limit=200), SourceCount)

    def head(self) -> int:
        """The position of the newest event."""
        page = self.search(limit=1, fields="id")
        return page.position or 0

    def follow(
        self,
        after: int | None = None,
        *,
        q: str | None = None,
        type: Values | None = None,
        include: str | None = None,
        resume: ResumeState | None = None,
        on_reset: Callable[[StreamReset], object] | None = None,
        on_break: Callable[[str, float], object] | None = None,
        **filters: Unpack[Filters],
    ) -> Iterator[Event]:
        """Events as they happen, each once and in order, for ever: reconnects by itself and resumes where it was.

        Begins after the position in `resume` if it holds one, else after `after`, else with the next event. A position
        is saved when the event after it is asked for, so one whose handling failed comes again in the next run.

        Events no longer retained are never skipped silently: `on_reset` is called, or without one `StreamReset` raised.
        `on_break` is told (why, seconds until the next try) at every break of the connection.
        """
        position = resume.load() if resume else None
        if position is None:
            position = after if after is not None else self.head()
        stream = Following(position, query({"q": q, "type": type, "include": include, **filters}))
        while True:
            wait_s, why = 0.0, "the stream ended"
            try:
                with self._http.stream(**stream.ask().arguments()) as response:
                    body = response.read() if response.status_code >= 400 else b""
                    refused = stream.answered(response, body)
                    if refused is not None:
                        wait_s, why = refused, f"HTTP {response.status_code}"
                    else:
                        for data in response.iter_bytes():
                            for item in stream.received(data):
                                if isinstance(item, Event):
                                    yield item
                                position = stream.done(item)
                                if resume:
                                    resume.save(position)
                                if isinstance(item, StreamReset):
                                    if on_reset is None:
                                        raise item
                                    on_reset(item)
            except httpx.TransportError as error:
                why = _reason(error)
            wait_s = wait_s or stream.broken()
            if on_break:
                on_break(why, wait_s)
            time.sleep(wait_s)

    def events(
        self,
        after: int,
        *,
        q: str | None = None,
        type: Values | None = None,
        limit: int | None = None,
        wait_s: int | None = None,
        include: str | None = None,
        **filters: Unpack[Filters],
    ) -> Page[Event]:
        """One page of events after a position; with `wait_s` (at most 60) it waits that long for the first one."""
        more = {"type": type, "limit": limit, "wait": wait_s, "include": include, "after": after}
        call = Call("GET", "/v1/events", query({"q": q, **filters, **more}), timeout_s=(wait_s or 0) + 30.0)
        return self.read(call, Page[Event])

    def event(self, position: int) -> Event:
        """The event at a position."""
        headers = {"accept": "application/cloudevents+json"}
        return self.read(Call("GET", f"/v1/events/{position}", headers=headers), Event)

    def each(self, call: Call, model: type[Result]) -> Iterator[Result]:
        """The items of all pages of a list."""
        asked: Call | None = call
        while asked:
            page = self.read(asked, Page[model])  # type: ignore[valid-type]
            yield from page.items
            asked = following_page(call, page.next) if page.next else None

    def read(self, call: Call, model: type[Result]) -> Result:
        """Make any call and read the answer as `model`."""
        return parsed(self.send(call), model)

    def raw(self, call: Call) -> bytes:
        """Make any call and give the body as it came, whatever its type."""
        return checked(self.send(replace(call, headers={"accept": "*/*", **call.headers}))).content

    def send(self, call: Call) -> httpx.Response:
        """Make any call and give the raw answer, whatever its status."""
        try:
            return self._http.request(**call.arguments())
        except httpx.TransportError as error:
            raise Unreachable(f"{self.url} does not answer: {_reason(error)}") from error


class Entities:
    """`/v1/entities`: everything that articles name."""

    def __init__(self, client: Wiredesk) -> None:
        self._client = client

    def find(
        self, prefix: str | None = None, *, type: Values | None = None, limit: int | None = None
    ) -> Page[KnownEntity]:
        """Entities whose names begin so, whatever accents and case, the most named first."""
        call = Call("GET", "/v1/entities", query({"prefix": prefix, "type": type, "limit": limit}))
        return self._client.read(call, Page[KnownEntity])

    def get(self, entity_id: str) -> KnownEntity:
        """One entity."""
        return self._client.read(get(f"/v1/entities/{quote(entity_id)}"), KnownEntity)

    def timeline(self, entity_id: str, interval: str | None = None, **filters: Unpack[Filters]) -> TimeSeries:
        """How many articles name it, step by step."""
        call = Call("GET", f"/v1/entities/{quote(entity_id)}/timeline", query({"interval": interval, **filters}))
        return self._client.read(call, TimeSeries)

    def related(self, entity_id: str, **filters: Unpack[Filters]) -> Page[RelatedEntity]:
        """Entities that the same articles name, the most surprising company first."""
        call = Call("GET", f"/v1/entities/{quote(entity_id)}/related", query({**filters}))
        return self._client.read(call, Page[RelatedEntity])


class Feeds:
    """`/v1/feeds`."""

    def __init__(self, client: Wiredesk) -> None:
        self._client = client

    def add(
        self,
        url: str,
        *,
        title: str | None = None,
        tags: Sequence[str] | None = None,
        priority: str | None = None,
        paused: bool | None = None,
        source: dict[str, Any] | None = None,
    ) -> Feed:
        """Subscribe; the feed is polled at once. An address that is there already gives that feed."""
        given = {"title": title, "tags": tags, "priority": priority, "paused": paused, "source": source}
        body = {"url": url, **{k: v for k, v in given.items() if v is not None}}
        return self._client.read(Call("POST", "/v1/feeds", json=body), Feed)

    def list(self) -> Iterator[Feed]:
        """All feeds."""
        return self._client.each(get("/v1/feeds", limit=200), Feed)

    def get(self, feed_id: int) -> Feed:
        """One feed."""
        return self._client.read(get(f"/v1/feeds/{feed_id}"), Feed)

    def update(self, feed_id: int, **changes: Any) -> Feed:
        """Change `title`, `tags`, `source`, `priority` or `paused`."""
        return self._client.read(Call("PATCH", f"/v1/feeds/{feed_id}", json=changes), Feed)

    def remove(self, feed_id: int) -> None:
        """Unsubscribe; its articles stay."""
        checked(self._client.send(Call("DELETE", f"/v1/feeds/{feed_id}")))

    def poll(self, feed_id: int, *, wait_s: int = 0) -> Poll | None:
        """Poll now; with `wait_s` (at most 60) its outcome, None if it was only asked for."""
        call = Call("POST", f"/v1/feeds/{feed_id}/poll", query({"wait": wait_s or None}), timeout_s=wait_s + 30.0)
        response = checked(self._client.send(call))
        return parsed(response, Poll) if response.status_code == 200 else None

    def polls(self, feed_id: int) -> Page[Poll]:
        """Its last polls."""
        return self._client.read(get(f"/v1/feeds/{feed_id}/polls"), Page[Poll])

    def explain(self, feed_id: int) -> Explanation:
        """Why its next poll is when it is, rule by rule, and the rhythm learned so far."""
        return self._client.read(get(f"/v1/feeds/{feed_id}/explain"), Explanation)

    def doctor(self, url: str) -> Diagnosis:
        """Examine an address before subscribing to it; takes up to a minute."""
        call = Call("POST", "/v1/feeds/doctor", json={"url": url}, timeout_s=90.0)
        return self._client.read(call, Diagnosis)

    def import_opml(self, opml: bytes) -> OpmlImport:
        """Subscribe to all feeds of an OPML file; folders become tags."""
        call = Call("POST", "/v1/feeds.opml", content=opml, headers={"content-type": "text/x-opml"}, timeout_s=120.0)
        return self._client.read(call, OpmlImport)

    def export_opml(self) -> bytes:
        """All feeds as OPML."""
        return self._client.raw(get("/v1/feeds.opml"))


class Keys:
    """`/v1/keys`, for keys of scope `admin`."""

    def __init__(self, client: Wiredesk) -> None:
        self._client = client

    def create(self, name: str, scopes: Sequence[str], *, expires_at: str | None = None) -> Key:
        """Make one; its `key` is told only now."""
        body = {"name": name, "scopes": [*scopes]} | ({"expires_at": expires_at} if expires_at else {})
        return self._client.read(Call("POST", "/v1/keys", json=body), Key)

    def list(self) -> Iterator[Key]:
        """All keys."""
        return self._client.each(get("/v1/keys", limit=200), Key)

    def revoke(self, key_id: str | int) -> None:
        """Make one useless from now on."""
        checked(self._client.send(Call("DELETE", f"/v1/keys/{key_id}")))


class Webhooks:
    """`/v1/webhooks`: signed push, in order, by Standard Webhooks 1.0."""

    def __init__(self, client: Wiredesk) -> None:
        self._client = client

    def add(
        self,
        url: str,
        *,
        after: int | None = None,
        include: str | None = None,
        batch: int | None = None,
        filters: dict[str, Any] | None = None,
    ) -> Webhook:
        """Subscribe an address, from now on or from a position; its `secret` is told only now."""
        given = {"after": after, "include": include, "batch": batch, "filters": filters}
        body = {"url": url, **{k: v for k, v in given.items() if v is not None}}
        return self._client.read(Call("POST", "/v1/webhooks", json=body), Webhook)

    def list(self) -> Iterator[Webhook]:
        """All subscriptions."""
        return self._client.each(get("/v1/webhooks", limit=200), Webhook)

    def get(self, webhook_id: str | int) -> Webhook:
        """One subscription."""
        return self._client.read(get(f"/v1/webhooks/{webhook_id}"), Webhook)

    def update(self, webhook_id: str | int, **changes: Any) -> Webhook:
        """Change `url`, `filters`, `include`, `batch`, or `status` between `active` and `paused`."""
        return self._client.read(Call("PATCH", f"/v1/webhooks/{webhook_id}", json=changes), Webhook)

    def remove(self, webhook_id: str | int) -> None:
        """Unsubscribe."""
        checked(self._client.send(Call("DELETE", f"/v1/webhooks/{webhook_id}")))

    def test(self, webhook_id: str | int) -> Delivery:
        """Send a signed ping now and tell what the receiver answered."""
        return self._client.read(Call("POST", f"/v1/webhooks/{webhook_id}/test", timeout_s=60.0), Delivery)

    def deliveries(self, webhook_id: str | int) -> Page[Delivery]:
        """The last attempts."""
        return self._client.read(get(f"/v1/webhooks/{webhook_id}/deliveries"), Page[Delivery])

    def rotate(self, webhook_id: str | int) -> NewSecret:
        """A new secret; the old one signs as well for a day."""
        return self._client.read(Call("POST", f"/v1/webhooks/{webhook_id}/rotate"), NewSecret)

    def replay(self, webhook_id: str | int, after: int | str, until: int | str | None = None) -> Replay:
        """Send again what lies after a position, or a time (RFC 3339), with the same webhook-ids."""
        body = {"after": after} | ({"until": until} if until is not None else {})
        return self._client.read(Call("POST", f"/v1/webhooks/{webhook_id}/replay", json=body), Replay)


class Searches:
    """`/v1/searches`: filters kept under a name and served as feeds."""

    def __init__(self, client: Wiredesk) -> None:
        self._client = client

    def add(self, name: str, filters: dict[str, Any]) -> SavedSearch:
        """Keep a search."""
        call = Call("POST", "/v1/searches", json={"name": name, "filters": filters})
        return self._client.read(call, SavedSearch)

    def list(self) -> Iterator[SavedSearch]:
        """All saved searches."""
        return self._client.each(get("/v1/searches", limit=200), SavedSearch)

    def get(self, search_id: int) -> SavedSearch:
        """One saved search."""
        return self._client.read(get(f"/v1/searches/{search_id}"), SavedSearch)

    def update(self, search_id: int, **changes: Any) -> SavedSearch:
        """Change `name` or `filters`."""
        return self._client.read(Call("PATCH", f"/v1/searches/{search_id}", json=changes), SavedSearch)

    def remove(self, search_id: int) -> None:
        """Forget a search; its feeds are gone."""
        checked(self._client.send(Call("DELETE", f"/v1/searches/{search_id}")))

    def preview(self, filters: dict[str, Any], *, days: int = 30) -> Preview:
        """What filters would have found: by day, the newest, and what other searches find too."""
        call = Call("POST", "/v1/searches/preview", json={"filters": filters, "days": days})
        return self._client.read(call, Preview)

    def preview_kept(self, search_id: int, *, days: int | None = None) -> Preview:
        """The same for a search that is kept."""
        return self._client.read(get(f"/v1/searches/{search_id}/preview", days=days), Preview)

    def feed(self, search_id: int, form: str, *, limit: int | None = None) -> bytes:
        """What a saved search finds as a feed: `rss`, `atom`, `jsonfeed`, `ndjson`, `csv` or `ninjs`."""
        return self._client.raw(get(f"/v1/searches/{search_id}.{quote(form)}", limit=limit))

    def found(self, search_id: int, *, limit: int | None = None) -> Page[Article]:
        """One page of the articles that a saved search finds, newest first."""
        return self._client.read(get(f"/v1/searches/{search_id}.json", limit=limit), Page[Article])


class Ops:
    """`/v1/ops` and readiness: figures for operators."""

    def __init__(self, client: Wiredesk) -> None:
        self._client = client

    def queues(self) -> Queues:
        """Depth and age of the queues."""
        return self._client.read(get("/v1/ops/queues"), Queues)

    def workers(self) -> Page[Worker]:
        """The Celery workers: which there are, what they do and did."""
        return self._client.read(get("/v1/ops/workers"), Page[Worker])

    def pipeline(self) -> Pipeline:
        """Throughput and latency, stage by stage."""
        return self._client.read(get("/v1/ops/pipeline"), Pipeline)

    def audit(self) -> Iterator[AuditEntry]:
        """Who changed what, the newest first; for keys of scope `admin`."""
        return self._client.each(get("/v1/ops/audit", limit=200), AuditEntry)

    def reenrich(
        self,
        *,
        ids: Sequence[int] | None = None,
        source: Sequence[str] | None = None,
        feed: Sequence[int] | None = None,
        lang: Sequence[str] | None = None,
        published_from: When | None = None,
        published_to: When | None = None,
        steps: Sequence[str] | None = None,
        force: bool = False,
        dry_run: bool = False,
    ) -> Reenrichment:
        """Have a slice of the store read again; all that is given must hold. `reannotated` events tell what changes.

        Only articles that a step (of `steps`) would read otherwise now, unless `force`; `dry_run` counts them only.
        """
        asked = {
            "ids": ids, "source": source, "feed": feed, "lang": lang, "from": body_time(published_from),
            "to": body_time(published_to), "steps": steps, "force": force or None, "dry_run": dry_run or None,
        }  # fmt: skip
        body = {name: value for name, value in asked.items() if value is not None}
        return self._client.read(Call("POST", "/v1/ops/reenrich", json=body), Reenrichment)

    def reenrichment(self, request_id: int) -> Reenrichment:
        """How far such a request is, and what it changed by field."""
        return self._client.read(get(f"/v1/ops/reenrich/{request_id}"), Reenrichment)

    def reenrichments(self) -> Iterator[Reenrichment]:
        """All such requests, the newest first."""
        return self._client.each(get("/v1/ops/reenrich", limit=200), Reenrichment)

    def metrics(self) -> str:
        """What Prometheus is told."""
        return (self._client.raw(get("/metrics"))).decode()

    def ready(self) -> Document:
        """Whether it serves, and if not, why (no exception then)."""
        response = self._client.send(get("/readyz"))
        members = response.json() if "json" in response.headers.get("content-type", "") else {}
        return Document.model_validate({"ready": response.status_code == 200, **members})


def _reason(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.ReadTimeout):
        return "nothing came for too long"
    return " ".join(str(error).split()) or type(error).__name__
