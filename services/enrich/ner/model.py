"""The entity model: names of persons, organisations and places in English text, by onnxruntime on one core.

    texts → a reading each → windows of the first round → runs → windows of the second round → runs → spans

Windows are run one by one: with no padding there is none to waste, and an article's names do not depend on what else
is in its batch (activations are quantised over a whole run).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from tokenizers import Tokenizer

from services.enrich.ner.groups import Outcome
from services.enrich.ner.reading import Cut, Reading, Said, cut
from services.enrich.ner.spans import LABELS, Span
from services.enrich.ner.windows import Known, Window
from services.enrich.ner.words import shape
from shared.errors import Unreadable

#: Languages (primary subtags) the model was trained for; on others it is wrong more often than right.
SERVES = frozenset({"en"})
#: Where the shipped weights are.
SHIPPED = Path(__file__).parent.parent / "models" / "ner"
#: What is settled about groups of words without reading them, beside the weights (training/ner/settled.py).
SETTLED = "settled.tsv"
#: Texts (an article has two) that are hurried: of more the sum counts, and threads that wait for each other cost a
#: tenth of it.
_HURRY = 2
#: Texts whose names are kept: agencies' copies come within minutes of each other.
_COPIES = 256
#: Words whose pieces are kept; news uses the same few thousand all day.
_REMEMBERED = 20_000


class NerModel:
    """Finds names. Holds the weights, the vocabulary, and of the texts it has seen the pieces of their words; the
    names of the latest ones too, for their copies.

    Load it in the parent process: without threads of its own (``threads=1``) it can be used after a fork, and the
    children share its memory. ``abreast`` windows of a single article are run at the same time, by threads that
    each process starts when it first needs them: an idle machine answers sooner. Many articles are read one by one.
    """

    def __init__(
        self,
        session: ort.InferenceSession,
        tokenizer: Tokenizer,
        revision: str,
        abreast: int = 1,
        settled: Mapping[str, Outcome] | None = None,
    ) -> None:
        self.revision = revision
        self._settled = settled or {}
        self._abreast = abreast
        self._known: dict[str, Known] = {}
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
        revision = hashlib.sha256("".join(sorted(digests.values())).encode()).hexdigest()[:12]
        settled = _settled(folder / SETTLED) if SETTLED in digests else {}
        return cls(session, tokenizer, revision, abreast, settled)

    def tag(self, texts: Sequence[str], *, threshold: float = 0.5) -> list[list[Span]]:
        """Find the names in each text; spans are sorted, do not overlap, and each scores at least ``threshold``.

        Time grows with the length of the texts, whatever they hold. What is found in a text does not depend on the
        others.
        """
        keys = [hashlib.blake2b(f"{threshold} {text}".encode("utf-8", "surrogatepass")).digest() for text in texts]
        fresh = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._copies}
        readings = self._readings([cut(text) for text in fresh.values()], self._settled)
        found = {key: reading.names(threshold) for key, reading in zip(fresh, readings, strict=True)}
        spans = [found[key] if key in found else self._copies[key] for key in keys]
        self._copies = dict(islice((found | self._copies).items(), _COPIES))
        return [list(one) for one in spans]

    def outcomes(self, texts: Sequence[str]) -> Iterator[tuple[str, Outcome]]:
        """What the model says of every group of candidate words, each read where it stands: for the table of settled
        groups."""
        for reading in self._readings([cut(text) for text in texts], None):
            yield from reading.outcomes()

    def _readings(self, texts: Sequence[Cut], settled: Mapping[str, Outcome] | None) -> list[Reading]:
        known = self._look_up({word.text for text in texts for sentence in text for word in sentence})
        readings = [Reading(text, known, settled) for text in texts]
        for windows in (Reading.first, Reading.second):
            wanted = [(reading, window) for reading in readings for window in windows(reading)]
            if not wanted:
                continue
            said = Said(list(self._run_all([window for _, window in wanted], hurry=len(texts) <= _HURRY)))
            begins = 0
            for reading, window in wanted:
                reading.told(window, said, begins)
                begins += len(window.origin)
        return readings

    def _look_up(self, unique: set[str]) -> dict[str, Known]:
        """Tell shape and pieces of each word, splitting those not met before in one call."""
        known = self._known if len(self._known) < _REMEMBERED else {}
        if listed := sorted(unique - known.keys()):
            encoding = self._tokenizer.encode(listed, is_pretokenized=True, add_special_tokens=False)
            pieces: list[list[int]] = [[] for _ in listed]
            for number, piece in zip(encoding.word_ids, encoding.ids, strict=True):
                if number is not None:
                    pieces[number].append(piece)
            for word, made in zip(listed, pieces, strict=True):
                form = shape(word)
                known[word] = Known(form, made, [form] * len(made))
            self._known = known
        return known

    def _run_all(self, windows: Sequence[Window], *, hurry: bool) -> Iterable[NDArray[np.float32]]:
        if self._abreast == 1 or len(windows) < 2 or not hurry:
            return map(self._run, windows)
        process = os.getpid()
        if process not in self._pools:  # a pool made before a fork has no threads after it
            self._pools = {process: ThreadPoolExecutor(self._abreast, thread_name_prefix="ner")}
        return self._pools[process].map(self._run, windows)

    def _run(self, window: Window) -> NDArray[np.float32]:
        """Run one window; returns probabilities ``[candidates, 7]``."""
        ids = [self._first, *window.ids, self._last]
        feed = {
            "ids": np.array(ids, np.int64),
            "shapes": np.array([0, *window.shapes, 0], np.int64),
            "chosen": np.array(window.chosen, np.int64) + 1,
        }
        result: NDArray[np.float32] = self._session.run(["probabilities"], feed)[0]
        return result


def _verified(folder: Path) -> dict[str, str]:
    """Check every file that ``SHA256SUMS`` names; returns their digests by name."""
    try:
        lines = (folder / "SHA256SUMS").read_text(encoding="ascii").splitlines()
        named = {name.strip(): digest for digest, name in (line.split(maxsplit=1) for line in lines)}
        for name, digest in named.items():
            if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
                raise Unreadable(f"{name} of the entity model in {folder} is not the file its SHA256SUMS names")
    except OSError as error:
        raise Unreadable(f"the entity model in {folder} cannot be read: {error}") from error
    return named


def _settled(path: Path) -> dict[str, Outcome]:
    """Read the table: a group of words, its kind of name ("-": none), and the score, a line each."""
    found: dict[str, Outcome] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        key, kind, score = line.split("\t")
        names = () if kind == "-" else ((0, key.count(" ") + 1, LABELS.index(kind)),)
        found[key] = Outcome(names, (float(score),) * len(names), float(score))
    return found
