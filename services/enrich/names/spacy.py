"""Names by an installed spaCy pipeline (`WIREDESK_NER=spacy:<import name>`), which serves its own language.

spaCy itself is no dependency: it comes with the pipeline's package. Three label sets are in use and are mapped here:
OntoNotes (PERSON, GPE, NORP ...), WikiNER (PER, LOC, ORG) and Sekine's hierarchy (Person, Country, Company ...).
"""

from __future__ import annotations

import importlib
from typing import Any

from services.enrich.names.tagger import Found

SCORE = 0.8  # spaCy gives none: about the share of names that are right with its small pipelines
MAX_CHARS = 100_000  # of one text: spaCy's own limit is a million, at a gigabyte of memory
_LABELS = {
    "PERSON": "person", "PER": "person", "PERS": "person", "PSN": "person", "PERSNAME": "person",
    "ORG": "organisation", "ORGANIZATION": "organisation", "ORGNAME": "organisation", "OGZ": "organisation",
    "COMPANY": "organisation", "POLITICAL_PARTY": "organisation", "GOVERNMENT": "organisation",
    "PRO_ORGANIZATION": "organisation",
    "CORPORATION_OTHER": "organisation", "SHOW_ORGANIZATION": "organisation",
    "INTERNATIONAL_ORGANIZATION": "organisation",
    "GPE": "place", "LOC": "place", "FAC": "place", "PLACENAME": "place", "LCN": "place", "CITY": "place",
    "COUNTRY": "place",
    "PROVINCE": "place", "COUNTY": "place", "GPE_OTHER": "place", "LOCATION_OTHER": "place",
    "CONTINENTAL_REGION": "place",
    "DOMESTIC_REGION": "place", "RIVER": "place", "SEA": "place", "ISLAND": "place", "MOUNTAIN": "place",
    "FACILITY": "place",
    "NORP": "group", "NATIONALITY": "group",
    "EVENT": "event", "EVT": "event", "WORK_OF_ART": "work", "PRODUCT": "product",
}  # fmt: skip


class SpacyTagger:
    """A spaCy pipeline as a tagger. Labels outside the map are left out."""

    def __init__(self, pipeline: Any) -> None:
        """`pipeline` is a loaded `spacy.Language` with an entity recogniser."""
        self._pipeline = pipeline
        meta = pipeline.meta
        self.revision = f"spacy:{meta.get('lang')}_{meta.get('name')}-{meta.get('version')}"

    def tag(self, texts: list[str]) -> list[list[Found]]:
        """The names of each text."""
        docs = self._pipeline.pipe(text[:MAX_CHARS] for text in texts)
        return [
            [
                Found(entity.start_char, entity.end_char, _LABELS[label], SCORE)
                for entity in doc.ents
                if (label := entity.label_.upper()) in _LABELS
            ]
            for doc in docs
        ]


def load_spacy(package: str) -> tuple[str, SpacyTagger]:
    """The language and the tagger of an installed pipeline package, by its import name.

    Raises ImportError where the package or spaCy is not installed, and ValueError for a package that is no pipeline or
    recognises no entities.
    """
    module = importlib.import_module(package)
    spacy = importlib.import_module("spacy")
    if hasattr(module, "load"):
        pipeline = module.load()
    elif hasattr(module, "model_path"):
        pipeline = spacy.load(module.model_path())
    else:
        raise ValueError(f"WIREDESK_NER=spacy:{package}: this package is no spaCy pipeline (nothing to load)")
    if "ner" not in pipeline.pipe_names:
        raise ValueError(f"WIREDESK_NER=spacy:{package}: the pipeline recognises no entities ({pipeline.pipe_names})")
    needed = {"ner", "tok2vec", "transformer"}
    for name in [name for name in pipeline.pipe_names if name not in needed]:
        pipeline.disable_pipe(name)
    return str(pipeline.lang), SpacyTagger(pipeline)
