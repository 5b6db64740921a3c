"""Hostile inputs: bounded time and memory, no file read, no private address, and no text lost."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.ingest.items import ParsedFeed
from services.ingest.parse import Job, parse
from services.ingest.pool import ParsePool
from services.ingest.refusals import NotAFeed, ParserKilled
from shared.addresses import may_reach
from shared.errors import AddressRefused
from shared.urls import check_outbound, host_of
from tests.ingest.publisher import item, rss

HOSTILE = Path(__file__).parents[3] / "shared/data/hostile"
JOB = Job(1, "https://news.example/feed", None, datetime(2026, 11, 23, tzinfo=UTC))
GOOD = rss([item(1)]).encode()
needs_data = pytest.mark.skipif(not HOSTILE.is_dir(), reason="the hostile inputs are not beside the checkout")


def described(text: str) -> bytes:
    return rss([item(1, description="TEXT")]).replace("TEXT", text).encode()


def attributes(count: int, title: str) -> bytes:
    flood = b" ".join(b'a%d="x"' % n for n in range(count))
    return b"<rss " + flood + b"><channel><item><title>" + title.encode() + b"</title></item></channel></rss>"


# name: (body, how it must end: the number of its items, or the code of its refusal; None where it may be ended)
BODIES: dict[str, tuple[bytes, int | str | None]] = {
    "comments, 125 KB": (described(f"<![CDATA[{'<!--' * 31_250}]]>"), 1),
    "attributes, 161 KB": (attributes(16_000, "well-formed"), 1),
    "attributes, damaged": (attributes(16_000, "a <b"), "unreadable"),
    "attributes, 850 KB": (attributes(80_000, "a <b"), "unreadable"),
    "attributes, mended": (attributes(80_000, "a & b"), 1),
    "entities without end": (b"<!DOCTYPE r [" + b"<!ENTITY a 'x'>" * 100_000, "empty"),
    "a million laughs": (
        b'<!DOCTYPE r [<!ENTITY a "haha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
        + described("&c;" * 10_000),
        1,
    ),
    "brackets, 1 MB": (described("<![CDATA[" + "<" * 1_000_000 + "]]>"), None),
    "ampersands, 1 MB": (described("&" * 1_000_000), None),
    "elements, 200,000 deep": (b"<rss><channel>" + b"<a>" * 200_000 + b"</rss>", None),
    "a page, 800 KB": (b"<html>" + b"<p>x<b>y</p>" * 70_000, "not_a_feed"),
    "a title, 10 MB": (rss([item(1, title="x " * 5_000_000)]).encode(), 1),
    "a date, 1 MB": (rss([item(1, pubDate="1" * 1_000_000)]).encode(), 1),
    "a gzip file in itself": (gzip.compress(b"<rss>" + bytes(50_000_000)), "too_big"),
    "JSON, 200,000 deep": (b'{"items":' + b"[" * 200_000, "unreadable"),
    "instructions without end": (b"<?x " * 200_000, "not_a_feed"),
    "sections within sections": (described("<![CDATA[" * 100_000), 1),
}


async def ends(pool: ParsePool, body: bytes) -> tuple[str | int, ParsedFeed | None]:
    try:
        feed = await pool.parse(body, JOB)
    except (NotAFeed, ParserKilled) as error:
        return error.code, None
    return feed.entries, feed


@pytest.mark.parametrize("name", BODIES)
async def test_a_hostile_body_ends_by_itself_or_is_ended(name: str) -> None:
    body, stated = BODIES[name]
    async with ParsePool(1, time_limit_s=3.0, memory_limit=1024 * 1024 * 1024) as pool:
        ended, feed = await ends(pool, body)
        assert (await pool.parse(GOOD, JOB)).entries == 1
    assert ended == stated or (stated is None and (ended == "parse_timeout" or isinstance(ended, int)))
    for found in feed.items if feed else ():
        assert len(found.title) <= 1_000 and len(found.description or "") <= 5_000
        assert len(found.published_raw or "") <= 200


@needs_data
async def test_no_xml_attack_opens_a_file_or_grows() -> None:
    bodies = [path.read_bytes() for path in sorted((HOSTILE / "xml/xmltestdata").glob("*.xml"))]
    for name in ("xxe_fuzzing.txt", "xml-attacks.txt"):
        bodies += [line for line in (HOSTILE / "payloads" / name).read_bytes().splitlines() if b"<" in line]
    around = [
        re.sub(rb"(?s)(.*\]>|\A)(.*)", rb"\1" + described("WAS").replace(b"WAS", b"&xxe;&foo;&a;"), b, count=1)
        for b in bodies
    ]
    secrets = ("root:", Path("/etc/hostname").read_text().strip() if Path("/etc/hostname").exists() else "root:")
    async with ParsePool(2, time_limit_s=3.0, memory_limit=700 * 1024 * 1024) as pool:
        for body in (*bodies, *around):
            ended, feed = await ends(pool, body)
            assert ended not in ("parse_timeout", "parse_crash"), body[:200]
            for found in feed.items if feed else ():
                text = f"{found.title} {found.description} {found.body_html}"
                assert not any(secret in text for secret in secrets) and len(text) < 10_000
    assert len(bodies) > 40


@needs_data
def test_every_naughty_string_comes_through_as_it_is() -> None:
    strings = [text for text in json.loads((HOSTILE / "blns/blns.json").read_text()) if text.strip()]
    entries = [{"id": str(n), "title": f"T {text}", "content_text": text} for n, text in enumerate(strings)]
    body = json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": entries}).encode()
    feed = parse(body, JOB)
    assert len(feed.items) == len(strings) > 450
    for found, text in zip(feed.items, strings, strict=True):
        shown = found.title + (found.description or "") + (found.body_html or "")
        shown.encode()  # no half characters
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", shown)
        kept = re.sub(r"[\W_]+", "", found.title)
        assert kept.startswith("T") and (
            text.isascii() is False or "&" in text or kept == "T" + re.sub(r"[\W_]+", "", text)
        )


# Every notation that inet_aton, a browser or a C library reads as an address that is not the public's.
PRIVATE = [
    "http://127.0.0.1/", "http://127.1/", "http://127.0.1/", "http://0/", "http://0.0.0.0/", "http://2130706433/",
    "http://0x7f000001/", "http://0x7f.1/", "http://0177.0.0.1/", "http://0177.1/", "http://017700000001/",
    "http://127.000.000.001/", "http://%31%32%37.0.0.1/", "http://127。0。0。1/", "http://①②⑦.⓪.⓪.①/",
    "http://127.0.0.1./", "http://user@127.0.0.1/", "http://127.0.0.1:80\\@8.8.8.8/", "http://[::1]/",
    "http://[::]/", "http://[0000::1]/", "http://[::ffff:127.0.0.1]/", "http://[0:0:0:0:0:ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/", "http://[::127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/",
    "http://[fe80::1%25eth0]/", "http://[fd00::1]/", "http://[fec0::1]/", "http://10.0.0.1/", "http://172.16.0.1/",
    "http://192.168.1.1/", "http://169.254.169.254/", "http://2852039166/", "http://0xa9fea9fe/",
    "http://100.64.0.1/", "http://192.0.0.1/", "http://198.18.0.1/", "http://224.0.0.1/", "http://255.255.255.255/",
    "http://localhost/", "http://LOCALHOST./", "http://a.localhost/", "http://[fd00:ec2::254]/", "ftp://8.8.8.8/",
    "file:///etc/passwd", "gopher://127.0.0.1:6379/_x", "dict://127.0.0.1/", "javascript:alert(1)", "//127.0.0.1/",
    "http:///etc", "http://127.0.0.1:99999/", "http://o177.0.0.1/", "http://0o177.0.0.1/", "http://1.2.3.4.5/",
    "http://256.1.1.1/", "http://[::1", "http://[::ffff:0:127.0.0.1]/", "http://[::ffff:0:7f00:1]/",
    "http://[3fff::1]/", "http://[5f00::1]/", "http://[4000::1]/", "http://[100::1]/", "http://[2001:db8::1]/",
]  # fmt: skip


@pytest.mark.parametrize("url", PRIVATE)
def test_a_private_address_is_refused_in_every_notation(url: str) -> None:
    with pytest.raises(AddressRefused):
        check_outbound(url)


@needs_data
def test_every_collected_notation_is_refused_or_public_or_a_name_for_the_connection_to_judge() -> None:
    texts = [(HOSTILE / "payloads" / name).read_text() for name in ("ssrf.md", "ssrf-cloud.md")]
    urls = {url for text in texts for url in re.findall(r"[a-z]{2,9}://[^\s`\"'<>)|]+", text)}
    passed: list[str] = []
    for url in urls:
        try:
            host = host_of(check_outbound(url))
        except AddressRefused:
            continue
        try:
            literal = ipaddress.ip_address(host)
        except ValueError:
            continue  # a name: judged where the socket is made, see test_safety
        if not may_reach(str(literal), 80):
            passed.append(url)
    assert len(urls) > 150
    assert passed == []


async def test_many_hostile_bodies_at_once_leave_room_for_good_ones() -> None:
    slow = [BODIES[name][0] for name in ("ampersands, 1 MB", "elements, 200,000 deep")]
    async with ParsePool(2, time_limit_s=1.0) as pool:
        hostile = [asyncio.create_task(ends(pool, body)) for body in slow]
        good = await asyncio.gather(*(pool.parse(GOOD, JOB) for _ in range(10)))
        await asyncio.gather(*hostile)
    assert [feed.entries for feed in good] == [1] * 10
