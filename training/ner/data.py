"""Labelled sentences: read, cleaned, split into train and held-out, cased anew and packed into windows.

Only CC BY and public-domain sets are trained on (see MODEL_CARD.md for each set's source, licence and authors). The
words, shapes, candidates and trimming are the product's own functions, so that training sees what run time sees.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from services.enrich.ner.spans import trim
from services.enrich.ner.words import Shape, Word, candidates, listed, shape, surroundings, words

#: The tag of a word that is not learned from.
IGNORED = -100
KINDS = {"PER": 0, "ORG": 1, "LOC": 2}
#: Share of a set's sentences used in one pass (above 1: seen several times), the weight of its loss, and how far the
#: second model believes the first one instead of the set's own labels.
PASSES = {
    "wikigold": (3.0, 1.0, 0.3),
    "gum": (3.0, 1.0, 0.3),
    "re3d": (1.0, 0.6, 0.4),
    "wnut17": (0.5, 0.7, 0.4),
    "btc": (0.5, 0.5, 0.5),
    "gmb": (0.4, 0.7, 0.8),
    "ecb": (1.0, 0.7, 1.0),  # has no labels of names: for the second model alone
}
FILES = (
    "wikigold",
    "gum_train_news_interview_academic_court",
    "re3d_gov",
    "wnut17_train_dev",
    "broad_twitter",
    "gmb_voa_silver",
)
#: Edited text marked by people, in which organisations may change names.
SWAPPED = ("wikigold", "gum", "re3d")
#: How far around candidates is read, in words; run time reads a distance in the middle of these.
REACHES = (4, 5, 6, 8)
#: Small words that US headlines keep in lower case.
_SMALL = listed("a an and as at but by for from in into of on or the to vs with")


@dataclass(frozen=True)
class Sentence:
    """A sentence with gold names: code points into ``text``, kinds as in ``KINDS``."""

    text: str
    names: tuple[tuple[int, int, int], ...]
    source: str
    labelled: bool = True  # False: nobody has marked names in it


@dataclass(frozen=True)
class Example:
    """A sentence ready for the model; one tag and one shape a word, ``chosen`` the candidate positions."""

    words: tuple[str, ...]
    shapes: tuple[Shape, ...]
    chosen: tuple[int, ...]
    tags: tuple[int, ...]
    weight: float
    trust: float = 0.0


def read(path: Path) -> list[Sentence]:
    """Read one set (gzip JSON lines: text, ents, src, doc), in its order."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        Sentence(row["text"], tuple((s, e, KINDS[k]) for s, e, k in row["ents"]), f"{row['src']}|{row.get('doc', '')}")
        for row in rows
    ]


def family(sentence: Sentence) -> str:
    """Name the set a sentence comes from, as ``PASSES`` does."""
    return sentence.source.split("|")[0].split("_")[0].lower()


