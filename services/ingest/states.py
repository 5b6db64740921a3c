"""What a poll makes of its feed's state. Pure.

A feed fails from its first bad poll and is well again after its first good one; subscribers hear of it from the third
failure in a row (at once where it will not mend itself), and of the recovery if they had heard of the trouble. A feed
that is quieter than its rhythm allows is quiet; they hear of each silence once, and of its end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from services.ingest.items import ParsedFeed
from services.ingest.moves import goes_back
from services.ingest.outcomes import NO_ITEMS, Failure, ItemOutcome, is_told
from services.ingest.rhythm import Rhythm
from services.ingest.schedule import Bounds, Facts, Plan, plan
from services.ingest.signs import Seen, Signs, read, warnings
from services.ingest.silence import allowed_s
from services.ingest.validators import Answer, same
from services.ingest.websub.trust import Trust
from shared.events import EventType, NewEvent
from shared.urls import host_key


@dataclass(frozen=True, slots=True)
class Claimed:
    """A feed that this process polls now, until its lease ends. `token` proves it when saving."""

    feed_id: int
    token: int
    url: str  # polled: where it moved to, else the operator's
    host: str
    priority: str
    own_title: str | None  # the operator's
    own_source: Mapping[str, Any] | None
    status: str
    etag: str | None
    last_modified: str | None
    body_hash: bytes | None
    failures: int
    told_failing: bool
    last_success_at: datetime | None
    entries_in_last_poll: int
    articles_total: int
    format: str | None
    title: str | None
    site_url: str | None
    language: str | None
    hub: Mapping[str, Any] | None
    rhythm: Mapping[str, Any]
    warnings: Sequence[Mapping[str, Any]]
    own_url: str  # the operator's
    moved_to: str | None = None

    @property
    def pushed_to(self) -> bool:
        """Whether a hub ever told us of this feed: pushes of its may wait."""
        return bool(self.hub and self.hub.get("state") == "active")


@dataclass(slots=True)
class Result:
    """What a poll found and did. Times are aware; `body_hash` None keeps the stored one."""

    started_at: datetime
    outcome: str
    http_status: int | None = None
    size: int = 0  # bytes of the body, unpacked
    entries: int | None = None  # None: the answer held no list of items
    counts: dict[ItemOutcome, int] = field(default_factory=lambda: dict(NO_ITEMS))
    linked: int = 0  # articles that this feed did not carry before
    shared: int = 0  # items of the body that this feed carried before
    lost: bool = False  # the poll before and this one share no item
    guids_changed: bool = False  # what the feed carried before has other guids now
    conditional: bool = False  # it was asked with validators
    failure: Failure | None = None
    parsed: ParsedFeed | None = None
    source_id: str | None = None
    permanent_url: str | None = None  # where permanent redirects alone led
    body_hash: bytes | None = None
    etag: str | None = None
    last_modified: str | None = None
    fresh_s: float | None = None
    retry_after_at: datetime | None = None
    hub: tuple[str, str] | None = None  # (hub, topic) that the feed names
    pushed: bool = False  # a hub brought it; it may be a part of the feed only
    pushes: list[int] = field(default_factory=list)  # of hubs, done with by this poll


@dataclass(frozen=True, slots=True)
class Finished:
    """A poll ready to be saved: the feed's row and the poll's as plain values, and what to tell subscribers."""

    row: dict[str, Any]
    events: tuple[NewEvent, ...]
    plan: Plan


def finish(feed: Claimed, result: Result, bounds: Bounds, samplewire: bool, now: datetime, luck: float) -> Finished:
    """The feed's state after the poll."""
    failure, parsed = result.failure, result.parsed
    failures = feed.failures + 1 if failure else 0
    rhythm, signs, told_warnings = _remembered(feed, result, samplewire)
    trust = _trust(feed, result)
    told_warnings = _with_hub(feed, told_warnings, trust)
    facts = Facts(
        rhythm=rhythm,
        within_s=signs.losses.within_s,
        hub_trusted=trust.trusted and feed.pushed_to,
        breaking=feed.priority == "breaking",
        samplewire=samplewire,
        failures=failures,
        permanent=failure is not None and failure.permanent,
        gone=failure is not None and failure.code == "gone",
        rate_limited=failure is not None and failure.code == "rate_limited",
        fresh_s=result.fresh_s,
        retry_after_at=result.retry_after_at,
        price=bounds.price,
    )
    planned = plan(facts, bounds, now, luck)
    moved_to = _moved_to(feed, signs, failures, facts.permanent)
    told = is_told(failures, failure) or (feed.told_failing and failure is not None)
    row = {
        "feed_id": feed.feed_id,
        "token": feed.token,
        "host": feed.host if moved_to == feed.moved_to else host_key(moved_to or feed.own_url),
        "moved_to": moved_to,
        "source_id": result.source_id,
        "status": "gone" if facts.gone else "failing" if failure else "quiet" if signs.quiet_since else "ok",
        "next_poll_at": planned.next_poll_at,
        "interval_s": planned.interval_s,
        "price": bounds.price
        if rhythm.known and any(r.decided and r.rule == "rhythm" for r in planned.rules)
        else None,
        "etag": result.etag if not failure and not result.pushed else feed.etag,
        "last_modified": result.last_modified if not failure and not result.pushed else feed.last_modified,
        "body_hash": result.body_hash.hex() if result.body_hash and not failure else None,  # a page stays an error
        "at": result.started_at,
        "took_ms": max(0, round((now - result.started_at).total_seconds() * 1000)),
        "succeeded": failure is None,
        "outcome": result.outcome,
        "http_status": result.http_status,
        "bytes": result.size,
        "entries": result.entries,
        "counts": result.counts,
        "error": failure.stored() if failure else None,
        "failures": failures,
        "told_failing": told,
        "retry_after_at": result.retry_after_at,
        "linked": result.linked,
        "new": result.counts["new"],
        "corrected": result.counts["corrected"],
        "format": parsed.format if parsed else feed.format,
        "title": (parsed.title if parsed else None) or feed.title,
        "site_url": (parsed.site_url if parsed else None) or feed.site_url,
        "language": (parsed.language if parsed else None) or feed.language,
        "hub": {"url": result.hub[0], "topic": result.hub[1], "state": "found"} if result.hub else None,
        "warnings": told_warnings,
        "rhythm": rhythm.stored() | signs.stored() | {"rules": planned.rules, "hub": trust.stored()},
    }
    return Finished(row, _events(feed, row, rhythm, feed.rhythm.get("quiet_since") is not None), planned)


