"""`WIREDESK_NER=spacy:<package>`: a pipeline of one's own serves its language beside the default."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from time import perf_counter

import pytest

from services.enrich.names.spacy import load_spacy
from services.enrich.pipeline import enrich, enricher_revision, load_resources
from tests.enrich.articles import article

PACKAGE = "tiny_fr_pipeline"
TEXTS = [
    ("Claire Morel arrive à Nantes", [(0, 12, "PER"), (22, 28, "LOC")]),
    ("La mairie de Nantes appelle Claire Morel", [(13, 19, "LOC"), (28, 40, "PER")]),
    ("Claire Morel quitte la Banque du Port", [(0, 12, "PER"), (23, 37, "ORG")]),
    ("La Banque du Port est à Nantes", [(3, 17, "ORG"), (24, 30, "LOC")]),
]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A pipeline trained here on four sentences until it knows them, installed as an importable package."""
    spacy = pytest.importorskip("spacy", reason="spaCy is not installed: it is no dependency")
    example = importlib.import_module("spacy.training").Example
    pipeline = spacy.blank("fr")
    pipeline.add_pipe("ner")
    pipeline.add_pipe("sentencizer")
    examples = [example.from_dict(pipeline.make_doc(text), {"entities": names}) for text, names in TEXTS]
    optimizer = pipeline.initialize(lambda: examples)
    for _ in range(60):
        pipeline.update(examples, sgd=optimizer)
    home = tmp_path / PACKAGE
    home.mkdir()
    pipeline.to_disk(home / "data")
    load = "import spacy, pathlib\ndef load():\n    return spacy.load(pathlib.Path(__file__).parent / 'data')\n"
    (home / "__init__.py").write_text(load, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, PACKAGE, raising=False)
    return PACKAGE


def test_a_pipelines_names_become_entities_of_its_language(package: str) -> None:
    resources = load_resources(f"spacy:{package}")
    french, english = enrich(
        [
            article("", "Claire Morel arrive à Nantes. La mairie de Nantes appelle Claire Morel.", language="fr"),
            article("Talks in Lisbon", "Maria Duarte was in Lisbon for the talks on Monday."),
        ],
        resources,
        clock=perf_counter,
    )
    assert {entity.id for entity in french.entities} >= {"person:claire-morel", "place:geonames:2990969"}
    assert "person:maria-duarte" in {entity.id for entity in english.entities}
    assert enricher_revision(resources) != enricher_revision(load_resources("rules"))


def test_a_package_that_is_no_pipeline_is_refused() -> None:
    pytest.importorskip("spacy", reason="spaCy is not installed: it is no dependency")
    with pytest.raises(ValueError, match="no spaCy pipeline"):
        load_spacy("email")
