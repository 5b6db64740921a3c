"""Measure the shipped model: precision, recall and F1 per type, exact and overlapping, and milliseconds per 500 words.

    python -m training.ner.evaluate [--data FOLDER] [--model FOLDER]

The development sets and the documents held out of training are read as the product reads articles (all sentences of a
document as one text), then each sentence alone in its own casing, in Title Case and in capitals.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from services.enrich.ner.model import SHIPPED, NerModel
from services.enrich.ner.spans import LABELS, Span
from training.ner.data import Sentence, cased, read, split

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "enrich" / "ner"
Tag = Callable[[Sequence[str]], list[list[Span]]]


class Score:
    """Counts of right, given and wanted names."""

    def __init__(self) -> None:
        self.right: Counter[str] = Counter()
        self.touching: Counter[str] = Counter()
        self.touched: Counter[str] = Counter()
        self.given: Counter[str] = Counter()
        self.wanted: Counter[str] = Counter()

    def add(self, spans: Sequence[Span], sentence: Sentence) -> None:
        """Count one sentence; a name overlaps when it shares a character and the type with a wanted one."""
        gold = {(start, end, LABELS[kind]) for start, end, kind in sentence.names}
        for span in spans:
            self.given[span.label] += 1
            self.right[span.label] += (span.start, span.end, span.label) in gold
            self.touching[span.label] += any(s < span.end and e > span.start and k == span.label for s, e, k in gold)
        for start, end, label in gold:
            self.wanted[label] += 1
            self.touched[label] += any(s.start < end and s.end > start and s.label == label for s in spans)

    def row(self, labels: Sequence[str]) -> tuple[float, float, float, float]:
        """Give precision, recall and F1 of exact spans, and F1 of overlapping ones, in percent, over ``labels``."""

        def total(counts: Counter[str]) -> int:
            return sum(counts[label] for label in labels)

        given, wanted = max(total(self.given), 1), max(total(self.wanted), 1)
        exact = _f1(total(self.right) / given, total(self.right) / wanted)
        overlap = _f1(total(self.touching) / given, total(self.touched) / wanted)
        return 100 * total(self.right) / given, 100 * total(self.right) / wanted, 100 * exact, 100 * overlap


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def alone(tag: Tag, sentences: Sequence[Sentence]) -> Score:
    """Tag each sentence as a text of its own."""
    score = Score()
    for spans, sentence in zip(tag([s.text for s in sentences]), sentences, strict=True):
        score.add(spans, sentence)
    return score


def joined(tag: Tag, sentences: Sequence[Sentence]) -> Score:
    """Tag all sentences of one source as one text."""
    documents: dict[str, list[Sentence]] = {}
    for sentence in sentences:
        documents.setdefault(sentence.source, []).append(sentence)
    score = Score()
    for parts in documents.values():
        spans = tag(["\n".join(part.text for part in parts)])[0]
        at = 0
        for part in parts:
            stop = at + len(part.text)
            inside = [Span(s.start - at, s.end - at, s.label, s.score) for s in spans if at <= s.start < stop]
            score.add(inside, part)
            at = stop + 1
    return score


def sets(folder: Path) -> dict[str, list[Sentence]]:
    """Read the development sets and the held-out part of the training sets."""
    _, held = split(folder / "ccby_pd")
    found = {f"{name} held out": sentences for name, sentences in held.items()}
    for path in sorted((folder / "eval").glob("*.jsonl.gz")):
        found[path.name.removesuffix(".jsonl.gz")] = read(path)
    return found


def speed(tag: Tag, sentences: Sequence[Sentence], *, rounds: int = 3) -> list[float]:
    """Give CPU milliseconds per 500 words for each article of about 500 words made of neighbouring sentences."""
    articles: list[list[str]] = [[]]
    for sentence in sentences:
        if sum(len(text.split()) for text in articles[-1]) >= 500:
            articles.append([])
        articles[-1].append(sentence.text)
    taken = []
    for article in articles:
        text = "\n".join(article)
        count = len(text.split())
        if count < 400:
            continue
        best = []
        for number in range(rounds):
            began = time.process_time()
            tag([text + " " * number])  # the model keeps what it found in the very same text
            best.append(time.process_time() - began)
        taken.append(min(best) * 1000 * 500 / count)
    return taken


def report(tag: Tag, found: dict[str, list[Sentence]]) -> list[str]:
    """Write the table of all sets and casings, as Markdown rows."""
    lines = [
        "| set | read | P | R | F1 | overlap F1 | person | organisation | place |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, sentences in found.items():
        measured = {"whole documents": joined(tag, sentences), "sentence alone": alone(tag, sentences)}
        for how in ("title", "upper", "lower"):
            measured[f"alone, {how} case"] = alone(tag, [cased(s, how) for s in sentences])
        for how, score in measured.items():
            whole = " | ".join(f"{value:.1f}" for value in score.row(LABELS))
            each = " | ".join(f"{score.row([label])[2]:.1f}" for label in LABELS)
            lines.append(f"| {name} | {how} | {whole} | {each} |")
    return lines


def main() -> None:
    """Print the scores and the speed of a model folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--model", type=Path, default=SHIPPED)
    given = parser.parse_args()
    model = NerModel.load(given.model)
    found = sets(given.data)
    print("\n".join(report(model.tag, found)))
    for name in ("uner_pud_wikipedia_ccbysa", "wikigold held out", "gum_nonnews_devtest_ccby"):
        taken = speed(model.tag, found[name])
        print(f"{name}: median {statistics.median(taken):.1f} ms CPU per 500 words ({len(taken)} texts)")
    news = read(given.data / "ccby_pd" / "gmb_voa_silver.jsonl.gz")[:1500]
    taken = speed(model.tag, news)
    median, worst = statistics.median(taken), max(taken)
    print(f"news wire (GMB): median {median:.1f}, worst {worst:.1f} ms CPU per 500 words ({len(taken)} texts)")


if __name__ == "__main__":
    main()
