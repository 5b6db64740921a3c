"""Bodies made of ordinary words: found beside what a tagger read, and not where capitals mean nothing."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from services.enrich.document import EntityType, Mention
from services.enrich.names.bodies import bodies
from services.enrich.pipeline import Resources
from services.enrich.text.tokens import Tokens

_MARK = re.compile(r"\[(?P<name>[^]|]+)\|(?P<type>\w+)]")


def read(resources: Resources, told: str) -> list[tuple[str, str]]:
    """What comes of a text with what a tagger read in it marked."""
    text, found, at = "", [], 0
    for match in _MARK.finditer(told):
        text += told[at : match.start()]
        kind: EntityType = match["type"]  # type: ignore[assignment]  # the marks below
        found.append(Mention("body_text", len(text), len(text) + len(match["name"]), match["name"], kind, 0.9))
        text, at = text + match["name"], match.end()
    text += told[at:]
    made = bodies(found, Tokens(text), "body_text", resources.lexicon)
    assert all(text[one.start : one.end] == one.text for one in made)
    assert all(one.end <= two.start for one, two in pairwise(made))
    return [(one.text, one.type) for one in made]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Officials of the [Elm|place] County Health Department said so.", ["Elm County Health Department"]),
        ("The sidelines of the World Harvest Forum were full.", ["World Harvest Forum"]),
        ("The National Agency for Food Administration sealed it.", ["National Agency for Food Administration"]),
        ("They met the [Georgia|place] Pecan Growers there.", ["Georgia Pecan Growers"]),
        (
            "The [Kenya Union of Primary Education|organisation] Teachers met again.",
            ["Kenya Union of Primary Education Teachers"],
        ),
        ("The Cocoa and Rubber Board was asked.", ["Cocoa and Rubber Board"]),
        ("The Rural Women's Association paid for it.", ["Rural Women's Association"]),
        (
            "He called Friends of the River and Doctors Without Borders.",
            ["Friends of the River", "Doctors Without Borders"],
        ),
        ("In a letter, Save the Children said no.", ["Save the Children"]),
        ("The drugmaker [Veloxa|person] and the shipyard Cardama paid.", ["Veloxa", "Cardama"]),
        ("A note issued by [PID|person] said no.", ["PID"]),
        (
            "She was at the [University of Elm and Kano State University|organisation] before.",
            ["University of Elm", "Kano State University"],
        ),
    ],
)  # fmt: skip
def test_a_body_of_ordinary_words_is_found(resources: Resources, text: str, names: list[str]) -> None:
    assert read(resources, text) == [(name, "organisation") for name in names]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Pecan Growers Bet on Nuts From the South", []),  # a headline
        ("[Kenya|place]'s Labour Ministry was asked.", [("Kenya", "place"), ("Labour Ministry", "organisation")]),
        ("The Ministry and [Kenya Police|organisation] Board came late.", [("Kenya Police Board", "organisation")]),
        ("The Board said so, and the Commission was told.", []),
        ("Union President [Ana Reis|person] left.", [("Ana Reis", "person")]),
        ("The trade with the [Soviet Union|place] ended.", [("Soviet Union", "place")]),
        ("Citizens of [Antigua|place] may stay.", [("Antigua", "place")]),
        ("Tickets for Friends of Monday are gone.", []),
        ("[JFK|person] was there. [DUI|person] is a charge.", [("JFK", "person"), ("DUI", "person")]),
        ("[KIM|person]: I never said so to anybody.", [("KIM", "person")]),
        ("the drugmaker Monday said no, the brewer said yes", []),
        # neither bodies nor names of any other kind
        ("[Affordable Care Act|organisation] and [Treaty|organisation] of Elm, in [Wave 3|organisation].", []),
        ("Cases of [Eastern Equine Encephalitis|organisation] were seen.", []),
        ("WORKERS OF THE [COCOA BOARD|organisation] MET THE RICE GROWERS", [("COCOA BOARD", "organisation")]),
    ],
)
def test_what_is_none_stays_as_it_is(resources: Resources, text: str, left: list[tuple[str, str]]) -> None:
    assert read(resources, text) == left
