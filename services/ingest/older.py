"""Pages of older items, read where a body shares nothing with what its feed gave before: what came in between.

body ─ an item known? ─┬─ yes ─▶ nothing was missed
                       └─ no ─ names an older page? ─▶ read it, and the one before, until an item is known

RFC 5005 (`next`, `prev-archive`) and JSON Feed (`next_url`). A first poll takes what the feed gives and no more.
"""

from __future__ import annotations

from dataclasses import replace

from services.ingest.children import read_one, together
from services.ingest.items import MAX_ITEMS, ParsedFeed
from services.ingest.parse import Job
from services.ingest.refusals import NotAFeed, ParserKilled
from services.ingest.resources import Resources
from services.ingest.states import Claimed, Result
from shared.http import FetchError
from shared.urls import with_userinfo_of

PAGES = 10  # that one poll reads


async def with_older(res: Resources, feed: Claimed, parsed: ParsedFeed, job: Job, result: Result) -> ParsedFeed:
    """What the body holds, and where something was missed before it, also that. A page that fails ends the reading."""
    read, asked, older = [parsed], {job.url}, parsed.older
    if feed.body_hash is None or not feed.entries_in_last_poll:
        return parsed
    while older and older not in asked and len(read) <= PAGES and await _all_unknown(res, feed, read[-1]):
        if sum(len(one.items) for one in read) >= MAX_ITEMS:
            break
        asked.add(older)
        try:
            body, page = await read_one(res, with_userinfo_of(job.url, older), job)
        except (NotAFeed, ParserKilled, FetchError):
            break
        result.size += len(body)
        read.append(page)
        older = page.older
    return parsed if len(read) == 1 else replace(together(parsed, read), older=older)


async def _all_unknown(res: Resources, feed: Claimed, page: ParsedFeed) -> bool:
    """Whether the feed gave nothing of what is on this page before."""
    if page.unchanged or not page.items:
        return False
    known = await res.lookups.known(feed.feed_id, [key for item in page.items for key in item.names.all()])
    return not any(one.carried for one in known.values())
