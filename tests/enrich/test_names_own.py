"""Names that the operator supplies."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import pytest

from services.enrich.document import Document
from services.enrich.names.own import OwnNames, OwnNamesError, read
from services.enrich.pipeline import enrich, enricher_revision, load_resources
from tests.enrich.articles import article

LIST = """type,name,aliases,wikidata,lei
organisation,Coastal Transport Authority,CTA|Küstenamt,Q42,
person,Anna Téixeira,A. Teixeira|アナ,,
product,Halcyon Two,,,
"""


@pytest.fixture(scope="module")
def names() -> OwnNames:
    return read(LIST)


def _found(names: OwnNames, text: str) -> list[tuple[str, str]]:
    return [(text[a:z], entity.id) for a, z, entity in names.find(text)]


def test_every_form_of_a_name_is_found_as_a_whole_word(names: OwnNames) -> None:
    text = "Das Küstenamt (CTA), not the CTAX or the ICTA; CTA's ships."
    authority = "organisation:coastal-transport-authority"
    assert _found(names, text) == [("Küstenamt", authority), ("CTA", authority), ("CTA", authority)]


def test_a_script_without_spaces_has_no_words_to_cut(names: OwnNames) -> None:
    assert _found(names, "昨日アナが来た") == [("アナ", "person:anna-teixeira")]


def test_look_alike_letters_do_not_hide_a_name(names: OwnNames) -> None:
    assert _found(names, "the Соastal Transport Authority") == [
        ("Соastal Transport Authority", "organisation:coastal-transport-authority")
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1: the header lacks type, name, aliases"),
        ("type,name,aliases\nrobot,R2,", "line 2: type 'robot'"),
        ("type,name,aliases\nplace,Lisbon,", "line 2: type 'place'"),
        ("type,name,aliases\nperson,,x", "line 2: a name must hold letters"),
        ("type,name,aliases\nperson,Ann,\nperson,Ann,", "line 3: 'Ann' is there twice"),
        ("type,name,aliases\nperson,Ann,Annie\nperson,Bo,Annie", "line 3: 'Annie' is also a name of 'Ann'"),
    ],
)
def test_a_line_that_does_not_fit_is_named(text: str, told: str) -> None:
    with pytest.raises(OwnNamesError, match=told):
        read(text)


def _enriched(tmp_path: Path, body: str, language: str = "en") -> Document:
    path = tmp_path / "names.csv"
    path.write_text(LIST, encoding="utf-8")
    return enrich([article("", body, language=language)], load_resources("rules", own=path), clock=perf_counter)[0]


def test_an_entity_of_the_list_has_its_name_and_its_identifiers(tmp_path: Path) -> None:
    doc = _enriched(tmp_path, "The CTA grounded Halcyon Two. A. Teixeira of the Coastal Transport Authority was calm.")
    known = {e.id: (e.type, e.name, e.ids, e.count) for e in doc.entities}
    assert known["organisation:coastal-transport-authority"] == (
        "organisation", "Coastal Transport Authority", {"wikidata": "Q42"}, 2,
    )  # fmt: skip
    assert known["person:anna-teixeira"] == ("person", "Anna Téixeira", {}, 1)
    assert known["product:halcyon-two"][1] == "Halcyon Two"
    assert all(doc.text_of(m.field)[m.start : m.end] == m.text for e in doc.entities for m in e.mentions)


def test_the_list_serves_other_languages_too(tmp_path: Path) -> None:
    doc = _enriched(tmp_path, "Das Küstenamt warnte am Montag vor der Flut, die am Abend kommen soll.", "de")
    assert [e.id for e in doc.entities] == ["organisation:coastal-transport-authority"]


def test_another_list_is_another_revision(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text(LIST, encoding="utf-8")
    assert enricher_revision(load_resources("rules", own=path)) != enricher_revision(load_resources("rules"))


def test_a_file_that_is_not_there_is_told_with_the_setting(tmp_path: Path) -> None:
    with pytest.raises(OwnNamesError, match="WIREDESK_ENTITIES"):
        load_resources("rules", own=tmp_path / "none.csv")
