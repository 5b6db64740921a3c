"""Addresses: canonical forms, identity, hosts, and what is refused."""

from __future__ import annotations

import ipaddress
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from shared.addresses import Allowances, may_reach
from shared.errors import AddressRefused
from shared.urls import canonical, check_outbound, host_key, host_of, identity, registrable_domain, resolve


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("HTTP://News.Example:80", "http://news.example/"),
        ("https://news.example:443/a", "https://news.example/a"),
        ("https://news.example:8443/a", "https://news.example:8443/a"),
        ("https://news.example./a#part", "https://news.example/a"),
        ("https://news.example/a?utm_source=rss&id=3&fbclid=x", "https://news.example/a?id=3"),
        ("https://news.example/a?b=2&a=1", "https://news.example/a?b=2&a=1"),
        ("https://news.example/a?", "https://news.example/a"),
        ("https://news.example/%7ejo/%c3%a9?q=%2f", "https://news.example/~jo/%C3%A9?q=%2F"),
        ("https://news.example/a/../b/./c", "https://news.example/b/c"),
        ("https://news.example/a b", "https://news.example/a%20b"),
        ("https://news.example/100%", "https://news.example/100%25"),
        ("https://bücher.example/é", "https://xn--bcher-kva.example/%C3%A9"),
        ("https://user:secret@news.example/a", "https://news.example/a"),
        ("  https://news.example/a\n", "https://news.example/a"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://[2001:DB8::1]/", "http://[2001:db8::1]/"),
    ],
)
def test_the_canonical_form(given: str, expected: str) -> None:
    assert canonical(given) == expected
    assert canonical(expected) == expected


def test_scheme_www_and_closing_slash_tell_no_two_pages_apart() -> None:
    spellings = ("http://news.example/a/", "https://www.news.example/a", "https://news.example/a?utm_medium=x#top")
    assert {identity(url) for url in spellings} == {"news.example/a"}
    assert identity("https://news.example/a?id=1") != identity("https://news.example/a?id=2")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "news.example/feed",
        "ftp://news.example/feed",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "http://news example/",
        "http://news.example:99999/",
        "http://news.example:0/",
        "http://1.2.3.4.5/",
        "http://256.1.1.1/",
        "http://[::1",
        "http://" + "a" * 5000,
    ],
)
def test_what_is_no_address_of_the_web_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        canonical(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://%31%32%37.0.0.1/",
        "http://１２７.0.0.1/",
        "http://127.0.0.1./",
        "http://localhost/",
        "http://feeds.localhost:8000/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[fe80::1%25eth0]/",
        "http://[fec0::1]/",
        "http://[fd00::1]/",
        "http://10.1.2.3/",
        "http://172.16.0.1/",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://100.64.0.1/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://192.88.99.1/",
    ],
)
def test_a_private_address_is_refused_in_any_notation(url: str) -> None:
    with pytest.raises(AddressRefused):
        check_outbound(url)


def test_public_addresses_and_names_pass() -> None:
    assert check_outbound("https://news.example/feed?x=ü#top") == "https://news.example/feed?x=%C3%BC"
    assert check_outbound("http://8.8.8.8/feed") == "http://8.8.8.8/feed"
    assert check_outbound("http://[2606:4700::1]/feed") == "http://[2606:4700::1]/feed"


def test_allowances_let_through_what_they_name_and_no_more() -> None:
    network = Allowances.of([ipaddress.ip_network("10.0.0.0/8")])
    assert check_outbound("http://10.1.1.1/", network) == "http://10.1.1.1/"
    with pytest.raises(AddressRefused):
        check_outbound("http://192.168.0.1/", network)
    wire = Allowances.of(samplewire="127.0.0.1:8765")
    assert check_outbound("http://127.0.0.1:8765/feed", wire)
    for other in ("http://127.0.0.1:8766/feed", "http://127.0.0.2:8765/feed"):
        with pytest.raises(AddressRefused):
            check_outbound(other, wire)
    assert may_reach("::ffff:127.0.0.1", 8765, wire)


def test_hosts_and_domains() -> None:
    assert host_key("https://Feeds.BBC.co.uk/x") == "feeds.bbc.co.uk:443"
    assert host_key("http://[::1]:8080/") == "[::1]:8080"
    assert registrable_domain("feeds.bbc.co.uk") == "bbc.co.uk"
    assert registrable_domain("127.0.0.1") is None
    assert registrable_domain("localhost") is None


