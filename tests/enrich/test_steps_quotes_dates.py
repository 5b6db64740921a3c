"""Who said what, and when things were."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from services.enrich.document import Document
from services.enrich.steps.dates import dates
from services.enrich.text.tokens import Tokens

Enriched = Callable[..., Document]


def said(doc: Document) -> list[tuple[str, str | None]]:
    for quote in filter(lambda quote: quote.direct, doc.quotes):
        assert doc.body_text[quote.start : quote.end] == quote.text
    return [(quote.text, quote.speaker) for quote in doc.quotes if quote.direct]


def reported(doc: Document) -> list[tuple[str, str | None]]:
    for quote in doc.quotes:
        assert doc.body_text[quote.start : quote.end] == quote.text
    return [(quote.text, quote.speaker) for quote in doc.quotes if not quote.direct]


@pytest.mark.parametrize(
    ("body", "clause"),
    [
        ("Maria Duarte said on Monday that the strike would go on for weeks.", "the strike would go on for weeks"),
        ("Maria Duarte said the strike would go on for weeks.", "the strike would go on for weeks"),
        ("Maria Duarte told reporters that the strike would go on.", "the strike would go on"),
        ("The strike will go on for weeks, Maria Duarte said on Monday.", "The strike will go on for weeks"),
        ("The strike will go on for weeks, said Maria Duarte.", "The strike will go on for weeks"),
        ("The strike will go on, according to Maria Duarte of the union.", "The strike will go on"),
        ("LISBON (Wire) \u2014 The strike will go on for weeks, Maria Duarte said.", "The strike will go on for weeks"),
        ("Maria Duarte came late. She said the strike would go on for weeks.", "the strike would go on for weeks"),
    ],
)
def test_reported_speech_is_the_clause_with_its_speaker(body: str, clause: str, enriched: Enriched) -> None:
    assert reported(enriched("The strike of the ferries", body)) == [(clause, "Maria Duarte")]


@pytest.mark.parametrize(
    "body",
    [
        "Officials said the strike would go on for weeks.",
        "Maria Duarte said nothing more about it.",
        "Maria Duarte said so on Monday.",
        "Maria Duarte was told to come again the next day.",
        'Maria Duarte said the strike was "a scandal".',
        "The strike, which Maria Duarte said little about, goes on.",
    ],
)
def test_what_reports_nothing_or_nobodys_words_is_left_out(body: str, enriched: Enriched) -> None:
    assert reported(enriched("The strike of the ferries", body)) == []


def test_reported_speech_is_english_only(enriched: Enriched) -> None:
    assert reported(enriched("", "Die Ministerin von Portugal sagte, dass der Streik noch Wochen dauern werde.")) == []


@pytest.mark.parametrize(
    ("body", "text", "speaker"),
    [
        ("\u201cThe strike goes on,\u201d Maria Duarte said on Monday.", "The strike goes on,", "Maria Duarte"),
        ('"The strike goes on," said Maria Duarte.', "The strike goes on,", "Maria Duarte"),
        ("Maria Duarte said: \u201cThe strike goes on.\u201d", "The strike goes on.", "Maria Duarte"),
        ("Maria Duarte spoke first. \u201cIt goes on,\u201d she said later.", "It goes on,", "Maria Duarte"),
        ("\u201cIt goes on and on and on,\u201d a passenger said.", "It goes on and on and on,", None),
        (
            "Maria Duarte met Rui Costa there. \u201cIt goes on,\u201d Costa told reporters.",
            "It goes on,",
            "Rui Costa",
        ),
    ],
)
def test_a_quote_has_its_speaker(body: str, text: str, speaker: str | None, enriched: Enriched) -> None:
    doc = enriched("The strike of the ferries", body)
    assert said(doc) == [(text, speaker)]
    if speaker:
        assert doc.quotes[0].entity_id in {entity.id for entity in doc.entities}


def test_a_quote_without_a_verb_goes_on_with_the_one_before_it(enriched: Enriched) -> None:
    doc = enriched("", '"It goes on," Maria Duarte said. "My bus is worse."\n\n"The rain had not stopped all day."')
    assert said(doc) == [
        ("It goes on,", "Maria Duarte"),
        ("My bus is worse.", "Maria Duarte"),
        ("The rain had not stopped all day.", None),
    ]


def test_the_sentence_behind_a_quote_that_ends_with_a_stop_tells_of_something_else(enriched: Enriched) -> None:
    body = (
        "Maria Duarte said in a message to the crews of all the ferries on the river, which had waited at the quay"
        ' since the early morning, that it was "over for this year." Rui Costa said nothing.'
    )
    assert said(enriched("", body)) == [("over for this year.", "Maria Duarte")]


@pytest.mark.parametrize(
    "body",
    [
        "The so-called \u201cghost ferry\u201d came back to the harbour this week.",
        "They watched \u201cThe Long River\u201d in the old cinema by the bridge.",
        'The sign was 6" wide and 4" high, and it hung there for many years.',
        "An opening mark \u201cwithout an end stands here.\n\nAnd here is more text for everyone to read.",
    ],
)
def test_quotation_marks_alone_make_no_quote(body: str, enriched: Enriched) -> None:
    assert said(enriched("", body)) == []


def test_quotes_of_other_languages_keep_their_marks(enriched: Enriched) -> None:
    body = "« La grève continue aujourd'hui », a déclaré la ministre devant les journalistes réunis à la gare."
    assert said(enriched("", body)) == [(" La grève continue aujourd'hui ", None)]


MONDAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("text", "named", "value"),
    [
        ("It was on 3 May 2025.", "3 May 2025", "2025-05-03"),
        ("It was on May 3, 2025, at noon.", "May 3, 2025", "2025-05-03"),
        ("It was on the 3rd of May.", "3rd of May", "2026-05-03"),
        ("It is due on Jan. 4.", "Jan. 4", "2027-01-04"),
        ("It was on 2025-05-03.", "2025-05-03", "2025-05-03"),
        ("They met on Sunday.", "Sunday", "2026-11-22"),
        ("They met on Monday.", "Monday", "2026-11-23"),
        ("They meet next Monday.", "next Monday", "2026-11-30"),
        ("They met last Monday.", "last Monday", "2026-11-16"),
        ("They met yesterday.", "yesterday", "2026-11-22"),
        ("In October of this year it rained.", "October of this year", "2026-10"),
        ("It was built in October 1998.", "October 1998", "1998-10"),
        ("It was built in 1998.", "1998", "1998"),
        ("It was shut last year.", "last year", "2025"),
        ("The board will choose between them on Monday.", "Monday", "2026-11-30"),
        ("He is due in Lisbon on Friday.", "Friday", "2026-11-27"),
        ("The series ends in Aarhus, Denmark, on Sunday.", "Sunday", "2026-11-29"),
        ("It will decide, she said on Sunday.", "Sunday", "2026-11-22"),
        ("It would decide by June.", "June", "2027-06"),
        ("Down from the forecast it made in September.", "September", "2026-09"),
        ("The mill has been shut since December.", "December", "2025-12"),
        ("It makes electric cars from 2028.", "2028", "2028"),
        ("It opens in the summer of 2031.", "2031", "2031"),
        ("They met last month.", "last month", "2026-10"),
        ("They met three days ago.", "three days ago", "2026-11-20"),
        ("They met a year ago.", "a year ago", "2025"),
        ("It is shut this morning.", "this morning", "2026-11-23"),
    ],
)
def test_a_date_is_resolved_against_the_articles_own(text: str, named: str, value: str) -> None:
    (found,) = dates(Tokens(text), MONDAY)
    assert (found.text, found.value, text[found.start : found.end]) == (named, value, named)


@pytest.mark.parametrize(
    "text",
    [
        "They may come.",
        "It cost 1998 euros.",
        "On 31 February",
        "Call 0203 4455",
        "May Duarte sang.",
        "v2.2024.1",
        "It was on a Thursday.",
        "2000000 years ago",
        "May it rain.",
    ],
)
def test_what_is_no_date_is_left_out(text: str) -> None:
    assert dates(Tokens(text), MONDAY) == []


def test_the_step_takes_the_day_of_publication(enriched: Enriched) -> None:
    (found,) = enriched("", "The ministers of the country met yesterday.").dates
    assert found.value == "2026-11-22"


def test_whose_official_somebody_is_does_not_make_a_speaker(enriched: Enriched) -> None:
    body = 'The European Commission met. "We can have fewer boats now," a European Commission official told reporters.'
    assert said(enriched("Boats", body)) == [("We can have fewer boats now,", None)]
    body = (
        'The European Commission met on Monday. "We can have fewer boats now," the European Commission said on Monday.'
    )
    assert said(enriched("Boats", body)) == [("We can have fewer boats now,", "European Commission")]


def test_a_pronoun_before_the_verb_is_no_name_behind_it(enriched: Enriched) -> None:
    doc = enriched(
        "", 'Maria Duarte, of the union, came. "We will not sit on it," she told Henrik Dahl of the Ferry Post.'
    )
    assert said(doc) == [("We will not sit on it,", "Maria Duarte")]


def test_who_is_praised_in_a_quote_does_not_say_it(enriched: Enriched) -> None:
    doc = enriched("", 'Maria Duarte said the town was in shock. "Henrik Dahl taught half the harbour," she said.')
    assert said(doc) == [("Henrik Dahl taught half the harbour,", "Maria Duarte")]


def test_a_part_of_a_sentence_belongs_to_the_verb_before_it(enriched: Enriched) -> None:
    doc = enriched("", 'Maria Duarte told them that they were "as close as teeth", the Dockers\u2019 Union said.')
    assert said(doc) == [("as close as teeth", "Maria Duarte")]


def test_words_that_somebody_calls_something(enriched: Enriched) -> None:
    doc = enriched(
        "", 'Maria Duarte called the offer "a third of what we asked for". A ferry called "The Old Lady" sank.'
    )
    assert said(doc) == [("a third of what we asked for", "Maria Duarte")]


@pytest.mark.parametrize(
    ("body", "clause"),
    [
        ("Maria Duarte said the vote was quite fair; others did not think so.", "the vote was quite fair"),
        ("Maria Duarte told reporters the strike would go on.", "the strike would go on"),
        (
            "DES MOINES, Iowa, Nov. 23 (UPI) -- The river rose to 18 feet, Maria Duarte said.",
            "The river rose to 18 feet",
        ),
        ("Maria Duarte has denied that the union put pressure on them.", "the union put pressure on them"),
        ("According to Maria Duarte, the strike would go on.", "the strike would go on"),
    ],
)
def test_where_a_reported_clause_begins_and_ends(body: str, clause: str, enriched: Enriched) -> None:
    assert reported(enriched("Strike goes on", body)) == [(clause, "Maria Duarte")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "THE MAYOR RESIGNED ON FRIDAY, AND THE VOTE IS ON MAY 3, 2027.",
            [("FRIDAY", "2026-11-20"), ("MAY 3, 2027", "2027-05-03")],
        ),
        ("A ruling is due in early 2027.", [("2027", "2027")]),
        ("The deal expires at the end of March.", [("March", "2027-03")]),
    ],
)
def test_dates_in_capitals_and_ahead(text: str, found: list[tuple[str, str]]) -> None:
    assert [(one.text, one.value) for one in dates(Tokens(text), date(2026, 11, 23))] == found


def test_a_colon_introduces_who_speaks(enriched: Enriched) -> None:
    doc = enriched("", 'Maria Duarte said "It is safe now." Then Henrik Dahl was less sure: "Words are cheap in May."')
    assert said(doc) == [("It is safe now.", "Maria Duarte"), ("Words are cheap in May.", "Henrik Dahl")]


def test_who_adds_points_says_nothing(enriched: Enriched) -> None:
    assert reported(enriched("", "Maria Duarte added 22 for Orlando, which has won four games.")) == []
