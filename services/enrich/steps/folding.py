"""Mentions fold into things: one cluster for everything that names the same person, organisation or place.

same folded form (case, diacritics, look-alike letters, possessive)      Duarte's = DUARTE = Duartе
  → acronym and expansion set in parentheses                             the Institute of Ports (IOP)
  → a person's full forms (middle names, initials, short first names)    Josh E. Amado = Joshua Amado
  → a storm's name alone                                                 Oriel = Storm Oriel
  → family name alone, to the full name it goes with (names/bearers.py)  Duarte
  → an organisation's first or last word alone, or its initials          Halvorne, the Commission, UN
  → known names where the tagger missed them                             an untagged Duarte further down
  → one type per cluster, by vote of the scores
  → two places of one name, each with its state behind it                Portland, Maine; Portland, Oregon
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from services.enrich.document import Cluster, Document, EntityType, Mention, TextField
from services.enrich.gazetteer import Gazetteer
from services.enrich.lexicons import Lexicon
from services.enrich.names.acronyms import is_acronym, stands_for
from services.enrich.names.bearers import Bearers
from services.enrich.names.fold import fold, look_alikes
from services.enrich.names.forms import GENERATIONS, FamilyNames, organisations_in_short
from services.enrich.names.namesakes import apart
from services.enrich.resources import Resources
from services.enrich.text.tokens import Tokens

_CAPITALISED = re.compile(r"[^\W\d_a-z]\w*")
_SUFFIX = re.compile(
    r"(?: (?:inc|ltd|llc|plc|corp|corporation|co|company|limited|gmbh|ag|sa|spa|nv|bv|ab|asa|oyj|holdings|group))+$"
)
_SHOUTED = re.compile(r"(?:(?<=MC)|(?<![^\W\d_]))[^\W\d_]{2,}")  # a part of a name in capitals
_FIELDS: tuple[TextField, ...] = ("title", "body_text")
_LONGEST_FORM = 100  # characters of a name that is looked for again
_MOST_FORMS = 20  # names with one first word: it bounds the work for a text that is nothing but names
PROPAGATED = 0.9  # times the confidence of the name it repeats


class Folding:
    """Provides `clusters`, in order of first appearance, mentions in reading order."""

    name = "folding"
    revision = "7"
    needs = frozenset({"title", "body_text", "mentions"})
    provides = frozenset({"clusters"})
    languages = None

    def run(self, docs: Sequence[Document], resources: Resources) -> None:
        """Fold each document by itself."""
        for doc in docs:
            doc.clusters = tuple(fold_mentions(doc, resources.lexicon, resources.gazetteer)) if doc.mentions else ()


def fold_mentions(doc: Document, lexicon: Lexicon, gazetteer: Gazetteer | None = None) -> list[Cluster]:
    """The clusters of one document. Without a place table no family name is taken for a place that bears it."""
    mentions = sorted([*doc.mentions, *_repeated(doc, doc.mentions, lexicon)], key=_order)
    keys = _apart(mentions)

    def is_place(key: str) -> bool:
        rows = gazetteer.find(key) if gazetteer is not None else []
        return any(row.kind != "admin" or row.country in ("US", "GB") for row in rows)  # Guerrero is a family too

    union = _Union()
    spelt: dict[str, EntityType] = {}  # key of an acronym -> the type of what it stands for, which says more
    for short, full in _acronyms(doc, mentions):
        union.join(keys[short], keys[full])
        spelt[keys[short]] = mentions[full].type
    types = {key: _vote(group) for key, group in _grouped(mentions, keys).items()}
    _join_full_names(keys, types, union, lexicon)
    _join_short_events(keys, types, union)
    bearers = Bearers(doc.text_of, mentions, keys, lexicon)
    owners = FamilyNames(keys, types, lexicon, is_place, bearers.choose)
    names = {key: mention.text for mention, key in zip(mentions, keys, strict=True)}
    for one, other in list(organisations_in_short(names, types, union.find, lexicon, is_place, owners.has)):
        union.join(one, other)
        types[one] = "organisation"
    groups: dict[str, list[Mention]] = defaultdict(list)
    kinds: dict[str, list[Mention]] = defaultdict(list)
    for index, (mention, key) in enumerate(zip(mentions, keys, strict=True)):
        owner = owners(index, key)
        groups[union.find(owner)].append(mention)
        if owner == key and types[key] == mention.type:
            kinds[union.find(owner)].append(mention)
    told = {union.find(key): kind for key, kind in spelt.items()}
    found = [_cluster(group, told.get(root) or _vote(kinds.get(root) or group)) for root, group in groups.items()]
    return list(apart(doc, found, gazetteer)) if gazetteer else found


def _order(mention: Mention) -> tuple[bool, int]:
    return (mention.field != _FIELDS[0], mention.start)


def _key(mention: Mention) -> str:
    key = fold(mention.text)
    if mention.type == "organisation" and " " in key:
        key = _SUFFIX.sub("", key) or key
    return key or mention.text


def _apart(mentions: Sequence[Mention]) -> list[str]:
    """The key of each mention; companies and places are kept apart from people of their name.

    Ralph Lauren Corp is not Ralph Lauren where both are named, and a Ford that is read as an organisation is not Sarah
    Ford where the text names a company that begins with it. Washington the man is Denzel Washington, the city is not.
    """
    people = {fold(mention.text) for mention in mentions if mention.type == "person"}
    keys = [key if (key := _key(mention)) not in people else fold(mention.text) for mention in mentions]
    places = {key for mention, key in zip(mentions, keys, strict=True) if mention.type == "place"} & people
    if places:
        whole = {key: [one for one in people if one.endswith(f" {key}") or one.startswith(f"{key} ")] for key in places}
        keys = [
            whole[key][0] if mention.type == "person" and len(whole.get(key, ())) == 1 else key
            for mention, key in zip(mentions, keys, strict=True)
        ]
    families = {key.rpartition(" ")[2] for key in people if " " in key}
    companies: dict[str, set[str]] = defaultdict(set)
    for mention, key in zip(mentions, keys, strict=True):
        if mention.type == "organisation" and " " in key and (first := key.partition(" ")[0]) in families:
            companies[first].add(key)
    if not companies:
        return keys
    return [
        next(iter(companies[key])) if mention.type == "organisation" and len(companies.get(key, ())) == 1 else key
        for mention, key in zip(mentions, keys, strict=True)
    ]


def _grouped(mentions: list[Mention], keys: list[str]) -> dict[str, list[Mention]]:
    groups: dict[str, list[Mention]] = defaultdict(list)
    for mention, key in zip(mentions, keys, strict=True):
        groups[key].append(mention)
    return groups


def _vote(group: list[Mention]) -> EntityType:
    """The type with the highest sum of scores; longer names know better than their parts."""
    if len(group) == 1:
        return group[0].type
    votes: dict[EntityType, float] = defaultdict(float)
    for mention in group:
        votes[mention.type] += mention.score * (2.0 if " " in mention.text else 1.0)
    return max(votes, key=votes.__getitem__)


class _Union:
    """Disjoint sets of keys."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def find(self, key: str) -> str:
        root = key
        while (parent := self._parent.get(root, root)) != root:
            root = parent
        while (parent := self._parent.get(key, key)) != root:
            self._parent[key] = root
            key = parent
        return root

    def join(self, one: str, other: str) -> None:
        self._parent[self.find(one)] = self.find(other)


