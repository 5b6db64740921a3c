"""What the doctor says of a feed, from what it saw: findings, each with its evidence, and the verdict. Pure.

A finding is `info`, a `warning` (the feed can be read, but something will cost articles, dates or requests) or an
`error` (it cannot be read). An error makes the verdict `refused`, a warning `usable`, neither `good`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from services.ingest.items import Item, ParsedFeed
from services.ingest.outcomes import Failure
from services.ingest.rhythm import Rhythm
from shared.urls import shown

Severity = Literal["info", "warning", "error"]
STALE_S = 90 * 86_400.0
SHORT = 2  # a feed that holds less than so many intervals of news loses some when one poll fails


@dataclass(frozen=True, slots=True)
class HubKnown:
    """What our subscriptions at a hub tell of it."""

    state: str | None = None  # of the subscription of this feed, where there is one
    misses: bool = False  # it left out news of this feed that polling found
    pushed_at: datetime | None = None  # when it last pushed news of this feed
    active: int = 0  # feeds, this one among them, of which it confirmed the subscription
    pushing: int = 0  # feeds of which it has pushed news
    last_push_at: datetime | None = None  # of any of them


@dataclass(frozen=True, slots=True)
class Hub:
    """A WebSub hub that the feed names. `status`: its answer to a plain GET, None where it did not answer."""

    url: str
    status: int | None
    known: HubKnown


@dataclass(frozen=True, slots=True)
class Seen:
    """What the doctor saw. Times are aware; `second_status` is the answer to the conditional request."""

    url: str
    now: datetime
    final_url: str | None = None
    permanent_url: str | None = None
    failure: Failure | None = None
    parsed: ParsedFeed | None = None
    validators: tuple[str, ...] = ()  # the names of those that were sent
    second_status: int | None = None
    second_same: bool = False  # the same body again
    robots: bool | None = None  # whether they let us; None without rules that could be read
    hub: Hub | None = None
    interval_s: float | None = None
    rhythm: Rhythm | None = None
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. `evidence` holds what was counted or read."""

    code: str
    severity: Severity
    message: str
    evidence: dict[str, Any]

    def stored(self) -> dict[str, Any]:
        """As the report carries it."""
        members = ("code", "severity", "message", "evidence")
        return {name: getattr(self, name) for name in members}


def report(seen: Seen) -> dict[str, Any]:
    """The doctor's report, as the API serves it."""
    found = list(_findings(seen))
    severities = {finding.severity for finding in found}
    return {
        "url": shown(seen.url),
        "verdict": "refused" if "error" in severities else "usable" if "warning" in severities else "good",
        "findings": [finding.stored() for finding in found],
        "format": seen.parsed.format if seen.parsed else None,
        "entries": seen.parsed.entries if seen.parsed else 0,
        "predicted_interval_s": seen.interval_s,
        "candidates": list(seen.candidates),
    }


def _findings(seen: Seen) -> Iterator[Finding]:
    if seen.failure is not None:
        yield Finding(seen.failure.code, "error", seen.failure.message, {"url": shown(seen.final_url or seen.url)})
    yield from _address(seen)
    if seen.parsed is None:
        return
    yield from _body(seen.parsed)
    yield from _guids(seen.parsed.items)
    yield from _dates(seen.parsed.items, seen.now)
    yield from _validators(seen)
    yield from _hub(seen.hub)
    yield from _depth(seen, seen.parsed)


def _address(seen: Seen) -> Iterator[Finding]:
    if seen.permanent_url:
        message = "The address has moved for good; add the new one."
        yield Finding("moved", "warning", message, {"to": shown(seen.permanent_url)})
    elif seen.final_url and seen.final_url != seen.url:
        yield Finding("redirected", "info", "The address leads on to another one.", {"to": shown(seen.final_url)})
    if seen.robots is False:
        message = "The publisher's robots.txt asks robots to stay away from this address."
        yield Finding("robots_disallow", "warning", message, {"url": shown(seen.final_url or seen.url)})
    elif seen.robots:
        yield Finding("robots_allow", "info", "The publisher's robots.txt lets it be read.", {})


def _body(parsed: ParsedFeed) -> Iterator[Finding]:
    evidence = {"format": parsed.format, "entries": parsed.entries, "title": parsed.title, "language": parsed.language}
    yield Finding("format", "info", f"It is {parsed.format} with {parsed.entries} items.", evidence)
    if not parsed.entries:
        yield Finding("no_entries", "warning", "It holds no items now.", {})
    if parsed.torn:
        message = "It breaks off; the items before that are read, and the rest is asked for again with every poll."
        yield Finding("torn", "warning", message, {})
    elif parsed.damaged:
        yield Finding("damaged", "warning", "It is not well-formed; what can be read of it is.", {})
    if parsed.encoding_repaired:
        yield Finding("encoding_repaired", "warning", "It is written in another encoding than it says.", {})
    if parsed.entities_refused:
        message = "It declares XML entities, which are neither expanded nor opened."
        yield Finding("entities_refused", "warning", message, {})
    if parsed.capped:
        message = "It holds more items than one poll takes."
        yield Finding("items_capped", "warning", message, {"left_out": parsed.capped})
    if parsed.repeated:
        message = "It holds the same item more than once."
        yield Finding("items_repeated", "info", message, {"items": parsed.repeated})
    whole = sum(item.body_html is not None for item in parsed.items)
    if parsed.items:
        told = "whole articles" if whole * 2 > len(parsed.items) else "teasers: the text is on the pages"
        yield Finding("text", "info", f"Its items are {told}.", {"whole": whole, "of": len(parsed.items)})


