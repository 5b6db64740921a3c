"""Family names that are places, where a text names their bearer in full."""

from __future__ import annotations

import re

import pytest

from services.enrich.document import EntityType, Mention, TextField
from services.enrich.names.families import surnames
from services.enrich.pipeline import Resources

_MARK = re.compile(r"\[(?P<name>[^]|]+)\|(?P<type>\w+)(?:>(?P<becomes>\w+))?]")


def marked(field: TextField, told: str) -> tuple[str, list[Mention], list[EntityType]]:
    """A text without its marks, what a tagger found there, and what each is to be."""
    text, found, wanted, at = "", [], [], 0
    for match in _MARK.finditer(told):
        text += told[at : match.start()]
        kind: EntityType = match["type"]  # type: ignore[assignment]  # the marks below
        found.append(Mention(field, len(text), len(text) + len(match["name"]), match["name"], kind, 0.9))
        wanted.append(match["becomes"] or kind)
        text, at = text + match["name"], match.end()
    return text + told[at:], found, wanted  # type: ignore[return-value]  # the same


@pytest.mark.parametrize(
    ("title", "body"),
    [
        (
            "Testimony",
            "[Valeska Paris|person] was heard. [Paris|place>person], 35, was sent there. Lawyers told"
            " [Paris|place>person] to stay. [Paris|place>person] flew to [Paris|place] on Monday, and"
            " [Paris|place] police met her.",
        ),
        (
            "Prize for [Washington|place>person]",
            "[Denzel Washington|person] won. [Washington|place>person] thanked his wife, spoke to reporters"
            " near [Washington|place] and gave letters to [Washington|place>person]'s lawyer.",
        ),
        ("[London|place] sale", "Letters by [Jack London|person] in [London|place]: [London|place>person] wrote them."),
        # Before somebody is named in full, and where nobody is, a place is meant.
        ("[Houston|place] floods", "[Houston|place] was under water. [Whitney Houston|person] had left."),
        ("Floods", "[Houston|place] said no. [Anna Reis|person] agreed. [Houston|person] was asked."),
        # A country acts itself.
        (
            "[Israel|place] to answer",
            "[Steve Israel|person] spoke. [Israel|place] will answer. [Israel|place>person], 54, did.",
        ),
        # Told before the full name: the subject of "her", what only people do.
        (
            "[Washington|place>person] wins prize",
            "[Washington|place>person] thanked her mother. [Kerry Washington|person], 49, flew in from"
            " [Washington|place]. [Washington|place>person]'s film is new.",
        ),
        (
            "[Houston|place>person] to sing",
            "[Houston|place>person] will sing next week, her manager said. [Ann Houston|person] is 44.",
        ),
        ("Court", "[Israel|place>person] will be heard, his lawyer said. [Steve Israel|person] said no."),
        ("Floods", "[Houston|place] shut its schools, and [Ana Reis|person] lost her home. [Ann Houston|person] left."),
        # Given names, by what only people do or have.
        (
            "Vote",
            "[Georgia Reis|person], 30, left [Georgia|place]. [Georgia|place>person] said so. [Georgia|place] voted.",
        ),
        ("Film", "[Sydney Amado|person] was in [Sydney|place]. [Sydney|place] loves it."),
        ("Vote", "[Victoria Reis|person] won in [Victoria|place]. [Victoria|place>person], who has two sons, left."),
        # An age, though nobody is named in full.
        ("Trial", "[Lincoln|place>person], 49, was heard in [Lincoln|place]. [Lincoln|place] was quiet."),
        ("Cup", "[Ann Jordan|person] of [Austin|place] met [Jordan|place], [Jordan|place>person] said."),
    ],
)
def test_a_family_name_that_is_a_place_goes_with_its_bearer(resources: Resources, title: str, body: str) -> None:
    texts = {"title": marked("title", title), "body_text": marked("body_text", body)}
    found = [mention for _, mentions, _ in texts.values() for mention in mentions]
    mended = surnames(found, lambda field: texts[field][0], resources.lexicon)
    assert [mention.type for mention in mended] == [kind for _, _, wanted in texts.values() for kind in wanted]
    assert [(m.field, m.start, m.text) for m in mended] == [(m.field, m.start, m.text) for m in found]


@pytest.mark.parametrize(
    ("title", "body", "first"),
    [
        (
            "[Georgia Pecan|person] Growers Bet on It",
            "Growers in [Georgia|place] wait for [Ann Reis|person].",
            "Georgia",
        ),
        ("[Georgia Reis|person] Bets on It", "The grower from [Georgia|place], [Reis|person], waits.", "Georgia Reis"),
        ("[Georgia Reis|person] Bets on It", "Growers in [Lyon|place] wait.", "Georgia Reis"),
    ],
)
def test_a_headline_does_not_make_a_person_of_a_place(resources: Resources, title: str, body: str, first: str) -> None:
    texts = {"title": marked("title", title), "body_text": marked("body_text", body)}
    found = [mention for _, mentions, _ in texts.values() for mention in mentions]
    mended = surnames(found, lambda field: texts[field][0], resources.lexicon)[0]
    assert (mended.text, mended.type) == (first, "person" if " " in first else "place")
    assert texts["title"][0][mended.start : mended.end] == first
