"""The sample wire's programme: what it holds, and what is visible when."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from difflib import SequenceMatcher
from pathlib import Path

import pytest

from deploy.samplewire.epoch import started_at
from deploy.samplewire.programme import ArticleError, load, seconds
from deploy.samplewire.render import render_feed
from deploy.samplewire.wire import ITEMS_PER_FEED, Article, edition_at, feed_at, wire_at

WIRE = load()
STARTED = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
END_S = 1200
BASE = "http://127.0.0.1:1"


def corrected() -> list[Article]:
    return [article for article in WIRE.articles if article.corrections]


def test_there_are_enough_articles_feeds_formats_and_languages() -> None:
    languages = Counter(article.lang for article in WIRE.articles)
    assert len(WIRE.articles) >= 66
    assert languages["en"] >= 40
    assert all(languages[lang] >= 2 for lang in ("de", "fr", "es", "pt", "it", "pl", "ar", "ja", "sw"))
    assert len(WIRE.feeds()) >= 7
    assert {feed.format for feed in WIRE.feeds()} == {"rss", "atom", "rdf", "json"}
    assert {feed.body for feed in WIRE.feeds() if feed.format == "rss"} == {"full", "teaser"}
    assert {feed.content for feed in WIRE.feeds() if feed.format == "atom"} == {"xhtml", "html"}
    kinds = {"breaking", "wire", "op-ed", "sport", "business", "local", "science", "obituary", "correction notice"}
    assert kinds <= {article.kind for article in WIRE.articles}


def test_every_feed_of_the_programme_fits_into_its_listing() -> None:
    """With more, the oldest would drop out of the feed before the programme ends."""
    listed = Counter(key for article in WIRE.articles for key in article.feeds)
    assert max(listed.values()) <= ITEMS_PER_FEED
    assert min(listed[feed.key] for feed in WIRE.feeds()) >= 5


def test_half_is_there_at_once_and_the_rest_comes_every_20_to_40_seconds_for_15_minutes() -> None:
    at_once = len(wire_at(WIRE.articles, 0))
    assert 0.4 < at_once / len(WIRE.articles) < 0.6
    offsets = [article.at_s for article in WIRE.articles if article.at_s > 0]
    gaps = [later - sooner for sooner, later in zip([0, *offsets], offsets, strict=False)]
    assert all(20 <= gap <= 40 for gap in gaps), gaps
    assert 13 * 60 <= offsets[-1] <= 17 * 60


def test_nothing_vanishes_but_what_is_withdrawn_and_versions_only_grow() -> None:
    seen: dict[str, int] = {}
    for elapsed_s in range(0, END_S, 5):
        now = {edition.article.slug: edition.version for edition in wire_at(WIRE.articles, elapsed_s)}
        gone = seen.keys() - now.keys()
        assert all(edition_at(article, elapsed_s) is None for article in WIRE.articles if article.slug in gone)
        assert all(article.withdrawn_after_s for article in WIRE.articles if article.slug in gone)
        assert all(now[slug] >= version for slug, version in seen.items() if slug in now)
        seen = now
    withdrawn = [article.slug for article in WIRE.articles if article.withdrawn_after_s is not None]
    assert len(withdrawn) == 1
    assert seen.keys() == {article.slug for article in WIRE.articles} - set(withdrawn)
    assert {edition.article.slug for edition in wire_at(WIRE.articles, 10**8)} == seen.keys()


def test_a_clock_before_the_start_shows_what_the_start_shows() -> None:
    assert wire_at(WIRE.articles, -500) == wire_at(WIRE.articles, 0)


def test_the_withdrawn_article_was_visible_for_a_while() -> None:
    (article,) = (article for article in WIRE.articles if article.withdrawn_after_s is not None)
    assert edition_at(article, article.at_s) is not None
    assert edition_at(article, article.at_s + (article.withdrawn_after_s or 0)) is None


@pytest.mark.parametrize("article", corrected(), ids=lambda article: article.slug)
def test_a_correction_changes_words_and_moves_the_updated_date(article: Article) -> None:
    feed = WIRE.feed(article.feeds[0])
    assert feed is not None
    before = article.at_s
    for correction in article.corrections:
        after = article.at_s + correction.after_s
        assert 60 <= correction.after_s <= 240
        items = [
            next(item for item in feed_at(WIRE, feed, STARTED + timedelta(seconds=moment), STARTED).items
                 if item.article is article)
            for moment in (before, after)
        ]  # fmt: skip
        old, new = items
        assert (old.title, old.paragraphs) != (new.title, new.paragraphs)
        assert new.published == old.published
        assert new.updated == STARTED + timedelta(seconds=after) != old.updated
        before = after


def test_at_least_five_articles_are_corrected_some_in_the_headline_some_in_a_figure() -> None:
    assert len(corrected()) >= 5
    assert sum(any(correction.title for correction in article.corrections) for article in corrected()) >= 3
    assert sum(any(correction.edits for correction in article.corrections) for article in corrected()) >= 5


def test_events_are_told_by_several_publishers() -> None:
    tellers: defaultdict[str, set[str]] = defaultdict(set)
    for article in WIRE.articles:
        tellers[article.event].add(article.publisher)
    del tellers[""]
    assert sum(len(publishers) >= 2 for publishers in tellers.values()) >= 8


def test_agency_copies_are_near_verbatim_and_of_another_publisher() -> None:
    by_slug = {article.slug: article for article in WIRE.articles}
    copies = [article for article in WIRE.articles if article.copy_of]
    assert len(copies) >= 6
    for copy in copies:
        original = by_slug[copy.copy_of]
        words, model = (" ".join(article.paragraphs).split() for article in (copy, original))
        likeness = SequenceMatcher(None, model, words, autojunk=False).ratio()
        assert likeness > 0.85, (copy.slug, likeness)
        assert copy.paragraphs != original.paragraphs
        assert copy.publisher != original.publisher
        assert copy.at_s > original.at_s
        assert copy.event == original.event


def test_a_name_with_a_letter_of_another_script_is_in_it() -> None:
    def scripts(word: str) -> set[str]:
        return {unicodedata.name(letter).split()[0] for letter in word if letter.isalpha()}

    words = {word for article in WIRE.articles for text in article.paragraphs for word in text.split()}
    assert sum(scripts(word) == {"LATIN", "CYRILLIC"} for word in words) >= 2


def test_one_feed_has_headlines_in_title_case_and_in_capitals() -> None:
    titles = [article.title for article in WIRE.articles if article.publisher == "ledger"]
    assert sum(title.isupper() for title in titles) >= 3
    long_words = [[word for word in title.split() if len(word) > 4] for title in titles if not title.isupper()]
    assert sum(all(word[0].isupper() for word in words) for words in long_words) >= 3


def test_weekdays_are_told_in_the_articles_language_and_from_its_own_date() -> None:
    texts: defaultdict[str, str] = defaultdict(str)
    for feed in WIRE.feeds():
        for item in feed_at(WIRE, feed, STARTED + timedelta(seconds=END_S), STARTED).items:
            texts[item.article.lang] += item.title + item.summary + "\n".join(item.paragraphs)
    assert all("{on:" not in text for text in texts.values())
    assert "on Monday" in texts["en"]  # STARTED is one
    assert "am Sonntag" in texts["de"]
    assert "日曜日に" in texts["ja"]


def test_the_same_start_and_moment_give_the_same_bytes_and_another_moment_the_same_dates() -> None:
    for feed in WIRE.feeds():
        publisher = WIRE.publisher(feed.publisher)
        assert publisher is not None
        first, again = (feed_at(load(), feed, STARTED + timedelta(seconds=300), STARTED) for _ in range(2))
        assert render_feed(first, publisher, BASE) == render_feed(again, publisher, BASE)
        later = {item.article.slug: item.published for item in feed_at(WIRE, feed, STARTED, STARTED).items}
        assert later.items() <= {item.article.slug: item.published for item in first.items}.items()


def test_the_first_start_is_remembered(tmp_path: Path) -> None:
    home = tmp_path / "deep" / "home"
    first = started_at(home, STARTED + timedelta(microseconds=7))
    assert first == STARTED
    assert started_at(home, STARTED + timedelta(days=3)) == STARTED
    assert [file.name for file in home.iterdir()] == ["samplewire.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"started": 7}', '{"started": "soon"}', "{}"])
def test_an_unreadable_memory_of_the_start_is_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / "samplewire.json").write_text(text)
    assert started_at(tmp_path, STARTED) == STARTED
    assert started_at(tmp_path, STARTED + timedelta(hours=1)) == STARTED


@pytest.mark.parametrize(("text", "value"), [("-3h20m", -12000), ("+4m30s", 270), ("90s", 90), ("2h", 7200)])
def test_durations_are_read_in_seconds(text: str, value: int) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (('lang = "en"', 'lang = "xx"'), "language 'xx'"),
        (("tagus/world.rss", "tagus/nowhere.rss"), "no such feed"),
        (('at = "+1m"', 'at = "soon"'), "not a duration"),
        (('kind = "wire"', 'kimd = "wire"'), "kimd"),
        (('kind = "wire"', 'kind = "wire'), "line"),
        (("A paragraph.", "Another."), "nothing to replace"),
    ],
)
def test_a_broken_article_is_refused_by_name(tmp_path: Path, change: tuple[str, str], complaint: str) -> None:
    text = (
        '+++\ntitle = "T"\nfeeds = ["tagus/world.rss"]\nlang = "en"\nat = "+1m"\nkind = "wire"\n'
        'corrections = [{ after = "1m", edits = [["A paragraph", "One paragraph"]] }]\n+++\n\nA paragraph.\n'
    )
    (tmp_path / "articles").mkdir()
    publishers = Path(load.__code__.co_filename).with_name("publishers.toml").read_text(encoding="utf-8")
    (tmp_path / "publishers.toml").write_text(publishers, encoding="utf-8")
    (tmp_path / "articles" / "sample.md").write_text(text)
    assert load(tmp_path).articles[0].slug == "sample"
    (tmp_path / "articles" / "sample.md").write_text(text.replace(*change))
    with pytest.raises(ArticleError, match=r"sample\.md.*" + complaint):
        load(tmp_path)
