"""What makes a change and what a site changes by itself."""

from __future__ import annotations

import random
import re

import pytest

from shared.changes import Telling, compare, significant
from shared.settled import _AGO, _COUNTER, _LABEL, _SPLIT, _UPDATED, settled, settled_html

LEAD = "Officials said that three people were hurt in the fire at the harbour on Monday evening."


def told(**changes: object) -> Telling:
    return Telling(**({"title": "Harbour fire", "description": LEAD, "body_html": None, "authors": []} | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("The lead. 1,204 views", "The lead. 1,377 views"),
        ("The lead. 107 views, 1 comment", "The lead. 1.2k views, 13 comments"),
        ("The lead. (3 comments / 7 shares)", "The lead. (4 comments / 9 shares)"),
        ("The lead. (12 comments)", "The lead. (15 comments)"),
        ("The lead.\nShares: 12", "The lead.\nShares: 14"),
        ("Posted 3 hours ago · The lead.", "Posted 2 days ago · The lead."),
        ("vor 3 Stunden\nDer Anfang.", "vor 2 Tagen\nDer Anfang."),
        ("il y a 5 minutes\nLe début.", "il y a une heure\nLe début."),
        ("3小时前\n正文。", "5小时前\n正文。"),
        ("The lead.\nLast updated: 25 Nov 2026 10:33 GMT", "The lead.\nLast updated: 25 Nov 2026 11:02 GMT"),
        ("The lead.\nAdvertisement\nMore.", "The lead.\nMore."),
        ("The  lead.\n\n More.", "The lead.\nMore."),
    ],
)
def test_what_a_site_changes_by_itself_is_no_change(before: str, after: str) -> None:
    assert compare(told(description=before), told(description=after)) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "<p>Text.</p><ul><li><a href='/1'>One story</a></li></ul>",
            "<p>Text.</p><ul><li><a href='/2'>Another</a></li></ul>",
        ),
        ("<p>Text.</p><p>Related: <a href='/1'>One</a></p>", "<p>Text.</p><p>Read also: <a href='/3'>Two</a></p>"),
        ('<p><img src="a" alt="b">Text.</p>', '<p><img alt="b" src="a">Text.</p>'),
    ],
)
def test_boxes_of_links_and_attributes_are_no_change(before: str, after: str) -> None:
    assert compare(told(body_html=before), told(body_html=after)) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("The bill passed by 3 votes in the house.", "The bill passed by 4 votes in the house."),
        ("He sold 3,000 shares of the company.", "He sold 5,000 shares of the company."),
        ("3 died.", "4 died."),
    ],
)
def test_figures_within_sentences_are_changes_that_matter(before: str, after: str) -> None:
    changes = compare(told(description=before), told(description=after))
    assert [change["field"] for change in changes] == ["description"]
    assert significant(changes)


def test_a_body_of_links_alone_still_counts() -> None:
    assert settled_html("<p><a href='/1'>One</a></p><p><a href='/2'>Two</a></p>") == "One\nTwo"


def test_prose_settles_as_it_is() -> None:
    text = "Views differ: 3 people said no. The update came late.\nMore on this tomorrow, she said."
    assert settled(text) == text


def test_whole_texts_where_they_are_wanted() -> None:
    words = "word " * 200
    old, new = told(body_html=f"<p>{words}one</p>"), told(body_html=f"<p>{words}two</p>")
    assert len(compare(old, new)[0]["old"]) <= 402
    assert len(compare(old, new, whole=True)[0]["old"]) > 1000


def test_taking_back_is_a_change_that_matters() -> None:
    changes = compare(told(), told(status="withdrawn"))
    assert changes == [{"field": "status", "old": "usable", "new": "withdrawn"}]
    assert significant(changes)


def test_looking_for_words_first_hides_nothing_from_the_patterns() -> None:
    rng = random.Random(4)
    for _ in range(4_000):
        text = rng.choice(("", " ", "  ")).join(rng.choice(PIECES) for _ in range(rng.randint(1, 12)))
        assert settled(text) == _settled_plainly(text), text


PIECES = (
    *("12", "|", "·", "•", "views", "Comments", "(15", "comments)", "1,204k", "14", "Shares:", "likes:3", "[4"),
    *("replies]", ".", ",", "!", "12.", ",5", "前", "Advertisement"),
    *("just now", "3 hours ago", "An hour ago", "vor 2 Tagen", "il y a 5 minutes", "3小时前", "5 секунд назад", "fa"),
    *("Last updated: 25 Nov 2026 10:33", "read more", "\n", "\n\n", "\t", "\xa0", "word", "word " * 25),
)


def _settled_plainly(text: str) -> str:
    """Every pattern tried on every line."""
    lines = []
    for line in (" ".join(line.split()) for line in text.split("\n")):
        if len(line) < 120 and (_LABEL.match(line) or _UPDATED.match(line)):
            continue
        if len(line) >= 120 and not re.search(r"\d", line):
            lines.append(line)
            continue
        parts = _SPLIT.split(_AGO.sub("", line))
        touched = [_COUNTER.sub("", part) for part in parts]
        same = len(parts) == 1 and touched == [line]
        lines.append(line if same else " ".join(" · ".join(filter(None, map(str.strip, touched))).split()))
    return "\n".join(filter(None, lines))
