"""The article out of its page: what is declared, the text alone, and which of two texts is the better."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from services.enrich.document import Document
from services.enrich.present import card
from services.enrich.steps.page import MAX_PAGE, read
from services.enrich.steps.text import page_is_better
from services.enrich.text.boilerplate import without_boilerplate
from services.enrich.text.pagemeta import PageMeta
from shared.articles import Image
from tests.enrich.articles import NOW

Run = Callable[..., Document]
STORY = [
    "The river rose by two metres overnight and the lower town was cleared before dawn, the mayor said on Monday.",
    "Some 400 people spent the night in the sports hall, where volunteers had set up beds and a kitchen.",
    "The water is expected to fall by the end of the week, but the bridge will stay shut for a month at least.",
]
DECLARED = {
    "@context": "https://schema.org",
    "@graph": [
        {"@type": "WebSite", "name": "Ferry Post"},
        {
            "@type": ["NewsArticle"],
            "headline": "River clears the lower town",
            "author": [{"@type": "Person", "name": "By Ana Reis"}, {"name": "https://ferry.example/staff"}],
            "datePublished": "2026-11-22T21:05+01:00",
            "dateModified": "2026-11-23T06:00:10Z",
            "articleSection": ["Weather", "Local"],
            "isAccessibleForFree": "False",
            "image": [
                {
                    "url": "https://ferry.example/img/bridge.jpg",
                    "width": 1200,
                    "height": {"value": "800px"},
                    "caption": "The old bridge on Sunday night.",
                    "creditText": "Rui Costa",
                }
            ],
        },
    ],
}


def page(parts: list[str], declared: Any = None, head: str = "", around: str = "") -> str:
    ld = f'<script type="application/ld+json">{json.dumps(declared)}</script>' if declared else ""
    body = "".join(f"<p>{part}</p>" for part in parts)
    return (
        f"<html lang='en'><head><title>River | Ferry Post</title>{head}{ld}</head><body>"
        f"<nav><a href='/'>Home</a><a href='/sport'>Sport</a></nav><article><h1>River clears the lower town</h1>"
        f"{body}</article>{around}<footer>Contact Imprint</footer></body></html>"
    )


def meta_of(html: str) -> PageMeta:
    found = read(html)
    assert found is not None
    return found[1]


def text_of(html: str) -> str:
    found = read(html)
    assert found is not None
    assert found[0] is not None
    return found[0].body_text


def test_json_ld_fills_in_what_the_feed_left_out(enriched: Run) -> None:
    doc = enriched(
        "River clears the lower town", None, page_html=page(STORY, DECLARED), authors=(), published_at=None,
        published_precision="unknown",
    )  # fmt: skip
    told = card(doc, NOW)
    assert told["authors"] == ["Ana Reis"]
    assert told["published_at"] == datetime(2026, 11, 22, 20, 5, tzinfo=UTC)
    assert told["published_precision"] == "minute"
    assert told["modified_at"] == datetime(2026, 11, 23, 6, 0, 10, tzinfo=UTC)
    assert told["paywalled"] is True
    assert told["images"] == [
        {
            "url": "https://ferry.example/img/bridge.jpg",
            "width": 1200,
            "height": 800,
            "caption": "The old bridge on Sunday night.",
            "credit": "Rui Costa",
        }
    ]
    assert told["topics"][0]["path"][0] == "weather"
    assert (doc.body_source, doc.body_text) == ("page", "\n\n".join(STORY))


def test_what_the_feed_says_stands(enriched: Run) -> None:
    feed = {
        "authors": ("Feed Author",),
        "images": (Image("https://cdn.example/a/bridge.jpg?w=300"),),
        "categories": ("Sport",),
        "paywalled": False,
    }
    told = card(enriched("A title of the feed's own", None, page_html=page(STORY, DECLARED), **feed), NOW)
    assert (told["title"], told["authors"], told["paywalled"]) == ("A title of the feed's own", ["Feed Author"], False)
    assert told["published_at"] == datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    # The same picture in another size: its caption and credit are the page's.
    assert told["images"][0]["url"] == "https://cdn.example/a/bridge.jpg?w=300"
    assert told["images"][0]["credit"] == "Rui Costa"


def test_meta_elements_stand_in_for_json_ld() -> None:
    head = (
        "<meta property='og:title' content='River clears town'><meta name='author' content='Ana Reis'>"
        "<meta property='article:published_time' content='2026-11-22'>"
        "<meta property='article:section' content='Local'><meta property='article:content_tier' content='free'>"
        "<meta property='og:image' content='https://ferry.example/b.jpg'>"
    )
    meta = meta_of(page(STORY, head=head))
    assert (meta.title, meta.authors, meta.section, meta.paywalled) == (
        "River clears town", ("Ana Reis",), "Local", False,
    )  # fmt: skip
    assert (meta.published_at, meta.published_precision) == (datetime(2026, 11, 22, tzinfo=UTC), "day")
    assert meta.images == (Image("https://ferry.example/b.jpg"),)


@pytest.mark.parametrize(
    ("told", "precision"),
    [
        ("2026-11-22T21:05:30Z", "second"),
        ("2026-11-22T21:05:30+01:00", "second"),
        ("2026-11-22T21:05+01:00", "minute"),
        ("2026-11-22T21:05:30", "day"),
        ("2026-11-22", "day"),
        ("22 November 2026", "unknown"),
        ("2026-13-40", "unknown"),
        (17, "unknown"),
    ],
)
def test_a_date_is_as_precise_as_it_is_told(told: object, precision: str) -> None:
    assert meta_of(page(STORY, {"@type": "NewsArticle", "datePublished": told})).published_precision == precision


def test_a_page_dated_ahead_of_its_fetch_is_not_believed(enriched: Run) -> None:
    ahead = {"@type": "NewsArticle", "datePublished": "2030-01-01T00:00:00Z"}
    given = {"published_at": None, "published_precision": "unknown"}
    assert enriched("T", None, page_html=page(STORY, ahead), **given).article.published_at is None


def test_captions_invitations_and_notes_on_the_author_are_no_text(enriched: Run) -> None:
    around = [
        "Sign up for our newsletter to get the news in your inbox",
        "The old bridge on Sunday night.",
        "Read more: Ferries stay in port",
        "Ana Reis is a reporter at the Ferry Post and covers the river.",
        "Follow @anareis on Twitter",
    ]
    html = page([STORY[0], around[0], around[1], STORY[1], around[2], STORY[2], *around[3:]], DECLARED)
    assert text_of(html) == "\n\n".join(STORY)


def test_a_paragraph_that_only_looks_like_a_note_stays() -> None:
    parts = [
        "Ana Reis is the mayor of the town, and said on Monday that she would resign after the vote.",
        "Read more books, the minister told pupils.",
        "Image is everything, the coach said.",
        "He was last.",
        "They were first.",
        "Nobody came.",
    ]
    assert without_boilerplate(parts, authors=("Ana Reis",)) == parts


def test_a_declared_text_is_taken_where_the_page_shows_only_a_part() -> None:
    whole = "\n".join(STORY * 4)
    html = page(STORY[:1], {"@type": "NewsArticle", "articleBody": whole})
    assert text_of(html).split("\n\n") == STORY * 4


@pytest.mark.parametrize(
    "block",
    [
        "{not json",
        "[]",
        '"text"',
        '{"@type": "NewsArticle", "author": 7, "image": [1, {"url": 5}], "isAccessibleForFree": []}',
        '{"@type": "NewsArticle", "headline": "Two\nlines"}',
        "[" * 2000 + "]" * 2000,
        '{"@graph":' * 500 + "1" + "}" * 500,
    ],
)
def test_json_ld_of_any_kind_breaks_nothing(block: str) -> None:
    html = page(STORY, head=f"<script type='application/ld+json'>{block}</script>")
    assert text_of(html) == "\n\n".join(STORY)


def test_a_page_beyond_all_measure_is_not_read() -> None:
    assert read("<p>" + "x" * MAX_PAGE + "</p>") is None


def words(count: int, name: str = "w") -> str:
    return " ".join(f"{name}{n}" for n in range(count)) + "."


@pytest.mark.parametrize(
    ("feed", "page_text", "better"),
    [
        ("", words(50), True),
        (words(50), "", False),
        (words(40) + " …", words(300), True),  # cut off
        (words(200), words(300), True),  # the same text, and more of it
        (words(290), words(300), False),  # the same text: the feed's is clean
        (words(60, "summary"), words(400), True),  # a summary in words of its own
        (words(300), words(800, "consent"), False),  # another text
        (words(60), words(80, "error"), False),
    ],
)
def test_the_better_of_two_texts(feed: str, page_text: str, better: bool) -> None:
    assert page_is_better(feed, page_text) is better


@pytest.mark.parametrize(
    ("shown", "day"),
    [
        ("<time datetime='2014-05-18T10:00:00+02:00'>18.5.</time>", 18),
        ("<span class='meta entry-date'>Am 18. Mai 2014</span>", 18),
        ("<p class='date'>Sunday, May 18th, 2014</p>", 18),
        ("<div class='datum'>18.05.2014</div>", 18),
        ("<p>On 18 May 2014 it rained.</p>", None),
        ("<p class='date'>31.02.2014</p>", None),
    ],
)
def test_a_page_that_declares_nothing_shows_its_date(shown: str, day: int | None) -> None:
    meta = meta_of(page([shown, *STORY]))
    assert (meta.published_at.day if meta.published_at else None) == day
    assert meta.published_precision == ("day" if day else "unknown")


def test_a_date_in_the_pages_own_address_is_believed_last() -> None:
    canonical = "<link rel='canonical' href='https://ferry.example/2014/05/the-river/'>"
    meta = meta_of(page(STORY, head=canonical))
    assert (meta.published_at, meta.published_precision) == (datetime(2014, 5, 1, tzinfo=UTC), "month")


@pytest.mark.parametrize(
    ("shown", "names"),
    [
        ("<a rel='author' href='/a'>Ana Reis</a>", ("Ana Reis",)),
        ("<p class='byline'>By Ana Reis</p>", ("Ana Reis",)),
        ("<span class='post-author vcard'>von Ana Reis</span>", ("Ana Reis",)),
        ("<p class='byline'>By our correspondent who was there on all of the days</p>", ()),
        ("<p class='byline'>ana@ferry.example</p>", ()),
    ],
)
def test_a_byline_is_read_where_nothing_is_declared(shown: str, names: tuple[str, ...]) -> None:
    assert meta_of(page([shown, *STORY])).authors == names


def test_the_sites_name_is_no_part_of_the_title() -> None:
    html = page(STORY).replace("River | Ferry Post", "River clears the lower town | Ferry Post")
    assert meta_of(html).title == "River clears the lower town"


def test_authors_set_apart_in_a_graph_are_found_by_their_address() -> None:
    graph = {
        "@graph": [
            {"@type": "NewsArticle", "headline": "T", "author": [{"@id": "#ana"}, {"@id": "#nobody"}]},
            {"@type": "Person", "@id": "#ana", "name": "Ana Reis"},
            {"@type": "Person", "@id": "#other", "name": "Somebody Else"},
        ]
    }
    assert meta_of(page(STORY, graph)).authors == ("Ana Reis",)


@pytest.mark.parametrize("name", ["date", "DC.date", "dcterms.created", "pubdate", "parsely-pub-date"])
def test_dates_by_other_names(name: str) -> None:
    found = meta_of(page(STORY, head=f'<meta name="{name}" content="2026-05-03T10:00:00+02:00">'))
    assert found.published_at is not None and found.published_at.date().isoformat() == "2026-05-03"


@pytest.mark.parametrize(
    ("told", "names"),
    [
        ("Author: Ana Reis", ("Ana Reis",)),
        ("Interview: Ana Reis", ("Ana Reis",)),
        ("wordpressadmin", ()),
        ("Administrator", ()),
        ("ana[at]post.example", ()),
        ("Authorine Blum", ("Authorine Blum",)),
    ],
)
def test_what_is_no_name_is_no_author(told: str, names: tuple[str, ...]) -> None:
    assert meta_of(page(STORY, head=f'<meta name="author" content="{told}">')).authors == names


def test_the_day_on_the_page_completes_the_month_in_its_address() -> None:
    head = '<link rel="canonical" href="https://post.example/2026/05/ferries/">'
    shown = "<p>Copyright 1 June 2019.</p><p>It was written on 3 May 2026.</p>"
    told = meta_of(page(STORY, head=head, around=shown))
    assert told.published_at is not None
    assert (told.published_at.date().isoformat(), told.published_precision) == ("2026-05-03", "day")
    bare = meta_of(page(STORY, head=head))
    assert (bare.published_at and bare.published_at.month, bare.published_precision) == (5, "month")
