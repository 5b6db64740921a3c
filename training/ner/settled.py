"""Write the table of groups of words that the model always says the same of, wherever they stand.

    training texts → the model's outcome for every group of candidate words → those that never or hardly ever differ

Run time believes the table instead of reading the group. Persons by one word are left out: the next article's Davis is
another one, and a place's name may be a family's.
"""

from __future__ import annotations

import argparse
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from services.enrich.ner.groups import Outcome
from services.enrich.ner.model import SETTLED, SHIPPED, NerModel
from services.enrich.ner.spans import LABELS
from training.ner.data import Sentence, split
from training.ner.evaluate import DATA

LEAST = 8  # times a group must stand in the texts
AGREED = 0.99  # of them with the same outcome
SURE = 0.93  # mean probability of the least sure word
_TEXT = 3_000  # characters of neighbouring sentences that are read as one text


def texts(sentences: Iterable[Sentence]) -> Iterator[str]:
    """Neighbouring sentences as texts of the length of an article."""
    text: list[str] = []
    for sentence in sentences:
        if text and sum(map(len, text)) + len(sentence.text) > _TEXT:
            yield "\n".join(text)
            text = []
        text.append(sentence.text)
    if text:
        yield "\n".join(text)


def settled(found: Iterable[tuple[str, Outcome]]) -> Iterator[tuple[str, str, float]]:
    """(group, kind of name or "-", score), sorted, of the groups that are."""
    seen: dict[str, list[Outcome]] = defaultdict(list)
    for key, outcome in found:
        seen[key].append(outcome)
    for key, outcomes in sorted(seen.items()):
        (names, count), *_ = Counter(outcome.names for outcome in outcomes).most_common(1)
        alike = [outcome.sure for outcome in outcomes if outcome.names == names]
        score = sum(alike) / len(alike)
        if len(outcomes) < LEAST or count < AGREED * len(outcomes) or score < SURE:
            continue
        words = key.count(" ") + 1
        if not names:
            yield key, "-", score
        elif len(names) == 1 and names[0][:2] == (0, words) and (words > 1 or LABELS[names[0][2]] != "person"):
            yield key, LABELS[names[0][2]], score


def sets(train: dict[str, list[Sentence]]) -> dict[str, list[Sentence]]:
    """Those of the training sets that are written as articles are."""
    return {name: train[name] for name in ("wikigold", "gum", "re3d", "gmb")}


def write(model: NerModel, train: dict[str, list[Sentence]], folder: Path) -> int:
    """Write the table beside the model and name its digest in ``SHA256SUMS``; how many groups are settled."""
    found = (one for sentences in train.values() for text in texts(sentences) for one in model.outcomes([text]))
    lines = [f"{key}\t{kind}\t{score:.3f}\n" for key, kind, score in settled(found)]
    (folder / SETTLED).write_text("".join(lines), encoding="utf-8")
    sums = folder / "SHA256SUMS"
    kept = [line for line in sums.read_text(encoding="ascii").splitlines() if not line.endswith(f"  {SETTLED}")]
    kept.append(f"{hashlib.sha256((folder / SETTLED).read_bytes()).hexdigest()}  {SETTLED}")
    sums.write_text("\n".join(kept) + "\n", encoding="ascii")
    return len(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the table of a model folder anew; about a minute of one core, without torch."""
    parser = argparse.ArgumentParser(prog="python -m training.ner.settled", description="Settle groups of words.")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--model", type=Path, default=SHIPPED)
    given = parser.parse_args(arguments)
    train, _ = split(given.data / "ccby_pd")
    print(f"{write(NerModel.load(given.model), sets(train), given.model)} groups are settled")


if __name__ == "__main__":
    main()
