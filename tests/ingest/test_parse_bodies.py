"""Bodies into items: formats, encodings, damage, pages instead of feeds, and the real feeds."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urljoin

import pytest

from services.ingest.encoding import to_utf8
from services.ingest.items import ParsedFeed
from services.ingest.loose import read_loose
from services.ingest.parse import Job, parse
from services.ingest.refusals import NotAFeed
from services.ingest.strict import read_strict
from tests.ingest.publisher import item, rss

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
CAPTURES = Path(__file__).parents[3] / "shared/data/feeds/kagi-captures"
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><title>Atom news</title>
<link rel="alternate" href="https://news.example/"/><link rel="hub" href="https://hub.example/"/>
<entry><id>tag:news.example,2026:1</id><title type="html">Fish &amp;amp; chips &lt;b&gt;now&lt;/b&gt;</title>
<link href="/a/1"/><updated>2026-11-23T12:00:00Z</updated><published>2026-11-23T10:00:00Z</published>
<author><name>Jo Bloggs</name></author><category term="food"/>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>First.</p><p>Second.</p></div></content></entry></feed>"""


def read(body: bytes | str, content_type: str | None = None, url: str = "https://news.example/feed") -> ParsedFeed:
    data = body.encode() if isinstance(body, str) else body
    return parse(data, Job(7, url, content_type, NOW))


def test_rss_items_are_read_whole() -> None:
    extra = "<ttl>30</ttl>"
    row = item(1, category="Politics", author="jo@news.example (Jo Bloggs)")
    feed = read(rss([row], extra=extra).replace("</item>", '<enclosure url="/p.jpg" type="image/jpeg"/></item>'))
    (found,) = feed.items
    assert (feed.format, feed.title, feed.site_url, feed.ttl_s) == (
        "rss2.0",
        "Example News",
        "https://news.example/",
        1800,
    )
    assert (found.title, found.url, found.guid) == ("Headline number 1", "https://news.example/articles/1", "item-1")
    assert found.description == "The lead of article 1, which says what happened."
    assert (found.published_at, found.published_precision) == (datetime(2026, 11, 23, 10, 1, tzinfo=UTC), "second")
    assert (found.authors, found.categories, found.language) == (["Jo Bloggs"], ["Politics"], "en")
    assert found.images == [{"url": "https://news.example/p.jpg"}]


def test_atom_entries_are_read_whole() -> None:
    feed = read(ATOM)
    (found,) = feed.items
    assert (feed.format, feed.hub) == ("atom1.0", "https://hub.example/")
    assert (found.title, found.url) == ("Fish & chips now", "https://news.example/a/1")
    assert found.modified_at == datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert (found.description, found.authors, found.categories) == ("First.\nSecond.", ["Jo Bloggs"], ["food"])


def test_json_feeds_are_read_whatever_their_content_type() -> None:
    entry = {
        "id": 1,
        "url": "/a/1",
        "title": "A <b> title",
        "content_html": "<p>Body</p>",
        "date_published": "2026-11-23T10:00:00+01:00",
        "authors": [{"name": "Jo"}],
        "tags": ["x"],
    }
    body = {"version": "https://jsonfeed.org/version/1.1", "title": "J", "home_page_url": "https://news.example/"}
    feed = read(json.dumps({**body, "items": [entry, "nonsense", {"content_text": "Plain & simple"}]}), "text/html")
    first, second = feed.items
    assert (feed.format, first.title, first.url) == ("json1.1", "A <b> title", "https://news.example/a/1")
    assert first.published_at == datetime(2026, 11, 23, 9, tzinfo=UTC)
    assert (second.title, second.description) == ("Plain & simple", "Plain & simple")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "iso-8859-1", "cp1252"])