def _remembered(
    feed: Claimed, result: Result, samplewire: bool
) -> tuple[Rhythm, Signs, Sequence[Mapping[str, Any]] | None]:
    """What is known of the feed after the poll, and its warnings; None keeps them."""
    rhythm, signs, parsed, at = Rhythm.of(feed.rhythm), Signs.of(feed.rhythm), result.parsed, result.started_at
    if result.failure is not None:
        return rhythm, signs, None
    if parsed is not None:
        rhythm = rhythm.after(parsed.dates, parsed.ttl_s, result.linked > 0, at)
    if result.pushed:  # says nothing of the publisher's server, and maybe not all that is in the feed
        return rhythm, signs, None
    answer = Answer(
        conditional=result.conditional,
        not_modified=result.outcome == "not_modified",
        same=same((feed.etag, feed.last_modified), (result.etag, result.last_modified)),
        news=parsed is not None and feed.body_hash is not None and bool(parsed.items),
    )
    waited_s = (at - feed.last_success_at).total_seconds() if feed.last_success_at else None
    overlapped = result.shared > 0 and result.linked > 0
    seen = Seen(
        at,
        waited_s,
        result.lost,
        overlapped,
        answer,
        not samplewire,
        result.permanent_url,
        result.guids_changed,
    )
    signs = read(signs, rhythm, seen)
    return rhythm, signs, warnings(feed.warnings, signs, rhythm, parsed, at)


def _trust(feed: Claimed, result: Result) -> Trust:
    """What the hub's word is worth after this poll."""
    trust, hub = Trust.of(feed.rhythm.get("hub") or {}), feed.hub or {}
    if not feed.pushed_to or result.failure is not None:
        return trust
    if result.pushed:
        return trust.told() if result.counts["new"] or result.counts["corrected"] else trust
    since, pinged_at = (datetime.fromisoformat(text) if (text := hub.get(name)) else None for name in _TIMES)
    if since is None or feed.last_success_at is None or feed.last_success_at < since:
        return trust  # what is new may be from before the hub knew of us
    dates = result.parsed.dates if result.parsed else []
    return trust.after_poll(result.counts["new"], dates[0] if dates else None, pinged_at, result.started_at)


_TIMES = ("since", "pinged_at")


def _with_hub(
    feed: Claimed, told: Sequence[Mapping[str, Any]] | None, trust: Trust
) -> Sequence[Mapping[str, Any]] | None:
    others = [w for w in (feed.warnings if told is None else told) if w["code"] != "hub_misses"]
    if trust.missed:
        return [*others, {"code": "hub_misses", "message": trust.message(), "since": trust.missed_at}]
    return None if told is None and len(others) == len(feed.warnings) else others


def _moved_to(feed: Claimed, signs: Signs, failures: int, permanent: bool) -> str | None:
    """Where the feed is polled from now on; None: at the operator's address."""
    if goes_back(feed.moved_to, failures, permanent):
        return None
    if failures or not signs.moves.proven:
        return feed.moved_to
    return signs.moves.to if signs.moves.to != feed.own_url else None


def _events(feed: Claimed, row: Mapping[str, Any], rhythm: Rhythm, was_quiet: bool) -> tuple[NewEvent, ...]:
    """A failing feed keeps its silence in mind: it is told of once, whatever comes between."""
    kinds: list[EventType] = []
    quiet = row["status"] == "quiet"
    if row["told_failing"] and not feed.told_failing:
        kinds.append("wiredesk.feed.failing.v1")
    elif (feed.told_failing or (was_quiet and not quiet)) and row["succeeded"]:
        kinds.append("wiredesk.feed.recovered.v1")
    if quiet and not was_quiet:
        kinds.append("wiredesk.feed.quiet.v1")
    return tuple(NewEvent(kind, f"feeds/{feed.feed_id}", _told(feed, row, rhythm)) for kind in kinds)


def _told(feed: Claimed, row: Mapping[str, Any], rhythm: Rhythm) -> str:
    data = {
        "id": feed.feed_id,
        "url": feed.url,
        "title": feed.own_title or row["title"] or feed.url,
        "state": {
            "status": row["status"],
            "outcome": row["outcome"],
            "http_status": row["http_status"],
            "error": row["error"],
            "failures": row["failures"],
            "last_polled_at": row["at"],
            "last_success_at": row["at"] if row["succeeded"] else feed.last_success_at,
            "next_poll_at": row["next_poll_at"],
            "warnings": row["warnings"] or feed.warnings,
        },
    }
    if row["status"] == "quiet":
        data["silence"] = {"since": rhythm.newest_at, "allowed_s": allowed_s(rhythm)}
    return orjson.dumps(data, option=orjson.OPT_UTC_Z).decode()
