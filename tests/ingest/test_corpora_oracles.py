"""What other parsers expect of their own test feeds, asked of ours: gofeed, feed-rs, fastfeedparser, feedparser."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from services.ingest.items import Item
from services.ingest.markup import text_of, title_of
from services.ingest.refusals import NotAFeed
from tests.ingest.corpora import expected, files, name, needs_feeds, read
from tests.ingest.test_corpora import REFUSED, TORN

pytestmark = needs_feeds
Difference = tuple[str, Any, Any]

# Where we mean to differ: (file, member) and why.
OTHERWISE = {
    ("dublincore_item_multiple_values.xml", "authors"): "all creators are authors, not the first alone",
    ("issue_275_extensions_and_source.xml", "text"): "binary content is no text",
    ("rdf_item_links.xml", "link"): "damaged: the first readable address counts",
    ("feed_item_image_-_rss_channel_item_content.xml", "picture"): "pictures inside the text stay in the text",
    ("feed_item_image_-_rss_channel_item_description.xml", "picture"): "pictures inside the text stay in the text",
    ("feed_item_fallbacks_-_rss_channel_item_extensions.xml", "items"): "an author alone is no item",
    ("atom_example_3.xml", "link"): "FeedBurner's original address, not its redirect",
    ("rss_2.0_rps.xml", "link"): "FeedBurner's original address, not its redirect",
    ("jsonfeed_elastic_1.1.json", "authors"): "`authors` replaces `author`, jsonfeed.org/version/1.1",
    ("rss_1.0_spec_2.xml", "authors"): "the mail address is not part of the name",
    ("rss_2.0_spiegel.xml", "media"): "a player's page is no medium",
    ("rss_2.0_vimeo_media.xml", "media"): "a player's page is no medium",
}
NOT_WELL_FORMED = re.compile(r"atom\d+_\w*(?:escaped_markup|xhtml_inline_markup)\.xml|cdata_escaped_markup\.xml")


def words(markup: str | None) -> str:
    return " ".join(text_of(markup or "").split())


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).replace(microsecond=0)


def members(found: Item, want: dict[str, Any]) -> Iterator[Difference]:
    """Where an item is not what is wanted; what is not given is not asked for."""
    text = f"{words(found.description)} {words(found.body_html)}"
    if (title := title_of(want.get("title") or "", False)) and title != found.title:
        yield "title", title, found.title
    if want.get("guid") and want["guid"] != found.guid:
        yield "guid", want["guid"], found.guid
    if want.get("links") and address(found.url) not in map(address, want["links"]):
        yield "link", want["links"], found.url
    if want.get("published") and moment(want["published"]) != found.published_at:
        yield "published", want["published"], (found.published_raw, found.published_at)
    for given in want.get("texts", ()):
        if given and words(given) not in text:
            yield "text", words(given), text
    for member, got in (("authors", found.authors), ("categories", found.categories)):
        if not {value.strip() for value in want.get(member, ())} <= {*got, "unknown", "author"}:
            yield member, want[member], got
    pictures = [address(image["url"]) for image in found.images]
    if not set(map(address, want.get("pictures", ()))) <= set(pictures):
        yield "picture", want["pictures"], pictures
    media = [*pictures, *(address(medium["url"]) for medium in found.media)]
    if not set(map(address, want.get("media", ()))) <= set(media):
        yield "media", want["media"], media


def address(url: str) -> str:
    """Without what makes no difference: the case of the host, a closing slash, where a relative one stands."""
    url = re.sub(r"\A(?:\w+://[^/]+)?/?(?=[^/:]*(?:/|\Z))", lambda m: m.group().lower(), url)
    return url.removeprefix("https://news.example").removeprefix("http://www.example.com/").rstrip("/")


def compare(path: Path, wants: list[dict[str, Any]]) -> Iterator[Difference]:
    feed = read(path)
    if len(wants) != feed.entries:
        yield "count", len(wants), feed.entries
    elif len(feed.items) != len(wants):
        if any(want.get(member) for want in wants for member in ("title", "links", "texts")):
            yield "items", len(wants), len(feed.items)
    else:
        for found, want in zip(feed.items, wants, strict=True):
            yield from members(found, want)


def differences(folder: str, wants_of: Any) -> tuple[int, list[str]]:
    compared, wrong = 0, []
    for path in files(folder):
        want = expected(path)
        if want is None or name(path) in (REFUSED | TORN):
            continue
        compared += 1
        wrong += [
            f"{name(path)} {member}: wanted {wanted!r}, got {got!r}"[:400]
            for member, wanted, got in compare(path, wants_of(want))
            if (path.name, member) not in OTHERWISE and not NOT_WELL_FORMED.search(path.name)
        ]
    return compared, wrong


def of_gofeed(want: dict[str, Any]) -> list[dict[str, Any]]:
    items = want.get("items") or want.get("entries") or []
    return [
        {
            "title": item.get("title"),
            "guid": item.get("guid") or item.get("id"),
            "links": [item.get("link") or item.get("url")] if item.get("link") or item.get("url") else [],
            "published": item.get("publishedParsed") or item.get("pubDateParsed"),
            "texts": [
                value["value"] if isinstance(value, dict) and "value" in value else value
                for member in ("description", "summary", "content", "content_html")
                if isinstance(value := item.get(member), str) or (isinstance(value, dict) and "value" in value)
            ],
            "authors": [a["name"] for a in item.get("authors") or () if isinstance(a, dict) and a.get("name")],
            "categories": [
                c if isinstance(c, str) else c.get("label") or c.get("term") or c.get("value")
                for c in item.get("categories") or item.get("tags") or ()
            ],
            "pictures": [item["image"]["url"]] if isinstance(item.get("image"), dict) else [],
            "media": [e["url"] for e in item.get("enclosures") or item.get("attachments") or ()],
        }
        for item in items
    ]


def of_feed_rs(want: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "title": item["title"] and item["title"]["content"],
            "links": [link["href"] for link in item["links"] if link["rel"] in (None, "alternate")],
            "published": item["published"],
            "texts": [
                item["summary"] and item["summary"]["content"],
                item["content"] and item["content"].get("body"),
            ],
            "authors": [author["name"] for author in item["authors"]],
            "categories": [category["label"] or category["term"] for category in item["categories"]],
            "pictures": [thumb["image"]["uri"] for medium in item["media"] for thumb in medium["thumbnails"]],
            "media": [c["url"] for medium in item["media"] for c in medium["content"] if c.get("url")],
        }
        for item in want["entries"]
    ]


def of_fastfeedparser(want: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "title": item.get("title"),
            "links": [item["link"]] if item.get("link") else [],
            "published": item.get("published"),
        }
        for item in want["entries"]
    ]


def test_gofeed_expects_the_same() -> None:
    compared, wrong = differences("gofeed", of_gofeed)
    assert (compared > 500, wrong) == (True, [])


def test_feed_rs_expects_the_same() -> None:
    compared, wrong = differences("feed-rs", of_feed_rs)
    assert (compared > 60, wrong) == (True, [])


def test_fastfeedparser_expects_the_same() -> None:
    compared, wrong = differences("fastfeedparser-integration", of_fastfeedparser)
    assert (compared > 10, wrong) == (True, [])


EXPECTED = re.compile(
    r"Expect:\s*(?:not )?bozo and (entries\[0\]|feed)\['(\w+)'\](?:\[0\]\['value'\])?\s*==\s*(u?'[^'\n]*')\s*$",
    re.MULTILINE,
)
UNSAFE = re.compile(
    r"<(?:script|style|iframe|frame|frameset|object|applet|embed|meta|link|base|form|input|svg|math)\b"
    r"|<[^>]*\s(?:on\w+|style|srcdoc|formaction)\s*=|<[^>]*=\s*[\"']?\s*(?:javascript|vbscript|data):",
    re.IGNORECASE,
)
MORE_THAN_FEEDPARSER = re.compile(
    r"_crazy\.xml|_iframe\.xml|nested_cdata|_comment\.xml"
)  # scripts, frames: nobody's text


def test_what_feedparser_expects_of_its_sanitiser_holds_for_ours() -> None:
    wrong: list[str] = []
    compared = 0
    for path in files("feedparser-own"):
        stated = EXPECTED.search(path.read_bytes().replace(b"\0", b"").decode("utf-8", "replace"))
        try:
            feed = read(path)
        except NotAFeed as error:
            wrong += [] if name(path) in REFUSED else [f"{name(path)}: {error}"]
            continue
        shown = " ".join(f"{item.body_html or ''} {item.title}" for item in feed.items) + (feed.title or "")
        if "<" in shown and UNSAFE.search(shown) and not MORE_THAN_FEEDPARSER.search(path.name):
            wrong.append(f"{name(path)}: {shown[:200]}")
        value = ast.literal_eval(stated.group(3)) if stated and stated.group(1) != "feed" and feed.items else None
        if not isinstance(value, str) or not words(value) or MORE_THAN_FEEDPARSER.search(path.name):
            continue
        compared += 1
        item = feed.items[0]
        got = item.title if stated and stated.group(2) == "title" else words(item.body_html or item.description)
        if words(value) not in got:
            wrong.append(f"{name(path)}: wanted {words(value)!r}, got {got!r}")
    assert (compared > 150, wrong) == (True, [])