@pytest.mark.parametrize("declared", [True, False])
def test_encodings_declared_or_sniffed(encoding: str, declared: bool) -> None:
    text = rss([item(1, title="Señor Müller déjà vu")])
    name = encoding.replace("utf-8-sig", "utf-8").replace("utf-16-le", "utf-16")
    text = text.replace('encoding="utf-8"', f'encoding="{name}"' if declared else "")
    assert read(text.encode(encoding)).items[0].title == "Señor Müller déjà vu"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("koi8-r", "Паром опоздал"),
        ("windows-1251", "Паром опоздал"),
        ("iso-8859-2", "Žluťoučký kůň"),
        ("iso-8859-15", "Prix en €"),
        ("gb2312", "渡轮晚点"),
        ("big5", "渡輪誤點"),
        ("shift_jis", "フェリー遅延"),
        ("euc-jp", "フェリー遅延"),
        ("iso-2022-jp", "フェリー遅延"),
        ("euc-kr", "여객선 지연"),
    ],
)
def test_every_declared_encoding_is_read_in_the_document_or_the_header(encoding: str, text: str) -> None:
    body = rss([item(1, title=text)])
    declared = body.replace('encoding="utf-8"', f'encoding="{encoding}"').encode(encoding)
    assert read(declared).items[0].title == text
    undeclared = body.replace(' encoding="utf-8"', "").encode(encoding)
    assert read(undeclared, f"application/rss+xml; charset={encoding}").items[0].title == text
    wrongly = body.replace('encoding="utf-8"', f'encoding="{encoding}"').encode()  # it says so, but is UTF-8
    assert (read(wrongly).items[0].title, read(wrongly).encoding_repaired) == (text, True)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("beginning", ["", "\n  "])
def test_wide_letters_without_mark_and_declaration_are_seen(encoding: str, beginning: str) -> None:
    body = rss([item(1, title="Señor Müller")]).partition("?>")[2]
    assert read((beginning + body).encode(encoding)).items[0].title == "Señor Müller"


@pytest.mark.parametrize(
    ("label", "codec", "text"),
    [
        ("x-sjis", "cp932", "フェリー遅延"),
        ("x-gbk", "gbk", "渡轮晚点"),
        ("windows-874", "cp874", "เรือล่าช้า"),
        ("iso-8859-8-i", "iso-8859-8", "שלום"),
        ("x-mac-roman", "mac-roman", "Señor"),
        ("undefined", "cp1252", "Señor"),
        ("unicode_escape", "cp1252", "Señor \\ud800"),
        ("utf-16", "cp1252", "Señor Müller"),
        ("utf-16", "cp1252", "Señor  Müller"),
    ],
)
def test_labels_of_browsers_are_known_and_codecs_that_are_no_charsets_are_not(
    label: str, codec: str, text: str
) -> None:
    body = rss([item(1, title=text)]).replace('encoding="utf-8"', f'encoding="{label}"').encode(codec)
    assert read(body).items[0].title == " ".join(text.split())


def test_a_mark_of_utf8_before_other_letters_is_mended_and_said() -> None:
    feed = read(b"\xef\xbb\xbf" + rss([item(1, title="Señor “Müller”")]).encode("cp1252"))
    assert (feed.items[0].title, feed.encoding_repaired) == ("Señor “Müller”", True)


def test_json_with_raw_line_ends_and_halves_of_characters_is_read() -> None:
    items = '{"id": "1", "title": "One\ttwo"}, {"id": "2", "title": "\\ud83d \\ud83d\\ude00 \\\\ud83d"}'
    feed = read('{"version": "https://jsonfeed.org/version/1.1", "items": [' + items + "]}")
    assert [found.title for found in feed.items] == ["One two", "\ufffd 😀 \\ud83d"]


def test_windows_quotes_declared_as_utf8_are_mended_and_said() -> None:
    body = rss([item(1, title="QUOTED")]).encode().replace(b"QUOTED", b"\x93Quoted\x94")
    feed = read(body)
    assert feed.items[0].title == "“Quoted”"
    assert feed.encoding_repaired


def test_items_that_are_written_or_placed_otherwise_are_found() -> None:
    body = rss([item(1), item(2)])
    assert [found.guid for found in read(body.replace("item>", "ITEM>")).items] == ["item-1", "item-2"]
    nested = body.replace("<item>", "<items><item>", 1).replace("</channel>", "</items></channel>")
    assert [found.guid for found in read(nested).items] == ["item-1", "item-2"]