@pytest.mark.parametrize(
    "twin",
    [
        "https://amp.news.example/world/a-story",
        "https://m.news.example/world/a-story",
        "https://mobile.news.example/world/a-story/",
        "https://news.example/amp/world/a-story",
        "https://news.example/world/amp/a-story",
        "https://news.example/world/a-story/amp/",
        "https://news.example/world/a-story?amp",
        "https://news.example/world/a-story?outputType=amp",
        "https://www.google.com/amp/s/news.example/world/a-story",
        "https://news-example.cdn.ampproject.org/c/s/news.example/world/a-story/amp",
        "http://news.example/world/a-story;jsessionid=8F2A?PHPSESSID=1",
    ],
)
def test_twins_for_phones_and_amp_are_the_same_page(twin: str) -> None:
    assert identity(twin) == "news.example/world/a-story"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://news.example/amp", "https://news.example/"),
        ("https://news.example/wiki/AMP", "https://news.example/wiki"),
        ("https://m.co.uk/a", "https://co.uk/a"),
        ("https://news.example/a?page=1", "https://news.example/a?page=2"),
        ("https://news.example/swamp", "https://news.example/sw"),
        ("https://blog.news.example/a", "https://news.example/a"),
    ],
)
def test_what_only_looks_like_a_twin_is_another_page(one: str, other: str) -> None:
    assert identity(one) != identity(other)


def test_the_order_of_parameters_tells_no_two_pages_apart() -> None:
    assert identity("https://news.example/a?b=2&a=1") == identity("https://news.example/a?a=1&b=2")


STANDARDS = Path(__file__).parents[3] / "shared/data/standards"


def test_the_web_platforms_addresses_are_read_as_browsers_read_them() -> None:
    """Hosts of absolute http(s) addresses in web-platform-tests; what browsers refuse as an address is refused here."""
    path = STANDARDS / "urls" / "urltestdata.json"
    if not path.exists():
        pytest.skip("the address tests of the web platform are not here")
    cases = [c for c in json.loads(path.read_text("utf-8", "surrogatepass")) if isinstance(c, dict)]
    cases = [c for c in cases if re.match(r"\s*https?://[^/\\]", c["input"]) and not c["input"].startswith("http:///")]
    wrong = []
    for case in cases:
        try:
            read = host_of(case["input"])
        except AddressRefused:
            read = None
        expected = None if case.get("failure") else case["hostname"].strip("[]").removesuffix(".")
        if read != expected:
            wrong.append((case["input"], read, expected))
    assert len(cases) > 200
    read_too_kindly = [one for one, read, expected in wrong if expected is None]
    refused_too_strictly = [one for one, read, expected in wrong if read is None]
    # Broken punycode and an escaped IPv6 address resolve to nothing; nobody links to the others.
    assert len(read_too_kindly) + len(refused_too_strictly) == len(wrong) <= 16, wrong
    assert all("xn--" in one.lower() or "%31" in one for one in read_too_kindly), read_too_kindly


def test_wildcards_exceptions_and_other_scripts_of_the_suffix_list() -> None:
    assert registrable_domain("news.www.ck") == "www.ck"
    assert registrable_domain("a.b.co.ck") == "b.co.ck"
    assert registrable_domain("co.ck") is None
    assert registrable_domain("x.city.kawasaki.jp") == "city.kawasaki.jp"
    assert registrable_domain("x.y.z.kawasaki.jp") == "y.z.kawasaki.jp"
    assert registrable_domain("www.xn--85x722f.xn--55qx5d.cn") == "xn--85x722f.xn--55qx5d.cn"
    assert registrable_domain("a.b.nobody-knows") == "b.nobody-knows"


def test_the_suffix_list_is_read_without_what_would_fetch_it() -> None:
    code = "import sys, shared.urls as u; u.registrable_domain('a.b.example.com'); print('requests' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout.strip() == b"False"


def test_registrable_domains_are_those_of_the_public_suffix_lists_own_tests() -> None:
    path = STANDARDS / "publicsuffix" / "test_psl.txt"
    if not path.exists():
        pytest.skip("the tests of the public suffix list are not here")
    pairs = re.findall(r"^checkPublicSuffix\((?:null|'([^']*)'), (?:null|'([^']*)')\);", path.read_text("utf-8"), re.M)
    plain = [(host, domain) for host, domain in pairs if host.isascii() and host and not host.startswith(".")]
    plain = [(host, domain) for host, domain in plain if not host.endswith("uk.com")]  # a suffix that somebody sells
    wrong = []
    for host, domain in plain:
        found = registrable_domain(host.lower())
        if found != (domain or None):
            wrong.append((host, found, domain))
    assert len(plain) > 50
    assert wrong == [], wrong


def test_links_are_resolved_or_nothing() -> None:
    assert resolve("https://news.example/a/", "../b?x=1") == "https://news.example/b?x=1"
    assert resolve("https://news.example/a/", "//cdn.example/p.jpg") == "https://cdn.example/p.jpg"
    assert resolve("https://news.example/feed", "news.example/b") == "https://news.example/b"
    assert resolve("https://news.example/a/", "mailto:jo@news.example") is None
    assert resolve("https://news.example/a/", "http://[bad") is None
