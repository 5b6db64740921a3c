"""What a poll makes of its feed's state. Pure.

A feed fails from its first bad poll and is well again after its first good one; subscribers hear of it from the third
failure in a row (at once where it will not mend itself), and of the recovery if they had heard of the trouble. A feed
that is quieter than its rhythm allows is quiet; they hear of each silence once, and of its end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from services.ingest.items import ParsedFeed
from services.ingest.moves import goes_back
from services.ingest.outcomes import NO_ITEMS, Failure, ItemOutcome, is_told
from services.ingest.outlook import Outlook
from services.ingest.rhythm import Rhythm
from services.ingest.schedule import Bounds, Facts, Plan, plan
from services.ingest.signs import OF_BODY, Seen, Signs, read, warnings
from services.ingest.silence import allowed_s, is_quiet
from services.ingest.validators import Answer, same
from services.ingest.validators import Trust as Validators
from services.ingest.websub.trust import Trust
from shared.events import EventType, NewEvent
from shared.urls import host_key, shown


@dataclass(slots=True)
class Claimed:
    """A feed that this process polls now, until its lease ends, as it is stored. `token` proves it when saving."""

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
    full_at: datetime | None = None  # these three: see `validators.Trust`
    conditional: int = 0
    unmodified: int = 0

    @property
    def pushed_to(self) -> bool:
        """Whether a hub ever told us of this feed: pushes of its may wait."""
        return bool(self.hub and self.hub.get("state") == "active")

    @property
    def validators(self) -> Validators:
        """What is remembered of its validators."""
        known = Validators.of(self.rhythm.get("validators") or {})
        return Validators(self.conditional, self.unmodified, known.doubts, self.full_at, known.lied_at)


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


class Clock(NamedTuple):
    """What every poll writes of its feed, and its line among the feed's polls."""

    feed_id: int
    token: int
    host: str
    plan: Plan
    price: float | None
    at: datetime
    took_ms: int
    outcome: str
    http_status: int | None
    size: int
    entries: int
    counts: Mapping[ItemOutcome, int]
    error: Mapping[str, Any] | None  # None: a good poll
    full_at: datetime | None
    conditional: int
    unmodified: int


@dataclass(slots=True)
class Finished:
    """A poll ready to be saved: plain values, and what to tell subscribers. `row` None: all but the clock stays."""

    clock: Clock
    row: dict[str, Any] | None
    events: tuple[NewEvent, ...] = ()


_NO_SIGNS, _NO_TRUST = Signs(), Trust()


@dataclass(slots=True)
class Memory:
    """What is known of a feed after a poll. `warnings` None keeps them; `rests`: the clock alone goes on."""

    rhythm: Rhythm
    validators: Validators
    rests: bool = False
    signs: Signs = _NO_SIGNS
    trust: Trust = _NO_TRUST
    warnings: Sequence[Mapping[str, Any]] | None = None


def remembered(feed: Claimed, result: Result, samplewire: bool) -> Memory:
    """What is known of the feed after the poll."""
    rhythm = Rhythm.of(feed.rhythm)
    quiet = not samplewire and is_quiet(rhythm, result.started_at)
    if quiet == (feed.status == "quiet") and _rests(feed, result):
        answer = Answer(result.conditional, result.outcome == "not_modified", same=True, news=False)
        return Memory(rhythm, feed.validators.after(answer, result.started_at), rests=True)
    rhythm, signs, told = _signs(feed, result, rhythm, samplewire)
    trust = _trust(feed, result)
    return Memory(rhythm, signs.trust, False, signs, trust, _with_hub(feed, told, trust))


def _rests(feed: Claimed, result: Result) -> bool:
    """Whether nothing is new but the time: the answer and all that is known is as before, silence apart.

    Whatever else is remembered of a feed changes with time or with this answer, so then all is looked at.
    """
    return (
        result.parsed is None
        and result.failure is None
        and (feed.status == "quiet" if feed.rhythm.get("quiet_since") else feed.status == "ok")
        and feed.failures == 0
        and not feed.told_failing
        and not feed.pushed_to
        and not result.pushes
        and result.permanent_url is None
        and (result.body_hash is None or result.body_hash == feed.body_hash)
        and result.etag == feed.etag
        and result.last_modified == feed.last_modified
        and (result.entries is None or result.entries == feed.entries_in_last_poll)
        and not any(feed.rhythm.get(name) for name in ("losses", "moves", "guids"))
        and not (feed.rhythm.get("validators") or {}).get("lied_at")
        and not (feed.rhythm.get("hub") or {}).get("missed")
        and all(warning["code"] in OF_BODY or warning["code"] == feed.status for warning in feed.warnings)
    )