def test_a_link_whose_scheme_was_forgotten_leads_to_its_host() -> None:
    links = ["www.other.example/a", "WWW.Other.Example", "www.html", "wwwhat/a", "news.example/b"]
    found = [one.url for one in read(rss([item(n, link=link) for n, link in enumerate(links)])).items]
    assert found == [
        "https://www.other.example/a",
        "https://WWW.Other.Example",
        "https://news.example/www.html",
        "https://news.example/wwwhat/a",
        "https://news.example/b",
    ]


def test_a_gzip_file_served_as_it_is_is_read() -> None:
    body = rss([item(1), item(2)]).encode()
    assert len(read(gzip.compress(body)).items) == 2
    assert len(read(gzip.compress(body[:300]) + gzip.compress(body[300:])).items) == 2


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ("", "empty", "empty"),
        ("just text", "not_a_feed", "neither XML nor JSON"),
        ("<!doctype html><html><body>Hello</body></html>", "not_a_feed", "web page"),
        ("<!-- x --><HTML><body>Hello</body></HTML>", "not_a_feed", "web page"),
        ('<opml version="2.0"><body/></opml>', "not_a_feed", "<opml>"),
        ('{"rss": {"channel": {}}}', "rss_in_json", "RSS written as JSON"),
        ('{"hello": 1}', "not_a_feed", "no JSON Feed"),
        ('{"channel": {"item": []}}', "rss_in_json", "RSS written as JSON"),
        ('[{"rss": {"channel": {}}}]', "rss_in_json", "RSS written as JSON"),
        ('{"type": "OrderedCollection", "items": ["x"]}', "not_a_feed", "no JSON Feed"),
        ("<!doctype html><html><script>x = '<rss version>'</script>Hi</html>", "not_a_feed", "web page"),
        ("<script>x = '<feed '</script><p>Hi</p>", "not_a_feed", "web page"),
        ("<p>Not here</p>", "not_a_feed", "web page"),
        ('{"version": ', "unreadable", "JSON"),
        (b"\x1f\x8bnonsense", "unreadable", "gzip"),
        ("/etc/passwd", "not_a_feed", "neither"),
        ("file:///etc/passwd", "not_a_feed", "neither"),
    ],
)
def test_what_is_no_feed_is_refused_with_a_reason(body: str | bytes, code: str, says: str) -> None:
    with pytest.raises(NotAFeed) as raised:
        read(body)
    assert (raised.value.code, says in raised.value.message) == (code, True)


def test_a_page_names_its_feeds() -> None:
    page = """<html><head><link rel=alternate type="application/rss+xml" href="/a.xml?x=1&amp;y=2">
    <link rel="alternate" href='https://other.example/b' type='application/atom+xml'>
    <link rel="icon" href="/i"></head>"""
    with pytest.raises(NotAFeed) as raised:
        read(page)
    assert raised.value.candidates == ("https://news.example/a.xml?x=1&y=2", "https://other.example/b")


def test_damaged_xml_keeps_its_good_items() -> None:
    body = rss([item(1), item(2, title="A & B"), item(3)]).replace("A &amp; B", "A & B &nbsp; C")
    feed = read(body)
    assert [found.title for found in feed.items] == ["Headline number 1", "A & B C", "Headline number 3"]
    assert (feed.damaged, feed.torn) == (True, False)


RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
<channel rdf:about="https://news.example/"><title>N</title><link>https://news.example/</link></channel>
<item rdf:about="https://news.example/1"><title>One</title><link>https://news.example/1</link></item>
<item rdf:about="https://news.example/2"><title>Two</title><link>https://news.example/22</link></item></rdf:RDF>"""
SITEMAP = """<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>https://news.example/1</loc><news:news>
<news:title>One</news:title></news:news></url><url><loc>https://news.example/22</loc><news:news>
<news:title>Two</news:title></news:news></url></urlset>"""


IMAGE = "<image><url>https://news.example/i.png</url></image>"


