"""Items known by their bytes: reading with a memo finds exactly what reading all of it finds."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.ingest.encoding import to_utf8
from services.ingest.items import ParsedFeed
from services.ingest.parse import Job, parse
from services.ingest.pool import ParsePool
from services.ingest.raw import cut
from services.ingest.refusals import NotAFeed
from services.ingest.view import look
from tests.ingest.corpora import files, needs_feeds
from tests.ingest.publisher import item, rss

JOB = Job(7, "https://news.example/feed", None, datetime(2026, 11, 23, tzinfo=UTC))
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>A</title><updated>{at}</updated><link href="https://a.example/"/>
{entries}<link rel="self" href="https://a.example/feed"/></feed>"""


def entry(n: int, text: str = "Text") -> str:
    return (
        f"<entry><id>urn:{n}</id><title>Title {n}</title><link href='https://a.example/{n}'/>"
        f"<updated>2026-11-22T10:00:00Z</updated><content type='html'>&lt;p&gt;{text} {n}&lt;/p&gt;</content></entry>\n"
    )


def hashes(feed: ParsedFeed) -> bytes:
    return b"".join(bytes.fromhex(found.item_hash) for found in feed.items)


def bare(feed: ParsedFeed) -> ParsedFeed:
    return replace(feed, memo=b"")


def both(body: bytes, job: Job, memo: bytes) -> ParsedFeed:
    """What a body holds, read with a memo; the same as without."""
    seen = parse(body, replace(job, memo=memo))
    assert bare(seen) == bare(parse(body, job))
    return seen


def test_only_what_is_new_is_read() -> None:
    first = parse(rss([item(n) for n in range(9)]).encode(), JOB)
    body = rss([item(99), *(item(n) for n in range(9))]).encode()
    document, _ = to_utf8(body, None)
    feed, held, _ = look(
        document, JOB.url, 7, first.memo, {bytes.fromhex(i.item_hash) for i in first.items}, pytest.fail
    )
    assert [one.entry is not None for one in held] == [True] + [False] * 9
    assert len(feed.entries) == 1


def test_what_the_store_does_not_have_is_read_whatever_the_memo_says() -> None:
    body = rss([item(1), item(2)]).encode()
    first = parse(body, JOB)
    again = both(body, replace(JOB, known=hashes(first)[16:]), first.memo)
    assert ([found.guid for found in again.items], again.unchanged) == ([first.items[0].guid], 1)


def test_a_changed_item_is_never_taken_for_unchanged() -> None:
    """Each byte of an item changed in turn: what is read with the memo is what is read without; the change shows."""
    bodies = (
        rss([item(1), item(2, title="A CDATA claim"), item(3)]).replace("CDATA", "<![CDATA[<b>Bold</b>]]> &amp;"),
        ATOM.format(at="2026-11-22T10:00:00Z", entries=entry(1) + entry(2) + entry(3)),
    )
    for text in bodies:
        body = text.encode()
        first = parse(body, JOB)
        pieces = cut(body)
        assert pieces is not None and first.memo
        start = len(pieces.head) + len(pieces.items[0])
        start = body.index(pieces.items[1], start)
        shown = 0
        for at in range(start, start + len(pieces.items[1]), 2):
            for byte in b"x<":
                changed = body[:at] + bytes([byte]) + body[at + 1 :]
                try:
                    shown += bool(both(changed, replace(JOB, known=hashes(first)), first.memo).items)
                except NotAFeed:
                    continue
        assert shown > 30  # of title, link, guid and text


def test_a_memo_is_of_no_use_where_the_feed_around_it_changed() -> None:
    first = parse(rss([item(1, link="1"), item(2, link="2")]).encode(), JOB)
    for around in ("https://other.example/", "https://news.example/sub/x/"):
        body = rss([item(1, link="1"), item(2, link="2")]).replace("https://news.example/<", f"{around}<").encode()
        assert both(body, replace(JOB, known=hashes(first)), first.memo).items
    moved = replace(JOB, url="https://moved.example/feed")
    both(rss([item(1, link="1")]).encode(), replace(moved, known=hashes(first)), first.memo)