def finish(
    feed: Claimed,
    result: Result,
    bounds: Bounds,
    samplewire: bool,
    now: datetime,
    luck: float,
    memory: Memory | None = None,
    seen: Outlook | None = None,
) -> Finished:
    """The feed's state after the poll. `memory` and `seen`: where they were made already, for many feeds at once."""
    memory = memory or remembered(feed, result, samplewire)
    failure, failures = result.failure, feed.failures + 1 if result.failure else 0
    facts = Facts(
        rhythm=memory.rhythm,
        within_s=memory.signs.losses.within_s,
        hub_trusted=memory.trust.trusted and feed.pushed_to,
        breaking=feed.priority == "breaking",
        samplewire=samplewire,
        failures=failures,
        permanent=failure is not None and failure.permanent,
        gone=failure is not None and failure.code == "gone",
        rate_limited=failure is not None and failure.code == "rate_limited",
        fresh_s=result.fresh_s,
        retry_after_at=result.retry_after_at,
        price=bounds.price,
        outlook=seen,
    )
    planned = plan(facts, bounds, now, luck)
    by_rhythm = memory.rhythm.known and any(rule.decided and rule.rule == "rhythm" for rule in planned.rules)
    row = None if memory.rests else _row(feed, result, memory, facts, planned)
    clock = Clock(
        feed.feed_id,
        feed.token,
        feed.host if row is None else row["host"],
        planned,
        bounds.price if by_rhythm else None,
        result.started_at,
        max(0, round((now - result.started_at).total_seconds() * 1000)),
        result.outcome,
        result.http_status,
        result.size,
        result.entries or 0,
        result.counts,
        failure.stored() if failure else None,
        memory.validators.full_at,
        memory.validators.conditional,
        memory.validators.unmodified,
    )
    if row is None:
        return Finished(clock, None)
    was_quiet = feed.rhythm.get("quiet_since") is not None
    return Finished(clock, row, _events(feed, row, clock, memory.rhythm, was_quiet))


def _row(feed: Claimed, result: Result, memory: Memory, facts: Facts, planned: Plan) -> dict[str, Any]:
    failure, parsed, failures = result.failure, result.parsed, facts.failures
    moved_to = _moved_to(feed, memory.signs, failures, facts.permanent)
    kept = failure is not None or result.pushed  # what the publisher's server said of itself
    return {
        "feed_id": feed.feed_id,
        "host": feed.host if moved_to == feed.moved_to else host_key(moved_to or feed.own_url),
        "moved_to": moved_to,
        "source_id": result.source_id,
        "status": "gone" if facts.gone else "failing" if failure else "quiet" if memory.signs.quiet_since else "ok",
        "etag": feed.etag if kept else result.etag,
        "last_modified": feed.last_modified if kept else result.last_modified,
        "body_hash": result.body_hash.hex() if result.body_hash and not failure else None,  # a page stays an error
        "entries": result.entries,
        "counts": result.counts,
        "error": failure.stored() if failure else None,
        "failures": failures,
        "told_failing": is_told(failures, failure) or (feed.told_failing and failure is not None),
        "retry_after_at": result.retry_after_at,
        "linked": result.linked,
        "new": result.counts["new"],
        "corrected": result.counts["corrected"],
        "format": parsed.format if parsed else feed.format,
        "title": (parsed.title if parsed else None) or feed.title,
        "site_url": (parsed.site_url if parsed else None) or feed.site_url,
        "language": (parsed.language if parsed else None) or feed.language,
        "hub": {"url": result.hub[0], "topic": result.hub[1], "state": "found"} if result.hub else None,
        "warnings": memory.warnings,
        "rhythm": memory.rhythm.stored() | memory.signs.stored() | {"hub": memory.trust.stored()},
    }


def _signs(
    feed: Claimed, result: Result, rhythm: Rhythm, samplewire: bool
) -> tuple[Rhythm, Signs, Sequence[Mapping[str, Any]] | None]:
    """The rhythm, signs and warnings after the poll; None keeps those."""
    signs, parsed, at = replace(Signs.of(feed.rhythm), trust=feed.validators), result.parsed, result.started_at
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


def _events(
    feed: Claimed, row: Mapping[str, Any], clock: Clock, rhythm: Rhythm, was_quiet: bool
) -> tuple[NewEvent, ...]:
    """A failing feed keeps its silence in mind: it is told of once, whatever comes between."""
    kinds: list[EventType] = []
    quiet = row["status"] == "quiet"
    if row["told_failing"] and not feed.told_failing:
        kinds.append("wiredesk.feed.failing.v1")
    elif (feed.told_failing or (was_quiet and not quiet)) and not clock.error:
        kinds.append("wiredesk.feed.recovered.v1")
    if quiet and not was_quiet:
        kinds.append("wiredesk.feed.quiet.v1")
    return tuple(NewEvent(kind, f"feeds/{feed.feed_id}", _told(feed, row, clock, rhythm)) for kind in kinds)


def _told(feed: Claimed, row: Mapping[str, Any], clock: Clock, rhythm: Rhythm) -> str:
    data = {
        "id": feed.feed_id,
        "url": shown(feed.url),
        "title": feed.own_title or row["title"] or shown(feed.url),
        "state": {
            "status": row["status"],
            "outcome": clock.outcome,
            "http_status": clock.http_status,
            "error": row["error"],
            "failures": row["failures"],
            "last_polled_at": clock.at,
            "last_success_at": feed.last_success_at if clock.error else clock.at,
            "next_poll_at": clock.plan.next_poll_at,
            "warnings": row["warnings"] or feed.warnings,
        },
    }
    if row["status"] == "quiet":
        data["silence"] = {"since": rhythm.newest_at, "allowed_s": allowed_s(rhythm)}
    return orjson.dumps(data, option=orjson.OPT_UTC_Z).decode()