@pytest.mark.parametrize("body", [rss([item(1), item(2)], extra=IMAGE), ATOM, RDF, SITEMAP])
def test_an_item_in_which_a_body_breaks_off_is_none_wherever_it_does(body: str) -> None:
    """What is given of a body that breaks off is given of the whole: no half address, no half text."""
    whole = {(found.guid, found.url, found.title, found.content_hash) for found in read(body).items}
    ends = [at for at in range(body.index(">") + 1, len(body)) if body[at - 1] != "\n"]
    for at in ends[::3]:
        try:
            feed = read(body[:at])
        except NotAFeed as error:
            assert error.code in ("unreadable", "empty", "not_a_feed"), at
            continue
        found = {(found.guid, found.url, found.title, found.content_hash) for found in feed.items}
        assert found <= whole, at
        assert feed.torn or found == whole, at


def test_control_characters_and_nulls_never_come_through() -> None:
    body = rss([item(1, title="TITLE", description="LEAD")]).encode()
    body = body.replace(b"TITLE", b"Bad\x00 title\x07\x1f").replace(b"LEAD", b"Lead&#1;\x00 text")
    found = read(body).items[0]
    assert (found.title, found.description) == ("Bad title", "Lead text")


def test_scripts_and_handlers_go_and_prose_stays() -> None:
    html = '<p onclick="x()">Prose about javascript: urls and a &lt; b.</p><script>evil()</script>'
    html += '<a href="javascript:evil()">x</a><img src="/p.png" onerror="evil()"><p>' + "word " * 300 + "</p>"
    found = read(rss([item(1, description=html)])).items[0]
    assert found.body_html is not None
    assert "evil" not in found.body_html and "onclick" not in found.body_html
    assert "Prose about javascript: urls and a &lt; b." in found.body_html
    assert 'src="https://news.example/p.png"' in found.body_html


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Fish &amp; chips", "Fish & chips"),
        ("Rock &amp;amp; roll", "Rock & roll"),
        ("It&#8217;s &amp;#8220;on&amp;#8221;", "It’s “on”"),
        ("If x < y then", "If x < y then"),
        ("<b>Bold</b> and <em class='x'>more</em>", "Bold and more"),
        ("C++ <vector> in use", "C++ <vector> in use"),
        ("  two\n lines ", "two lines"),
        ("One<br/>Two<BR>Three", "One Two Three"),
        ("<p>One</p><p>Two</p> x<sub>2</sub>", "One Two x2"),
        ("How to use the &lt;p&gt; tag", "How to use the <p> tag"),
        (
            "&lt;i&gt;Nature&lt;/i&gt; is &lt;em class=&quot;x&quot;&gt;&lt;b&gt;read&lt;/b&gt;&lt;/em&gt;",
            "Nature is read",
        ),
        ("Vector&lt;T&gt; &lt;T&gt;x&lt;/T&gt;", "Vector<T> <T>x</T>"),
    ],
)
def test_titles_are_plain_text(given: str, expected: str) -> None:
    body = rss([item(1, title="TITLE")]).replace("TITLE", f"<![CDATA[{given}]]>")
    assert read(body).items[0].title == expected


def test_an_item_without_a_title_is_called_by_its_first_words() -> None:
    found = read(rss([item(1, title="", description="Short note about nothing.")])).items[0]
    assert found.title == "Short note about nothing."


def test_items_of_a_text_alone_are_each_an_article() -> None:
    texts = ("One thing happened.", "Another thing happened.", "One thing happened.")
    feed = read(rss([{"description": text} for text in texts]))
    assert ([found.title for found in feed.items], feed.repeated) == (list(texts[:2]), 1)


def test_what_the_modules_say_stands_in_for_what_the_feed_does_not() -> None:
    names = 'xmlns:dc="https://purl.org/dc/elements/1.1/" xmlns:media="http://www.rssboard.org/media-rss"'
    extra = "<dc:title>By Dublin Core</dc:title><dc:creator>Jo Bloggs</dc:creator><dc:subject>Ferries</dc:subject>"
    extra += '<dc:date>2026-11-23T10:00:00Z</dc:date><media:content url="/p.jpg" medium="image">'
    extra += "<media:description>A ferry.</media:description></media:content></item>"
    body = rss([{"link": "/a"}]).replace("<rss ", f"<rss {names} ").replace("</item>", extra)
    (found,) = read(body).items
    assert (found.title, found.authors, found.categories) == ("By Dublin Core", ["Jo Bloggs"], ["Ferries"])
    assert (found.published_at, found.description) == (datetime(2026, 11, 23, 10, tzinfo=UTC), None)
    assert found.images == [{"url": "https://news.example/p.jpg", "caption": "A ferry."}]


