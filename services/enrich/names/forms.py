"""Short forms of names, and which full name in the same text each belongs to. Names here are folded keys.

Brandt, Solheim-Brandt    →  Margit Solheim-Brandt       every end of a person's name; a middle name failing that
Halvorne                  →  Halvorne Logistics          the first word of the one organisation that begins with it
Ribera, the Commission    →  Atlético Ribera, ...        the last word of the one organisation that ends with it
UN                        →  United Nations              the initials of one organisation
"""

# ruff: noqa: SIM905 - lists of words read best as text

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from services.enrich.document import EntityType
from services.enrich.lexicons import Lexicon
from services.enrich.names.acronyms import initials

Known = Callable[[str], bool]
_OTHERS = frozenset({"house", "street", "times"})  # what is meant by them alone: not the White House
GENERATIONS = frozenset({"jr", "sr", "ii", "iii", "iv"})
# Families of East Asia, whose names come first; where two of one are named, each is meant by it in turn.
_FAMILY_FIRST = frozenset(
    "ahn ban cai cao chen cho choi dong feng gao han he hu huang hwang jang jiang jung kang kim kwon lee li liang lim"
    " lin liu luo ma mao moon nguyen oh pan park peng pham seo shin song sun tan tang tian tran wang wu xi xiao xu yang"
    " yoon yu zeng zhang zhao zheng zhou zhu".split()
)
_MOST_WORDS = 8  # of a person's name; more is no name


class FamilyNames:
    """To whom a part of a person's name belongs: the full name with it; of several as `choose` says."""

    def __init__(
        self,
        keys: Sequence[str],
        types: Mapping[str, EntityType],
        lexicon: Lexicon,
        is_place: Known,
        choose: Callable[[int, Sequence[tuple[int, str]]], str],
    ) -> None:
        """`keys` in reading order; `is_place` tells whether a key is a place that everybody knows.

        `choose` gets the index of a mention and the full names (index, key) of more than one that end as it does.
        """
        self._types, self._is_place, self._choose = types, is_place, choose
        self._several: dict[str, bool] = {}  # whether a part of a name belongs to more than one
        self._ends: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self._middles: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self._firsts: dict[str, list[tuple[int, str]]] = defaultdict(list)  # Kim Jong Un
        givens: dict[str, set[str]] = defaultdict(set)
        for index, key in enumerate(keys):
            parts = key.split()
            while len(parts) > 2 and parts[-1] in GENERATIONS:
                parts.pop()
            if types[key] != "person" or not 1 < len(parts) <= _MOST_WORDS:
                continue
            givens[parts[0]].add(key)
            if parts[0] in _FAMILY_FIRST and len(parts) > 2:
                self._firsts[parts[0]].append((index, key))
            for at in range(1, len(parts)):
                last = at == len(parts) - 1
                if last or parts[at].capitalize() not in lexicon.given_names:  # Maria Costa is not Ana Maria Costa
                    self._ends[" ".join(parts[at:])].append((index, key))
                    if not last and len(parts[at]) > 3:
                        self._middles[parts[at]].append((index, key))
        self._given = {name: next(iter(owners)) for name, owners in givens.items() if len(owners) == 1}

    def __call__(self, index: int, key: str) -> str:
        """The full name's key for the mention at this index; its own where it is short for none."""
        kind = self._types[key]
        if kind not in ("person", "organisation", "place") or (kind == "place" and self._is_place(key)):
            return key
        if known := self._ends.get(key) or self._firsts.get(key) or self._middles.get(key):
            if key not in self._several:
                self._several[key] = any(one != known[0][1] for _, one in known)
            owner = self._choose(index, known) if self._several[key] else known[0][1]
            return self(index, owner)  # which may be the end of a longer one: Ó Laoire
        return self._given.get(key, key) if kind == "person" and " " not in key else key

    def has(self, key: str) -> bool:
        """Whether a key is part of a person's name."""
        return key in self._ends or key in self._middles or key in self._given


def organisations_in_short(
    names: Mapping[str, str],
    types: Mapping[str, EntityType],
    find: Callable[[str], str],
    lexicon: Lexicon,
    is_place: Known,
    is_person: Known,
) -> Iterator[tuple[str, str]]:
    """(short key, full key) of organisations. `names`: each key as written; `find`: the key that stands for its set."""
    firsts: dict[str, set[str]] = defaultdict(set)
    lasts: dict[str, set[str]] = defaultdict(set)
    letters: dict[str, set[str]] = defaultdict(set)
    for key, kind in types.items():
        words = key.split()
        if kind == "organisation" and len(words) > 1:
            firsts[words[0]].add(find(key))
            lasts[words[-1]].add(find(key))
            for short in initials(names[key]):
                letters[short.lower()].add(find(key))
    for key, kind in types.items():
        if " " in key or kind not in ("organisation", "person") or is_person(key):
            continue
        full: set[str] = set()
        if kind == "organisation" and names[key].replace(".", "").isupper():
            full = letters.get(key, set())
        if not full and len(key) > 2 and not lexicon.is_common(key) and not is_place(key):
            full = firsts.get(key, set()) if key.capitalize() not in lexicon.given_names else set()
        if not full and kind == "organisation" and len(key) > 2 and key not in _OTHERS:
            full = lasts.get(key, set())
        if len(full) == 1:
            yield key, next(iter(full))
