"""Score model folders beside each other, all with the product's own steps around them (no torch, no network).

    python -m training.ner.beside [--data FOLDER] [--whole FOLDER] [MODEL FOLDER ...]

Ours is scored first. ``--whole`` names a model that reads every word of every sentence, as ``reference.py`` makes one;
the others are read as ours is. Sets: our marked articles, the development sets, what was held out of training, and the
share-alike sets, which no model here was trained on.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bench import quality_marked, quality_real
from bench.quality_rows import Row
from bench.quality_sets import RECASED, SETS, tagging, whole
from services.enrich.ner.groups import Outcome
from services.enrich.ner.model import SHIPPED, NerModel
from services.enrich.ner.reading import Cut, Reading, Said
from services.enrich.ner.spans import LABELS
from services.enrich.ner.windows import parts
from services.enrich.pipeline import load_resources
from services.enrich.resources import Resources
from training.ner.data import Sentence, cased, read, split
from training.ner.evaluate import DATA, Score, alone, joined

SHARE_ALIKE = {
    "uner_ewt_dev_test": "UNER EWT dev+test",
    "gum_train_bio_voyage": "GUM train, biography, voyage",
    "crossner_wikipedia": "CrossNER, five domains",
}


class WholeModel(NerModel):
    """Reads every word of every sentence, each sentence by itself, and believes nothing again."""

    def _readings(self, texts: Sequence[Cut], settled: Mapping[str, Outcome] | None) -> list[Reading]:
        known = self._look_up({word.text for text in texts for sentence in text for word in sentence})
        readings = [Reading(text, known, None) for text in texts]
        for text, reading in zip(texts, readings, strict=True):
            for number, sentence in enumerate(text):
                for window in parts(number, [known[word.text] for word in sentence], range(len(sentence))):
                    if window.chosen:
                        reading.told(window, Said([self._run(window)]), 0)
        return readings


def scores(resources: Resources, folder: Path) -> Iterator[tuple[str, int, list[float]]]:
    """(set, names in it, exact F1 and overlap F1 of all, exact F1 of each type), a set a row."""
    yield from _wire(resources)
    if quality_real.available():
        for title, score in quality_real.scores(resources):
            yield title, *_figures(score)
    tag = tagging(resources)
    _, held = split(folder / "ccby_pd")
    news = [sentence for sentence in held["gum"] if "_news_" in sentence.source.lower()]
    more: dict[str, tuple[list[Sentence], bool]] = {}
    for name, title in SETS.items():
        sentences = read(folder / "eval" / f"{name}.jsonl.gz")
        more[title] = (sentences, True)
        if name == RECASED:
            more[f"{title}, in Title Case"] = ([cased(sentence, "title") for sentence in sentences], False)
            more[f"{title}, IN CAPITALS"] = ([cased(sentence, "upper") for sentence in sentences], False)
    for name, title in (("gum", "GUM train, held-out tenth"), ("wikigold", "WikiGold, held-out tenth")):
        more[title] = (held[name], True)
    if news:
        more["the news of GUM's tenth"] = (news, True)
    for name, title in SHARE_ALIKE.items():
        more[title] = (read(folder / "ccbysa" / f"{name}.jsonl.gz"), name != "crossner_wikipedia")
    for title, (sentences, documents) in more.items():
        score: Score = (joined if documents else alone)(tag, [whole(sentence) for sentence in sentences])
        yield title, *_figures(score)


def _figures(score: Score) -> tuple[int, list[float]]:
    exact, overlap = score.row(LABELS)[2:]
    return sum(score.wanted[label] for label in LABELS), [exact, overlap, *(score.row([one])[2] for one in LABELS)]


def _wire(resources: Resources) -> Iterator[tuple[str, int, list[float]]]:
    found: dict[str, Row] = {
        row.task: row for row in quality_marked.rows(quality_marked.score(quality_marked.marked(resources)))
    }
    every = found["entities"]
    each = [found[task].figures["F1"] for task in quality_marked.NAMES]
    yield quality_marked.SET, int(every.size.split()[0]), [every.figures["F1"], every.figures["overlap F1"], *each]


def main() -> None:
    """Print a Markdown table: a set a row, exact / overlap F1 and exact F1 by type, a column a model."""
    parser = argparse.ArgumentParser(prog="python -m training.ner.beside", description=__doc__.split("\n\n")[0])
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--whole", type=Path)
    given = parser.parse_args()
    models: list[tuple[str, NerModel]] = [("shipped", NerModel.load(SHIPPED))]
    models += [(folder.name, NerModel.load(folder)) for folder in given.models]
    if given.whole:
        models.append((given.whole.name, WholeModel.load(given.whole)))
    plain = load_resources("rules")
    rows: dict[tuple[str, int], list[str]] = {}
    for _, model in models:
        for title, wanted, (exact, overlap, *each) in scores(
            replace(plain, taggers={**plain.taggers, "en": model}), given.data
        ):
            cell = f"{exact:.1f} / {overlap:.1f} ({' '.join(f'{value:.0f}' for value in each)})"
            rows.setdefault((title, wanted), []).append(cell)
    print(f"| set | names | {' | '.join(name for name, _ in models)} |\n|---|---|{'---|' * len(models)}")
    for (title, wanted), cells in rows.items():
        print(f"| {title} | {wanted} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
