"""Offsets hold, and nothing makes the steps fail or take long, whatever a publisher sends."""

# ruff: noqa: SIM905 - lists of words read best as text

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from time import perf_counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.enrich.document import Document, Language
from services.enrich.names.tagger import Found
from services.enrich.pipeline import Resources, enrich
from services.enrich.present import card_json, rest_json
from services.enrich.steps import STEPS
from tests.enrich.articles import NOW, article

NAMES = (
    "Maria Duarte|Duarte's|the Dockers' Union|U.S.|São Paulo|Mod\u0441on|NATO (the North Atlantic Treaty Organization)"
    "|Dr. J. Smith|Lisbon, Portugal|Портo|東京|فرنسا|José|Łódź|Americans|O\u2019Neill"
    "|MARIA DUARTE|Jean-Luc|ﬁn|İstanbul|ẞ"
).split("|")
ODD = (
    "\u200b\u200d\u202e\u0301\u0335\u2028\ufeff\xad\x00\x07\t\n"
    "\U0001f469\u200d\U0001f680\U0001f1f5\U0001f1f9\ud800\u0f43"
)
PIECES = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(
        [" said ", ". ", ", ", " (", ") ", "\n\n", "<p>", "</p>", "<br>", "&amp;", "&#x1F600;", " in ", "\u201c", "’"]
    ),
    st.text(st.sampled_from(ODD), min_size=1, max_size=4),
    st.text(max_size=12),
)
TEXTS = st.lists(PIECES, max_size=60).map("".join)


def offsets_hold(doc: Document) -> None:
    for text in (doc.title, doc.body_text):
        assert unicodedata.is_normalized("NFC", text)
        assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in text.replace("\n", ""))
    for entity in doc.entities:
        assert entity.count == len(entity.mentions) > 0
        last: dict[str, int] = {}
        for mention in entity.mentions:
            assert doc.text_of(mention.field)[mention.start : mention.end] == mention.text
            assert mention.text.strip() == mention.text != ""
            assert mention.start >= last.get(mention.field, 0)
            last[mention.field] = mention.end
    for quote in doc.quotes:
        assert doc.body_text[quote.start : quote.end] == quote.text
    for date in doc.dates:
        assert doc.body_text[date.start : date.end] == date.text


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(title=TEXTS, body=TEXTS, language=st.sampled_from(["en", "de", "ru", "ja", "ar", None]))
def test_every_mention_stands_where_it_says(title: str, body: str, language: str | None, resources: Resources) -> None:
    (doc,) = enrich([article(title, f"<p>{body}</p>", language=language)], resources, clock=perf_counter)
    assert not [note for note in doc.annotations.values() if "error" in note]
    offsets_hold(doc)
    card_json(doc, NOW)
    rest_json(doc)


@dataclass(frozen=True)
class AnySpans:
    """A tagger that may say anything: spans that overlap, are empty, out of order or beyond the text."""

    spans: list[Found]
    revision: str = "any"

    def tag(self, texts: list[str]) -> list[list[Found]]:
        return [self.spans for _ in texts]


SPANS = st.builds(
    Found,
    st.integers(0, 120),
    st.integers(0, 140),
    st.sampled_from(["person", "organisation", "place", "group", "event", "ship"]),
    st.floats(0, 1),
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(title=TEXTS, body=TEXTS, spans=st.lists(SPANS, max_size=25))
def test_offsets_hold_whatever_a_tagger_says(title: str, body: str, spans: list[Found], resources: Resources) -> None:
    lying = replace(resources, taggers={"en": AnySpans(spans)})
    steps = [step for step in STEPS if step.name != "language"]
    docs = [Document(article(title, body))]
    for step in steps[:2]:
        step.run(docs, lying)
    docs[0].language = Language("en", 1.0)
    for step in steps[2:]:
        step.run(docs, lying)
    offsets_hold(docs[0])


SYLLABLES = "ba be bi bo bu ca ce ci co cu da de di do du fa fe fi fo fu ga ge gi go gu".split()
HOSTILE = {
    "one line of 100 KB": "word " * 20_000,
    "one word of 100 KB": "x" * 100_000,
    "one mixed word of 100 KB": "a\u0441" * 50_000,
    "capitals only": "WORD " * 20_000,
    "one name 10,000 times": "Maria Duarte met her. " * 10_000,
    "10,000 names": " ".join(
        f"Ana {a}{b}{c}zo left.".title() for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES[:16]
    ),
    "names of one family": " ".join(f"{a}{b} Duarte left.".title() for a in SYLLABLES for b in SYLLABLES) * 8,
    "one sequence of capitals": "Xavier " * 14_000,
    "parentheses": "(" * 100_000,
    "quotation marks": "\u201c \u201d" * 30_000,
    "full stops": "." * 100_000,
    "initials": "I. M. Pei, " * 9_000,
    "apostrophes": "a'" * 50_000,
    "linking words": "University of the " * 5_500,
    "acronyms": "UN (UN) (UN) " * 8_000,
    "cities": "Paris, " * 14_000,
    "right to left": "مرحبا بكم في فرنسا " * 5_000,
    "no spaces": "大雨で橋が閉鎖された。" * 9_000,
    "emoji": "\U0001f469\u200d\U0001f680 " * 25_000,
    "zero width": "a\u200bB" * 33_000,
    "combining marks": "a" + "\u0316\u0301" * 50_000,
    "nested blocks": "<div>" * 20_000 + "x",
    "unclosed links": '<a href="https://x.example/">x' * 3_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_costs_bounded_work_and_no_error(name: str, resources: Resources) -> None:
    text = HOSTILE[name]
    (doc,) = enrich(
        [article("T", text if text[0] == "<" else f"<p>{text}</p>", language="en")], resources, clock=perf_counter
    )
    assert not [note for note in doc.annotations.values() if "error" in note]
    assert sum(entity.count for entity in doc.entities) <= 20_000
    offsets_hold(doc)


def test_ten_thousand_mentions_are_all_kept_and_exact(resources: Resources) -> None:
    (doc,) = enrich([article("T", "Maria Duarte met her. " * 9_000, language="en")], resources, clock=perf_counter)
    (entity,) = doc.entities
    assert entity.count == 9_000
