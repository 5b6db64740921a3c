"""Names where they stand: the tagger of the article's language reads title and body.

English gets the tier that was set (the model or the rules) and nationalities from our own table; other languages get
exactly their country names, because that is all that is right often enough there; a language without even those is
skipped and says so.
"""

# ruff: noqa: SIM905 - lists of words read best as text

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import get_args

from services.enrich.document import Document, EntityType, Mention, TextField
from services.enrich.lexicons import Lexicon
from services.enrich.names.fold import look_alikes, without_possessive
from services.enrich.names.tagger import SpanLike
from services.enrich.resources import Resources

MAX_MENTIONS = 10_000  # of one article
READ = 100_000  # characters of a text that a tagger gets to see
THRESHOLD = 0.5  # below it more names are wrong than right (measured on worldwide news: precision 80, recall 81 at 0.5)
_TYPES = frozenset(get_args(EntityType))
_FIELDS: tuple[TextField, ...] = ("title", "body_text")
_DOTTED = re.compile(r"(?<![\w.])(?:[A-Z]\.){2,}")
_ARTICLE = re.compile(r"(?:the|The|THE)\s+(?=\S)")
_CAPITALISED = re.compile(r"[A-Z][^\W\d_]{2,}(?:-[A-Z][a-z]+)?")
_PAIR = re.compile(r"[A-Z][a-z]+ [A-Z][a-z]+(?: [A-Z][a-z]+)?")
_EDGE = " \t\n\"'\u2018\u2019\u201c\u201d\u00ab\u00bb.,;:!?()[]{}<>\u2013\u2014-*/|"


class Mentions:
    """See the module."""

    name = "mentions"
    revision = "1"
    needs = frozenset({"title", "body_text", "language"})
    provides = frozenset({"mentions"})
    languages = frozenset(
        "en ar bg bn ca cs da de el es et fa fi fr he hi hr hu id it ja ko lt lv ms no pl pt ro ru sk sl sr sv sw ta"
        " th tr uk ur vi zh am ha yo ig so zu af nl".split()
    )

    def run(self, docs: Sequence[Document], resources: Resources) -> None:
        """One call of the tagger for all documents of a language, so that it can batch across articles."""
        groups: dict[str, list[Document]] = {}
        for doc in docs:
            groups.setdefault(doc.language.code if doc.language else "", []).append(doc)
        for language, group in groups.items():
            tagger = resources.tagger(language)
            texts = [look_alikes(_read(doc.text_of(field))) for doc in group for field in _FIELDS]
            spans = iter(tagger.tag(texts)) if tagger else iter([[]] * len(texts))
            for doc in group:
                found: list[Mention] = []
                for field in _FIELDS:
                    here = mentions(doc.text_of(field), field, next(spans), resources.lexicon)
                    found += (
                        _with_groups(here, doc.text_of(field), field, resources.lexicon) if language == "en" else here
                    )
                doc.mentions = tuple(found[:MAX_MENTIONS])


def _read(text: str) -> str:
    """The part of a text that is read, cut between two words where there are words."""
    cut = len(text) if len(text) <= READ else text.rfind(" ", 0, READ)
    return text[: cut if cut > 0 else READ]


def mentions(text: str, field: TextField, spans: Iterable[SpanLike], lexicon: Lexicon) -> list[Mention]:
    """What a tagger found, as mentions: each span made to hold the name alone, in order, without overlaps."""
    found: list[Mention] = []
    last = 0
    for start, end, label, score in _whole(text, spans, lexicon):
        start, end = trim(text, max(start, last), min(end, len(text)), lexicon, person=label == "person")
        name = text[start:end]
        if start < end and (len(name) > 1 or not name.isascii()):
            found.append(Mention(field, start, end, name, _settled(name, label, lexicon), round(score, 4)))
            last = end
    return found


