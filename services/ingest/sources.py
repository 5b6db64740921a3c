"""Who published an article. Pure. Its source is its feed's: the operator's word, else the domain of the feed's site."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from services.ingest.items import ParsedFeed
from services.ingest.states import Claimed
from shared.errors import AddressRefused
from shared.urls import host_of, registrable_domain


def source_of(feed: Claimed, parsed: ParsedFeed) -> dict[str, Any]:
    """{id, name, domain, country} as `shared.articles.Source`, and admin1 where the operator set it.

    The id is the registrable domain; where there is none (an IP address, a bare name) the site's path tells one
    publisher on it from the next.
    """
    own = feed.own_source or {}
    site = parsed.site_url or feed.site_url or feed.url
    try:
        host = host_of(site)
    except AddressRefused:
        host = "unknown"
    domain = own.get("domain") or registrable_domain(host) or host
    path = urlsplit(site).path.strip("/") if registrable_domain(host) is None else ""
    identity = own.get("domain") or (f"{domain}/{path}" if path else domain)
    name = own.get("name") or feed.own_title or parsed.title or feed.title or domain
    told = {"id": identity, "name": name, "domain": domain, "country": own.get("country")}
    return {**told, "admin1": own["admin1"]} if own.get("admin1") else told