def _acronyms(doc: Document, mentions: list[Mention]) -> list[tuple[int, int]]:
    """Pairs (index of the acronym, index of what it stands for) where one stands in parentheses behind the other."""
    pairs: list[tuple[int, int]] = []
    for index in range(len(mentions) - 1):
        one, two = mentions[index], mentions[index + 1]
        if one.field != two.field or not 1 < two.start - one.end <= 8:
            continue
        text = doc.text_of(one.field)
        gap = text[one.end : two.start]
        if gap not in (" (", " (the ", " (The ") or text[two.end : two.end + 1] != ")":
            continue
        if is_acronym(two.text) and stands_for(two.text, one.text):
            pairs.append((index + 1, index))
        elif is_acronym(one.text) and (
            stands_for(one.text, two.text) or (gap != " (" and two.type in (one.type, "organisation"))
        ):
            pairs.append((index, index + 1))
    return pairs


def _join_full_names(keys: list[str], types: dict[str, EntityType], union: _Union, lexicon: Lexicon) -> None:
    """A person's forms with the same first and family name are one; initials and short forms stand for first names."""
    full: dict[tuple[str, str], str] = {}
    for key in dict.fromkeys(keys):
        parts = [part for part in key.split() if part not in GENERATIONS]
        if types[key] == "person" and len(parts) > 1 and len(parts[0]) > 1:
            union.join(key, full.setdefault((parts[0], parts[-1]), key))
    for (first, last), key in full.items():
        short = [full[name, last] for name in lexicon.nicknames.get(first, ()) if (name, last) in full]
        if len(short) == 1:
            union.join(short[0], key)
    by_initial: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (first, last), key in full.items():
        by_initial[first[0], last].append(key)
    for key in dict.fromkeys(keys):
        parts = key.split()
        if types[key] == "person" and len(parts) > 1 and len(parts[0]) == 1:
            known = by_initial.get((parts[0], parts[-1]), [])
            if len(known) == 1:
                union.join(key, known[0])


