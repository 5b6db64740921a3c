"""One feed polled: claim → fetch → parse → decide → store → queue.

    Claimed ─ fetch ──304, same body, error───────────────────────────────────────┐
                └─ body ─ parse (in the pool, told what is known: counts the rest) │
                             └─ items ─ known? ─ decide ─ correct ─▶ Writing ◀─────┘
                                                                       └─ saved with others in one transaction:
                                                                          keys, articles, versions, queue rows,
                                                                          states, polls, events
                                                                             └─ after its commit: ids sent

The number of statements does not depend on how many items there are. Two feeds that bring the same article at once
race for its keys: the later one rolls back and decides again, knowing the article now. A poll whose lease ended saves
nothing: whoever holds the lease does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from secrets import token_urlsafe
from typing import Any

from services.ingest import store
from services.ingest.children import read_children
from services.ingest.decide import Correction, Decision, Known, Text, by_title, correct, decide
from services.ingest.discover import well_known
from services.ingest.fetch import fetch
from services.ingest.finishing import Polled
from services.ingest.guids import Guids, changed
from services.ingest.hosts import domain_of
from services.ingest.items import Item, ParsedFeed
from services.ingest.losses import is_lost
from services.ingest.older import with_older
from services.ingest.outcomes import Failure
from services.ingest.pages.teaser import page_host
from services.ingest.parse import Job
from services.ingest.refusals import NotAFeed, ParserKilled
from services.ingest.resources import Resources
from services.ingest.saver import RaceLost, Writing
from services.ingest.sources import source_of
from services.ingest.states import Claimed, Result
from services.ingest.twins import saving
from services.ingest.twins import store as twins
from services.ingest.twins.titles import Titled, settle, title_key
from services.ingest.websub import store as hubs
from services.ingest.websub.discovery import hub_and_topic
from shared.articles import Lane
from shared.http import FetchError, Response
from shared.urls import shown

ATTEMPTS = 5  # to decide, when other feeds bring the same articles at the same moment
HASHES = 200  # more of the feed's own item hashes than it had items, to recognise those unchanged


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a poll stores."""

    decision: Decision
    corrections: list[Correction]
    refreshed: list[tuple[Item, int]]


async def poll(res: Resources, feed: Claimed) -> Result:
    """Poll a claimed feed and save what came of it. Raises `Crowded`, `LeaseLost`, and psycopg's errors."""
    result = Result(started_at=datetime.now(UTC), outcome="unchanged")
    async with res.bodies:
        response, parsed = await _pushed(res, feed, result)
        if parsed is None:
            response = await fetch(res, feed, result)
            parsed = await _parse(res, feed, response, result) if response is not None else None
    if response is not None and parsed is not None:
        await _store(res, feed, replace(response, body=b""), parsed, result)
    else:
        await res.saver.save(Writing(_polled(res, feed, result), hub_active=feed.pushed_to, pushes=result.pushes))
    return result


async def give_up(res: Resources, feed: Claimed, error: Exception) -> Result:
    """A poll that failed inside is a bad poll like any other: an operator sees it, and it is not tried again at once.

    What a hub pushed is dropped, should that be the reason. Raises as `poll` does.
    """
    result = Result(started_at=datetime.now(UTC), outcome="internal")
    result.failure = Failure.of("internal", f"the feed was read, but could not be taken in ({type(error).__name__})")
    if feed.pushed_to:
        async with res.db.connection() as conn:
            push = await hubs.oldest_push(conn, feed.feed_id)
        result.pushes += [push[0]] if push else []
    await res.saver.save(Writing(_polled(res, feed, result), hub_active=feed.pushed_to, pushes=result.pushes))
    return result


async def _pushed(res: Resources, feed: Claimed, result: Result) -> tuple[Response | None, ParsedFeed | None]:
    """What the feed's hub pushed, in place of an answer of the publisher. What cannot be read is thrown away."""
    if not feed.pushed_to:
        return None, None
    async with res.db.connection() as conn:
        push = await hubs.oldest_push(conn, feed.feed_id)
    if push is None:
        return None, None
    push_id, content_type, body = push
    result.pushes.append(push_id)
    response = Response(200, {"content-type": content_type or ""}, body, feed.url, None, result.started_at)
    try:
        parsed = await res.parser.parse(body, await _job(res, feed, response, remember=False))
    except (NotAFeed, ParserKilled):
        return None, None
    if parsed.children:
        return None, None
    result.pushed, result.parsed, result.entries, result.size = True, parsed, parsed.entries, len(body)
    result.source_id = source_of(feed, parsed)["id"]
    return response, parsed


async def _job(res: Resources, feed: Claimed, response: Response, *, remember: bool = True) -> Job:
    known = b""
    if feed.articles_total:
        known = await res.lookups.hashes(feed.feed_id, feed.entries_in_last_poll * 2 + HASHES)
    return Job(
        feed.feed_id, response.url, response.headers.get("content-type"), response.received_at, known, remember=remember
    )


