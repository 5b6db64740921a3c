"""What a text says about the names in it: spans completed, joined, turned, dropped and added."""

from __future__ import annotations

from itertools import pairwise

import pytest

from services.enrich.document import EntityType
from services.enrich.names.mending import Span, mended
from services.enrich.pipeline import Resources

PERSON, ORG, PLACE = "person", "organisation", "place"


def names(resources: Resources, text: str, *told: tuple[str, EntityType]) -> list[tuple[str, str]]:
    spans: list[Span] = [(text.index(name), text.index(name) + len(name), kind, 0.9) for name, kind in told]
    found = mended(text, sorted(spans), resources.lexicon, resources.gazetteer.find)
    assert found == sorted(found) and all(one[1] <= two[0] for one, two in pairwise(found))
    return [(text[start:end], kind) for start, end, kind, _ in found]


@pytest.mark.parametrize(
    ("text", "told", "right"),
    [
        ("The port of Dar es Salaam was shut.", [("Dar", PLACE)], [("Dar es Salaam", PLACE)]),
        ("Envoys of the United States left.", [("States", PLACE)], [("United States", PLACE)]),
        ("Talks in Washington, D.C., ended.", [("Washington", PLACE)], [("Washington, D.C.", PLACE)]),
        ("They drove from Paris Lyon was far.", [("Paris", PLACE)], [("Paris", PLACE)]),
        (
            "The match with Brighton & Hove Albion is off.",
            [("Brighton", ORG), ("Hove Albion", ORG)],
            [("Brighton & Hove Albion", ORG)],
        ),
        ("Sales at Marks & Spencer fell.", [("Marks", ORG), ("Spencer", PERSON)], [("Marks & Spencer", ORG)]),
        (
            "Ana Marks & Spencer Reis left.",
            [("Ana Marks", PERSON), ("Spencer Reis", PERSON)],
            [("Ana Marks", PERSON), ("Spencer Reis", PERSON)],
        ),
        ("Georgia Brandt, of Paris Films, said so.", [("Paris", PLACE)], [("Paris Films", ORG)]),
        ("Shares in Varela Ruiz Holdings fell.", [("Varela Ruiz Holdings", PERSON)], [("Varela Ruiz Holdings", ORG)]),
        ("Shares in Hugo Boss fell.", [("Hugo Boss", PERSON)], [("Hugo Boss", ORG)]),
        ("A fine of Rs 2 million is due.", [("Rs 2", ORG)], []),
        ("Troops of the US navy left.", [("US", PLACE)], [("US", PLACE)]),
        (
            "Deputy Inspector General Asad Raza left.",
            [("Deputy Inspector General", ORG), ("Asad Raza", PERSON)],
            [("Asad Raza", PERSON)],
        ),
        (
            "Mvita MP Mohamed Machele left.",
            [("Mvita MP", PERSON), ("Mohamed Machele", PERSON)],
            [("Mvita", PLACE), ("Mohamed Machele", PERSON)],
        ),
        ("Kharkiv was hit at night.", [("Kharkiv", PERSON)], [("Kharkiv", PLACE)]),
        ("Justice Kennedy wrote it. Kennedy left.", [("Kennedy", PERSON)], [("Kennedy", PERSON)]),
        ("Ana Kharkiv spoke.", [("Ana Kharkiv", PERSON)], [("Ana Kharkiv", PERSON)]),
        ("Mombasa traders reject it.", [("Mombasa", ORG)], [("Mombasa", PLACE)]),
        (
            "Everton beat Liverpool again.",
            [("Everton", ORG), ("Liverpool", ORG)],
            [("Everton", ORG), ("Liverpool", ORG)],
        ),
        ("Then Malcolm Zelenskyy arrived.", [("Malcolm Zelenskyy", PLACE)], [("Malcolm Zelenskyy", PERSON)]),
        ("Near Jordan Valley it rained.", [("Jordan Valley", PLACE)], [("Jordan Valley", PLACE)]),
        ("The ruling Georgian Dream party won.", [], [("Georgian Dream", ORG)]),
        ("A birthday party was held for Ana's Uncle party guests.", [], []),
        ("Salmon feed the Muckleshoot Indian Tribe.", [], [("Muckleshoot Indian Tribe", ORG)]),
        ("He accused the BJP-led government and the AIADMK leader.", [], [("BJP", ORG), ("AIADMK", ORG)]),
        ("The CEO's pay rose.", [], []),
        ("Sindh Chief Minister Ana Reis left.", [("Ana Reis", PERSON)], [("Sindh", PLACE), ("Ana Reis", PERSON)]),
        ("The Deputy Chief Minister left.", [], []),
        ("The opposition Harbour Light party won.", [], [("Harbour Light", ORG)]),
        ("THE BJP LEADER LEFT.", [], []),
    ],
)
def test_what_stands_beside_a_name_is_believed(
    text: str, told: list[tuple[str, EntityType]], right: list[tuple[str, str]], resources: Resources
) -> None:
    assert names(resources, text, *told) == right


def test_ten_thousand_names_take_no_longer_each(resources: Resources) -> None:
    text = "Kharkiv, " * 10_000
    spans: list[Span] = [(at * 9, at * 9 + 7, "place", 0.9) for at in range(10_000)]
    assert len(mended(text, spans, resources.lexicon, resources.gazetteer.find)) == 10_000
