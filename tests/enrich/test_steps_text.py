"""Titles and bodies as they are served."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest

from services.enrich.document import Document
from services.enrich.steps.page import extract
from services.enrich.steps.text import clean_title, word_count
from services.enrich.text.clean import clean_line
from services.enrich.text.sentences import sentences

Enriched = Callable[..., Document]


def test_blocks_become_paragraphs_with_a_blank_line_between_them(enriched: Enriched) -> None:
    html = "<div><h2>The bridge</h2><p>It was\n  shut <b>at</b> noon.</p><ul><li>First<li>Second</ul>End<br>of it"
    doc = enriched("T", html)
    assert doc.body_text == "The bridge\n\nIt was shut at noon.\n\nFirst\n\nSecond\n\nEnd\n\nof it"
    assert doc.body_source == "feed"


def test_what_is_no_prose_is_left_out(enriched: Enriched) -> None:
    doc = enriched(
        "T", "<p>A.</p><script>x()</script><style>p{}</style><figure><figcaption>Photo</figcaption></figure> tail"
    )
    assert doc.body_text == "A.\n\ntail"


def test_characters_nobody_sees_go_and_the_text_is_composed(enriched: Enriched) -> None:
    doc = enriched("Cafe\u0301\u200b \u202ebridge\u00ad\x07", "<p>a\u00a0 b\u2028c\ufeff</p>")
    assert doc.title == "Caf\u00e9 bridge"
    assert doc.body_text == "a b c"
    assert unicodedata.is_normalized("NFC", doc.title)


def test_joiners_that_persian_and_emoji_need_stay() -> None:
    assert clean_line("می\u200cخواهم \U0001f469\u200d\U0001f680") == "می\u200cخواهم \U0001f469\u200d\U0001f680"


def test_a_run_of_combining_marks_is_cut_to_what_unicode_allows_in_a_stream() -> None:
    assert len(clean_line("a" + "\u0316\u0301" * 50_000)) <= 31


def test_links_are_collected_once_each_and_only_absolute_ones(enriched: Enriched) -> None:
    html = '<a href="https://x.example/1">one <i>two</i></a> <a href="/r">r</a> <a href="https://x.example/1">three</a>'
    (link,) = enriched("T", html).links
    assert (link.url, link.text) == ("https://x.example/1", "one two")


@pytest.mark.parametrize(
    ("written", "served"),
    [
        ("Ferry strike goes on | The Ferry Post", "Ferry strike goes on"),
        ("Ferry strike goes on - The Ferry Post", "Ferry strike goes on"),
        ("Ferry strike - day two", "Ferry strike - day two"),
        ("Rock &amp;amp; roll", "Rock &amp; roll"),
        ("It&#8217;s over", "It\u2019s over"),
    ],
)
def test_a_title_is_the_headline_alone(written: str, served: str) -> None:
    assert clean_title(written, "The Ferry Post") == served


def test_the_description_stands_in_for_a_missing_body(enriched: Enriched) -> None:
    doc = enriched("T", None, description="The bridge was  shut at noon.")
    assert (doc.body_text, doc.body_source) == ("The bridge was shut at noon.", "feed")
    assert enriched("T", None).body_source is None


def test_what_publishing_systems_add_to_feeds_is_taken_off(enriched: Enriched) -> None:
    doc = enriched(
        "T",
        "<p>It is shut.</p><p>The post T appeared first on The Ferry Post.</p><p>Read more</p><p>Seguir leyendo</p>",
    )
    assert doc.body_text == "It is shut."


def test_what_publishing_systems_replace_before_readers_see_it_is_taken_out(enriched: Enriched) -> None:
    body = (
        "<p>It is shut [re-opened later, they said].</p><p>[two_columns]</p>"
        "<p>[ferry-player not-live=\u201dtrue\u201d]</p>"
        '<p>[box title="A" open="no"]She said: \u201c[the] port [sic] [\u2026] opens.\u201d[/two_columns]</p>'
    )
    doc = enriched("T", body)
    assert doc.body_text == (
        "It is shut [re-opened later, they said].\n\nShe said: \u201c[the] port [sic] [\u2026] opens.\u201d"
    )


PAGE = (
    "<html><head><title>T</title></head><body><nav><a href='/y'>Sport</a></nav><article><h1>Flood</h1>"
    + "".join(
        f"<p>Paragraph {n} of the report says that the river had risen by {n} metres, as "
        f"<a href='https://x.example/{n}'>the office</a> said on the day.</p>"
        for n in range(1, 8)
    )
    + "</article><footer>All rights reserved</footer></body></html>"
)


def test_a_fuller_page_is_taken_instead_of_the_feeds_text(enriched: Enriched) -> None:
    doc = enriched("Flood", "<p>The river had risen.</p>", page_html=PAGE)
    assert doc.body_source == "page"
    assert "risen by 7 metres, as the office said" in doc.body_text
    assert "Sport" not in doc.body_text and "rights" not in doc.body_text
    assert len(doc.links) == 7


def test_a_page_with_less_than_the_feed_is_not_taken(enriched: Enriched) -> None:
    doc = enriched(
        "Flood", "<p>The river had risen by far.</p>" * 3 + f"<p>{'It rained on. ' * 200}</p>", page_html=PAGE
    )
    assert doc.body_source == "feed"


@pytest.mark.parametrize("html", ["", " ", "<", "<html></html>", "\x00\x00", "<p>" * 9_000, "&#xD800;", "<a" * 9_000])
def test_a_page_that_is_none_gives_nothing_and_no_error(html: str) -> None:
    assert extract(html) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The Dockers' Union struck.", 4),
        ("", 0),
        ("大雨で橋が閉鎖された", 5),
        ("cinq-cents l'eau", 2),
        ("مرحبا بكم", 2),
    ],
)
def test_words_are_counted_as_readers_count(text: str, words: int) -> None:
    assert word_count(text) == words


def test_sentences_end_where_they_end() -> None:
    text = 'Mr. Costa met J. Smith at 3 p.m. on Monday. "It is over," he said. The U.S. agreed! 終わった。次へ。\n\nNew'
    assert [text[start:end] for start, end in sentences(text)] == [
        "Mr. Costa met J. Smith at 3 p.m. on Monday.",
        '"It is over," he said.',
        "The U.S. agreed!",
        "終わった。",
        "次へ。",
        "New",
    ]


def test_a_line_without_any_end_is_cut_into_bounded_sentences() -> None:
    assert max(end - start for start, end in sentences("word " * 20_000)) <= 1_000
    assert max(end - start for start, end in sentences("x" * 100_000)) <= 1_000
