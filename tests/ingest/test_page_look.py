"""What a page is, which articles want theirs, and what robots.txt says."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from services.ingest.items import Item, Names
from services.ingest.markup import text_of_clean
from services.ingest.pages.look import charset_of, look
from services.ingest.pages.outcomes import OUTCOMES, RETRIES_S, of_status, retry_in_s
from services.ingest.pages.teaser import is_teaser, page_host
from services.ingest.robots import Rules, crawl_delay_s, may_fetch, read_rules, robots_url

ROBOTS = Path(__file__).resolve().parents[3] / "shared/data/standards/robots/txt"
HTML = {"content-type": "text/html; charset=utf-8"}
URL = "https://news.example/2026/flood"


def page(head: str = "", body: str = "<article><p>The river rose.</p></article>", title: str = "Flood") -> bytes:
    return f"<!doctype html><html><head><title>{title}</title>{head}</head><body>{body}</body></html>".encode()


def an_item(body_html: str | None, description: str | None = None, url: str = URL, named: bool = True) -> Item:
    names = Names(url="0" * 32) if named else Names(fallback="0" * 32)
    return Item(
        names,
        "",
        "",
        None,
        url,
        url,
        "Flood",
        description,
        body_html,
        [],
        None,
        None,
        "unknown",
        None,
        None,
        [],
        [],
        [],
        teaser=is_teaser(text_of_clean(body_html) if body_html else description or ""),
    )


@pytest.mark.parametrize(
    "outcome, body, headers, final",
    [
        ("article", page(), HTML, URL),
        ("article", page(), {}, URL),
        ("article", page(), {"content-type": "application/octet-stream"}, URL),
        ("not_html", b"%PDF-1.7", {"content-type": "application/pdf"}, URL),
        ("not_html", b'{"a": 1}', {"content-type": "application/json"}, URL),
        ("empty", b" \n", HTML, URL),
        ("paywall", page('<script type="application/ld+json">{"isAccessibleForFree": false}</script>'), HTML, URL),
        ("paywall", page('<script>{"isAccessibleForFree":"False"}</script>'), HTML, URL),
        ("article", page('<script>{"isAccessibleForFree": true}</script>'), HTML, URL),
        ("paywall", page('<meta property="article:content_tier" content="locked">'), HTML, URL),
        ("consent", page(), HTML, "https://consent.news.example/?continue=x"),
        ("consent", page(), HTML, "https://www.news.example/privacy-gate?to=x"),
        ("consent", page(body="<form>Accept</form>", title="Before you continue to News"), HTML, URL),
        ("article", page(title="Cookie settings: what the court decided"), HTML, URL),
        ("blocked", page(body="<p>Checking your browser</p>", title="Just a moment..."), HTML, URL),
        ("blocked", page(body="", title="Access Denied"), HTML, URL),
        ("front_page", page(), HTML, "https://news.example/"),
        ("reserved", page('<meta name="robots" content="index, NOARCHIVE, max-image-preview:large">'), HTML, URL),
        ("reserved", page(), HTML | {"x-robots-tag": "noarchive"}, URL),
        ("reserved", page(), HTML | {"x-robots-tag": "max-snippet:20, wiredesk: noarchive"}, URL),
        ("article", page(), HTML | {"x-robots-tag": "googlebot: noarchive"}, URL),
        ("article", page('<meta name="robots" content="noindex, max-snippet:-1">'), HTML, URL),
        ("reserved", page(), HTML | {"tdm-reservation": "1"}, URL),
    ],
)
def test_a_page_is_taken_for_what_it_is(outcome: str, body: bytes, headers: dict[str, str], final: str) -> None:
    assert look(body, headers, URL, final).outcome == outcome
    assert outcome in OUTCOMES


def test_the_page_names_its_own_address() -> None:
    seen = look(page('<LINK href="/a?x=1&amp;y=2" rel="canonical">'), HTML, URL, URL)
    assert seen.canonical_url == "https://news.example/a?x=1&y=2"
    assert look(page('<link rel="canonical" href="javascript:alert(1)">'), HTML, URL, URL).canonical_url is None


@pytest.mark.parametrize(
    "charset, body, content_type",
    [
        ("utf-8", "Zürich".encode(), "text/html; charset=iso-8859-1"),
        ("cp1252", "Zürich".encode("cp1252"), "text/html"),
        ("cp1252", "Zürich".encode("cp1252"), "text/html; charset=ISO-8859-1"),
        ("cp1251", b'<meta charset="windows-1251">' + "Киев".encode("cp1251"), "text/html"),
        ("cp932", "東京".encode("cp932"), "text/html; charset=Shift_JIS"),
        ("utf-16-le", "\ufeffZürich".encode("utf-16-le"), "text/html"),
        ("cp1252", "Zürich".encode("cp1252"), "text/html; charset=idna"),
        ("cp1252", "Zürich".encode("cp1252"), "text/html; charset=base64"),
    ],
)
def test_the_charset_is_one_that_can_be_decoded(charset: str, body: bytes, content_type: str) -> None:
    assert charset_of(body, content_type) == charset
    assert body.decode(charset, "replace")


@pytest.mark.parametrize("attack", ["<meta ", "<title", "<meta a=", '"isAccessibleForFree"' + " " * 19, "<link x='"])
def test_looking_takes_time_that_grows_with_the_page_alone(attack: str) -> None:
    times = []
    for size in (20_000, 180_000):
        body = (attack * size)[:size].encode()
        begun = time.process_time()
        look(b"<html>" + body, HTML, URL, URL)
        times.append(time.process_time() - begun)
    assert times[1] < max(times[0], 0.01) * 45  # nine times the size; quadratic would be 81 times


def test_short_and_cut_texts_want_their_page_and_whole_ones_do_not() -> None:
    words = "<p>" + "word " * 200 + "</p>"
    assert an_item(None, "One sentence.").teaser
    assert an_item("<p>" + "word " * 200 + "… Read more</p>").teaser
    assert not an_item(words).teaser
    assert not an_item("<p>" + "東京の川が増水した。" * 40 + "</p>").teaser
    assert an_item(None, "東京の川が増水した。").teaser
    assert page_host(an_item(None, "x")) == "news.example:443"
    assert page_host(an_item(words)) is None
    assert page_host(an_item(None, "x", named=False)) is None
    assert page_host(an_item(None, "x", url="https://news.example/report.pdf")) is None
    assert page_host(an_item(None, "x", url="mailto:desk@news.example")) is None


def test_what_may_mend_itself_is_tried_again_and_the_rest_is_not() -> None:
    assert set(RETRIES_S) <= set(OUTCOMES)
    assert [of_status(s) for s in (200, 404, 410, 429, 503, 402)] == [
        None,
        "not_found",
        "gone",
        "rate_limited",
        "server_error",
        "blocked",
    ]
    assert [retry_in_s("timeout", n) for n in (1, 2, 3, 4)] == [120, 900, 7200, None]
    assert retry_in_s("gone", 1) is None
    assert retry_in_s("article", 1) is None


def test_a_robots_file_that_is_missing_allows_all_and_a_server_at_fault_nothing() -> None:
    assert read_rules(404, b"") == (Rules(None, True), True)
    assert read_rules(403, b"") == (Rules(None, True), True)
    assert read_rules(503, b"") == (Rules(None, False), False)
    assert read_rules(429, b"") == (Rules(None, False), False)
    assert read_rules(None, b"") == (Rules(None, False), False)


def test_the_rules_for_our_name_come_before_those_for_all() -> None:
    rules, _ = read_rules(
        200,
        b"\xef\xbb\xbfUser-agent: *\nDisallow: /\nCrawl-delay: 9\n\n"
        b"User-agent: wiredesk\nDisallow: /private\nCrawl-delay: 4\n",
    )
    assert may_fetch(rules, "https://news.example/a")
    assert not may_fetch(rules, "https://news.example/private/a")
    assert crawl_delay_s(rules) == 4.0
    assert crawl_delay_s(read_rules(200, b"User-agent: *\nCrawl-delay: 999999")[0]) == 3600.0
    assert robots_url("https://a:b@news.example:8443/x?y") == "https://news.example:8443/robots.txt"


@pytest.mark.skipif(not ROBOTS.is_dir(), reason="the corpus of robots.txt files is not here")
def test_every_robots_file_of_the_corpus_is_read() -> None:
    files = sorted(path for path in ROBOTS.rglob("*") if path.is_file())
    assert len(files) >= 100
    delays = 0
    for path in files:
        rules, reached = read_rules(200, path.read_bytes())
        assert reached
        assert may_fetch(rules, f"https://{path.name}/news/2026/article.html") in (True, False)
        delays += crawl_delay_s(rules) > 0
    assert delays > 0