def _join_short_events(keys: list[str], types: dict[str, EntityType], union: _Union) -> None:
    """Oriel is Storm Oriel where that was named."""
    whole = {key.rpartition(" ")[2]: key for key in keys if types[key] == "event" and " " in key}
    for key in dict.fromkeys(keys):
        if types[key] == "event" and key in whole:
            union.join(key, whole[key])


def _cluster(group: list[Mention], kind: EntityType) -> Cluster:
    forms = Counter([look_alikes(mention.text) for mention in group])

    def worth(form: str) -> tuple[bool, bool, int, int]:
        return (
            not is_acronym(form),
            not form.isupper(),
            min(4, len(form.split())) if kind != "place" else 0,
            forms[form],
        )

    alone = len(forms) == 1
    name = next(iter(forms)) if alone else max(forms, key=worth)
    if kind == "person":
        spelt = name if alone else max(forms, key=lambda form: (" " in form, not form.isupper(), forms[form]))
        name = _in_lower_case(spelt) if spelt.isupper() and " " in spelt else name
    return Cluster(type=kind, key=fold(name) or name, name=name, mentions=tuple(group))


def _in_lower_case(name: str) -> str:
    """A person's name that stands in capitals, as it is written elsewhere: Siobhan O'Neill, M.K. Stalin."""
    return _SHOUTED.sub(lambda match: match.group()[0] + match.group()[1:].lower(), name)


_Forms = dict[str, dict[str, tuple[EntityType, float]]]  # first word -> whole form, the longest first -> type and score


def _repeated(doc: Document, mentions: Sequence[Mention], lexicon: Lexicon) -> list[Mention]:
    """Known names, and family names of known persons, where the tagger did not mark them."""
    names = _looked_for(mentions, lexicon)
    if not names:
        return []
    found: list[Mention] = []
    for field in _FIELDS:
        taken = sorted((mention.start, mention.end) for mention in mentions if mention.field == field)
        text, repaired = doc.text_of(field), look_alikes(doc.text_of(field))
        at = last = 0
        shouted = text.isupper()  # WHO is no organisation there
        tokens = doc.tokens if repaired is doc.body_text else Tokens(repaired)
        for word, start in tokens.places(names):
            while at < len(taken) and taken[at][1] <= start:
                at += 1
            free_until = taken[at][0] if at < len(taken) else len(text)
            if start < last or start >= free_until:
                continue
            if shouted and lexicon.is_common(word.lower()):
                continue
            if hit := _longest(repaired, start, free_until, names[word]):
                last, kind, score = hit
                found.append(Mention(field, start, last, text[start:last], kind, round(score * PROPAGATED, 4)))
    return found


def _looked_for(mentions: Sequence[Mention], lexicon: Lexicon) -> _Forms:
    forms: _Forms = defaultdict(dict)
    seen: dict[tuple[str, str], float] = {}
    for mention in sorted(mentions, key=lambda mention: -len(mention.text)):
        if mention.type == "group" or len(mention.text) > _LONGEST_FORM:
            continue
        if seen.get((mention.text, mention.type), -1.0) >= mention.score:
            continue
        seen[mention.text, mention.type] = mention.score
        name = look_alikes(mention.text)
        for form in {name, name.rpartition(" ")[2]} if mention.type == "person" else {name}:
            first = _CAPITALISED.match(form)
            everyday = lexicon.is_common(form.lower()) and not is_acronym(form)
            if first is None or (" " not in form and (len(form) < 3 or everyday)):
                continue
            known = forms[first.group()].get(form)
            if known is None or known[1] < mention.score:
                forms[first.group()][form] = (mention.type, mention.score)
    return {
        first: dict(sorted(known.items(), key=lambda item: -len(item[0]))[:_MOST_FORMS])
        for first, known in forms.items()
    }


def _longest(
    text: str, start: int, free_until: int, forms: dict[str, tuple[EntityType, float]]
) -> tuple[int, EntityType, float] | None:
    """The longest known form here that ends before the next tagged name: its end, type and score."""
    for form, known in forms.items():
        end = start + len(form)
        if end <= free_until and text.startswith(form, start) and not text[end : end + 1].isalnum():
            return end, *known
    return None
