"""Static vectors: of length one, near for like matters, and none for what the table cannot read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import pytest

from services.enrich.document import Document
from services.enrich.embedding import SHIPPED, Embedding, packed


@pytest.fixture(scope="module")
def embedding() -> Embedding:
    return Embedding()


def test_texts_on_one_matter_are_nearer_than_others(embedding: Embedding) -> None:
    quake, tremor, cup = embedding.unit(
        [
            "An earthquake shook the city and buildings collapsed",
            "Houses fell as a strong quake hit the town",
            "The striker scored twice in the cup final",
        ]
    )
    assert quake @ tremor > 0.4
    assert quake @ cup < 0.2
    assert np.allclose([quake @ quake, cup @ cup], 1, atol=1e-5)


def test_a_text_of_another_script_has_no_vector(embedding: Embedding) -> None:
    assert not embedding.unit(["", "地震が起きた", "\U0001f30b\U0001f30b"]).any()
    assert packed(embedding.unit([""])[0]) is None


@pytest.mark.parametrize(
    "text",
    [
        "The Dockers' Union of Gda\u0144sk,\n\nfounded in 1980,  met again.",
        "a\u00a0b \u2028c\td [PAD] x[UNK]y e\u0301 \u0301 \u6771\u4eacabc",
        "A" * 300 + " " + "zq" * 90,
        "",
    ],
)
def test_a_text_has_the_same_pieces_whether_its_words_were_met_before_or_not(embedding: Embedding, text: str) -> None:
    whole = embedding._tokenizer.encode(text, add_special_tokens=False).ids
    assert embedding.pieces(text) == embedding.pieces(text) == whole


def test_a_packed_vector_keeps_its_direction(embedding: Embedding) -> None:
    (vector,) = embedding.unit(["Fishermen hailed as passengers are brought ashore"])
    raw = packed(vector)
    assert raw is not None
    assert len(raw) == embedding.width == 256
    again = np.frombuffer(raw, np.int8).astype(float)
    assert again @ vector / np.linalg.norm(again) > 0.999


def test_english_articles_get_one_and_others_say_why_not(enriched: Callable[..., Document]) -> None:
    assert enriched("The bridge is shut", "It was shut at noon after the flood.").embedding
    doc = enriched("Die Brücke ist gesperrt", "Sie wurde am Mittag nach der Flut gesperrt, sagte die Bürgermeisterin.")
    assert doc.embedding is None
    assert doc.annotations["embedding"]["skipped"] == "language"


def test_the_shipped_files_are_those_the_card_names() -> None:
    card = (SHIPPED / "MODEL_CARD.md").read_text(encoding="utf-8")
    for line in (SHIPPED / "SHA256SUMS").read_text(encoding="ascii").splitlines():
        digest, name = line.split()
        assert hashlib.sha256((SHIPPED / name).read_bytes()).hexdigest() == digest
        assert digest in card
