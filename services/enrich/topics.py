"""Which IPTC Media Topics a text is about: seed words, likeness to them, and what the publisher calls the section.

words in title and body ─┐
vector near the seeds'   ├─▶ a share for each of the 17 top topics ─▶ the best three, each as narrow as its words say
category, address, feed ─┘
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np

from services.enrich.embedding import Embedding, Vectors
from services.enrich.lexicons import HERE
from shared.topics import table

SEEDS = HERE / "topics.txt"
_WORD = re.compile(r"[a-z0-9]++(?:['\u2019&.-][a-z0-9]++)*+")
_ID = re.compile(r"medtop:(\d{8})\b")
_KEYS = ("section", "words", "example", "not")
LONGEST = 4  # words of a phrase
REMEMBERED, LONGEST_RUN = 20_000, 40  # runs of characters between two spaces whose words are kept; length of one

# Chosen on headlines (MasakhaNEWS dev, English) and the marked sample wire; see decisions/0170.
LEXICON, LIKENESS, SECTION = 0.62, 0.38, 0.55  # what words and likeness have to say, and a section of what is left
DAMP = 4.0  # points that are held back in a text of 1,200 characters or more: few words prove little
SHARP = 14.0  # how steeply likeness becomes a share
LEAST, BESIDE = 0.14, 0.45  # a share worth telling, and how near the best one a further topic must come
NARROW, NARROW_POINTS = 0.25, 2.5  # of a topic's points, and points, that a narrower one must have to be told instead
EXAMPLE = 12  # seed words that an example weighs as much as
TITLE, OPENING = 3.0, 1.5  # times that a word of the headline counts, and one of the lead
LEAD, READ = 700, 6_000  # characters


class TopicFileError(ValueError):
    """A line of a topic file that cannot be read; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Found:
    """A topic of a text: `path` from the broadest name to its own; score 0 to 1."""

    id: str
    name: str
    path: tuple[str, ...]
    score: float


@dataclass
class Seeds:
    """What a topic file says: by concept number, what it is told by."""

    words: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    sections: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    examples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def read_seeds(path: Path, known: Iterable[str], into: Seeds | None = None) -> Seeds:
    """Read a topic file over what `into` holds. Raises TopicFileError, or OSError where there is none."""
    seeds, ids, key = into or Seeds(), frozenset(known), ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if match := _ID.match(line):
            key = match.group(1)
            if key not in ids:
                raise TopicFileError(f"{path}:{number}: medtop:{key} is no active IPTC Media Topic")
            continue
        name, colon, told = line.strip().partition(":")
        if not colon or name not in _KEYS:
            raise TopicFileError(f"{path}:{number}: expected medtop:NNNNNNNN or one of {', '.join(_KEYS)}: …")
        if not key:
            raise TopicFileError(f"{path}:{number}: a line before the first medtop:NNNNNNNN")
        if name == "example":
            seeds.examples[key].append(told.strip())
            continue
        terms = {" ".join(term.lower().split()) for term in told.split(",") if term.strip()}
        if name == "not":
            seeds.words[key] -= terms
            seeds.sections[key] -= terms
        else:
            (seeds.words if name == "words" else seeds.sections)[key] |= terms
    return seeds


