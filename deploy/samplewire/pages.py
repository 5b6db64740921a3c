"""The web pages behind the links: articles, a front page per publisher, the index of publishers. Pure.

The article template carries what real ones do around the text (navigation, teasers, a newsletter box, a footer), so
that finding the text in the page is a fair exercise.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import Any

from deploy.samplewire.render import IMAGE_HEIGHT, IMAGE_WIDTH, body_html, image_path, shown
from deploy.samplewire.wire import Item, Publisher, Wire

_RIGHT_TO_LEFT = {"ar"}


def article_page(item: Item, publisher: Publisher, related: Sequence[Item], base: str) -> str:
    """The whole HTML page of an article; a paywalled one shows its first paragraph and the offer to subscribe."""
    article = item.article
    direction = ' dir="rtl"' if article.lang in _RIGHT_TO_LEFT else ""
    return (
        f'<!DOCTYPE html>\n<html lang="{article.lang}"{direction}>\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(item.title)} | {escape(publisher.name)}</title>\n{_meta(item, publisher, base)}"
        f"{_json_ld(item, publisher, base) if publisher.json_ld else ''}{_style(publisher)}</head>\n<body>\n"
        f'{_header(publisher)}<main>\n<article class="story">\n<header>\n'
        f'<p class="kicker">{escape(article.section)}</p>\n<h1>{escape(item.title)}</h1>\n{_byline(item, publisher)}'
        f'</header>\n{_figure(item)}<div class="story-body">\n{body_html(shown(item, True))}\n</div>\n'
        f"{_paywall(publisher) if article.paywall else ''}</article>\n{_related(related)}</main>\n"
        f"{_footer(publisher, item.published.year)}</body>\n</html>\n"
    )


def front_page(publisher: Publisher, items: Sequence[Item], base: str) -> str:
    """A publisher's front page: its newest headlines, its feeds announced by <link rel=alternate>."""
    feeds = "".join(
        f'<link rel="alternate" type="{_link_type(feed.format)}" title="{escape(feed.title)}" '
        f'href="{base}/{feed.key}">\n'
        for feed in publisher.feeds
    )
    teasers = "".join(
        f'<li><a href="{item.article.path}">{escape(item.title)}</a><p>{escape(item.summary)}</p></li>\n'
        for item in items
    )
    return (
        f'<!DOCTYPE html>\n<html lang="{publisher.lang}">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(publisher.name)}</title>\n{feeds}{_style(publisher)}</head>\n<body>\n{_header(publisher)}"
        f'<main><ul class="front">\n{teasers}</ul></main>\n</body>\n</html>\n'
    )


def index_page(wire: Wire) -> str:
    """What `/` shows: the publishers and their feeds."""
    blocks = "".join(
        f'<h2><a href="/{publisher.slug}/">{escape(publisher.name)}</a></h2>\n<p>{escape(publisher.tagline)}</p>\n<ul>'
        + "".join(
            f'<li><a href="/{feed.key}">{escape(feed.title)}</a> ({feed.format})</li>' for feed in publisher.feeds
        )
        + "</ul>\n"
        for publisher in wire.publishers
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>Sample wire</title></head>\n<body>\n'
        "<h1>Sample wire</h1>\n<p>Invented news from invented publishers. "
        f'<a href="/wire.opml">All feeds as OPML</a></p>\n{blocks}</body>\n</html>\n'
    )


def _meta(item: Item, publisher: Publisher, base: str) -> str:
    article = item.article
    properties = {
        "og:type": "article",
        "og:site_name": publisher.name,
        "og:title": item.title,
        "og:description": item.summary,
        "og:url": base + article.path,
        "article:published_time": item.published.isoformat(),
        "article:section": article.section,
    }
    if item.updated:
        properties["article:modified_time"] = item.updated.isoformat()
    if article.caption:
        properties["og:image"] = base + image_path(item)
    return (
        f'<link rel="canonical" href="{base}{article.path}">\n'
        f'<meta name="description" content="{escape(item.summary)}">\n'
        + "".join(f'<meta name="author" content="{escape(author)}">\n' for author in article.authors)
        + "".join(f'<meta property="{name}" content="{escape(text)}">\n' for name, text in properties.items())
    )


