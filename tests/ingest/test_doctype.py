"""Document types are taken out before anybody reads them: nothing is expanded, nothing is opened, nothing is slow."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.ingest.doctype import without_doctype
from services.ingest.parse import Job, parse
from tests.ingest.publisher import item, rss

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)


def with_doctype(doctype: str, title: str = "TITLE") -> bytes:
    body = rss([item(1, title="TITLE")]).replace("TITLE", title)
    return body.replace("<rss ", f"<!-- before -->\n{doctype}<rss ", 1).encode()


@pytest.mark.parametrize(
    ("document", "rest", "refused"),
    [
        (b"<!DOCTYPE rss><rss/>", b"<rss/>", False),
        (b'<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://x.example/>.dtd"><rss/>', b"<rss/>", False),
        (b'<!DOCTYPE r [<!ELEMENT a (b)><!-- ]> --><!ATTLIST a b CDATA "]>">]><r/>', b"<r/>", False),
        (b'<!doctype r [<!ENTITY a "x">]><r>&a;</r>', b"<r>x</r>", False),
        (b'<!DOCTYPE r [<!ENTITY amp "&#38;#38;"><!ENTITY up "&#94;">]><r>&amp;&up;</r>', b"<r>&amp;^</r>", False),
        (b'<!DOCTYPE r [<!ENTITY a "&b;&b;"><!ENTITY b "x">]><r>&a;</r>', b"<r>&a;</r>", True),
        (b'<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]><r>&a;</r>', b"<r>&a;</r>", True),
        (b'<!DOCTYPE r [<!ENTITY % a SYSTEM "http://x.example/"> %a;]><r/>', b"<r/>", True),
    ],
)
def test_a_document_type_goes_and_plain_entities_are_put_in(document: bytes, rest: bytes, refused: bool) -> None:
    assert without_doctype(document) == (rest, refused)


@pytest.mark.parametrize("text", [b"<rss/>", b"", b"<!-- open", b"<rss><!DOCTYPE x></rss>", b"  \n<?pi x?><rss/>"])
def test_what_has_no_document_type_stays_as_it_is(text: bytes) -> None:
    assert without_doctype(text) == (text, False)


@pytest.mark.parametrize("piece", [b"<!--", b'"', b"'", b"[", b"]", b"<!ENTITY a ", b'<!ENTITY a "x">', b"&a;", b"<?"])
def test_one_that_does_not_end_takes_all_in_linear_time(piece: bytes) -> None:
    document = b"<!DOCTYPE r [" + piece * (1_000_000 // len(piece))
    assert without_doctype(document)[0] == b""


def test_refused_entities_are_told_and_their_references_stay() -> None:
    body = with_doctype('<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]>', "before &x; after")
    feed = parse(body, Job(7, "https://news.example/feed", None, NOW))
    assert (feed.items[0].title, feed.entities_refused) == ("before &x; after", True)


def test_entities_that_stand_for_a_few_characters_mean_them() -> None:
    body = with_doctype('<!DOCTYPE r [<!ENTITY euro "&#8364;">]>', "Ten &euro;")
    feed = parse(body, Job(7, "https://news.example/feed", None, NOW))
    assert (feed.items[0].title, feed.entities_refused) == ("Ten €", False)


def test_a_character_section_is_text_in_which_nothing_is_a_reference() -> None:
    document, _ = without_doctype(b'<!DOCTYPE r [<!ENTITY co "Company">]><r>&co;<![CDATA[ is &co; ]]><!-- &co; --></r>')
    assert document == b"<r>Company<![CDATA[ is &co; ]]><!-- &co; --></r>"
