"""What is packed comes back as it was, whatever it is, and nothing that was shipped for reading it changes."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.packing import pack_json, pack_like, pack_text, pack_words, unpack, unpack_text, words_of
from shared.slim import slim, whole_rest
from shared.stored import Kept, card_part, pack

# A dictionary is read for as long as anything packed with it is kept: another one gets another number.
SHIPPED = {
    "json-1.dict": "9b2a96b6b2afe802c21c345a4d8d0bf2bfff6d435adad0affec81d28839e028c",
    "text-1.dict": "f4b142cb806b170a78573afcc37a15653a54aa959afebb1013dcbfb340f1b44b",
}
HTML = "<p>LISBON — Maria Duarte said no.</p><p>The ferries stay in port on 3 March.</p>"
BODY = "LISBON — Maria Duarte said no.\n\nThe ferries stay in port on 3 March."
CARD: dict[str, Any] = {"id": 7, "title": "Duarte: no", "entities": [{"id": "person:duarte", "name": "Maria Duarte"}]}
REST: dict[str, Any] = {
    "body_text": BODY,
    "entities": [
        {
            "id": "person:duarte",
            "name": "Maria Duarte",
            "mentions": [
                {"field": "title", "start": 0, "end": 6, "text": "Duarte"},
                {"field": "body_text", "start": 9, "end": 21, "text": "Maria Duarte"},
            ],
        }
    ],
    "quotes": [{"text": "no", "speaker": "Maria Duarte", "start": 27, "end": 29}],
    "dates": [{"text": "3 March", "start": 60, "end": 67, "value": "2026-03-03"}],
    "links": [],
    "annotations": {
        "text": {"revision": "2", "took_ms": 1.2},
        "page": {"revision": "2", "skipped": "page"},
        "names": {"revision": "3", "took_ms": 4.5, "limited": "language"},
    },
}


def test_a_dictionary_that_was_shipped_stays_as_it_is() -> None:
    folder = files("shared") / "dictionaries"
    found = {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in folder.iterdir() if f.name.endswith(".dict")}
    assert found == SHIPPED


@given(st.text(), st.text())
def test_every_text_comes_back(text: str, like: str) -> None:
    assert unpack_text(pack_text(text)) == text
    assert unpack_text(pack_like(text, like), like) == text
    assert unpack(pack_json(text.encode())) == text.encode()


def test_a_publishers_words_come_back_from_wherever_they_stand() -> None:
    assert words_of(None, None, pack_words("No, she said.", HTML)) == ("No, she said.", HTML)
    assert words_of(None, None, pack_words("", HTML)) == ("", HTML)
    assert words_of(None, None, pack_words(None, HTML)) == (None, HTML)
    assert words_of("as a version before wrote it", None, pack_text(HTML)) == ("as a version before wrote it", HTML)
    assert words_of("unpacked", HTML, None) == ("unpacked", HTML)


def test_half_a_pair_of_surrogates_comes_back() -> None:
    assert unpack_text(pack_text("\ud800x")) == "\ud800x"


def test_a_text_is_not_read_beside_another_than_it_was_packed_with() -> None:
    text = "The ferries stay in port. " * 20
    packed = pack_like(text, f"<p>{text}</p>")
    for other in (None, "", f"<p>{text.replace('port', 'dock')}</p>"):
        with pytest.raises(ValueError, match=r"gone|unpacked"):
            unpack(packed, other)


@pytest.mark.parametrize("broken", [b"", b"\x00", b"\x09abc", b"\x01", b"\x01abc", pack_text("abc" * 50)[:-3]])
def test_what_is_broken_is_refused(broken: bytes) -> None:
    with pytest.raises(ValueError, match=r"unpacked|not known"):
        unpack(broken)


def test_an_article_comes_back_whole_and_byte_for_byte() -> None:
    card = orjson.dumps(CARD)
    kept = Kept(pack(CARD, card, REST, HTML), html=HTML)
    assert kept.card == card
    assert orjson.dumps(kept.whole()) == orjson.dumps({**CARD, **REST})
    assert unpack(card_part(kept.packed or b"")) == card
    assert set(kept.annotations()) == {"text", "page", "names"}


def test_what_the_card_or_the_body_says_is_not_said_again() -> None:
    told = slim(CARD, REST)
    assert told["mentions"] == [[-1, 6, 9, 12]]
    assert "entities" not in told
    assert "Duarte" not in str(told["mentions"]) + str(told["dates"])
    assert b"3 March" not in orjson.dumps(told)


@pytest.mark.parametrize(
    "other",
    [
        {"entities": [{**REST["entities"][0], "name": "M. Duarte"}]},
        {
            "entities": [
                {**REST["entities"][0], "mentions": [{"field": "title", "start": 0, "end": 6, "text": "other"}]}
            ]
        },
        {"entities": [{"id": "person:duarte", "name": "Maria Duarte"}]},
        {"quotes": [{"text": "other", "speaker": None, "start": 0, "end": 2}]},
        {"dates": [{"text": "3 March", "start": 60, "end": 99, "value": "2026-03-03"}]},
        {"annotations": {"pipeline": {"error": "died"}}},
        {"body_text": None},
        {"body_text": ""},
    ],
)
def test_what_does_not_fit_stays_as_it_is(other: dict[str, Any]) -> None:
    rest = {**REST, **other}
    assert whole_rest(CARD, orjson.loads(orjson.dumps(slim(CARD, rest))), rest["body_text"]) == rest
    kept = Kept(pack(CARD, orjson.dumps(CARD), rest, HTML), html=HTML)
    assert kept.whole() == {**CARD, **rest}


def test_a_body_whose_html_is_gone_is_null_and_the_rest_is_there() -> None:
    packed = pack(CARD, orjson.dumps(CARD), REST, HTML)
    whole = Kept(packed).whole()
    assert whole["body_text"] is None
    assert whole["annotations"] == REST["annotations"]


def test_rows_from_before_are_read_as_they_are() -> None:
    kept = Kept(None, orjson.dumps(CARD).decode(), orjson.dumps(REST).decode())
    assert kept.whole() == {**CARD, **REST}
    assert kept.card == orjson.dumps(CARD)
    assert kept.annotations() == REST["annotations"]
