"""Text that nobody would write: every step comes to an end with it, its offsets hold, its lists stay short.

No clock: what a step does is counted in calls of functions, for a text and for one twice as long.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.enrich.document import Document
from services.enrich.pipeline import Resources, enrich
from services.enrich.present import card_json, rest_json
from tests.enrich.articles import NOW, article

KB100 = 100_000
TEXTS = {
    "one word of 100 KB": "a" * KB100,
    "one line of 100 KB": "The mayor of Lisbon said on Monday that it rained " * (KB100 // 50),
    "10,000 mentions": "Maria Duarte met Rui Costa in Lisbon. " * 3_334,
    "10,000 names in capitals": "MARIA DUARTE SAID SHE MET RUI COSTA IN LISBON. " * 2_000,
    "quotes that never close": "\u201cHe said \u201cshe said \u00abthey said " * 3_000,
    "commas and verbs": "said, Maria Duarte, said, " * 4_000,
    "dates": "On Monday 3 May 2025, last Tuesday, by June, three days ago, in 1998, " * 1_500,
    "right to left": "\u200f\u0642\u0627\u0644\u062a \u0641\u064a \u0644\u0634\u0628\u0648\u0646\u0629 \u202e" * 5_000,
    "emoji": "\U0001f469\u200d\U0001f692\U0001f525 Lisbon \U0001f1f5\U0001f1f9 " * 5_000,
    "NULs and controls": "Maria\x00 Duarte\x07 said\x1b in Lis\x00bon on Mon\x00day. " * 2_500,
    "zero width": "Ma\u200bria Du\u2060arte s\u200daid in Lis\ufeffbon. " * 3_000,
    "look-alike letters": "M\u0430ri\u0430 Du\u0430rte of M\u043edc\u043en said so in Lisb\u043en. " * 2_500,
    "combining marks": "L" + "\u0301" * 50_000 + "isbon said so.",
    "brackets and stops": "(((...!!!???)))" * 7_000,
    "new lines": "\n" * KB100,
    "commas": "," * KB100,
    "dashes": "\u2014 " * (KB100 // 2),
    "addresses": "https://example.org/a@b.c?d=e " * 3_500,
    "one family": " ".join(f"Mari{n:x}a Reis told Reis that she was late." for n in range(2_500)),
    "bodies of bodies": "The Food and Water Commission of Growers for the Union of Teachers said so. " * 1_200,
    "casualties": "Two men and three men, two of them old, and killed a man, the toll of lives. " * 1_200,
    "quotes over paragraphs": "\u201cWe will not stop, she said.\n\n" * 3_000,
    "lone surrogates": "Lisbon \ud800 said \udfff " * 4_000,
}  # fmt: skip


def sound(doc: Document) -> None:
    """Nothing failed, every offset is exact, every list has its limit, and the JSON can be written."""
    assert {name: note["error"] for name, note in doc.annotations.items() if "error" in note} == {}
    for entity in doc.entities:
        for mention in entity.mentions:
            text = doc.title if mention.field == "title" else doc.body_text
            assert text[mention.start : mention.end] == mention.text != ""
    for quote in doc.quotes:
        assert doc.body_text[quote.start : quote.end] == quote.text != ""
    for date in doc.dates:
        assert doc.body_text[date.start : date.end] == date.text != ""
    assert len(doc.quotes) <= 160
    assert len(doc.dates) <= 200
    assert len(doc.keywords) <= 10
    assert len(doc.topics) <= 3
    assert len(doc.summary) <= 4
    assert card_json(doc, NOW)
    assert rest_json(doc)


@pytest.mark.parametrize("name", TEXTS)
def test_no_text_breaks_a_step(name: str, resources: Resources) -> None:
    text = TEXTS[name]
    for title, body in (("Flood at Lisbon", text), (text[:5_000], text[:5_000])):
        (doc,) = enrich([article(title, f"<p>{body}</p>", language="en")], resources, clock=perf_counter)
        sound(doc)


def _calls(run: Callable[[], object]) -> int:
    """Functions called, of Python and of C."""
    count = 0

    def counting(_frame: object, event: str, _arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counting)
    try:
        run()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize(
    "name", ["one line of 100 KB", "10,000 mentions", "quotes that never close", "commas and verbs", "dates"]
)
def test_twice_the_text_takes_at_most_about_twice_the_calls(name: str, resources: Resources) -> None:
    text = TEXTS[name]

    def read(length: int) -> None:
        enrich([article("Flood", f"<p>{text[:length]}</p>", language="en")], resources, clock=perf_counter)

    read(1_000)  # what is loaded at first use
    half, whole = _calls(lambda: read(KB100 // 4)), _calls(lambda: read(KB100 // 2))
    assert whole <= 2.6 * half, f"{half} calls for a text, {whole} for one twice as long"


PIECES = [
    "Maria Duarte", "M\u0430ria", "Lisbon", "LISBON", "O'Neil\u2019s", "U.N.", "said", "told reporters that",
    "on Monday", "by June", "3 May", ",", ".", "\n\n", "\u201c", "\u201d", '"', "\u00ab", "(", ")", " \u2014 ",
    "according to", "He", "the", "\u200b", "\x00", "\u0301", "\U0001f525", "\u0634\u0628", "\u6771\u4eac", "2027",
    "$5m", "&amp;", "<b>", "</b>", "<br>", "  ", "\ufeff", "\u00df", "\u0130",
]  # fmt: skip


@settings(
    max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    body=st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=60),
    title=st.lists(st.sampled_from(PIECES), max_size=8),
    joint=st.sampled_from([" ", ""]),
)
def test_offsets_are_exact_whatever_is_written(
    resources: Resources, body: list[str], title: list[str], joint: str
) -> None:
    one = article(joint.join(title), f"<p>{joint.join(body)}</p>", language="en")
    sound(enrich([one], resources, clock=perf_counter)[0])
