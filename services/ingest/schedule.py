"""When a feed is polled next, and why: every rule with its input and its vote. Pure; the one place that decides.

A feed is polled when what may be waiting is worth a request (`worth.py`). What was lost may shorten that interval;
what the publisher asks for (ttl, Cache-Control, Expires) may lengthen it; the operator's floor and ceiling bound it;
failures and Retry-After push it away. The bundled sample wire, known by its exact host and port, is polled every 15 s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from services.ingest.outlook import Outlook, outlook
from services.ingest.rhythm import Rhythm
from services.ingest.websub.trust import SLOWER, SLOWEST_S
from services.ingest.worth import PRICE

SAMPLEWIRE_S = 15.0
DEFAULT_S = 3600.0  # of a feed whose rhythm is not known yet
RETRY_AFTER_CAP_S = 86_400.0  # as Media Cloud; longer ones are nearly always mistakes
GONE_S = 7 * 86_400.0  # between looks at a feed that the publisher took away (410)
UNASKED_PAUSE_S = 900.0  # after 429 without Retry-After
PERMANENT_FACTOR = 12  # times the floor: first retry of what will not mend itself
JITTER = 0.1  # of the wait
AIMED_JITTER_S = 30.0  # where the moment matters: after the minutes at which a feed brings news


@dataclass(frozen=True, slots=True)
class Bounds:
    """The operator's settings: seconds, and what a request must be worth."""

    floor_s: float
    ceiling_s: float
    price: float = PRICE


@dataclass(slots=True)
class Facts:
    """What a poll found that matters for the next one."""

    rhythm: Rhythm
    within_s: float | None = None  # articles were lost by polling more rarely than this
    breaking: bool = False  # a poll is worth four times as much
    samplewire: bool = False
    failures: int = 0
    permanent: bool = False  # an error that will not mend itself
    gone: bool = False  # the publisher took it away
    rate_limited: bool = False
    fresh_s: float | None = None  # how long the answer said it stays fresh
    retry_after_at: datetime | None = None
    price: float = PRICE
    hub_trusted: bool = False  # its WebSub hub tells of news and was not found missing any
    outlook: Outlook | None = None  # of the rhythm, at the moment and price planned for, where it is known already


class Rule(NamedTuple):
    """One rule's word: on what ground, for which wait in seconds, and whether it decided."""

    rule: str
    input: str
    vote_s: float
    decided: bool = False


class Plan(NamedTuple):
    """The next poll and the reasons for it."""

    next_poll_at: datetime
    interval_s: float
    rules: tuple[Rule, ...]


def needed(price: float, breaking: bool) -> float:
    """What a poll must be worth."""
    return price / 4 if breaking else price


def plan(facts: Facts, bounds: Bounds, now: datetime, luck: float) -> Plan:
    """The next poll after one at `now`. `luck` in [0, 1) spreads feeds that would fall together."""
    if facts.samplewire and facts.failures == 0:
        rules = [Rule("samplewire", "the bundled sample wire", SAMPLEWIRE_S, True)]
        interval_s = SAMPLEWIRE_S
    else:
        rules, interval_s = _interval(facts, bounds, now)
    wait_s, rules = _pushed(facts, bounds, interval_s, rules)
    wait_s += luck * _jitter_s(facts, wait_s)
    at = now + timedelta(seconds=wait_s)
    if facts.retry_after_at is not None and facts.retry_after_at > now:
        asked_s = (facts.retry_after_at - now).total_seconds()
        decides = facts.retry_after_at > at
        if decides:
            at, rules = facts.retry_after_at, [_undecided(rule) for rule in rules]
        rules.append(
            Rule("retry_after", f"the publisher asks until {facts.retry_after_at:%Y-%m-%dT%H:%M:%SZ}", asked_s, decides)
        )
    return Plan(at, interval_s, tuple(rules))


def _jitter_s(facts: Facts, wait_s: float) -> float:
    if facts.samplewire:
        return 0.0
    aimed = facts.rhythm.known and facts.failures == 0
    return min(JITTER * wait_s, AIMED_JITTER_S) if aimed else JITTER * wait_s


