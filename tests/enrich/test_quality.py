"""The scorecard on our own marked articles holds its floors, and would say so if it did not."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from bench import quality_beside, quality_languages, quality_numbers
from bench.quality_marked import MARKS, MarkError, Scores, desk, desk_rows, languages, marked, rows, score
from bench.quality_rows import Counts, Row, floors, under
from bench.quality_sets import rouge
from services.enrich import pipeline
from services.enrich.pipeline import Resources, load_resources

WEIGHTS = Path(pipeline.__file__).parent / "models/ner/model.onnx"


@pytest.mark.skipif(not WEIGHTS.exists(), reason="the entity model's weights are not in this checkout")
def test_the_marked_articles_hold_their_floors() -> None:
    default = load_resources("default")
    pairs = marked(default)
    found = [*rows(score(pairs)), *quality_numbers.rows(default, pairs), *quality_languages.own(default)]
    found += [languages(default), *desk_rows(score(desk(default)))]
    assert {row.key for row in found} <= set(floors()), "a row without a floor"
    assert under(found, floors()) == []


def test_the_rules_tier_holds_its_floors(resources: Resources) -> None:
    found = rows(score(marked(resources)), " (rules tier)")
    assert {row.key for row in found} <= set(floors()), "a row without a floor"
    assert under(found, floors()) == []


def test_at_least_forty_articles_are_marked() -> None:
    assert len(tomllib.loads(MARKS.read_text(encoding="utf-8"))) >= 40


def test_a_mark_that_is_not_in_its_article_is_an_error(tmp_path: Path, resources: Resources) -> None:
    marks = tmp_path / "marks.toml"
    marks.write_text('[bumblebee-arithmetic]\npersons = ["Nobody Atall"]\n', encoding="utf-8")
    with pytest.raises(MarkError, match="Nobody Atall"):
        marked(resources, marks)
    marks.write_text('[bumblebee-arithmetic]\nquotes = ["We never said > Jolien Verbruggen"]\n', encoding="utf-8")
    with pytest.raises(MarkError, match="We never said"):
        marked(resources, marks)


def test_a_wrong_mark_costs_what_it_should(tmp_path: Path, resources: Resources) -> None:
    marks = tmp_path / "marks.toml"
    marks.write_text(
        '[bumblebee-arithmetic]\npersons = ["Jolien Verbruggen"]\norganisations = ["University of Ghent"]\n'
        'quotes = ["We do not know why > Jolien Verbruggen"]\n',
        encoding="utf-8",
    )
    right = {row.task: row.figures for row in rows(score(marked(resources, marks)))}
    assert right["entities"]["F1"] == right["speakers"]["right"] == right["folding"]["one thing, one entity"] == 100
    marks.write_text(
        '[bumblebee-arithmetic]\norganisations = ["University of Ghent", "Jolien", "Verbruggen"]\n'
        'quotes = ["We do not know why > University of Ghent"]\n',
        encoding="utf-8",
    )
    wrong = {row.task: row.figures for row in rows(score(marked(resources, marks)))}
    assert wrong["entities"] == {"P": 50.0, "R": 33.3, "F1": 40.0, "overlap F1": 40.0}
    assert wrong["speakers"]["right"] == 0
    assert wrong["folding"]["one thing, one entity"] == 33.3
    assert wrong["type"]["right"] == 33.3


def test_an_empty_scorecard_is_under_every_floor() -> None:
    fallen = under(rows(Scores()), floors())
    assert len(fallen) >= 10


def test_a_floor_without_its_figure_is_under_it_too() -> None:
    row = Row("persons", "en", "some set", "3 names", {"F1": 80.0, "entities per thing": 1.2})
    assert under([row], {row.key: {"F1": 80.0, "entities per thing": 1.2}}) == []
    assert len(under([row], {row.key: {"F1": 80.1, "entities per thing": 1.1, "P": 1.0}})) == 3


def test_precision_recall_and_f1() -> None:
    counts = Counts(given=4, right=2, wanted=8, found=2)
    assert counts.figures() == {"P": 50.0, "R": 25.0, "F1": 33.3}
    assert Counts().figures() == {"P": 0.0, "R": 0.0, "F1": 0.0}


def test_rouge_counts_shared_runs_of_words() -> None:
    assert rouge("the old bridge closed", "The old bridge, closed!", 2) == 1
    assert rouge("the old bridge", "the new bridge", 1) == pytest.approx(2 / 3)
    assert rouge("the old bridge", "the new bridge", 2) == 0


def test_a_plug_in_stands_beside_ours_with_the_figures_it_had(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    assert quality_beside.table([], kept) == ""
    theirs = {"persons: a": {"F1": 61.0, "overlap F1": 63.0}, "persons: gone": {"F1": 1.0, "overlap F1": 1.0}}
    kept.write_text(json.dumps({"package": "some_model", "version": "3.8", "figures": theirs}), encoding="utf-8")
    ours = [
        Row("persons", "en", "a", "9 names", {"F1": 84.0, "overlap F1": 90.0}),
        Row("dates", "en", "a", "9", {"F1": 1.0}),
    ]
    lines = quality_beside.table(ours, kept).splitlines()
    assert lines[-1] == "| persons | en | a | 9 names | 84.0 | 61.0 | 90.0 | 63.0 |"
    assert sum(line.startswith("| persons") for line in lines) == 1
