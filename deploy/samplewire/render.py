"""Feeds as text: RSS 2.0, RSS 1.0 (RDF), Atom 1.0, JSON Feed 1.1, and the OPML list of them. Pure.

Sources: RSS 2.0 (rssboard.org), the content, dc, dcterms and media modules, RFC 4287, jsonfeed.org/version/1.1,
OPML 2.0 (opml.org). `base` is the server's root without a trailing slash, `http://127.0.0.1:8765`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from deploy.samplewire.wire import FeedState, Item, Publisher, Wire

TTL_MIN = 1  # RSS counts its ttl in whole minutes; Cache-Control says the finer truth
MEDIA_TYPES = {
    "rss": "application/rss+xml; charset=utf-8",
    "rdf": "application/rdf+xml; charset=utf-8",
    "atom": "application/atom+xml; charset=utf-8",
    "json": "application/feed+json; charset=utf-8",
}
IMAGE_WIDTH, IMAGE_HEIGHT = 640, 360
_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'


def render_feed(state: FeedState, publisher: Publisher, base: str) -> str:
    """The feed's document in its own format."""
    return _RENDERERS[state.feed.format](state, publisher, base)


def render_opml(wire: Wire, base: str, created: datetime) -> str:
    """OPML 2.0 of every feed, in one folder "Sample wire"."""
    outlines = "\n".join(
        f"      <outline type={quoteattr('atom' if feed.format == 'atom' else 'rss')} text={quoteattr(feed.title)} "
        f"title={quoteattr(feed.title)} xmlUrl={quoteattr(f'{base}/{feed.key}')} "
        f"htmlUrl={quoteattr(f'{base}/{publisher.slug}/')}{_language(feed.lang)}/>"
        for publisher in wire.publishers
        for feed in publisher.feeds
    )
    return (
        f'{_DECLARATION}<opml version="2.0">\n  <head>\n    <title>Sample wire</title>\n'
        f"    <dateCreated>{_rfc822(created)}</dateCreated>\n  </head>\n  <body>\n"
        f'    <outline text="Sample wire" title="Sample wire">\n{outlines}\n    </outline>\n  </body>\n</opml>\n'
    )


def render_subscriptions(wire: Wire, base: str) -> bytes:
    """Every feed as the body of `POST /v1/feeds`, a JSON list: unlike OPML it can say who the publisher is."""
    return json.dumps(
        [
            {
                "url": f"{base}/{feed.key}",
                "title": feed.title,
                "tags": ["Sample wire"],
                "source": {"name": publisher.name, "domain": publisher.domain, "country": publisher.country},
            }
            for publisher in wire.publishers
            for feed in publisher.feeds
        ]
    ).encode()


def body_html(paragraphs: Iterable[str]) -> str:
    """An article's paragraphs as HTML that is well-formed XML too."""
    return "\n".join(_block(text) for text in paragraphs)


def shown(item: Item, whole: bool) -> tuple[str, ...]:
    """The paragraphs a reader gets: all, or behind a paywall the first alone."""
    return item.paragraphs if whole and not item.article.paywall else item.paragraphs[:1]


def image_path(item: Item) -> str:
    """Path of the article's picture."""
    return f"/{item.article.publisher}/images/{item.article.slug}.png"


def item_id(item: Item, publisher: Publisher) -> str:
    """A tag URI (RFC 4151): the same whatever port or day the wire runs on."""
    return f"tag:{publisher.domain},2026:{item.article.slug}"


def _rss(state: FeedState, publisher: Publisher, base: str) -> str:
    items = "".join(_rss_item(state, item, publisher, base) for item in state.items)
    language = f"<language>{state.feed.lang}</language>\n" if state.feed.lang else ""
    return (
        f'{_DECLARATION}<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:media="http://search.yahoo.com/mrss/">\n<channel>\n'
        f"<title>{escape(state.feed.title)}</title>\n<link>{base}/{publisher.slug}/</link>\n"
        f"<description>{escape(publisher.tagline)}</description>\n{language}"
        f"<copyright>{escape(publisher.name)}</copyright>\n<lastBuildDate>{_rfc822(state.changed)}</lastBuildDate>\n"
        f'<ttl>{TTL_MIN}</ttl>\n<atom:link href="{base}/{state.feed.key}" rel="self" type="application/rss+xml"/>\n'
        f"{items}</channel>\n</rss>\n"
    )


def _rss_item(state: FeedState, item: Item, publisher: Publisher, base: str) -> str:
    article = item.article
    parts = [
        f"<title>{escape(item.title)}</title>",
        f"<link>{base}{article.path}</link>",
        f'<guid isPermaLink="false">{item_id(item, publisher)}</guid>',
        f"<pubDate>{_rfc822(item.published)}</pubDate>",
        *([f"<atom:updated>{_rfc3339(item.updated)}</atom:updated>"] if item.updated else []),
        *(f"<dc:creator>{escape(author)}</dc:creator>" for author in article.authors),
        *(f"<category>{escape(category)}</category>" for category in _categories(item)),
        f"<description>{escape(item.summary)}</description>",
    ]
    if state.feed.body == "full":
        parts.append(f"<content:encoded><![CDATA[{body_html(shown(item, True))}]]></content:encoded>")
    if state.feed.images and article.caption:
        parts.append(
            f'<media:content url="{base}{image_path(item)}" type="image/png" medium="image" width="{IMAGE_WIDTH}" '
            f'height="{IMAGE_HEIGHT}"><media:description type="plain">{escape(article.caption)}</media:description>'
            f"<media:credit>{escape(article.credit)}</media:credit></media:content>"
        )
    return "<item>\n" + "\n".join(parts) + "\n</item>\n"


