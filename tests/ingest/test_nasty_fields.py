"""Whatever stands in one field of one item, in any format: the others are kept, and what is stored can be stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from typing import Any

import orjson
import pytest

from services.ingest.items import ParsedFeed
from services.ingest.parse import Job, parse
from services.ingest.pool import _answer, _packed, _unpacked
from services.ingest.resources import Resources
from tests.ingest.desk import Desk
from tests.ingest.publisher import Publisher, item, rss

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
JOB = Job(1, "https://news.example/feed", None, NOW)
LONGEST = 6_000  # of any text but a body: titles, descriptions and addresses are shorter
NASTY = {
    "a zero": "a\x00b",
    "control characters": "a\x01\x1b\x85b",
    "no characters": "a\uffff\ufdd0b",
    "many digits": "9" * 5_000,
    "a flood": "x" * 20_000,
    "half a character": "HALF",  # as a reference in XML, as an escape in JSON
    "quotes": "\"'<>&",
}
NAMESPACES = {
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "atom": "http://www.w3.org/2005/Atom",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
}
OF_ITEM = (
    *("<title>X</title>", "<link>X</link>", "<guid>X</guid>", "<description>X</description>", "<pubDate>X</pubDate>"),
    *(
        "<content:encoded>X</content:encoded>",
        "<author>X</author>",
        "<dc:creator>X</dc:creator>",
        "<dc:date>X</dc:date>",
    ),
    *("<category>X</category>", "<dc:language>X</dc:language>", "<pubStatus>X</pubStatus>", '<itunes:image href="X"/>'),
    *('<enclosure url="X"/>', '<enclosure url="https://n.example/a.mp3" type="X" length="X"/>'),
    '<media:content url="https://n.example/a.jpg" width="X" height="X" medium="X"><media:credit>X</media:credit>'
    "</media:content>",
    *("<itunes:keywords>X</itunes:keywords>", '<atom:link href="X"/>'),
)
OF_FEED = (
    *("<title>X</title>", "<link>X</link>", "<language>X</language>", "<ttl>X</ttl>", "<dc:title>X</dc:title>"),
    "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>X</sy:updateFrequency>",
    *('<atom:link rel="hub" href="X"/>', '<atom:link rel="self" href="https://n.example/X"/>'),
)
OF_JSON: dict[str, Any] = {
    **{name: "X" for name in ("id", "url", "external_url", "content_html", "summary", "image", "language", "tags")},
    **{name: "X" for name in ("date_published", "date_modified", "pubstatus")},
    "tags": ["X"],
    "authors": [{"name": "X"}],
    "attachments": [{"url": "https://n.example/a.mp3", "mime_type": "X", "size_in_bytes": "X"}],
}


def xml(inside: str, before: str, version: str, damaged: bool) -> bytes:
    declared = " ".join(f'xmlns:{name}="{address}"' for name, address in NAMESPACES.items())
    items = "".join(
        f"<item>{inside if n == 1 else ''}<title>{'one' if n == 1 else f'good {n}'}</title>"
        f"<link>https://news.example/{n}</link><guid>g{n}</guid></item>"
        for n in range(3)
    )
    odd = "<x>A & B</x>" if damaged else ""
    return (
        f'<rss version="{version}" {declared}><channel>{before}<title>T</title><link>https://news.example/</link>'
        f"{odd}{items}</channel></rss>"
    ).encode()


def bodies(text: str) -> Iterator[tuple[str, bytes]]:
    """(where the text stands, a feed of three items)."""
    within = "a&#xD800;b" if text == NASTY["half a character"] else escape(text)
    for damaged in (False, True):
        for element in OF_ITEM:
            yield f"{element} {damaged}", xml(element.replace("X", within), "", "2.0", damaged)
        for element in OF_FEED:
            yield f"{element} {damaged}", xml("", element.replace("X", within), "2.0", damaged)
        yield f"version {damaged}", xml("", "", within, damaged)
    for name, value in OF_JSON.items():
        yield name, as_json(json.dumps(value), name, text)
    for name in ("title", "home_page_url", "feed_url", "language"):
        items = [{"id": str(n), "title": f"good {n}" if n != 1 else "one"} for n in range(3)]
        whole = json.dumps({"version": "https://jsonfeed.org/version/1.1", name: "X", "items": items})
        yield name, whole.replace('"X"', escaped(text)).encode()


def as_json(value: str, name: str, text: str) -> bytes:
    given = value.replace('"X"', escaped(text))
    items = [f'{{"id": "{n}", "title": "good {n}", "content_text": "t"}}' for n in range(3)]
    items[1] = f'{{"title": "one", "{name}": {given}}}'
    return f'{{"version": "https://jsonfeed.org/version/1.1", "items": [{",".join(items)}]}}'.encode()


def escaped(text: str) -> str:
    return '"a\\ud800b"' if text == NASTY["half a character"] else json.dumps(text)


def parsed_by_a_worker(body: bytes) -> ParsedFeed:
    return _unpacked(_answer(b"".join(_packed(JOB, b"")) + body))


def texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for member, inner in value.items():
            yield from texts(inner, member)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner, name)


@pytest.mark.parametrize("kind", NASTY)
def test_one_bad_field_costs_no_item_and_nothing_that_cannot_be_stored_comes_through(kind: str) -> None:
    wrong: list[str] = []
    for where, body in bodies(NASTY[kind]):
        feed = parsed_by_a_worker(body)
        good = sum(found.title.startswith("good") for found in feed.items)
        if (feed.entries, good) != (3, 2):
            wrong.append(f"{where}: {feed.entries} items, {good} good")
        for name, text in texts(orjson.loads(orjson.dumps(feed, default=lambda _: None))):
            if name == "headline":  # words, apart by zeros: of it a hash is stored
                continue
            if any(c < " " and c not in "\t\n\r" for c in text) or "\x7f" <= max(text, default="") <= "\x9f":
                wrong.append(f"{where}: control characters in {name}")
            if len(text) > LONGEST and name not in ("body_html", "packed"):
                wrong.append(f"{where}: {len(text)} characters in {name}")
    assert wrong == []


async def test_they_are_all_stored(desk: Desk, publisher: Publisher, ingest: Resources) -> None:
    feeds: dict[str, int] = {}
    for kind in ("a zero", "control characters", "half a character"):
        for n, (where, body) in enumerate(list(bodies(NASTY[kind]))[::3]):
            path = f"/{len(feeds)}"
            publisher.serve(path, body.replace(b"news.example", f"n{len(feeds)}.example".encode()))
            feeds[f"{kind}, {n}: {where}"] = await desk.subscribe(publisher.url(path))
    polls = {where: await desk.first_poll(feed) for where, feed in feeds.items()}
    bad = {where: poll for where, poll in polls.items() if (poll["outcome"], poll["entries"]) != ("updated", 3)}
    assert bad == {}


@pytest.mark.parametrize(
    "written",
    ["&#55357;&#56832;", "&#xD83D;&#xDE00;", "&#x0d83d;&#x0de00;", "&amp;#55357;&amp;#56832;", "😀", "&#128512;"],
)
def test_a_character_given_in_two_halves_is_that_character(written: str) -> None:
    body = rss([item(1, title="TITLE"), item(2)]).replace("TITLE", f"Sun {written} all day").encode()
    feed = parse(body, JOB)
    assert [found.title for found in feed.items] == ["Sun 😀 all day", "Headline number 2"]


async def test_a_poll_that_fails_inside_is_a_failing_state_and_backs_off(
    desk: Desk, publisher: Publisher, ingest: Resources
) -> None:
    await desk.conn.execute("ALTER TABLE articles ADD CONSTRAINT refused CHECK (title <> 'Headline number 2')")
    publisher.serve("/feed", rss([item(1), item(2)]))
    publisher.serve("/good", rss([item(3)]))
    feed, other = [await desk.subscribe(publisher.url(path)) for path in ("/feed", "/good")]
    poll, good = await desk.first_poll(feed), await desk.first_poll(other)
    assert (poll["outcome"], poll["error"]["code"], good["outcome"]) == ("internal", "internal", "updated")
    state = await desk.state(feed)
    assert (state["status"], state["failures"], state["lease_until"]) == ("failing", 1, None)
    assert (state["next_poll_at"] - state["last_polled_at"]).total_seconds() >= ingest.settings.min_poll_s
    await desk.conn.execute("ALTER TABLE articles DROP CONSTRAINT refused")
    again = await desk.poll_and_wait(feed)
    assert (again["outcome"], again["counts"]["new"]) == ("updated", 2)