def _interval(facts: Facts, bounds: Bounds, now: datetime) -> tuple[list[Rule], float]:
    votes = [_rhythm_rule(facts, now)]
    if facts.within_s is not None and facts.within_s < votes[0].vote_s:
        votes.append(Rule("lost_articles", "two polls shared no item: articles may be lost", facts.within_s))
    wishes = len(votes)
    if facts.rhythm.ttl_s:
        votes.append(Rule("ttl", "the feed's own ttl or update period", facts.rhythm.ttl_s))
    if facts.fresh_s:
        votes.append(Rule("cache_control", "Cache-Control max-age or Expires", facts.fresh_s))
    if facts.hub_trusted:
        slow_s = max(votes[0].vote_s, min(SLOWER * votes[0].vote_s, SLOWEST_S))
        votes.append(Rule("hub", "its WebSub hub tells of news, and has proved it", slow_s))
    votes.append(Rule("floor", "WIREDESK_MIN_POLL_S", bounds.floor_s))
    longest = max(votes[wishes - 1 :], key=lambda rule: rule.vote_s)
    ceiling = Rule("ceiling", "WIREDESK_MAX_POLL_S", bounds.ceiling_s)
    winner = ceiling if longest.vote_s > bounds.ceiling_s else longest
    votes.append(ceiling)
    rules = [Rule(rule.rule, rule.input, round(rule.vote_s, 1), rule is winner) for rule in votes]
    return rules, winner.vote_s


def _rhythm_rule(facts: Facts, now: datetime) -> Rule:
    rhythm = facts.rhythm
    if not rhythm.known or rhythm.newest_at is None:
        wish_s = DEFAULT_S * min(8.0, 1.25**rhythm.quiet_polls) / (2 if facts.breaking else 1)
        return Rule("rhythm", f"no rhythm known yet; {rhythm.quiet_polls} polls without news", wish_s)
    at = now.timestamp()
    seen = facts.outlook or outlook(rhythm, at, needed(facts.price, facts.breaking))
    gap_s = rhythm.gap_s
    usual = f"an item every {gap_s:.0f} s, " if gap_s is not None else ""
    reason = (
        f"{usual}the newest {at - rhythm.arrivals[0]:.0f} s ago: {86_400 * seen.rate:.3g} a day expected,"
        f" x {seen.share:.2g} in this hour of the week"
    )
    return Rule("rhythm", reason, seen.wait_s)


def _pushed(facts: Facts, bounds: Bounds, interval_s: float, rules: list[Rule]) -> tuple[float, list[Rule]]:
    """Failures push the next poll away, doubling up to the ceiling: a feed that comes back is still found."""
    if facts.failures == 0:
        return interval_s, rules
    if facts.gone:
        vote = Rule("gone", "the publisher took the feed away (410): looked at once a week", GONE_S, True)
        return GONE_S, [*(_undecided(rule) for rule in rules), vote]
    first_s = bounds.floor_s * (PERMANENT_FACTOR if facts.permanent else 1)
    wait_s = min(bounds.ceiling_s, first_s * 2.0 ** min(facts.failures - 1, 30))
    if facts.rate_limited:
        wait_s = max(wait_s, UNASKED_PAUSE_S)
    vote = Rule("back_off", f"{facts.failures} failures in a row", wait_s, True)
    return wait_s, [*(_undecided(rule) for rule in rules), vote]


def _undecided(rule: Rule) -> Rule:
    return Rule(rule.rule, rule.input, rule.vote_s)


def fresh_for_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """How long the answer says that it stays fresh (RFC 9111, 4.2.1): max-age, else Expires."""
    for part in headers.get("cache-control", "").lower().split(","):
        name, _, value = part.strip().partition("=")
        if name in ("no-cache", "no-store"):
            return None
        if name == "max-age" and value.strip('"').isdecimal() and len(value) < 12:
            return float(value.strip('"'))
    expires = _http_date(headers.get("expires"))
    left_s = (expires - now).total_seconds() if expires else 0.0
    return left_s if left_s > 0 else None


def retry_after(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """When the publisher lets us come again (RFC 9110, 10.2.3): seconds or a date, at most a day from now."""
    text = headers.get("retry-after", "").strip()
    seconds = float(text) if text.isdecimal() and len(text) < 12 else None
    at = now + timedelta(seconds=min(seconds, RETRY_AFTER_CAP_S)) if seconds is not None else _http_date(text)
    return min(at, now + timedelta(seconds=RETRY_AFTER_CAP_S)) if at is not None and at > now else None


def _http_date(text: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(text) if text else None
    except (ValueError, TypeError):
        return None
    return found if found is not None and found.tzinfo is not None else None