def _rdf(state: FeedState, publisher: Publisher, base: str) -> str:
    links = "".join(f'<rdf:li rdf:resource="{base}{item.article.path}"/>\n' for item in state.items)
    items = "".join(_rdf_item(item, base) for item in state.items)
    return (
        f'{_DECLARATION}<rdf:RDF xmlns="http://purl.org/rss/1.0/" '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:dcterms="http://purl.org/dc/terms/">\n'
        f'<channel rdf:about="{base}/{state.feed.key}">\n<title>{escape(state.feed.title)}</title>\n'
        f"<link>{base}/{publisher.slug}/</link>\n<description>{escape(publisher.tagline)}</description>\n"
        f"<dc:publisher>{escape(publisher.name)}</dc:publisher>\n<dc:date>{_rfc3339(state.changed)}</dc:date>\n"
        f"<items><rdf:Seq>\n{links}</rdf:Seq></items>\n</channel>\n{items}</rdf:RDF>\n"
    )


def _rdf_item(item: Item, base: str) -> str:
    article = item.article
    updated = f"<dcterms:modified>{_rfc3339(item.updated)}</dcterms:modified>\n" if item.updated else ""
    return (
        f'<item rdf:about="{base}{article.path}">\n<title>{escape(item.title)}</title>\n'
        f"<link>{base}{article.path}</link>\n<description>{escape(item.summary)}</description>\n"
        + "".join(f"<dc:creator>{escape(author)}</dc:creator>\n" for author in article.authors)
        + "".join(f"<dc:subject>{escape(category)}</dc:subject>\n" for category in _categories(item))
        + f"<dc:language>{article.lang}</dc:language>\n<dcterms:issued>{_rfc3339(item.published)}</dcterms:issued>\n"
        f"{updated}</item>\n"
    )


def _atom(state: FeedState, publisher: Publisher, base: str) -> str:
    entries = "".join(_atom_entry(state, item, publisher, base) for item in state.items)
    return (
        f'{_DECLARATION}<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{state.feed.lang}">\n'
        f"<title>{escape(state.feed.title)}</title>\n<subtitle>{escape(publisher.tagline)}</subtitle>\n"
        f"<id>tag:{publisher.domain},2026:{state.feed.name}</id>\n<updated>{_rfc3339(state.changed)}</updated>\n"
        f'<link rel="self" type="application/atom+xml" href="{base}/{state.feed.key}"/>\n'
        f'<link rel="alternate" type="text/html" href="{base}/{publisher.slug}/"/>\n'
        f"<author><name>{escape(publisher.name)}</name></author>\n{entries}</feed>\n"
    )


def _atom_entry(state: FeedState, item: Item, publisher: Publisher, base: str) -> str:
    article = item.article
    html = body_html(shown(item, True))
    content = (
        f'<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">{html}</div></content>'
        if state.feed.content == "xhtml"
        else f'<content type="html">{escape(html)}</content>'
    )
    return (
        f"<entry>\n<title>{escape(item.title)}</title>\n<id>{item_id(item, publisher)}</id>\n"
        f'<link rel="alternate" type="text/html" href="{base}{article.path}"/>\n'
        f"<published>{_rfc3339(item.published)}</published>\n"
        f"<updated>{_rfc3339(item.updated or item.published)}</updated>\n"
        + "".join(f"<author><name>{escape(author)}</name></author>\n" for author in article.authors)
        + "".join(f"<category term={quoteattr(category)}/>\n" for category in _categories(item))
        + f"<summary>{escape(item.summary)}</summary>\n{content}\n</entry>\n"
    )


def _json_feed(state: FeedState, publisher: Publisher, base: str) -> str:
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": state.feed.title,
        "home_page_url": f"{base}/{publisher.slug}/",
        "feed_url": f"{base}/{state.feed.key}",
        "description": publisher.tagline,
        "language": state.feed.lang,
        "items": [_json_item(item, publisher, base) for item in state.items],
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _json_item(item: Item, publisher: Publisher, base: str) -> dict[str, Any]:
    article = item.article
    entry: dict[str, Any] = {
        "id": item_id(item, publisher),
        "url": base + article.path,
        "title": item.title,
        "summary": item.summary,
        "content_html": body_html(shown(item, True)),
        "date_published": _rfc3339(item.published),
        "authors": [{"name": author} for author in article.authors],
        "tags": _categories(item),
        "language": article.lang,
    }
    if item.updated:
        entry["date_modified"] = _rfc3339(item.updated)
    if article.caption:
        entry["image"] = base + image_path(item)
    return entry


def _block(text: str) -> str:
    if text.startswith("## "):
        return f"<h2>{escape(text[3:])}</h2>"
    if text.startswith("> "):
        return f"<blockquote><p>{escape(text[2:])}</p></blockquote>"
    return f"<p>{escape(text)}</p>"


def _categories(item: Item) -> list[str]:
    return [category for category in (item.article.section, *item.article.tags) if category]


def _language(lang: str) -> str:
    return f" language={quoteattr(lang)}" if lang else ""


def _rfc822(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def _rfc3339(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""


_RENDERERS: dict[str, Callable[[FeedState, Publisher, str], str]] = {
    "rss": _rss,
    "rdf": _rdf,
    "atom": _atom,
    "json": _json_feed,
}
