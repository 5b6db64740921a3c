"""Every file of the developer feed corpora: a stated outcome, and both readers agree."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from services.ingest.doctype import without_doctype
from services.ingest.encoding import to_utf8
from services.ingest.items import Entry, Names
from services.ingest.loose import read_loose
from services.ingest.markup import text_of
from services.ingest.normalise import clean
from services.ingest.parse import Job, _unpacked, parse
from services.ingest.refusals import NotAFeed
from services.ingest.strict import read_strict
from tests.ingest.corpora import FEEDS, HERE, NOW, files, name, needs_feeds, read

pytestmark = needs_feeds

# Files that hold no feed, with the code of their refusal. All others are read, and hold as many items as they have
# elements called item or entry (JSON: members of `items`).
REFUSED = {
    "feed-rs/rss2/rss_2.0_invalid_1.xml": "unreadable",  # breaks off before its first item
    "feed-rs/xml/xml_sample_1.xml": "not_a_feed",  # other XML
    "feed-rs/xml/xml_sample_2.xml": "not_a_feed",
    "feedjira/AmazonWebServicesBlogFirstEntryContent.xml": "not_a_feed",  # pieces of HTML
    "feedjira/HREFConsideredHarmfulFirstEntry.xml": "not_a_feed",
    "feedjira/PaulDixExplainsNothingFirstEntryContent.xml": "not_a_feed",
    "feedjira/TechCrunchFirstEntry.xml": "not_a_feed",
    "feedjira/TechCrunchFirstEntryDescription.xml": "not_a_feed",
    "feedjira/TenderLovemakingFirstEntry.xml": "not_a_feed",
    "feedparser-own/illformed/rss_empty_document.xml": "not_a_feed",
    "feedparser-own/illformed/rss_incomplete_cdata.xml": "unreadable",  # breaks off in its one item
    "gofeed/parser/json/invalid/invalid.json": "unreadable",
    "gofeed/parser/rss/version_rdf_090.xml": "not_a_feed",  # RDF without a channel: nothing says what it is
    "gofeed/parser/universal/empty_feed.xml": "empty",
    "gofeed/parser/universal/invalid.json": "unreadable",
    "gofeed/parser/universal/unknown_feed.xml": "not_a_feed",
    "node-feedparser/notafeed.html": "not_a_feed",
}
NESTED = {"node-feedparser/illegally-nested.xml": 10}  # item within item: the inner ones are doubles
TORN = {"fastfeedparser-integration/osm-pl.xml": 7}  # it breaks off in the midst of its eighth
ITEM = re.compile(rb"<(?:[\w.\-]+:)?(?:item|entry)(?=[\s/>])")
NO_MARKUP = re.compile(rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>", re.DOTALL)

# Where feedparser's reading is the worse one, with what it does.
REFERENCE_ERRS = {
    "feed-rs/rss2/rss_2.0_ch9.xml": "takes the longer of two summaries by their order",
    "gofeed/parser/atom/atom10_feed_entry_content_html_div_escaped_markup.xml": "reads text escaped twice as markup",
    "gofeed/parser/atom/entry_id_xml_base.xml": "resolves an id as if it were an address",
    "gofeed/parser/atom/issue_275_extensions_and_source.xml": "reads Dublin Core in Atom, and binary content",
    "gofeed/parser/rss/rss_channel_item_author_naked_markup.xml": "loses text inside unescaped markup",
    "gofeed/parser/rss/rss_channel_item_category_naked_markup.xml": "loses text inside unescaped markup",
    "gofeed/parser/rss/rss_channel_item_guid_naked_markup.xml": "loses text inside unescaped markup",
    "gofeed/parser/rss/rss_channel_item_uri_at_protocol.xml": "takes another attribute for the address",
    "node-feedparser/illegally-nested.xml": "finds each item twice",
    "node-feedparser/rss-with-item-scoped-html-base.xml": "keeps one item's xml:base for the next",
}


def document_of(body: bytes) -> bytes:
    return without_doctype(to_utf8(_unpacked(body), None)[0])[0]


def items_in(body: bytes) -> int:
    document = document_of(body)
    if document.lstrip()[:1] == b"{":
        return len(orjson.loads(document).get("items") or ())
    return len(ITEM.findall(NO_MARKUP.sub(b"", document)))


def outcome_of(path: Path) -> str | int:
    """The number of its items, or the code of its refusal."""
    try:
        feed = read(path)
    except NotAFeed as error:
        return error.code
    assert feed.entries == len(feed.items) + feed.unchanged + feed.repeated + feed.refused + feed.capped
    assert all(item.title and item.url.startswith(("http://", "https://")) for item in feed.items), path
    return feed.entries


def test_every_file_has_its_stated_outcome() -> None:
    wrong: list[str] = []
    count = 0
    for path in files():
        count += 1
        stated = REFUSED.get(name(path)) or (NESTED | TORN).get(name(path)) or items_in(path.read_bytes())
        if (outcome := outcome_of(path)) != stated:
            wrong.append(f"{name(path)}: {outcome}, not {stated}")
    assert count > 1_600
    assert wrong == []


def seen_of(entry: Entry, base: str, language: str | None) -> dict[str, Any]:
    """What a reader would see of an entry."""
    item = clean(entry, Names(), "", base, language, NOW)
    return {
        "guid": item.guid,
        "url": item.url,
        "title": item.title,
        "text": " ".join(f"{item.description} {text_of(item.body_html or '')}".split()),
        "authors": item.authors,
        "language": item.language,
        "published": (item.published_at, item.published_precision, item.modified_at),
        "pictures": sorted(image["url"] for image in item.images),
        "media": sorted(media["url"] for media in item.media),
        "categories": sorted(item.categories),
    }


def test_the_fast_reader_never_differs_from_the_reference() -> None:
    differing: list[str] = []
    compared = 0
    for path in files(suffixes=(".xml", ".atom", ".rss", "")):
        document = document_of(path.read_bytes())
        strict = read_strict(document, HERE)
        if strict is None or name(path) in REFERENCE_ERRS:
            continue
        compared += 1
        loose = read_loose(document, HERE)
        assert loose is not None, path
        ours, reference = (
            [
                (feed.format, feed.site_url, feed.language, feed.ttl_s, feed.hub),
                *(seen_of(entry, feed.site_url or HERE, feed.language) for entry in feed.entries),
            ]
            for feed in (strict, loose)
        )
        if ours != reference:
            first = next((pair for pair in zip(ours, reference, strict=False) if pair[0] != pair[1]), "their number")
            differing.append(f"{name(path)}: {first}")
    assert compared > 1_000
    assert differing == []


def test_the_exceptions_are_still_needed() -> None:
    assert [path for path in {**REFUSED, **NESTED, **TORN, **REFERENCE_ERRS} if not (FEEDS / path).is_file()] == []


def test_a_real_feed_that_breaks_off_gives_nothing_that_the_whole_does_not() -> None:
    wrong = []
    for path in [*files("feed-rs"), *files("kagi-captures")][::4]:
        body = path.read_bytes()
        if path.suffix == ".json" or len(body) < 3_000:
            continue
        try:
            whole = parse(body, Job(1, HERE, None, NOW))
        except NotAFeed:
            continue
        known = {(item.url, item.title, item.content_hash) for item in whole.items}
        for part in (0.3, 0.6, 0.9):
            with suppress(NotAFeed):
                cut = parse(body[: int(len(body) * part)], Job(1, HERE, None, NOW))
                strange = {(item.url, item.title, item.content_hash) for item in cut.items} - known
                wrong += [(name(path), part, strange)] if strange else []
    assert wrong == []
