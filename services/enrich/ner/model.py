"""The entity model: names of persons, organisations and places in English text, by onnxruntime on one core.

    text → sentences → words → candidates → windows of whole sentences → one run a window → tags → spans

Windows are run one by one: with no padding there is none to waste, and an article's names do not depend on what else
is in its batch (activations are quantised over a whole run).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from tokenizers import Tokenizer

from services.enrich.ner.sentences import sentences
from services.enrich.ner.spans import LABELS, Span, agreed, broken, runs, trim
from services.enrich.ner.words import Shape, Word, candidates, shape, surroundings, words
from shared.errors import Unreadable

#: Languages (primary subtags) the model was trained for; on others it is wrong more often than right.
SERVES = frozenset({"en"})
#: Where the shipped weights are.
SHIPPED = Path(__file__).parent.parent / "models" / "ner"
#: Pieces in a window at most, the marks at both ends counted.
WINDOW = 128
#: Words around a candidate that are read. Names depend on little more: on the development sets all of a sentence gives
#: no better F1 than 10 words on either side, and costs a third more pieces than 5.
REACH = 5
#: A text without any capital is read only when it is as short as a headline (words).
_HEADLINE = 40
#: Pieces of one word that are read; longer words are no names.
_PIECES_A_WORD = 24
#: Texts whose names are kept: agencies' copies come within minutes of each other.
_COPIES = 256
#: Words whose pieces are kept; news uses the same few thousand all day.
_REMEMBERED = 20_000
_CAPITALISED = frozenset({Shape.UPPER, Shape.CAPITAL, Shape.TITLE, Shape.MIXED})


class _Known(NamedTuple):
    """What the model is told of a word."""

    shape: Shape
    pieces: list[int]


class _Read(NamedTuple):
    """A word that the model reads: where it stands in its sentence, and whether it may be part of a name."""

    position: int
    shape: Shape
    pieces: list[int]
    chosen: bool


@dataclass
class _Window:
    """One run of the model: pieces with their shapes, and the candidate words with the piece each begins with."""

    ids: list[int] = field(default_factory=list)
    shapes: list[int] = field(default_factory=list)
    chosen: list[int] = field(default_factory=list)
    #: (sentence number in its text, word number in that sentence), one a candidate.
    origin: list[tuple[int, int]] = field(default_factory=list)

    def add(self, number: int, part: Sequence[_Read]) -> None:
        """Put a part of sentence ``number`` at the end."""
        for word in part:
            if word.chosen:
                self.chosen.append(len(self.ids))
                self.origin.append((number, word.position))
            self.ids.extend(word.pieces)
            self.shapes.extend([word.shape] * len(word.pieces))


class NerModel:
    """Finds names. Holds the weights, the vocabulary, and of the texts it has seen the pieces of their words; the
    names of the latest ones too, for their copies.

    Load it in the parent process: without threads of its own (``threads=1``) it can be used after a fork, and the
    children share its memory. ``abreast`` windows of one text are run at the same time, by threads that each process
    starts when it first needs them: an idle machine answers sooner, a busy one does the same work.
    """

    def __init__(self, session: ort.InferenceSession, tokenizer: Tokenizer, revision: str, abreast: int = 1) -> None:
        self.revision = revision
        self._abreast = abreast
        self._known: dict[str, _Known] = {}
        self._copies: dict[bytes, list[Span]] = {}  # by digest of the text, the latest first
        self._pools: dict[int, ThreadPoolExecutor] = {}
        self._session = session
        self._tokenizer = tokenizer
        self._first = tokenizer.token_to_id("[CLS]")
        self._last = tokenizer.token_to_id("[SEP]")

    @classmethod
    def load(cls, path: Path | None = None, *, threads: int = 1, abreast: int = 1) -> NerModel:
        """Load the model in folder ``path`` (default: the shipped one).

        Raises ``Unreadable`` where a file is absent or is not the one its ``SHA256SUMS`` names.
        """
        folder = path or SHIPPED
        digests = _verified(folder)
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        session = ort.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        return cls(session, tokenizer, hashlib.sha256("".join(sorted(digests)).encode()).hexdigest()[:12], abreast)

    def tag(self, texts: Sequence[str], *, threshold: float = 0.5) -> list[list[Span]]:
        """Find the names in each text; spans are sorted, do not overlap, and each scores at least ``threshold``.

        Time grows with the length of the texts, whatever they hold. What is found in a text does not depend on the
        others.
        """
        keys = [hashlib.blake2b(f"{threshold} {text}".encode("utf-8", "surrogatepass")).digest() for text in texts]
        fresh = {key: _cut(text) for key, text in zip(keys, texts, strict=True) if key not in self._copies}
        known = self._look_up({word.text for text in fresh.values() for sentence in text for word in sentence})
        found = {key: self._tag_one(text, known, threshold) for key, text in fresh.items()}
        spans = [found[key] if key in found else self._copies[key] for key in keys]
        self._copies = dict(islice((found | self._copies).items(), _COPIES))
        return [list(one) for one in spans]

    def _look_up(self, unique: set[str]) -> dict[str, _Known]:
        """Tell shape and pieces of each word, splitting those not met before in one call."""
        known = self._known if len(self._known) < _REMEMBERED else {}
        if listed := sorted(unique - known.keys()):
            encoding = self._tokenizer.encode(listed, is_pretokenized=True, add_special_tokens=False)
            fresh = {word: _Known(shape(word), []) for word in listed}
            for number, piece in zip(encoding.word_ids, encoding.ids, strict=True):
                if number is not None:
                    fresh[listed[number]].pieces.append(piece)
            known.update(fresh)
            self._known = known
        return known

    def _tag_one(self, text: list[list[Word]], known: dict[str, _Known], threshold: float) -> list[Span]:
        found: list[tuple[int, int, NDArray[np.float32]]] = []
        windows = [window for window in _windows(text, known) if window.chosen]
        for window, probabilities in zip(windows, self._run_all(windows), strict=True):
            found.extend((s, w, p) for (s, w), p in zip(window.origin, probabilities, strict=True))
        return [
            span
            for number, group in groupby(found, key=lambda item: item[0])
            for span in _spans(text[number], [(w, p) for _, w, p in group])
            if span.score >= threshold
        ]

    def _run_all(self, windows: Sequence[_Window]) -> Iterable[NDArray[np.float32]]:
        if self._abreast == 1 or len(windows) < 2:
            return map(self._run, windows)
        process = os.getpid()
        if process not in self._pools:  # a pool made before a fork has no threads after it
            self._pools = {process: ThreadPoolExecutor(self._abreast, thread_name_prefix="ner")}
        return self._pools[process].map(self._run, windows)

    def _run(self, window: _Window) -> NDArray[np.float32]:
        """Run one window; returns probabilities ``[candidates, 7]``."""
        ids = [self._first, *window.ids, self._last]
        feed = {
            "ids": np.array(ids, np.int64),
            "shapes": np.array([0, *window.shapes, 0], np.int64),
            "chosen": np.array(window.chosen, np.int64) + 1,
        }
        result: NDArray[np.float32] = self._session.run(["probabilities"], feed)[0]
        return result


def _verified(folder: Path) -> list[str]:
    """Check every file that ``SHA256SUMS`` names; returns their digests."""
    try:
        named = [line.split(maxsplit=1) for line in (folder / "SHA256SUMS").read_text(encoding="ascii").splitlines()]
        for digest, name in named:
            if hashlib.sha256((folder / name.strip()).read_bytes()).hexdigest() != digest:
                raise Unreadable(f"{name.strip()} of the entity model in {folder} is not the file its SHA256SUMS names")
    except OSError as error:
        raise Unreadable(f"the entity model in {folder} cannot be read: {error}") from error
    return [digest for digest, _ in named]


def _cut(text: str) -> list[list[Word]]:
    return [words(text, start, end) for start, end in sentences(text)]


def _windows(text: list[list[Word]], known: dict[str, _Known]) -> Iterator[_Window]:
    """Pack what is to be read of each sentence into windows of about the same length."""
    forms = [[known[word.text].shape for word in sentence] for sentence in text]
    caseless = sum(map(len, text)) <= _HEADLINE and not any(form in _CAPITALISED for row in forms for form in row)
    parts: list[tuple[int, list[_Read], int]] = []
    for number, (sentence, row) in enumerate(zip(text, forms, strict=True)):
        chosen = list(range(len(sentence))) if caseless else candidates(sentence, row)
        if chosen:
            parts.extend((number, part, _size(part)) for part in _parts(_read(sentence, chosen, known)))
    total = sum(size for _, _, size in parts)
    count = max(1, -(-total // (WINDOW - 2)))
    fair = total / (count + (count > 1 and count % 2))  # an even number of them: two are run at a time
    window = _Window()
    for number, part, size in parts:
        filled = len(window.ids)
        if filled and (filled + size > WINDOW - 2 or filled + size / 2 > fair):
            yield window
            window = _Window()
        window.add(number, part)
    if window.ids:
        yield window


def _read(sentence: list[Word], chosen: list[int], known: dict[str, _Known]) -> list[_Read]:
    """Take the words near candidates; words that the vocabulary drops (invisible characters alone) are left out."""
    among = set(chosen)
    near = [(i, known[sentence[i].text]) for i in surroundings(chosen, len(sentence), REACH)]
    return [_Read(i, form, pieces[:_PIECES_A_WORD], i in among) for i, (form, pieces) in near if pieces]


def _size(part: Iterable[_Read]) -> int:
    return sum(len(word.pieces) for word in part)


def _parts(sentence: list[_Read]) -> Iterator[list[_Read]]:
    """Cut what is longer than a window before a word that is no candidate, where there is one."""
    first, free, size = 0, 0, 0
    for i, word in enumerate(sentence):
        if size + len(word.pieces) > WINDOW - 2:
            cut = free if free > first else i
            yield sentence[first:cut]
            first, size = cut, _size(sentence[cut:i])
        if not word.chosen:
            free = i
        size += len(word.pieces)
    yield sentence[first:]


def _consistent(found: list[tuple[int, NDArray[np.float32]]]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """The probabilities of each word, made to agree with its neighbours' where one goes on with a name none began."""
    first = 0
    for i in range(1, len(found) + 1):
        if i == len(found) or found[i][0] != found[i - 1][0] + 1:
            run = np.stack([probabilities for _, probabilities in found[first:i]])
            yield from zip((place for place, _ in found[first:i]), agreed(run) if broken(run) else run, strict=True)
            first = i


def _spans(sentence: list[Word], found: list[tuple[int, NDArray[np.float32]]]) -> Iterator[Span]:
    """Join the tagged words of one sentence to names."""
    tags = [0] * len(sentence)
    scores = [0.0] * len(sentence)
    for i, probabilities in _consistent(found):
        none, *rest = probabilities.tolist()
        kinds = [rest[2 * k] + rest[2 * k + 1] for k in range(len(LABELS))]
        scores[i] = max(kinds)
        if scores[i] > none:
            kind = kinds.index(scores[i])
            tags[i] = 2 * kind + (1 if rest[2 * kind] >= rest[2 * kind + 1] else 2)
    for first, last, kind in runs(tags):
        start, end = trim(sentence, first, last, kind)
        if start < end:
            score = round(min(scores[start:end]), 4)
            yield Span(sentence[start].start, sentence[end - 1].end, LABELS[kind], score)