def _guids(items: list[Item]) -> Iterator[Finding]:
    missing = sum(item.guid is None for item in items)
    shared = sum(item.guid is not None and item.names.guid is None for item in items)
    unnamed = sum(item.names.fallback is not None for item in items)
    if shared:
        message = "Items share a guid; they are told apart by their addresses."
        yield Finding("guids_shared", "warning", message, {"items": shared, "of": len(items)})
    if unnamed:
        message = "Items have neither guid nor address of their own; a changed title makes another article of them."
        yield Finding("items_unnamed", "warning", message, {"items": unnamed, "of": len(items)})
    elif missing:
        message = "Items have no guid; they are known by their addresses."
        yield Finding("guids_missing", "info", message, {"items": missing, "of": len(items)})
    elif items and not shared:
        yield Finding("guids", "info", "Every item has a guid of its own.", {"of": len(items)})


def _dates(items: list[Item], now: datetime) -> Iterator[Finding]:
    undated = [item for item in items if item.published_at is None]
    unread = [item.published_raw for item in undated if item.published_raw]
    ahead = [i.published_raw for i in items if i.published_precision == "unknown" and i.published_at == now]
    coarse = [i.published_raw for i in items if i.published_precision in ("day", "month")]
    for code, severity, raw, message in (
        ("dates_unreadable", "warning", unread, "Dates cannot be read; they are kept as they are written."),
        ("dates_ahead", "warning", ahead, "Dates lie ahead; the time at which the item was found counts instead."),
        ("dates_coarse", "info", coarse, "Dates are known to the day only: they have no time, or no zone."),
    ):
        if raw:
            yield Finding(code, severity, message, {"items": len(raw), "of": len(items), "examples": raw[:3]})  # type: ignore[arg-type]
    missing = len(undated) - len(unread)
    if missing:
        message = "Items have no date; the time at which they were found counts instead."
        yield Finding("dates_missing", "warning", message, {"items": missing, "of": len(items)})
    if items and not undated and not ahead:
        yield Finding("dates", "info", "Every date can be read.", {"of": len(items)})


def _validators(seen: Seen) -> Iterator[Finding]:
    evidence: dict[str, Any] = {"sent": list(seen.validators), "second_status": seen.second_status}
    if not seen.validators:
        message = "It sends neither ETag nor Last-Modified: every poll brings the whole body."
        yield Finding("validators_missing", "warning", message, evidence)
    elif seen.second_status == 304:
        yield Finding("validators_honoured", "info", "Asked again at once, it answered 304.", evidence)
    elif seen.second_status is not None and seen.second_same:
        message = "It sends validators and ignores them: asked again at once, the same body came."
        yield Finding("validators_ignored", "warning", message, evidence)
    elif seen.second_status == 200:
        yield Finding("body_unstable", "info", "Asked again at once, another body came.", evidence)


def _hub(hub: Hub | None) -> Iterator[Finding]:
    if hub is None:
        yield Finding("hub_none", "info", "It names no WebSub hub: its news are found by polling.", {})
        return
    known = hub.known
    evidence = {
        "hub": hub.url,
        "status": hub.status,
        "subscription": known.state,
        "subscribed_feeds": known.active,
        "pushing_feeds": known.pushing,
        "last_push_at": known.last_push_at.isoformat() if known.last_push_at else None,
    }
    if hub.status is None or hub.status >= 500:
        message = "It names a WebSub hub that does not answer."
        yield Finding("hub_unreachable", "warning", message, evidence)
    elif known.misses:
        yield Finding("hub_misses", "warning", "Its WebSub hub left out news that polling found.", evidence)
    elif known.pushed_at:
        yield Finding("hub_pushes", "info", "Its WebSub hub pushes its news.", evidence)
    elif known.pushing:
        message = f"It names a WebSub hub that pushes the news of {known.pushing} of the feeds subscribed there."
        yield Finding("hub_pushes", "info", message, evidence)
    elif known.active:
        message = "It names a WebSub hub that confirmed a subscription and has pushed nothing yet."
        yield Finding("hub_silent", "info", message, evidence)
    else:
        message = "It names a WebSub hub that answers; whether it pushes shows once the feed is subscribed."
        yield Finding("hub_declared", "info", message, evidence)


def _depth(seen: Seen, parsed: ParsedFeed) -> Iterator[Finding]:
    rhythm, interval_s = seen.rhythm, seen.interval_s
    if rhythm is None or interval_s is None:
        return
    evidence: dict[str, Any] = {"median_gap_s": rhythm.gap_s, "newest_at": rhythm.newest_at}
    if rhythm.newest_at is not None and (seen.now - rhythm.newest_at).total_seconds() > STALE_S:
        yield Finding("stale", "warning", "Its newest item is older than 90 days.", evidence)
    if len(parsed.dates) >= 2:
        span_s = (parsed.dates[0] - parsed.dates[-1]).total_seconds()
        evidence |= {"span_s": span_s, "interval_s": interval_s}
        if 0 < span_s < SHORT * interval_s:
            message = "It reaches back less than two intervals: items may come and go between two polls."
            yield Finding("depth_short", "warning", message, evidence)
        elif span_s:
            yield Finding("depth", "info", "It reaches back far enough for its rhythm.", evidence)
    yield Finding("interval", "info", "The interval at which it would be polled now.", {"interval_s": interval_s})