@pytest.mark.parametrize("mark", ["&#146;", "&#x92;", "\x92", "&amp;#146;"])
def test_control_characters_that_are_meant_as_windows_quotes_are_read_as_such(mark: str) -> None:
    assert read(rss([item(1, title="TITLE")]).replace("TITLE", f"It{mark}s")).items[0].title == "It’s"


def test_a_page_put_around_a_feed_does_not_hide_it() -> None:
    page = f'<!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><body>{ATOM}</body></html>'
    assert [found.title for found in read(page).items] == ["Fish & chips now"]


def test_json_items_without_authors_have_those_of_their_feed() -> None:
    body = {"version": "https://jsonfeed.org/version/1", "author": {"name": "Jo"}, "items": [{"id": "1", "title": "T"}]}
    assert read(json.dumps(body)).items[0].authors == ["Jo"]


def test_known_items_are_counted_and_left_out() -> None:
    body = rss([item(1), item(2)]).encode()
    first = parse(body, Job(7, "https://news.example/feed", None, NOW))
    known = bytes.fromhex(first.items[0].item_hash)
    again = parse(body, Job(7, "https://news.example/feed", None, NOW, known))
    assert (again.entries, again.unchanged, len(again.items)) == (2, 1, 1)


def same_guid(one: str | None, other: str | None, url: str) -> bool:
    """feedparser resolves a guid that looks like a path."""
    return one == other or (one is not None and urljoin(url, one) == other)


def captures() -> list[tuple[str, str]]:
    if not CAPTURES.is_dir():
        return []
    rows = (line.split("\t") for line in (CAPTURES / "urls.tsv").read_text().splitlines() if "\t" in line)
    return [(row[0], row[1].strip()) for row in rows]


@pytest.mark.skipif(not CAPTURES.is_dir(), reason="the captured feeds are not here")
def test_every_captured_feed_is_read_and_both_readers_agree() -> None:
    differing: list[str] = []
    for name, url in captures():
        body = (CAPTURES / "bodies" / name).read_bytes()
        feed = parse(body, Job(1, url, None, NOW))
        assert feed.entries == len(feed.items) + feed.unchanged + feed.repeated + feed.refused + feed.capped > 0, name
        for found in feed.items:
            assert found.title and found.url.startswith("http"), (name, found)
            assert "\x00" not in f"{found.title}{found.description}{found.body_html}"
        document, _ = to_utf8(body, None)
        strict = read_strict(document, url)
        if strict is None:
            continue
        loose = read_loose(document, url)
        assert loose is not None
        pairs = zip(strict.entries, loose.entries, strict=True)
        differing += [
            f"{name}: {s.link} {x.link}" for s, x in pairs if s.link != x.link or not same_guid(s.guid, x.guid, url)
        ]
    assert not differing, "\n".join(differing[:20])


@pytest.mark.parametrize(
    "element", ['<iframe src="x"/>', '<iframe src="x"></iframe>', '<object data="x">', "<script/>", "<svg/>"]
)
def test_frames_and_objects_do_not_swallow_the_rest(element: str) -> None:
    html = f"<p>Before.</p>{element}<p>After.</p><p>{'word ' * 300}</p>"
    found = read(rss([item(1, description=html)])).items[0]
    assert found.body_html is not None and "<p>After.</p>" in found.body_html
    assert "After." in (read(rss([item(1, description=html[:60])])).items[0].description or "")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Ferry<script>track('x')</script> late", "Ferry late"),
        ("Ferry <!-- ad --> late", "Ferry late"),
        ('Ferry <iframe src="x"></iframe>late', "Ferry late"),
        ("Vectors: std::vector<int> and <T>", "Vectors: std::vector<int> and <T>"),
    ],
)
def test_titles_hold_no_scripts_and_keep_their_prose(given: str, expected: str) -> None:
    body = rss([item(1, title="TITLE")]).replace("TITLE", f"<![CDATA[{given}]]>")
    assert read(body).items[0].title == expected