def unlabelled(path: Path) -> list[Sentence]:
    """Read news texts without labels (gzip JSON lines: id, sents)."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [Sentence(text, (), f"ecb|{row['id']}", labelled=False) for row in rows for text in row["sents"]]


def split(folder: Path) -> tuple[dict[str, list[Sentence]], dict[str, list[Sentence]]]:
    """Read the training sets; keep a tenth of the GUM documents and of wikigold (in blocks of 40 sentences) out."""
    train: dict[str, list[Sentence]] = {}
    held: dict[str, list[Sentence]] = {"gum": [], "wikigold": []}
    for name in FILES:
        for i, sentence in enumerate(read(folder / f"{name}.jsonl.gz")):
            kind = family(sentence)
            key = sentence.source if kind == "gum" else f"{kind} block {i // 40}"
            out = kind in held and int(hashlib.sha256(key.encode()).hexdigest(), 16) % 10 == 0
            (held if out else train).setdefault(kind, []).append(sentence)
    return train, held


def cased(sentence: Sentence, how: str) -> Sentence:
    """Write a sentence in another casing: ``title``, ``upper`` or ``lower``; offsets stay where lengths do."""
    text = sentence.text
    if how == "upper":
        new = text.upper()
    elif how == "lower":
        new = text.lower()
    else:
        found = words(text)
        parts = list(text)
        for i, word in enumerate(found):
            small = i and word.text.lower() in _SMALL
            glued = i and text[word.start - 1] in "'’" and len(word.text) <= 2
            if word.text.islower() and not small and not glued:
                parts[word.start] = text[word.start].upper()[0]
        new = "".join(parts)
    return replace(sentence, text=new) if len(new) == len(text) else sentence


def example(sentence: Sentence, weight: float, reach: int, trust: float = 0.0) -> Example:
    """Tag the words of a sentence that are no further than ``reach`` from a candidate.

    Handles of users, pronouns that a set calls names and sentences without labels are not learned from.
    """
    found = words(sentence.text)
    shapes = [shape(word.text) for word in found]
    tags = [0 if sentence.labelled else IGNORED] * len(found)
    for start, end, kind in sentence.names:
        inside = [i for i, word in enumerate(found) if word.start < end and word.end > start]
        if not inside:
            continue
        first, last = trim(found, inside[0], inside[-1] + 1, kind)
        if first == last or not any(c.isupper() for c in sentence.text[found[first].start : found[last - 1].end]):
            # Pronouns and common nouns that a set calls names: nothing to learn for, nor against.
            if sentence.text != sentence.text.lower():
                for i in inside:
                    tags[i] = IGNORED
                continue
            first, last = inside[0], inside[-1] + 1
        tags[first:last] = [2 * kind + 1, *[2 * kind + 2] * (last - first - 1)]
    for i, word in enumerate(found[1:], 1):
        if found[i - 1].text == "@" and found[i - 1].end == word.start:
            tags[i] = IGNORED
    chosen = choose(found, shapes)
    near = surroundings(chosen, len(found), reach)
    place = {i: n for n, i in enumerate(near)}
    return Example(
        tuple(found[i].text for i in near),
        tuple(shapes[i] for i in near),
        tuple(place[i] for i in chosen),
        tuple(tags[i] for i in near),
        weight,
        trust,
    )


def choose(found: Sequence[Word], shapes: Sequence[Shape]) -> list[int]:
    """Name the candidates of a sentence; all of its words where it has no capital at all."""
    if any(s in (Shape.UPPER, Shape.CAPITAL, Shape.TITLE, Shape.MIXED) for s in shapes):
        return candidates(found, shapes)
    return list(range(len(found)))


def organisations(train: dict[str, list[Sentence]]) -> dict[bool, list[str]]:
    """Collect the organisations that people marked in edited text: acronyms under True, other names under False."""
    pool: dict[bool, list[str]] = {True: [], False: []}
    for kind in SWAPPED:
        for sentence in train[kind]:
            for start, end, of in sentence.names:
                name = sentence.text[start:end]
                if of == KINDS["ORG"] and any(c.isupper() for c in name):
                    pool[name.isupper()].append(name)
    return pool


def swapped(sentence: Sentence, pool: dict[bool, list[str]], rng: random.Random, share: float) -> Sentence:
    """Put other organisations' names in the place of a ``share`` of a sentence's own: what stands around must tell."""
    text, names, grown = sentence.text, [], 0
    for start, end, kind in sorted(sentence.names):
        start, end = start + grown, end + grown
        if kind == KINDS["ORG"] and rng.random() < share:
            other = rng.choice(pool[text[start:end].isupper()])
            text = text[:start] + other + text[end:]
            grown, end = grown + len(other) - (end - start), start + len(other)
        names.append((start, end, kind))
    return replace(sentence, text=text, names=tuple(names))


def one_pass(
    train: dict[str, list[Sentence]], rng: random.Random, *, recase: float = 0.3, swap: float = 0.0
) -> Iterator[list[Example]]:
    """Go once through the sets in random order; each item is a run of neighbouring sentences for one window.

    ``recase`` is the share of runs whose casing is changed, ``swap`` the share of organisations given another's name.
    """
    pool = organisations(train) if swap else {}
    runs: list[tuple[str, list[Sentence]]] = []
    for kind, sentences in train.items():
        share = PASSES[kind][0]
        alone = kind in ("btc", "wnut17")
        while share > 0:
            taken = list(_runs(sentences, rng, alone))
            if share < 1:
                rng.shuffle(taken)
                taken = taken[: round(len(taken) * share)]
            runs.extend((kind, run) for run in taken)
            share -= 1
    rng.shuffle(runs)
    for kind, run in runs:
        draw = rng.random() / recase if recase else 1.0
        how = "title" if draw < 0.45 else "upper" if draw < 0.9 else "lower" if draw < 1 else ""
        if swap and kind in SWAPPED:
            run = [swapped(sentence, pool, rng, swap) for sentence in run]
        # A headline stands alone; running text does not change its casing for paragraphs.
        run = [cased(sentence, how) for sentence in run[:2]] if how else run
        reach = rng.choice(REACHES)
        examples = [example(sentence, PASSES[kind][1], reach, PASSES[kind][2]) for sentence in run]
        kept = [e for e in examples if e.chosen]
        if kept:
            yield kept


def _runs(sentences: Sequence[Sentence], rng: random.Random, alone: bool) -> Iterable[list[Sentence]]:
    """Cut a set into runs of one to five neighbouring sentences of one document."""
    i = 0
    while i < len(sentences):
        size = 1 if alone else rng.choice((1, 1, 2, 3, 4, 5))
        run = [s for s in sentences[i : i + size] if s.source == sentences[i].source]
        yield run
        i += len(run)