async def _parse(res: Resources, feed: Claimed, response: Response, result: Result) -> ParsedFeed | None:
    job = await _job(res, feed, response)
    try:
        parsed = await res.parser.parse(response.body, job)
        result.parsed = await read_children(res, parsed, job, result) if parsed.children else parsed
        if parsed.older:
            result.parsed = await with_older(res, feed, result.parsed, job, result)
    except (NotAFeed, ParserKilled, FetchError) as error:
        result.failure = Failure.of(error.code, error.message, await _candidates(res, feed, response, error))
        result.outcome = error.code
        return None
    if result.parsed.torn or result.parsed.capped:  # what came is kept, and the rest asked for again
        result.body_hash = result.etag = result.last_modified = None
    result.entries = result.parsed.entries
    result.source_id = source_of(feed, result.parsed)["id"]
    result.hub = hub_and_topic(response.headers, result.parsed, shown(response.url))
    return result.parsed


async def _candidates(
    res: Resources, feed: Claimed, response: Response, error: NotAFeed | ParserKilled | FetchError
) -> Sequence[str]:
    """The feeds that may be meant: those the page names, or for a new feed those at the well-known paths."""
    named: Sequence[str] = getattr(error, "candidates", ())
    if named or error.code != "not_a_feed" or feed.failures:
        return named
    return [candidate.url for candidate in await well_known(res, response.url, response.received_at)]


async def _store(res: Resources, feed: Claimed, response: Response, parsed: ParsedFeed, result: Result) -> None:
    for attempt in range(ATTEMPTS):
        # A feed's first items are nearly always new: they are stored untried, and decided if that fails.
        untried = attempt == 0 and feed.articles_total == 0
        verdict = _all_new(feed, parsed, result) if untried else await _decide(res, feed, parsed, result)
        _count(feed, result, parsed, verdict)
        queued_at = res.sender.queued_at(datetime.now(UTC))
        writing = _writing(res, feed, response, parsed, result, verdict, queued_at)
        try:
            ids = await res.saver.save(writing)
        except RaceLost:
            if attempt == ATTEMPTS - 1:
                raise
            continue
        waiting = {page["article_id"] for page in writing.pages}
        told = dict.fromkeys([*(c.article_id for c in verdict.corrections), *writing.twins.queued()])
        at_once = [article_id for n, article_id in enumerate(ids) if n not in writing.new_pages]
        at_once += [article_id for article_id in told if article_id not in waiting]
        res.sender.put(at_once, _lane(feed), queued_at)
        if waiting or writing.new_pages:
            res.wanted.set()
        return


def _all_new(feed: Claimed, parsed: ParsedFeed, result: Result) -> Verdict:
    decision = Decision(new=parsed.items, new_keys=[item.names.all() for item in parsed.items])
    keys = _title_keys(feed, parsed, decision)
    return Verdict(settle(decision, keys, {}, result.started_at), [], [])


def _title_keys(feed: Claimed, parsed: ParsedFeed, decision: Decision) -> list[str | None]:
    source = source_of(feed, parsed)["id"] if decision.new else ""
    return [title_key(source, item.headline) for item in decision.new]


async def _decide(res: Resources, feed: Claimed, parsed: ParsedFeed, result: Result) -> Verdict:
    named = [key for item in parsed.items for key in item.names.all()]
    if not named and not parsed.withdrawn:
        return Verdict(Decision(), [], [])
    known = await _known(res, feed, [*named, *parsed.withdrawn])
    moved: dict[str, Known] = {}
    if feed.articles_total and not parsed.unchanged and not any(key in known for key in named):
        async with res.db.connection() as conn:
            carried = await twins.carried(conn, feed.feed_id, parsed.entries * 2 + HASHES)
        moved = by_title(parsed.items, carried)
    hold = Guids.of(feed.rhythm.get("guids") or {}).hold
    decision = decide(parsed.items, known, feed.feed_id, moved, present=frozenset(parsed.same), guids_hold=hold)
    keys = _title_keys(feed, parsed, decision)
    asked = [key for key in keys if key]
    titled: dict[str, Titled] = await res.lookups.titled(feed.feed_id, asked) if asked else {}
    settle(decision, keys, titled, result.started_at)
    deleted = [known[key] for key in parsed.withdrawn if key in known]
    decision.withdrawn += [k.article_id for k in deleted if k.owner_id in (feed.feed_id, None)]
    candidates = decision.candidates
    texts: dict[int, Text] = {}
    if candidates:
        async with res.db.connection() as conn:
            texts = await store.texts(conn, [c.known.article_id for c in candidates])
    corrections: list[Correction] = []
    refreshed = list(decision.refreshed)
    for candidate in candidates:
        correction = correct(candidate, texts[candidate.known.article_id])
        if correction is not None:
            corrections.append(correction)
        else:
            refreshed.append((candidate.item, candidate.known.article_id))
    return Verdict(decision, corrections, refreshed)


