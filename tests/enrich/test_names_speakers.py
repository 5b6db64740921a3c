"""Who speaks, where the verb of saying has no name beside it, or more than one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.enrich.document import Document
from services.enrich.lexicons import load_lexicon
from services.enrich.names.pronouns import pronoun, told

Enriched = Callable[..., Document]


def said(doc: Document) -> list[tuple[str, str | None]]:
    """The first two words of each quote, and whose it is."""
    return [(" ".join(quote.text.split()[:2]), quote.speaker) for quote in doc.quotes]


TWO = "Maria Duarte, who leads the union, met Paulo Reis, the port's director, on Monday."


@pytest.mark.parametrize(
    ("body", "quotes"),
    [
        # a pronoun is the subject of the last sentence with somebody whom it may mean
        (
            f'{TWO}\n\n"It is late," she said.\n\n"Not yet," he said.',
            [("It is", "Maria Duarte"), ("Not yet,", "Paulo Reis")],
        ),
        (f"{TWO}\n\nShe said the strike would last a week.", [("the strike", "Maria Duarte")]),
        (
            "Alan Crowe, the judge, asked Maria Duarte whether she knew Paulo Reis. \"I never met him,\" she said.",
            [("I never", "Maria Duarte")],
        ),
        ("Keith Amado met Roy Quist in Lisbon. \"He was tired,\" he said.", [("He was", "Keith Amado")]),
        # the sentence before, or the one behind
        ("Maria Duarte was angry. \"We will not stop until they run.\"", [("We will", "Maria Duarte")]),
        (
            "Paulo Reis was more careful.\n\n\"The money has to come from somewhere.\"",
            [("The money", "Paulo Reis")],
        ),
        (
            "\"We will not stop until they run.\" Those were the words of Maria Duarte on Monday.",
            [("We will", "Maria Duarte")],
        ),
        ("\"We will not stop until they run.\" Maria Duarte was speaking in Lisbon.", [("We will", "Maria Duarte")]),
        ("A sign hung over Maria Duarte. \"No boats on Sundays or holidays.\"", [("No boats", None)]),
        ("Maria Duarte wrote to Paulo Reis. \"No boats on Sundays or holidays.\"", [("No boats", None)]),
        # what stands between the speaker and the verb
        ("Maria Duarte, who met Paulo Reis, said the strike would last a week.", [("the strike", "Maria Duarte")]),
        ("\"It is late,\" Maria Duarte, the head of the union, told Paulo Reis.", [("It is", "Maria Duarte")]),
        # whose somebody is who speaks, and what speaks in one's name
        ("Maria Duarte's deputy said there was no danger at all.", []),
        ("After Paulo Reis left, Maria Duarte's lawyer said there was no danger.", []),
        ("Maria Duarte's office said there was no danger at all.", [("there was", "Maria Duarte")]),
        ("Paulo Reis's lawyer, Maria Duarte, said there was no danger.", [("there was", "Maria Duarte")]),
        ("Asked whether she would go, Maria Duarte said: \"No.\"", [("No.", "Maria Duarte")]),
        # a quote of several paragraphs, which only the last one closes
        (
            "\u201cWe will not stop.\n\n\u201cWe have time, and we have food,\u201d said Maria Duarte.",
            [("We will", "Maria Duarte"), ("We have", "Maria Duarte")],
        ),
        ('"We have time,\u201d Maria Duarte said. \u201cWe have food.\u201d', [("We have", "Maria Duarte")] * 2),
    ],
)  # fmt: skip
def test_the_speaker_is_found(body: str, quotes: list[tuple[str, str]], enriched: Enriched) -> None:
    assert said(enriched("The ferries", body)) == quotes


@pytest.mark.parametrize(
    ("who", "speaker"),
    [
        ("a spokesman for Harbour Airlines", "Harbour Airlines"),
        ("a spokeswoman for the Ministry of Transport", "Ministry of Transport"),
        ("a Harbour Airlines spokesman", "Harbour Airlines"),
        ("an official of the Ministry of Transport", None),
        ("sources at Harbour Airlines", None),
        ("a Harbour Airlines official", None),
        ("Ana Reis, a spokeswoman for Harbour Airlines", "Ana Reis"),
    ],
)
def test_who_speaks_for_a_body_lends_it_a_voice(who: str, speaker: str | None, enriched: Enriched) -> None:
    assert said(enriched("The ferries", f'"We are very sorry," said {who}.')) == [("We are", speaker)]
    told = said(enriched("The ferries", f"The ferries will run again on Friday, according to {who}."))
    assert told == ([("The ferries", speaker)] if speaker else [])


def test_it_is_the_body_that_spoke_just_before(enriched: Enriched) -> None:
    doc = enriched("Ferries", 'Harbour Airlines said: "We regret it." It was late. "It was a mistake," it added.')
    assert said(doc) == [("We regret", "Harbour Airlines"), ("It was", "Harbour Airlines")]


@pytest.mark.parametrize(
    ("bare", "whose"),
    [
        ("Mrs Duarte", "maria-duarte"),
        ("Mr Duarte", "paulo-duarte"),
        ("Duarte, the port's director,", "paulo-duarte"),
        ("\n\nDuarte", "maria-duarte"),  # in a paragraph of its own the one whom the text names first
        ("Duarte", "paulo-duarte"),
    ],
)
def test_a_family_name_goes_with_its_bearer(bare: str, whose: str, enriched: Enriched) -> None:
    body = (
        f"Maria Duarte leads the union. Her brother Paulo Duarte is director of the port. {bare} said it would go on."
    )
    (quote,) = enriched("The ferries", body).quotes
    assert quote.entity_id == f"person:{whose}"


def test_nobody_accuses_himself(enriched: Enriched) -> None:
    doc = enriched("Ferries", "Maria Duarte met Paulo Duarte.\n\nDuarte told Duarte that the boats would go.")
    spans = {entity.id: [mention.start for mention in entity.mentions] for entity in doc.entities}
    at = doc.body_text.index("Duarte told")
    assert at in spans["person:maria-duarte"] and at + len("Duarte told ") in spans["person:paulo-duarte"]


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("Mrs |Duarte| left.", "she"),
        ("Sir |Keir Amado| left.", "he"),
        ("spokeswoman |Kim Reis| left.", "she"),
        ("her brother |Kim Reis| left.", "he"),
        ("|Kim Reis|, the council's chairwoman, left.", "she"),
        ("|Kim Reis|, a friend of the policeman, left.", None),
        ("|Kim Reis| left.", None),
    ],
)
def test_what_stands_beside_a_name_tells_how_it_is_spoken_of(text: str, who: str | None) -> None:
    before, name, behind = text.split("|")
    assert told(before + name + behind, len(before), len(before + name)) == who


def test_given_names_tell_where_nothing_else_does() -> None:
    lexicon = load_lexicon()
    assert pronoun(["Duarte", "Maria Duarte"], [None], lexicon) == "she"
    assert pronoun(["Maria Duarte"], ["he", "he", "she"], lexicon) == "he"
    assert pronoun(["Robin Reis"], [], lexicon) is None
    names = set(lexicon.pronouns)
    assert names.isdisjoint(["Kim", "Robin", "Nicola", "Andrea", "Jean", "Leslie", "Alex", "Jordan", "Lee"])
