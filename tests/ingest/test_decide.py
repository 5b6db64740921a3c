"""New, the same, or changed: the rules, without engines."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.ingest.decide import Candidate, Known, Text, correct, decide
from services.ingest.identity import Traits, goes_by, name_entries, told_apart
from services.ingest.items import Entry, Item, Names
from services.ingest.normalise import content_hash

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
TUESDAY = datetime(2026, 11, 24, tzinfo=UTC)


def made(title: str = "Headline", body: str = "The lead.", names: Names | None = None, **changes: object) -> Item:
    found = Item(
        names=names or Names("g1", "u1"),
        item_hash=f"{title:x<16.16}{body:x<16.16}",
        content_hash=content_hash(title, body, None, ()),
        guid="1",
        url="https://news.example/1",
        canonical_url="https://news.example/1",
        title=title,
        description=body,
        body_html=None,
        authors=[],
        language=None,
        published_at=MONDAY,
        published_precision="second",
        published_raw=None,
        modified_at=None,
        images=[],
        media=[],
        categories=[],
    )
    return replace(found, **changes)  # type: ignore[arg-type]


def stored(item: Item, **changes: object) -> Known:
    found = Known(
        5, 1, 1, item.title, item.published_at, item.modified_at, item.content_hash, True, item.guid, item.item_hash
    )
    return replace(found, **changes)  # type: ignore[arg-type]


def test_an_item_without_known_names_is_new() -> None:
    decision = decide([made()], {}, 1)
    assert (len(decision.new), decision.new_keys) == (1, [["g1", "u1"]])


def test_a_known_item_given_as_before_is_unchanged() -> None:
    known = stored(made())
    decision = decide([made()], {"g1": known, "u1": known}, 1)
    assert (decision.unchanged, decision.new, decision.candidates) == (1, [], [])


def test_a_new_name_of_a_known_article_is_noted() -> None:
    decision = decide([made(names=Names("g2", "u1"), guid=None)], {"u1": stored(made())}, 1)
    assert decision.aliases == [("g2", 5)]


def test_a_guid_used_again_for_another_article_makes_a_new_one() -> None:
    other = made("Another story", "Other words.", Names("g1", "u2"), published_at=TUESDAY)
    decision = decide([other], {"g1": stored(made())}, 1)
    assert decision.new_keys == [["u2"]]
    moved = made("Headline", "Other words.", Names("g1", "u2"), published_at=TUESDAY)
    assert decide([moved], {"g1": stored(made())}, 1).aliases == [("u2", 5)]


def test_a_page_that_collects_several_articles_does_not_merge_them() -> None:
    other = made("Another story", "Other words.", Names("g2", "u1"), published_at=TUESDAY, guid="2")
    assert decide([other], {"u1": stored(made())}, 1).new_keys == [["g2"]]


def test_an_article_of_another_feed_is_linked_and_its_words_are_not_taken() -> None:
    known = stored(made(), owner_id=2, carried=False, guid=None, item_hash=None)
    decision = decide([made("Headline", "Told otherwise.")], {"u1": known}, 1)
    assert [article_id for _, article_id in decision.linked] == [5]


def test_another_feed_that_changes_its_title_corrects_the_title_alone() -> None:
    known = stored(made("Headline", "Told otherwise."), owner_id=2)
    decision = decide([made("Better headline", "Told a third way.")], {"g1": known, "u1": known}, 1)
    (candidate,) = decision.candidates
    assert candidate.title_only
    correction = correct(candidate, Text("Owner's lead.", None, [], ()))
    assert correction is not None
    assert (correction.title, correction.description) == ("Better headline", "Owner's lead.")


def test_a_late_older_copy_changes_nothing() -> None:
    known = stored(made(modified_at=TUESDAY))
    decision = decide([made("Old headline", modified_at=MONDAY)], {"g1": known, "u1": known}, 1)
    assert (decision.candidates, len(decision.refreshed)) == ([], 1)


def test_words_of_a_former_version_come_back_only_with_a_newer_date() -> None:
    now, former = made("Second headline"), made("First headline")
    text = Text("The lead.", None, [], (former.content_hash, now.content_hash))
    known = stored(now, version=2)
    assert correct(Candidate(former, known, False), text) is None
    reverted = replace(former, modified_at=TUESDAY)
    correction = correct(Candidate(reverted, known, False), text)
    assert correction is not None
    assert correction.version == 3


def correction_of(old: Item, new: Item) -> tuple[list[dict[str, object]], bool]:
    text = Text(old.description, old.body_html, old.authors, (old.content_hash,))
    correction = correct(Candidate(new, stored(old), False), text)
    assert correction is not None
    return correction.changes, correction.significant


LONG = "The minister said on Monday that the plan would go on, and that nobody had to fear for the harbour."


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        (LONG[:60] + "…", LONG[:80] + "…", True),
        (LONG[:80] + " [...]", LONG[:60] + "...", True),
        (LONG, LONG[:60] + "…", True),  # shorter than it was
        (LONG[:60] + "…", LONG, False),  # there is more to read now
        (LONG[:60] + "…", LONG[:50].replace("Monday", "Sunday") + "…", False),
        (LONG[:20] + "…", LONG[:25] + "…", False),
        (LONG, LONG[:60] + " but the harbour…", False),
    ],
)
def test_a_text_that_is_cut_at_another_place_is_no_correction(before: str, after: str, same: bool) -> None:
    old, new = made(body=before), made(body=after)
    correction = correct(Candidate(new, stored(old), False), Text(before, None, [], (old.content_hash,)))
    assert (correction is None) is same


def test_a_diff_names_each_field() -> None:
    changes, _ = correction_of(made(), made("Other headline", "Other lead.", authors=["Jo"]))
    assert [change["field"] for change in changes] == ["title", "description", "authors"]
    assert changes[0] == {"field": "title", "old": "Headline", "new": "Other headline"}


def test_what_matters_and_what_does_not() -> None:
    lead = "Officials said that three people were hurt in the fire at the harbour on Monday evening."
    assert not correction_of(made("Headline"), made("HEADLINE!"))[1]
    assert correction_of(made("Headline"), made("Headline two"))[1]
    assert not correction_of(made(body=lead), made(body=lead.replace("evening", "night")))[1]
    assert correction_of(made(body=lead + " 3 died."), made(body=lead + " 4 died."))[1]
    assert correction_of(made(body=lead), made(body=lead + " A further sentence of more than fifty letters came."))[1]


def test_a_long_diff_keeps_the_changed_place() -> None:
    words = "word " * 2000
    old = made(body_html=f"<p>{words}</p><p>Three ships.</p><p>{words}</p>", content_hash="1")
    new = made(body_html=f"<p>{words}</p><p>Four ships.</p><p>{words}</p>", content_hash="2")
    (change,) = correction_of(old, new)[0]
    assert change["field"] == "body_text"
    assert "Three" in str(change["old"]) and "Four" in str(change["new"])
    assert len(str(change["old"])) < 500


def names(*entries: Entry) -> list[Names]:
    return name_entries(entries, 1, "https://news.example/")


def entry(guid: str | None, link: str | None, title: str = "T") -> Entry:
    return Entry(guid=guid, link=link, title=title)


def test_decorated_links_are_one_name() -> None:
    (one,), (two,) = (
        names(entry("a", "https://news.example/1?utm_source=x")),
        names(entry("b", "http://www.news.example/1/#top")),
    )
    assert one.url == two.url is not None


def test_a_constant_guid_names_nothing() -> None:
    one, two = names(entry("0", "https://news.example/1"), entry("0", "https://news.example/2"))
    assert (one.guid, two.guid) == (None, None)
    assert one.url != two.url


def test_a_guid_repeated_with_its_item_stays_its_name() -> None:
    one, two = names(entry("1", "https://news.example/1"), entry("1", "https://news.example/1"))
    assert one == two and one.guid is not None


def test_parts_of_one_page_are_told_apart_by_guid_or_fragment() -> None:
    one, two = names(entry("1", "https://news.example/log"), entry("2", "https://news.example/log"))
    assert (one.url, two.url) == (None, None) and one.guid != two.guid
    one, two = names(entry(None, "https://news.example/log#a", "A"), entry(None, "https://news.example/log#b", "B"))
    assert one.url != two.url and one.url and two.url


def test_the_front_page_is_no_name_and_an_item_without_any_goes_by_its_title() -> None:
    one, two = names(entry(None, "https://news.example/", "A"), entry(None, None, "B"))
    assert (one.url, two.url) == (None, None)
    assert one.fallback and two.fallback and one.fallback != two.fallback


def test_a_guid_that_is_an_address_is_a_name_everywhere() -> None:
    (one,) = names(entry("https://news.example/?p=5", "https://news.example/story"))
    (two,) = name_entries([entry("https://news.example/?p=5", "https://news.example/?p=5")], 2, None)
    assert one.guid_url == two.url


def test_bodies_in_which_nothing_is_shared_are_named_like_all_others() -> None:
    rng, plain = random.Random(3), 0
    for _ in range(3_000):
        numbers = range(rng.choice((3, 9, 40)))
        items = []
        for _ in range(rng.randrange(1, 6)):
            guid, page = rng.choice(numbers), rng.choice(numbers)
            guid_page = rng.choice((0, page, rng.choice(numbers))) if guid else 0
            items.append(Traits(guid, page, rng.choice((0, 77)) if page else 0, guid_page, rng.choice(numbers), 99))
        assert goes_by(items) == told_apart(items)
        plain += len({item.guid for item in items}) == len(items)
    assert plain > 500
