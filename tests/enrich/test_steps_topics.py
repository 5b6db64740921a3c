"""Topics: by the words of English text, by what publishers call their sections, and by the operator's own file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from services.enrich.document import Document, Topic
from services.enrich.embedding import Embedding
from services.enrich.lexicons import load_lexicon
from services.enrich.pipeline import enricher_revision, load_resources
from services.enrich.present import card
from services.enrich.topics import SEEDS, TopicFileError, TopicModel, read_seeds, words
from shared import topics
from shared.articles import FeedRef
from tests.enrich.articles import NOW

MEDIATOPICS = Path(__file__).resolve().parents[3] / "shared" / "data" / "standards" / "mediatopics"
Run = Callable[..., Document]


def tops(doc: Document) -> list[str]:
    return [topic.path[0] for topic in doc.topics]


def test_a_match_is_sport_and_as_narrow_as_its_words(enriched: Run) -> None:
    doc = enriched(
        "Rovers win the cup on penalties",
        "The goalkeeper saved two penalties after extra time. The striker had scored an equaliser late in the final.",
    )
    assert doc.topics[0] == Topic(
        "medtop:20001065", "soccer", ("sport", "competition discipline", "soccer"), doc.topics[0].score
    )
    assert 0.4 < doc.topics[0].score <= 1


def test_a_text_of_two_matters_has_both_topics_the_stronger_first(enriched: Run) -> None:
    doc = enriched(
        "Union calls strike over job cuts at steelmaker after takeover",
        "The trade union said 300 workers would walk out over wages. Shares in the company fell after the merger was"
        " announced; investors expect profit to drop, the chief executive told shareholders.",
    )
    assert set(tops(doc)) == {"labor", "economy, business and finance"}
    assert [topic.score for topic in doc.topics] == sorted((topic.score for topic in doc.topics), reverse=True)


def test_text_that_tells_nothing_has_no_topic(enriched: Run) -> None:
    assert enriched("It was so", "And then it was not.").topics == ()
    assert enriched("", "").topics == ()


@pytest.mark.parametrize(
    ("given", "top"),
    [
        ({"categories": ("Deportes",)}, "sport"),
        ({"canonical_url": "https://diario.example/economia/2026/11/nota.html"}, "economy, business and finance"),
        ({"feeds": (FeedRef(1, "El Diario - Cultura", None),)}, "arts, culture, entertainment and media"),
        ({"categories": ("medtop:20001065",)}, "sport"),
    ],
)
def test_other_languages_go_by_what_the_publisher_calls_the_section(
    enriched: Run, given: dict[str, object], top: str
) -> None:
    doc = enriched("El equipo celebra con la ciudad", "La alcaldesa recibió a los vecinos en la plaza.", **given)
    assert doc.language is not None
    assert doc.language.code == "es"
    assert tops(doc) == [top]


def test_a_section_settles_what_words_leave_open(enriched: Run) -> None:
    text = ("Lights stay on at the old mill", "The hall was full again on Saturday night, and nobody went home early.")
    assert enriched(*text, categories=("Music",)).topics[0].name == "music"


def test_the_card_carries_topics_as_promised(enriched: Run) -> None:
    doc = enriched("Earthquake kills seven", "Rescuers searched the rubble after the quake; its magnitude was 6.1.")
    told = card(doc, NOW)["topics"]
    assert told[0]["path"][:1] == ["disaster, accident and emergency incident"]
    assert set(told[0]) == {"id", "name", "path", "score", "ids"}
    assert json.dumps(told)


def test_an_operators_file_adds_words_examples_and_sections_and_takes_away(tmp_path: Path) -> None:
    own = tmp_path / "topics.txt"
    own.write_text(
        "medtop:20000553 leisure venue\n  words: promenade concert, bandstand\n  section: stadtleben\n"
        "medtop:17000000 weather\n  not: storm\n"
        "medtop:06000000 environment\n  example: The heron colony on the salt marsh has doubled\n",
        encoding="utf-8",
    )
    lexicon, embedding = load_lexicon(), Embedding()
    ours, theirs = TopicModel(lexicon.zipf, embedding), TopicModel(lexicon.zipf, embedding, own)
    assert not [t for t in ours.topics("Bandstand reopens", "", [], True) if "leisure venue" in t.path]
    assert theirs.topics("Bandstand reopens", "A bandstand, a bandstand.", ["Stadtleben"], True)[0].path[-1] == (
        "leisure venue"
    )
    marsh = "Salt marsh herons are back"
    assert theirs.shares(marsh, "")["environment"] > ours.shares(marsh, "")["environment"]
    assert theirs.shares("Storm", "")["weather"] < ours.shares("Storm", "")["weather"]
    assert ours.revision != theirs.revision


def test_an_operators_file_changes_the_revision_so_that_articles_are_read_anew(tmp_path: Path) -> None:
    own = tmp_path / "topics.txt"
    own.write_text("medtop:17000000 weather\n  words: scirocco\n", encoding="utf-8")
    assert enricher_revision(load_resources("rules")) != enricher_revision(load_resources("rules", str(own)))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("medtop:99999999 nothing\n", "1: medtop:99999999 is no active"),
        ("# fine\n  words: a\n", "2: a line before the first"),
        ("medtop:17000000\n  wrods: a\n", "2: expected medtop:NNNNNNNN or one of section, words"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, text: str, why: str) -> None:
    own = tmp_path / "topics.txt"
    own.write_text(text, encoding="utf-8")
    with pytest.raises(TopicFileError, match=why):
        read_seeds(own, topics.table())


def test_every_top_topic_has_seeds() -> None:
    table = topics.table()
    seeds = read_seeds(SEEDS, table)
    assert len([key for key, (broader, _) in table.items() if not broader and len(seeds.words[key]) >= 10]) == 17


@pytest.mark.skipif(not MEDIATOPICS.is_dir(), reason="IPTC's own file is not beside the checkout")
def test_every_code_that_words_lead_to_is_in_iptcs_own_file() -> None:
    official = "".join(path.read_text(encoding="utf-8") for path in MEDIATOPICS.glob("*.json"))
    seeds = read_seeds(SEEDS, topics.table())
    assert [key for key in {*seeds.words, *seeds.sections} if key not in official] == []


def test_words_are_read_without_plural_and_possessive() -> None:
    assert words("the ministers\u2019 boxes, a party's parties and glasses: 5-2 news") == (
        "the", "minister", "box", "a", "party", "party", "and", "glass", "5-2", "new",
    )  # fmt: skip


def test_long_and_odd_text_costs_no_more_than_its_first_part(enriched: Run) -> None:
    for body in ("goal " * 40_000, "\u202egoal\x00" * 9_000, "\U0001f525" * 20_000, "GOAL! " * 20_000):
        doc = enriched("Cup final", body)
        assert all(0 < topic.score <= 1 for topic in doc.topics)
        assert "error" not in doc.annotations["topics"]


def test_a_topic_has_the_wikidata_item_that_the_vocabulary_matches(enriched: Run) -> None:
    doc = enriched(
        "Striker scores twice in cup final", "The striker scored twice in the football match. The club won the cup."
    )
    (first, *_) = card(doc, NOW)["topics"]
    assert (first["path"][0], first["ids"]["wikidata"]) == ("sport", topics.wikidata(first["id"]))
    assert topics.wikidata("medtop:15000000") == "Q349"
    assert topics.wikidata("medtop:01000000") is None


def test_an_event_that_is_a_topic_has_its_item(enriched: Run) -> None:
    doc = enriched("Shops open late", "Shops stay open late in Lisbon until Ramadan ends, the mayor said.")
    assert {entity.name: entity.ids.get("wikidata") for entity in doc.entities} == {"Ramadan": "Q41662", "Lisbon": None}