def test_the_feeds_own_dates_change_with_every_poll() -> None:
    first = parse(ATOM.format(at="2026-11-22T10:00:00Z", entries=entry(1) + entry(2)).encode(), JOB)
    body = ATOM.format(at="2026-11-22T11:00:00Z", entries=entry(3) + entry(1) + entry(2)).encode()
    _, held, _ = look(body, JOB.url, 7, first.memo, {bytes.fromhex(i.item_hash) for i in first.items}, pytest.fail)
    assert [one.entry is None for one in held] == [False, True, True]


def test_an_unread_item_still_takes_its_names_from_others() -> None:
    first = parse(rss([item(1, guid="same"), item(2)]).encode(), JOB)
    body = rss([item(9, guid="same"), item(1, guid="same"), item(2), item(2)]).encode()
    again = both(body, replace(JOB, known=hashes(first)), first.memo)
    assert [found.names.guid for found in again.items] == [None]
    assert again.repeated == 1


@pytest.mark.parametrize(
    "piece",
    [
        "<description><![CDATA[</item><item><title>Not one</title>]]></description>",
        "<!-- </item> --><title>T</title>",
        "<?php </item> ?><title>T</title>",
        "<title>A & B</title>",
        "<title>&nbsp;</title>",
        '<m:content xmlns:m="http://www.rssboard.org/media-rss" url="https://news.example/1.jpg" medium="image"/>',
        '<link xml:base="https://elsewhere.example/">/1</link>',
    ],
)
def test_what_is_not_plain_is_read_whole(piece: str) -> None:
    body = rss([item(1), item(2)])
    odd = body.replace("</item>", f"</item><item>{piece}</item>", 1).encode()
    memo = parse(body.encode(), JOB).memo
    seen = both(odd, replace(JOB, known=hashes(parse(body.encode(), JOB))), memo)
    both(odd, replace(JOB, known=hashes(parse(odd, JOB))), seen.memo)


def _shuffled(body: bytes, rng: random.Random) -> bytes:
    """The document with some items gone, some changed, some in other places."""
    pieces = cut(body)
    if pieces is None:
        place = rng.randrange(len(body))
        return body[:place] + rng.choice((b"x", b"&amp;", b"<br/>", b" ")) + body[place + 1 :]
    items = [piece for piece in pieces.items if rng.random() > 0.2]
    for n in range(len(items)):
        if rng.random() < 0.2:
            place = rng.randrange(6, len(items[n]) - 7)
            items[n] = items[n][:place] + rng.choice((b"x", b"&amp;", b"<b>", b" ", b"7")) + items[n][place + 1 :]
    rng.shuffle(items)
    return pieces.only(b"\n" + piece for piece in items)


def _read(body: bytes, job: Job) -> ParsedFeed | str:
    """What a body holds, or why it cannot be read: feedparser has its own ways of failing."""
    try:
        return bare(parse(body, job))
    except (NotAFeed, TypeError, ValueError, AssertionError, AttributeError) as error:
        return repr(error)


@needs_feeds
def test_over_real_feeds_a_memo_changes_nothing() -> None:
    rng = random.Random(11)
    used = 0
    for path in list(files())[::6]:
        body, known, memo = path.read_bytes()[:60_000], b"", b""
        for _ in range(4):
            plain = _read(body, replace(JOB, known=known))
            if isinstance(plain, str):
                assert _read(body, replace(JOB, known=known, memo=memo)) == plain
                break
            seen = parse(body, replace(JOB, known=known, memo=memo))
            assert bare(seen) == plain, path
            used += bool(memo and seen.memo)
            memo = seen.memo
            known += hashes(seen)[: rng.choice((16, 1 << 20))]
            body = _shuffled(body, rng)
    assert used > 60


async def test_the_pool_keeps_memos_by_feed() -> None:
    body = rss([item(1), item(2)]).encode()
    async with ParsePool(2) as pool:
        first = await pool.parse(body, replace(JOB, remember=True))
        assert first.memo == parse(body, JOB).memo or len(first.memo) == len(parse(body, JOB).memo)
        job = replace(JOB, known=hashes(first), remember=True)
        again = [await pool.parse(rss([item(3), item(1), item(2)]).encode(), job) for _ in range(4)]
    assert [(feed.unchanged, [found.guid for found in feed.items]) for feed in again] == [
        (2, [again[0].items[0].guid])
    ] * 4
