"""Texts to vectors without a network: the weighted mean of one vector a word piece, made by `make train-embedding`.

English. Two texts on one matter have vectors that point the same way: their product (`unit` vectors) is their cosine.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

SHIPPED = Path(__file__).resolve().parent / "models" / "embedding"
FILE, TOKENIZER = "vectors.npz", "tokenizer.json"
READ = 4_000  # characters of a text: the lead and what follows; more moves the mean hardly at all
FULL = 127  # what 1.0 is in a packed vector
#: Words whose pieces are kept, and the characters of one: news uses the same few thousand all day.
REMEMBERED, LONGEST = 20_000, 40

Vectors = NDArray[np.float32]


class Embedding:
    """The table of vectors, shared by fork; each process keeps the pieces of the words that it has met."""

    revision = "static-1"

    def __init__(self, folder: Path = SHIPPED) -> None:
        """Loads 8 MB. Raises FileNotFoundError where the files are missing."""
        if not (folder / FILE).is_file():
            raise FileNotFoundError(f"{folder / FILE} is missing: reinstall, or make it with `make train-embedding`")
        with np.load(folder / FILE) as held:
            self._rows: NDArray[np.int8] = held["rows"]
            self._scale: Vectors = held["scale"].astype(np.float32)
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        special = [self._tokenizer.token_to_id(name) for name in ("[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]")]
        self._scale[special] = 0.0  # a word of another script says nothing
        self._known: dict[str, list[int]] = {}

    @property
    def width(self) -> int:
        """Numbers of a vector."""
        return int(self._rows.shape[1])

    def unit(self, texts: Sequence[str]) -> Vectors:
        """[texts, width] of length 1 each; all zeros for a text without a known word."""
        found = np.zeros((len(texts), self.width), np.float32)
        for at, text in enumerate(texts):
            ids = np.array(self.pieces(text[:READ]), np.int64)
            if len(ids):
                found[at] = self._scale[ids] @ self._rows[ids].astype(np.float32)
        lengths = np.sqrt(np.square(found).sum(1, keepdims=True))
        unit: Vectors = found / np.maximum(lengths, np.float32(1e-12))
        return unit

    def pieces(self, text: str) -> list[int]:
        """The word pieces of a text. No piece reaches over a space, so what stands between two is cut once."""
        known = self._known
        if len(known) > REMEMBERED:
            self._known = known = {}
        words = text.replace("\n", " ").split(" ")
        fresh = list({word for word in words if word not in known})
        if fresh:
            cut = self._tokenizer.encode(fresh, is_pretokenized=True, add_special_tokens=False)
            made: list[list[int]] = [[] for _ in fresh]
            for number, piece in zip(cut.word_ids, cut.ids, strict=True):
                if number is not None:
                    made[number].append(piece)
            known.update(zip(fresh, made, strict=True))
        found = list(chain.from_iterable([known[word] for word in words]))
        for word in fresh:
            if len(word) > LONGEST:
                del known[word]
        return found


def packed(vector: Vectors) -> bytes | None:
    """A unit vector in a byte a number, scaled so that its largest is 127; None for the zero vector."""
    top = float(np.abs(vector).max(initial=0.0))
    return np.round(vector / top * FULL).astype(np.int8).tobytes() if top else None