def _whole(text: str, spans: Iterable[SpanLike], lexicon: Lexicon) -> list[tuple[int, int, EntityType, float]]:
    """Spans in order, those that cut a name in pieces put together: U|S, United|States Navy, State|Department."""
    whole: list[tuple[int, int, EntityType, float]] = []
    dotted = [(match.start(), match.end()) for match in _DOTTED.finditer(text)]
    at = 0
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if span.score < THRESHOLD or span.label not in _TYPES:
            continue
        label: EntityType = span.label  # type: ignore[assignment]  # checked just above
        start, end = span.start, span.end
        while at < len(dotted) and dotted[at][1] <= start:
            at += 1
        if at < len(dotted) and dotted[at][0] <= start and dotted[at][1] >= end:
            start, end = dotted[at]
        if whole and start < whole[-1][1]:
            continue
        if whole and _torn(text, whole[-1], start, label, lexicon):
            before = whole.pop()
            start = before[0]
        whole.append((start, end, label, float(span.score)))
    return whole


def _torn(
    text: str, before: tuple[int, int, EntityType, float], start: int, label: EntityType, lexicon: Lexicon
) -> bool:
    """Whether the span before, one everyday word right in front of this one, is the beginning of the same name."""
    if text[before[1] : start] != " " or "person" in (label, before[2]):
        return False
    return lexicon.is_common(text[before[0] : before[1]].lower())


def _settled(name: str, label: EntityType, lexicon: Lexicon) -> EntityType:
    """Taggers waver on countries (their governments act) and nationalities; by name they are what they are."""
    if name in lexicon.demonyms:
        return "group"
    return "place" if label == "organisation" and name in lexicon.countries["en"] else label


def trim(text: str, start: int, end: int, lexicon: Lexicon, *, person: bool) -> tuple[int, int]:
    """The name alone: no punctuation at its edges, no article, honorific, possessive. `start >= end`: nothing left."""
    while start < end and text[start] in _EDGE:
        start += 1
    while end > start and text[end - 1] in _EDGE and not _closes(text, start, end):
        end -= 1
    if match := _ARTICLE.match(text, start, end):
        start = match.end()
    end -= end - start - len(without_possessive(text[start:end]))
    while person and (cut := _honorific(text[start:end], lexicon)):
        start += cut
    return start, end


def _closes(text: str, start: int, end: int) -> bool:
    """Whether the last character is the full stop of an abbreviation or closes a parenthesis: U.S., Inc., X (Y)."""
    if text[end - 1] == ".":
        word = text[start:end].rsplit(" ", 1)[-1]
        return "." in word[:-1] or word in ("Inc.", "Corp.", "Co.", "Ltd.", "Jr.", "Sr.")
    return text[end - 1] == ")" and "(" in text[start : end - 1]


def _honorific(name: str, lexicon: Lexicon) -> int:
    """How many characters of titles a person's name starts with; 0 when nothing else would be left."""
    words = name.split(" ", 3)
    for count in (3, 2, 1):
        if len(words) > count and " ".join(words[:count]).lower().replace(".", "") in lexicon.titles:
            return len(" ".join(words[:count])) + 1
    return 0


def _with_groups(found: list[Mention], text: str, field: TextField, lexicon: Lexicon) -> list[Mention]:
    """Nationalities and peoples where the tagger found nothing; it keeps the words that are part of longer names."""
    groups: list[Mention] = []
    at = 0
    for match in _CAPITALISED.finditer(text):
        while at < len(found) and found[at].end <= match.start():
            at += 1
        name = match.group()
        if at < len(found) and found[at].start < match.end():
            continue
        pair = _PAIR.match(text, match.start())
        if pair and pair.group() in lexicon.demonyms and (at == len(found) or found[at].start >= pair.end()):
            name = pair.group()
        if name in lexicon.demonyms:
            groups.append(Mention(field, match.start(), match.start() + len(name), name, "group", 0.9))
    return sorted([*found, *groups], key=lambda mention: mention.start) if groups else found