class TopicModel:
    """The seeds, ready to be looked up. Immutable, shared by fork."""

    def __init__(self, zipf: Mapping[str, float], embedding: Embedding, extra: Path | None = None) -> None:
        """`zipf` tells how common English words are; `extra` is the operator's topic file."""
        self.revision = "" if extra is None else hashlib.blake2b(extra.read_bytes(), digest_size=4).hexdigest()
        self._table = table()
        self._embedding = embedding
        seeds = read_seeds(SEEDS, self._table)
        if extra:
            seeds = read_seeds(extra, self._table, seeds)
        self._chains = {key: tuple(self._up(key)) for key in self._table}
        self._tops = sorted({chain[0] for chain in self._chains.values()})
        self._terms = self._index(seeds, zipf)
        self._openers: dict[str, tuple[int, ...]] = defaultdict(tuple)  # first word -> lengths of the phrases it opens
        for phrase in self._terms:
            self._openers[phrase[0]] = tuple(sorted({*self._openers[phrase[0]], len(phrase)}))
        self._narrower: dict[str, list[str]] = defaultdict(list)
        for key, (broader, _) in self._table.items():
            self._narrower[broader].append(key)
        self._sections = self._named(seeds)
        self._prototypes, self._centre = self._seen(seeds)

    def topics(self, title: str, body: str, sections: Sequence[str], english: bool, most: int = 3) -> list[Found]:
        """The topics of a text, the surest first. Words and likeness count only in English text."""
        told = self._told(sections)
        points, shares = self._read(title, body) if english else ({}, dict.fromkeys(self._tops, 0.0))
        for key, weight in told.items():
            top = self._chains[key][0]
            shares[top] += SECTION * weight * (1.0 - shares[top])
        best = max(shares.values())
        ranked = sorted(self._tops, key=lambda top: (-shares[top], top))
        return [
            self._found(top, points, told, shares[top])
            for top in ranked[:most]
            if shares[top] >= LEAST and shares[top] >= BESIDE * best
        ]

    def shares(self, title: str, body: str) -> dict[str, float]:
        """The name of each of the 17 top topics, and its share in an English text by the text alone."""
        _, found = self._read(title, body)
        return {self._table[top][1]: share for top, share in found.items()}

    def _up(self, key: str) -> Iterator[str]:
        broader, _ = self._table[key]
        if broader:
            yield from self._up(broader)
        yield key

    def _index(self, seeds: Seeds, zipf: Mapping[str, float]) -> dict[tuple[str, ...], tuple[float, tuple[str, ...]]]:
        """Phrase -> what one occurrence is worth to each concept it speaks for, broader ones too."""
        owners: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for key, terms in seeds.words.items():
            for term in terms:
                owners[words(term)].append(key)
        index = {}
        for phrase, keys in owners.items():
            if not 0 < len(phrase) <= LONGEST:
                continue
            common = min(zipf.get(word, 3.0) for word in phrase)
            tops = {self._chains[key][0] for key in keys}
            worth = min(1.5, max(0.35, (7.0 - common) / 2.5)) + 0.4 * (len(phrase) > 1)
            above = {up for key in keys for up in self._chains[key]}
            index[phrase] = (worth / math.sqrt(len(tops)), tuple(sorted(above)))
        return index

    def _named(self, seeds: Seeds) -> dict[str, tuple[str, ...]]:
        named: dict[str, list[str]] = defaultdict(list)
        for key, terms in seeds.sections.items():
            for term in terms:
                named[term].append(key)
        for key, (_, name) in self._table.items():
            if name.lower() not in named:
                named[name.lower()].append(key)
        return {name: tuple(keys) for name, keys in named.items()}

    def _seen(self, seeds: Seeds) -> tuple[Vectors, Vectors]:
        rows = []
        for top in self._tops:
            mine = [key for key, chain in self._chains.items() if chain[0] == top]
            terms = sorted({term for key in mine for term in seeds.words[key]} | {self._table[top][1].lower()})
            row = self._embedding.unit(terms).mean(0)
            examples = [text for key in mine for text in seeds.examples[key]]
            if examples:
                share = EXAMPLE * len(examples) / (EXAMPLE * len(examples) + len(terms))
                row = (1 - share) * row + share * self._embedding.unit(examples).mean(0)
            rows.append(row)
        table = np.stack(rows)
        centre: Vectors = table.mean(0)
        centred = table - centre
        return centred / np.linalg.norm(centred, axis=1, keepdims=True), centre

    def _told(self, sections: Sequence[str]) -> dict[str, float]:
        """Concepts that the publisher names: the first one names most."""
        told: dict[str, float] = {}
        for name in sections:
            if match := _ID.fullmatch(name.strip()):
                keys: tuple[str, ...] = (match.group(1),) if match.group(1) in self._table else ()
            else:
                keys = self._sections.get(name.lower().replace("-", " ").strip(), ()) or self._sections.get(name, ())
            for key in keys:
                told[key] = max(told.get(key, 0.0), (0.6 if told else 1.0) / len(keys))
        return told

    def _read(self, title: str, body: str) -> tuple[dict[str, float], dict[str, float]]:
        points = self._points(title, body)
        tops = {top: points.get(top, 0.0) for top in self._tops}
        total = sum(tops.values()) + min(DAMP, 1.0 + (len(title) + len(body)) / 400)
        vector = self._embedding.unit([f"{title}. {title}. {body[:LEAD]}"])[0]
        if vector.any():
            vector = vector - self._centre
            cosines = self._prototypes @ (vector / np.linalg.norm(vector))
            grown = np.exp(SHARP * (cosines - cosines.max()))
            near = grown / grown.sum()
        else:
            near = np.zeros(len(self._tops))
        return points, {
            top: LEXICON * tops[top] / total + LIKENESS * float(share)
            for top, share in zip(self._tops, near, strict=True)
        }

    def _points(self, title: str, body: str) -> dict[str, float]:
        """Concept number -> points of its own words and of those of narrower ones, each word once per concept."""
        counts: dict[tuple[str, ...], float] = defaultdict(float)
        for weight, text in ((TITLE, title), (OPENING, body[:LEAD]), (1.0, body[LEAD:READ])):
            read = words(text.lower())
            for at, word in [(at, word) for at, word in enumerate(read) if word in self._openers]:
                for length in self._openers[word]:
                    phrase = read[at : at + length]
                    if phrase in self._terms and len(phrase) == length:
                        counts[phrase] += weight
        points: dict[str, float] = defaultdict(float)
        for phrase, count in counts.items():
            worth, above = self._terms[phrase]
            told = worth * (1 + math.log(count))
            for key in above:
                points[key] += told
        return points

    def _found(self, top: str, points: Mapping[str, float], told: Mapping[str, float], share: float) -> Found:
        key = top
        whole = points.get(top, 0.0)
        while True:
            below = [one for one in told if key in self._chains[one] and one != key]
            named = max(below, key=lambda one: told[one], default=None)
            narrower = self._narrower.get(key)
            if named:
                key = self._chains[named][self._chains[named].index(key) + 1]
            elif narrower and (best := max(narrower, key=lambda one: points.get(one, 0.0))):
                if points.get(best, 0.0) < max(NARROW_POINTS, NARROW * whole):
                    break
                key = best
            else:
                break
        chain = self._chains[key]
        name = self._table[key][1]
        return Found(f"medtop:{key}", name, tuple(self._table[one][1] for one in chain), round(min(1.0, share), 3))


def words(text: str) -> tuple[str, ...]:
    """The words of lower-case English text, without possessive and plural s."""
    runs = text.split()
    return tuple(chain.from_iterable(map(_RUNS.__getitem__, runs)))


class _Runs(dict[str, tuple[str, ...]]):
    """The words in what stands between two spaces: none reaches over one, and news uses the same ones all day."""

    def __missing__(self, run: str) -> tuple[str, ...]:
        found = tuple(map(_singular, _WORD.findall(run.replace("\u2019", "'"))))
        if len(run) <= LONGEST_RUN:
            if len(self) >= REMEMBERED:
                self.clear()
            self[run] = found
        return found


_RUNS = _Runs()


def _singular(word: str) -> str:
    word = word.removesuffix("'s")
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is", "ics")):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith(("sses", "xes", "ches", "shes", "zes")) else word[:-1]