def test_an_article_may_speak_of_namespaces_however_they_are_spelled() -> None:
    told = (
        "Write https://purl.org/dc/elements/1.1/ or https://www.w3.org/2005/Atom or http://www.rssboard.org/media-rss."
    )
    feed = read(
        '<rss version="2.0" xmlns:m="http://www.rssboard.org/media-rss" xmlns:d="https://purl.org/dc/elements/1.1/">'
        "<channel><title>N</title><link>https://news.example/</link><item><title>On names</title><guid>1</guid>"
        f"<link>https://purl.org/meta/1</link><description>{told}</description><d:creator>Jo</d:creator>"
        '<m:content url="https://news.example/p.jpg" medium="image"/></item></channel></rss>'
    )
    (found,) = feed.items
    assert (found.description, found.url, found.authors) == (told, "https://purl.org/meta/1", ["Jo"])
    assert found.images == [{"url": "https://news.example/p.jpg"}]


def test_a_namespace_that_an_item_declares_is_known_wherever_the_item_stands() -> None:
    picture = '<m:content xmlns:m="https://search.yahoo.com/mrss/" url="/p{}.jpg" medium="image"/></item>'
    body = rss([item(n, description="word " * 200) for n in range(40)])
    for n in range(40):
        body = body.replace("</item>", picture.format(n), 1).replace("</item>", "<end/>", 1)
    body = body.replace("<end/>", "</item>")
    assert all(len(found.images) == 1 for found in read(body).items)


def test_a_text_about_captions_is_left_as_it_is() -> None:
    feed = read_loose(
        b"<rss version='0.91'><channel><title>N</title><item><title>T</title><link>/1</link><description><![CDATA[Say"
        b" <media:title> here]]></description><media:title>Its caption</media:title></item></channel></rss>",
        "https://news.example/feed",
    )
    assert feed is not None
    assert (feed.entries[0].title, feed.entries[0].summary) == ("T", "Say <media:title> here")


def test_a_character_section_that_was_escaped_is_opened() -> None:
    body = rss([item(1, title="<![CDATA[Fish & chips]]>", description="<![CDATA[<p>Fresh &amp; hot</p>]]>")])
    (found,) = read(body).items
    assert (found.title, found.description) == ("Fish & chips", "Fresh & hot")
    about = "What <![CDATA[ is for"
    assert read(rss([item(1, title=about)])).items[0].title == about


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("https://news.example/?a=1&amp;amp;b=2", "https://news.example/?a=1&b=2"),
        ("http://https://news.example/a", "https://news.example/a"),
        ("https:/news.example/a", "https://news.example/a"),
        ("https:/a", "https://news.example/a"),
        ("https://news.example/http://other.example/", "https://news.example/http://other.example/"),
    ],
)
def test_addresses_are_what_their_author_meant(given: str, address: str) -> None:
    body = rss([item(1, link="LINK")]).replace("LINK", given)
    assert read(body).items[0].url == address


def test_what_keeps_a_feed_from_being_xml_is_mended_without_harm() -> None:
    body = rss([item(1, title="TITLE", link="LINK", description="DESCRIPTION"), item(2)])
    body = body.replace("DESCRIPTION", "<![CDATA[a && b &copy; c]]>")
    body = body.replace("TITLE", "A & B&nbsp;C &hellip; &bogus; &#11;&#0;\x0b&lt;x &LT;y")
    feed = read(body.replace("LINK", "https://news.example/?a=1&copy=2&reg=3&amp;x=4"))
    one, two = feed.items
    assert one.url == "https://news.example/?a=1&copy=2&reg=3&x=4"
    assert (one.title, one.description) == ("A & B C … &bogus; <x <y", "a && b © c")
    assert (feed.damaged, two.title) == (True, "Headline number 2")
    well = read(rss([item(2)]))
    assert (two.item_hash, two.names) == (well.items[0].item_hash, well.items[0].names)
    nested = rss([item(1, description="TEXT")]).replace("TEXT", "<p>Unescaped <b>text</b></p>")
    behind = read(nested + "<script>counted()</script>")
    assert (behind.items, behind.damaged) == (read(nested).items, True)