def _json_ld(item: Item, publisher: Publisher, base: str) -> str:
    article = item.article
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "OpinionNewsArticle" if article.kind == "op-ed" else "NewsArticle",
        "headline": item.title,
        "description": item.summary,
        "url": base + article.path,
        "inLanguage": article.lang,
        "datePublished": item.published.isoformat(),
        "dateModified": (item.updated or item.published).isoformat(),
        "author": [{"@type": "Person", "name": author} for author in article.authors],
        "publisher": {"@type": "NewsMediaOrganization", "name": publisher.name, "url": f"{base}/{publisher.slug}/"},
        "isAccessibleForFree": not article.paywall,
    }
    if article.caption:
        data["image"] = [base + image_path(item)]
    if article.paywall:
        data["hasPart"] = {"@type": "WebPageElement", "isAccessibleForFree": False, "cssSelector": ".story-body"}
    # "</" inside a string would end the script element.
    text = json.dumps(data, ensure_ascii=False).replace("</", "<\\/")
    return f'<script type="application/ld+json">{text}</script>\n'


def _byline(item: Item, publisher: Publisher) -> str:
    names = ", ".join(item.article.authors) or publisher.name
    updated = f" · Updated {_time(item.updated)}" if item.updated else ""
    return f'<p class="byline"><span class="author">{escape(names)}</span> · {_time(item.published)}{updated}</p>\n'


def _time(moment: datetime) -> str:
    return f'<time datetime="{moment.isoformat()}">{moment:%Y-%m-%d %H:%M} UTC</time>'


def _figure(item: Item) -> str:
    if not item.article.caption:
        return ""
    return (
        f'<figure><img src="{image_path(item)}" width="{IMAGE_WIDTH}" height="{IMAGE_HEIGHT}" alt="">'
        f"<figcaption>{escape(item.article.caption)} "
        f'<span class="credit">{escape(item.article.credit)}</span></figcaption></figure>\n'
    )


def _paywall(publisher: Publisher) -> str:
    return (
        '<aside class="paywall"><h2>Continue reading</h2>'
        f"<p>This article is for subscribers of {escape(publisher.name)}.</p>"
        '<p><a href="#subscribe">Subscribe</a> or <a href="#login">log in</a>.</p></aside>\n'
    )


def _related(related: Sequence[Item]) -> str:
    links = "".join(f'<li><a href="{item.article.path}">{escape(item.title)}</a></li>' for item in related)
    return f'<aside class="related"><h2>More from us</h2><ul>{links}</ul></aside>\n' if links else ""


def _header(publisher: Publisher) -> str:
    sections = "".join(f'<li><a href="/{feed.key}">{escape(feed.title)}</a></li>' for feed in publisher.feeds)
    return (
        f'<header class="site"><a class="brand" href="/{publisher.slug}/">{escape(publisher.name)}</a>'
        f'<p>{escape(publisher.tagline)}</p>\n<nav><ul><li><a href="/">All publishers</a></li>{sections}</ul></nav>'
        "</header>\n"
    )


def _footer(publisher: Publisher, year: int) -> str:
    return (
        '<footer class="site"><p>Sign up for our newsletter and never miss a story.</p>'
        f"<p>© {year} {escape(publisher.name)}. Every event and person told of here is invented.</p></footer>\n"
    )


def _style(publisher: Publisher) -> str:
    return (
        "<style>body{font:18px/1.5 Georgia,serif;max-width:44rem;margin:auto;padding:1rem}"
        f".site{{border-top:6px solid {publisher.colour}}}.brand{{font-size:2rem}}nav ul{{display:flex;gap:1rem;"
        "list-style:none;padding:0}figure{margin:0}img{max-width:100%;height:auto}</style>\n"
    )


def _link_type(feed_format: str) -> str:
    return {"atom": "application/atom+xml", "json": "application/feed+json"}.get(feed_format, "application/rss+xml")
