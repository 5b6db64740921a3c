"""Summaries and keywords."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.enrich.document import Document

Enriched = Callable[..., Document]

BODY = (
    "LISBON, Nov 23 (Ferry Post) - The ferries of the Tagus will stand still for a week. The unions said so on Monday."
    " Ministers had offered more money. Nobody took it.\n\nFerries carry 90,000 people a day. A ferry is dear."
)


def test_the_sources_own_summary_comes_first(enriched: Enriched) -> None:
    doc = enriched(
        "Ferry strike", BODY, description="A week without ferries begins. What travellers should know about it."
    )
    assert doc.summary == ("A week without ferries begins.", "What travellers should know about it.")


def test_a_description_that_is_the_cut_off_beginning_is_none(enriched: Enriched) -> None:
    lead = ("The ferries of the Tagus will stand still for a week.", "The unions said so on Monday.")
    for description in (BODY[:120], BODY[:90] + "…", "Ferry strike", BODY[34:80], "Short. [...]"):
        assert enriched("Ferry strike", BODY, description=description).summary == lead


def test_without_a_body_the_description_is_the_summary(enriched: Enriched) -> None:
    doc = enriched("Ferry strike", None, description="The ferries will stand still for a week.")
    assert doc.summary == ("The ferries will stand still for a week.",)


def test_what_is_no_sentence_is_passed_over(enriched: Enriched) -> None:
    doc = enriched(
        "T", "By Ana Reis\n\nMonday, November 23, 2026\n\nThe ferries will stand still for a week. So it is."
    )
    assert doc.summary[0] == "The ferries will stand still for a week."


def test_summaries_work_in_scripts_with_other_full_stops(enriched: Enriched) -> None:
    doc = enriched(
        "橋",
        "市長は正午に、川の水位が上がったため古い橋を閉鎖したと発表した。住民は別の道を通っている。橋は百年前に造られた。",
    )
    assert doc.summary[0].startswith("市長は") and doc.summary[0].endswith("。")


def test_nothing_gives_nothing(enriched: Enriched) -> None:
    doc = enriched("", None)
    assert doc.summary == () and doc.keywords == ()


def test_keywords_are_what_the_article_is_about(enriched: Enriched) -> None:
    body = "The ferry strike stopped every ferry on the river. The ferry strike will last. People said it went too far."
    keywords = [keyword.text.lower() for keyword in enriched("Ferry strike stops the river", body).keywords]
    assert keywords[0] == "ferry strike"
    assert not {"the", "people", "said", "was"} & set(keywords)


def test_keywords_are_scored_from_one_down_and_none_repeats_another(enriched: Enriched) -> None:
    keywords = enriched("Ferry strike in Lisbon", BODY * 2).keywords
    scores = [keyword.score for keyword in keywords]
    assert scores[0] == 1.0 and scores == sorted(scores, reverse=True) and len(keywords) <= 10
    assert len({keyword.text.lower() for keyword in keywords}) == len(keywords)


@pytest.mark.parametrize(
    ("body", "keyword", "stop"),
    [
        ("Die Brücke wurde gesperrt. Die Brücke bleibt auch am Montag gesperrt, sagte die Stadt.", "brücke", "die"),
        ("Le pont est fermé depuis lundi. Le pont restera fermé, dit la mairie.", "pont", "depuis"),
        ("Мост закрыли в понедельник. Мост останется закрытым, сказали в мэрии.", "мост", "сказали"),
    ],
)
def test_keywords_work_in_other_languages(body: str, keyword: str, stop: str, enriched: Enriched) -> None:
    found = [found.text.lower() for found in enriched("", body).keywords]
    assert keyword in " ".join(found[:2])
    assert stop not in found


def test_the_paper_and_the_agency_in_its_dateline_are_no_keywords(enriched: Enriched) -> None:
    body = (
        "LISBON (Meridian Wire) \u2014 The ferries stopped on Monday. The Ferry Post was told that the crews wanted"
        " more pay. The crews of the ferries met in Lisbon again."
    )
    keywords = [keyword.text for keyword in enriched("Ferries stop in Lisbon", body).keywords]
    assert "Lisbon" in keywords
    assert not {"Meridian Wire", "Ferry Post", "The Ferry Post"} & set(keywords)


@pytest.mark.parametrize(
    "opening",
    [
        "LISBON, Nov 23 (Ferry Post) - ",
        "DEARBORN, Mich. \u2014 ",
        "DES MOINES, Iowa, Nov. 24 (UPI) -- ",
        "Reykjav\u00edk (AFP) \u2014 ",
        "Abuja, Nigeria \u2013 ",
        "CHENNAI: ",
        "Johannesburg - ",
        "New Delhi | ",
        "",
    ],
)
def test_a_summary_begins_behind_the_dateline(opening: str, enriched: Enriched) -> None:
    doc = enriched(
        "Ferry strike", f"{opening}The ferries will stand still for a week. Nobody took the offer of Rs. 1,200 crore."
    )
    assert doc.summary == ("The ferries will stand still for a week.", "Nobody took the offer of Rs. 1,200 crore.")