async def _known(res: Resources, feed: Claimed, keys: Sequence[str]) -> dict[str, Known]:
    """The articles that go by these keys; what was found to be another stands for that."""
    known = await res.lookups.known(feed.feed_id, keys)
    others = {k.duplicate_of for k in known.values() if k.duplicate_of is not None}
    if not others:
        return known
    async with res.db.connection() as conn:
        kept = await twins.kept(conn, feed.feed_id, sorted(others))
    return {key: kept.get(k.duplicate_of or 0, k) for key, k in known.items()}


def _count(feed: Claimed, result: Result, parsed: ParsedFeed, verdict: Verdict) -> None:
    decision = verdict.decision
    result.counts = {
        "new": len(decision.new),
        "corrected": len(verdict.corrections),
        "unchanged": parsed.unchanged + decision.unchanged + len(verdict.refreshed),
        "duplicate": parsed.repeated + decision.repeated + len(decision.linked),
        "refused": parsed.refused,
        "capped": parsed.capped,
    }
    result.linked = len(decision.new) + len(decision.linked)
    result.outcome = "updated" if decision.new or verdict.corrections else "unchanged"
    result.shared = parsed.unchanged + decision.unchanged + len(verdict.refreshed) + len(verdict.corrections)
    result.guids_changed = changed(decision.renamed, result.shared)
    had = feed.entries_in_last_poll if feed.body_hash is not None else 0  # of this address
    result.lost = not result.pushed and is_lost(had, result.shared, result.linked)


def _writing(
    res: Resources,
    feed: Claimed,
    response: Response,
    parsed: ParsedFeed,
    result: Result,
    verdict: Verdict,
    queued_at: datetime | None,
) -> Writing:
    decision, lane, feed_id = verdict.decision, _lane(feed), feed.feed_id
    seen_at, fetched_at = result.started_at, response.received_at
    source = source_of(feed, parsed) if decision.new else {}
    wait_until = datetime.now(UTC) + timedelta(seconds=res.settings.page_wait_s)
    wanted = [_page(res, item, lane) for item in decision.new]
    wanted_again = [_page(res, correction.item, lane) for correction in verdict.corrections]
    return Writing(
        polled=_polled(res, feed, result),
        new=[
            store.article_row(item, feed_id, source, lane, seen_at, fetched_at, queued_at, wait_until if page else None)
            for item, page in zip(decision.new, wanted, strict=True)
        ],
        new_keys=decision.new_keys,
        aliases=decision.aliases,
        hub=_named_hub(res, feed, result),
        hub_active=feed.pushed_to,
        pushes=result.pushes,
        new_pages={n: page for n, page in enumerate(wanted) if page},
        pages=[
            page | {"article_id": correction.article_id}
            for correction, page in zip(verdict.corrections, wanted_again, strict=True)
            if page
        ],
        corrections=[
            store.correction_row(
                correction, feed_id, lane, seen_at, fetched_at, queued_at, wait_until if page else None
            )
            for correction, page in zip(verdict.corrections, wanted_again, strict=True)
        ],
        carried=[
            store.carried_row(item, article_id, feed_id, seen_at)
            for item, article_id in (*decision.linked, *verdict.refreshed)
        ],
        twins=saving.Found(
            titles=[
                (place, key, item.published_at or seen_at)
                for place, (key, item) in enumerate(zip(decision.titles, decision.new, strict=True))
                if key is not None
            ],
            merges=decision.merges,
            withdrawn=decision.withdrawn,
            queued_at=queued_at,
        ),
    )


def _named_hub(res: Resources, feed: Claimed, result: Result) -> dict[str, Any] | None:
    """The hub that the feed names, where hubs can reach us and it is not the one known already."""
    if result.hub is None or not res.settings.public_ingest_url:
        return None
    url, topic = result.hub
    known = feed.hub or {}
    if (known.get("url"), known.get("topic")) == (url, topic) and known.get("state") != "found":
        return None
    secret, token = token_urlsafe(32), token_urlsafe(24)
    return {"feed_id": feed.feed_id, "hub_url": url, "topic_url": topic, "token": token, "secret": secret}


def _page(res: Resources, item: Item, lane: Lane) -> dict[str, Any] | None:
    """The page that an item wants, as `pages.store.want` takes it but for the article's id."""
    host = page_host(item) if res.settings.fetch_pages else None
    return None if host is None else {"url": item.url, "host": host, "domain": domain_of(host), "lane": lane}


def _polled(res: Resources, feed: Claimed, result: Result) -> Polled:
    samplewire = bool(res.settings.samplewire) and feed.host == res.settings.samplewire
    return Polled(feed, result, res.bounds, samplewire, datetime.now(UTC))


def _lane(feed: Claimed) -> Lane:
    return "breaking" if feed.priority == "breaking" else "backfill" if feed.priority == "backfill" else "normal"
