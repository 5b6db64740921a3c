"""Google News sitemaps and sitemap indexes (sitemaps.org, support.google.com/news) into `Feed`. Pure.

    <urlset>        ─ addresses with news tags are the entries; without any it is a list of pages, and refused
    <sitemapindex>  ─ the sitemaps that may hold news, as `children`: who polls reads them and puts them together

Addresses without news tags in a news sitemap are pages of the site, no news: they are no entries.
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from services.ingest.items import Entry, Feed
from services.ingest.refusals import NotAFeed
from shared.urls import resolve

CHILDREN = 5  # sitemaps of an index that one poll reads
ROOTS = ("urlset", "sitemapindex")

_NEWS_NAME = re.compile(r"news|noticias|nachrichten|actualit|notizie|latest|today|recent|48", re.IGNORECASE)

Element = Any


def read_sitemap(document: bytes, url: str) -> Feed:
    """The feed in a UTF-8 document without XML declaration whose root is one of `ROOTS`. Raises `NotAFeed`."""
    parser = etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True, recover=True)
    root: Element = etree.fromstring(document.strip(), parser)
    if root is None:
        raise NotAFeed("the sitemap cannot be read", code="unreadable")
    if _local(root) == "sitemapindex":
        return Feed(format="sitemapindex", entries=[], children=_children(root, url))
    return _urlset(root, url, damaged=bool(len(parser.error_log)))


def _urlset(root: Element, url: str, damaged: bool) -> Feed:
    pages = [child for child in root if _local(child) == "url"]
    found = [(page, news) for page in pages if (news := _child(page, "news")) is not None]
    if not found:
        raise NotAFeed(
            f"this is a sitemap of {len(pages)} pages without news tags, which lists a site and no news;"
            " look for the site's news sitemap or feed",
            code="plain_sitemap",
        )
    names = {name for _, news in found if (name := _text(_child(news, "publication"), "name"))}
    return Feed(
        format="newssitemap",
        entries=[_entry(page, news, url) for page, news in found],
        title=names.pop() if len(names) == 1 else None,
        site_url=resolve(url, "/"),
        damaged=damaged,
    )


def _entry(page: Element, news: Element, url: str) -> Entry:
    link = _text(page, "loc")
    images = [{"url": address} | _caption(i) for i in page if _local(i) == "image" if (address := _image(i, url))]
    keywords = [*(_text(news, "keywords") or "").split(","), *(_text(news, "genres") or "").split(",")]
    return Entry(
        link=resolve(url, link) if link else None,
        title=_text(news, "title") or "",
        published=_text(news, "publication_date"),
        updated=_text(page, "lastmod"),
        language=_text(_child(news, "publication"), "language"),
        images=images,
        categories=[word.strip() for word in keywords if word.strip()],
    )


def _image(image: Element, url: str) -> str | None:
    address = _text(image, "loc")
    return resolve(url, address) if address else None


def _caption(image: Element) -> dict[str, str]:
    caption = _text(image, "caption") or _text(image, "title")
    return {"caption": caption} if caption else {}


def _children(root: Element, url: str) -> list[str]:
    """The most promising sitemaps first: those called news, then the lately changed, then the last named."""
    found: list[tuple[bool, str, int, str]] = []
    for place, child in enumerate(root):
        link = _text(child, "loc") if _local(child) == "sitemap" else None
        address = resolve(url, link) if link else None
        if address and address != url:
            found.append((bool(_NEWS_NAME.search(address)), _text(child, "lastmod") or "", place, address))
    if not found:
        raise NotAFeed("this is a sitemap index that names no sitemaps", code="plain_sitemap")
    found.sort(reverse=True)
    return list(dict.fromkeys(address for _, _, _, address in found))[:CHILDREN]


def _local(element: Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _child(element: Element, name: str) -> Element:
    """The first child by its local name: publishers spell the namespaces in many ways."""
    return next((child for child in element if _local(child) == name), None) if element is not None else None


def _text(element: Element, name: str) -> str | None:
    child = _child(element, name)
    text = "".join(child.itertext()).strip() if child is not None else ""
    return text or None
