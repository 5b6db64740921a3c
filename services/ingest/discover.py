"""The feeds of a site, from the address of one of its pages.

page ─ names feeds (rel=alternate)? ─▶ those that are feeds, when asked
     └ none of them is ─▶ the paths at which sites usually keep one, until two are found
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from services.ingest.fetch import ACCEPT
from services.ingest.outcomes import of_status
from services.ingest.parse import Job
from services.ingest.refusals import NotAFeed, ParserKilled
from services.ingest.resources import Resources
from services.ingest.turns import wait_for_turn
from shared.http import FetchError
from shared.urls import resolve, shown

# In this order; the first six are what WordPress, Hugo, Jekyll, Ghost, Blogger and Drupal make by default.
WELL_KNOWN = ("/feed", "/rss", "/feed.xml", "/rss.xml", "/atom.xml", "/index.xml", "/feed.json", "/news-sitemap.xml")
ASKED = 4  # of the feeds that a page names
ENOUGH = 2


@dataclass(frozen=True, slots=True)
class Candidate:
    """An address that gave a feed."""

    url: str
    format: str
    entries: int


async def discover(res: Resources, page_url: str, named: Iterable[str], now: datetime) -> list[Candidate]:
    """Feeds that were read, the fullest first: of those the page names, else at the well-known paths."""
    found: list[Candidate] = []
    for url in list(named)[:ASKED]:
        found += await _read(res, url, now)
    return _best(found) if found else await well_known(res, page_url, now)


async def well_known(res: Resources, page_url: str, now: datetime) -> list[Candidate]:
    """Feeds at the paths at which sites usually keep one; no more are asked for once two are found."""
    section = urlsplit(page_url).path.rstrip("/")
    found: list[Candidate] = []
    for path in dict.fromkeys((f"{section}/feed", *WELL_KNOWN)):
        url = resolve(page_url, path)
        if url is not None and url != page_url:
            found += await _read(res, url, now)
        if len(found) >= ENOUGH:
            break
    return _best(found)


async def _read(res: Resources, url: str, now: datetime) -> list[Candidate]:
    await wait_for_turn(res, url)
    try:
        response = await res.client.get(url, headers={"Accept": ACCEPT})
        if of_status(response.status) is not None:
            return []
        job = Job(0, response.url, response.headers.get("content-type"), now)
        parsed = await res.parser.parse(response.body, job)
    except (FetchError, NotAFeed, ParserKilled):
        return []
    return [Candidate(shown(response.url), parsed.format, parsed.entries)]


def _best(found: list[Candidate]) -> list[Candidate]:
    by_url = {candidate.url: candidate for candidate in found}
    return sorted(by_url.values(), key=lambda candidate: -candidate.entries)
