"""The word lists the steps read: our own tables of facts, and tables built from open data by `training/lexicons`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from services.enrich.text.cues import Cues, read_groups

HERE = Path(__file__).resolve().parent
Pronoun = Literal["he", "she"]


@dataclass(frozen=True, slots=True)
class People:
    """A nationality, religion or people: what it is called, and the ISO 3166-1 alpha-2 of its country if it has one."""

    name: str
    country: str | None


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Everything word-like that the steps look up. Built once per process and only read afterwards."""

    given_names: frozenset[str]  # as written
    titles: frozenset[str]  # lower case, one to three words
    title_words: frozenset[str]  # each word of them
    us_states: frozenset[str]  # how newspapers shorten them: N.H., Vt, CA
    counties: Mapping[str, str]  # name as written -> alpha-2, of those that are in no table of places
    named_after: frozenset[str]  # companies whose name reads like a person's, as written
    organisation_words: frozenset[str]  # lower case; end an organisation's name
    organisation_heads: frozenset[str]  # lower case; open one before "of" and "for"
    demonyms: Mapping[str, People]  # as written
    countries: Mapping[str, Mapping[str, str]]  # language -> name as written -> alpha-2
    stopwords: Mapping[str, frozenset[str]]  # language -> lower case
    pronouns: Mapping[str, Pronoun]  # given name as written -> how texts speak of who bears it
    nicknames: Mapping[str, frozenset[str]]  # given name in full -> what its bearers are called; all lower case
    zipf: Mapping[str, float]  # English word in lower case -> log10 of its frequency per billion words

    def is_common(self, word: str) -> bool:
        """Whether an English word in lower case is one that running text uses all the time."""
        return word in self.stopwords["en"] or self.zipf.get(word, 0.0) >= 4.2


def load_lexicon() -> Lexicon:
    """Read every list beside this file. Raises FileNotFoundError where one is missing."""
    organisations = _lines("organisations.txt")
    demonyms: dict[str, People] = {}
    for line in _lines("demonyms.txt"):
        iso, *forms = line.split()
        people = People(forms[0].replace("_", " "), None if iso == "--" else iso)
        demonyms.update((form.replace("_", " "), people) for form in forms)
    zipf: dict[str, float] = {}
    for line in _lines("words_en.txt"):
        value, *words = line.split()
        zipf.update(dict.fromkeys(words, float(value)))
    return Lexicon(
        given_names=frozenset(name for line in _lines("given_names.txt") for name in line.split()),
        titles=frozenset(_lines("titles.txt")),
        title_words=frozenset(word for line in _lines("titles.txt") for word in line.split()),
        us_states=frozenset(load_states()),
        counties={
            name.strip(): line[:2] for line in _lines("counties.txt") for name in line[2:].split(",") if name.strip()
        },
        named_after=frozenset(_lines("named_after.txt")),
        organisation_words=frozenset(word.rstrip("^") for word in organisations),
        organisation_heads=frozenset(word.rstrip("^") for word in organisations if word.endswith("^")),
        demonyms=demonyms,
        countries=json.loads((HERE / "countries.json").read_text(encoding="utf-8")),
        stopwords={
            path.stem: frozenset(path.read_text(encoding="utf-8").split())
            for path in sorted((HERE / "stopwords").glob("*.txt"))
        },
        pronouns={
            name: "she" if line.startswith("she ") else "he"
            for line in _lines("pronouns.txt")
            for name in line.split()[1:]
        },
        nicknames={
            full: frozenset(short) for full, *short in (line.lower().split() for line in _lines("nicknames.txt"))
        },
        zipf=zipf,
    )


def _lines(name: str) -> list[str]:
    text = (HERE / name).read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def load_states() -> dict[str, str]:
    """How newspapers shorten the US states -> the postal letters GeoNames uses as admin code."""
    states: dict[str, str] = {}
    for line in _lines("us_states.txt"):
        code, short = line.split()
        states[code] = states[short.rstrip(".")] = states[short] = code
    return states


def load_currencies() -> dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]]:
    """ISO 4217 code -> countries that use it (alpha-2), signs, English words in the plural."""

    def parts(cell: str) -> tuple[str, ...]:
        return () if cell == "--" else tuple(part.replace("_", " ") for part in cell.split(","))

    rows = (line.split() for line in _lines("currencies.txt"))
    return {code: (parts(countries), parts(signs), parts(words)) for code, countries, signs, words in rows}


def load_neighbours() -> dict[str, float]:
    """Run of letters (a space: a word's edge) -> how much more it is Kirundi than Kinyarwanda, a logarithm."""
    rows = (line.split() for line in _lines("neighbours.txt"))
    return {run.replace("_", " "): float(weight) for weight, *runs in rows for run in runs}


def load_cues() -> Cues:
    """What tells close languages apart."""
    return Cues(read_groups(_lines("cues.txt")))


def load_feelings() -> dict[str, float]:
    """English word in lower case -> how good (above 0) or bad what it is said of is."""
    rows = (line.split() for line in _lines("sentiment.txt"))
    return {word: float(strength) for strength, *words in rows for word in words}
