"""A sitemap index read as one feed: its most promising sitemaps fetched, parsed and put together.

    index ─▶ children ─ each: its host's turn ─ fetch ─ parse ─▶ one ParsedFeed, one hash of all bodies

An index seldom changes when its sitemaps do, so its own validators and its own hash count for nothing. A sitemap that
fails, or holds no news, leaves the others be; where all do, the poll fails with the first one's reason.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from services.ingest.items import MAX_ITEMS, Item, ParsedFeed
from services.ingest.outcomes import of_status
from services.ingest.parse import Job
from services.ingest.refusals import NotAFeed, ParserKilled
from services.ingest.resources import Resources
from services.ingest.states import Result
from services.ingest.turns import wait_for_turn
from shared.http import FetchError
from shared.urls import shown, with_userinfo_of

ACCEPT = {"Accept": "application/xml, text/xml;q=0.9, */*;q=0.5"}


async def read_children(res: Resources, index: ParsedFeed, job: Job, result: Result) -> ParsedFeed:
    """The news of the index's sitemaps. Raises `NotAFeed`, `ParserKilled` or `FetchError` where none could be read."""
    read: list[ParsedFeed] = []
    failed: list[NotAFeed | ParserKilled | FetchError] = []
    digest = sha256()
    for url in (with_userinfo_of(job.url, child) for child in index.children):
        try:
            body, parsed = await read_one(res, url, job)
        except (NotAFeed, ParserKilled, FetchError) as error:
            failed.append(error)
            continue
        digest.update(body)
        result.size += len(body)
        read.append(parsed)
    if not read:
        raise failed[0]
    result.body_hash, result.etag, result.last_modified = digest.digest(), None, None
    return together(index, read)


async def read_one(res: Resources, url: str, job: Job) -> tuple[bytes, ParsedFeed]:
    """(body, what it holds) of another part of a feed. Raises `NotAFeed`, `ParserKilled` or `FetchError`."""
    await wait_for_turn(res, url)
    response = await res.client.get(url, headers=ACCEPT)
    failure = of_status(response.status)
    if failure is not None:
        raise NotAFeed(f"{shown(url)}: {failure.message}")
    content_type = response.headers.get("content-type")
    parsed = await res.parser.parse(
        response.body, replace(job, url=response.url, content_type=content_type, remember=False)
    )
    if parsed.children:
        raise NotAFeed(f"the sitemap index names another index, {shown(url)}, which is not read", code="plain_sitemap")
    return response.body, parsed


def together(index: ParsedFeed, read: list[ParsedFeed]) -> ParsedFeed:
    """Its parts as one feed; `index` says what else there is to say of it."""
    items: list[Item] = []
    seen: set[str] = set()
    repeated = 0
    for item in (item for parsed in read for item in parsed.items):
        keys = item.names.all()
        if any(key in seen for key in keys):
            repeated += 1
        else:
            items.append(item)
        seen.update(keys)
    first = read[0]
    return replace(
        index,
        title=first.title,
        site_url=first.site_url,
        language=first.language,
        damaged=any(parsed.damaged for parsed in read),
        encoding_repaired=any(parsed.encoding_repaired for parsed in read),
        torn=any(parsed.torn for parsed in read),
        entities_refused=any(parsed.entities_refused for parsed in (index, *read)),
        entries=sum(parsed.entries for parsed in read),
        items=items[:MAX_ITEMS],
        unchanged=sum(parsed.unchanged for parsed in read),
        repeated=repeated + sum(parsed.repeated for parsed in read),
        same=sorted({one for parsed in read for one in parsed.same}),
        refused=sum(parsed.refused for parsed in read),
        capped=sum(parsed.capped for parsed in read) + max(0, len(items) - MAX_ITEMS),
        dates=sorted((date for parsed in read for date in parsed.dates), reverse=True),
    )
