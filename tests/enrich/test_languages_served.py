"""What each step serves: in every other language its annotation says so, and nothing is made up."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import pytest

from bench.quality_languages import read
from services.enrich import pipeline
from services.enrich.document import Document
from services.enrich.pipeline import Resources, enrich, load_resources
from services.enrich.steps import STEPS
from tests.enrich.articles import article

WEIGHTS = Path(pipeline.__file__).parent / "models/ner/model.onnx"
pytestmark = pytest.mark.skipif(not WEIGHTS.exists(), reason="the entity model's weights are not in this checkout")


@pytest.fixture(scope="module")
def default() -> Resources:
    return load_resources("default")


@pytest.fixture(scope="module")
def docs(default: Resources) -> list[Document]:
    """A text of each language's own lines."""
    texts: dict[str, list[str]] = {}
    for code, line in read():
        texts.setdefault(code, []).append(line)
    found = enrich(
        [article(lines[0], " ".join(lines), language=code) for code, lines in texts.items()],
        default,
        clock=perf_counter,
    )
    assert [doc.language.code for doc in found if doc.language] == list(texts)
    return found


def test_a_step_that_does_not_serve_a_language_says_so(docs: list[Document], default: Resources) -> None:
    for doc in docs:
        assert doc.language is not None
        for step in STEPS:
            served = step.languages is None or doc.language.code in step.languages
            told = doc.annotations[step.name]
            if step.name in default.off or step.name == "page":
                assert told["skipped"] in ("off", "page")
            else:
                assert told.get("skipped") == (None if served else "language"), (doc.language.code, step.name)
            assert "error" not in told


def test_a_step_that_serves_a_language_in_part_says_so(docs: list[Document], default: Resources) -> None:
    for doc in docs:
        assert doc.language is not None
        for name, whole in default.whole_languages.items():
            told = doc.annotations[name]
            if "skipped" not in told:
                assert told.get("limited") == (None if doc.language.code in whole else "language"), (
                    doc.language.code,
                    name,
                )


def test_the_bundled_model_makes_no_names_of_other_languages(docs: list[Document]) -> None:
    """Capitalised nouns of German, the shouting of none: nothing there is a person or an organisation."""
    for doc in docs:
        assert doc.language is not None
        assert doc.language.code == "en" or {mention.type for mention in doc.mentions} <= {"place"}, doc.language.code


def test_nothing_english_is_told_of_other_languages(docs: list[Document]) -> None:
    for doc in docs:
        assert doc.language is not None
        if doc.language.code != "en":
            assert (doc.dates, doc.numbers, doc.embedding, doc.sentiment) == ((), (), None, None)
