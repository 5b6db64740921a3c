"""Names where they stand: the tagger of the article's language reads title and body.

English gets the tier that was set (the model or the rules), nationalities from our own table, and events, works and
products by rule; other languages get exactly their country names, because that is all that is right often enough
there; a language without even those is skipped and says so. The operator's own names are found in all of them.

Taggers cut names at hyphens and small words; what the text itself says about a name is believed over them: the
halves of a hyphenated name, the letters of an acronym behind it, the capitals of a dateline.
"""

# ruff: noqa: SIM905 - lists of words read best as text

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence, Set
from functools import cache, lru_cache
from itertools import islice, takewhile
from typing import get_args

from services.enrich.document import Document, EntityType, Mention, TextField
from services.enrich.gazetteer import Gazetteer
from services.enrich.lexicons import Lexicon
from services.enrich.names.beside import beside
from services.enrich.names.bodies import bodies
from services.enrich.names.datelines import datelined
from services.enrich.names.edges import ended
from services.enrich.names.expansions import expansions
from services.enrich.names.families import surnames
from services.enrich.names.fold import fold, look_alikes, without_possessive
from services.enrich.names.mending import mended
from services.enrich.names.own import OwnNames
from services.enrich.names.tagger import SpanLike
from services.enrich.names.things import things
from services.enrich.resources import Resources
from services.enrich.text.tokens import Tokens

MAX_MENTIONS = 10_000  # of one article
READ = 100_000  # characters of a text that a tagger gets to see
THRESHOLD = 0.5  # below it more names are wrong than right (measured on worldwide news: precision 80, recall 81 at 0.5)
_TYPES = frozenset(get_args(EntityType))
_FIELDS: tuple[TextField, ...] = ("title", "body_text")
_DOTTED = re.compile(r"[A-Z](?<![\w.][A-Z])\.(?:[A-Z]\.)+")
_ARTICLE = re.compile(r"(?:the|The|THE)\s+(?=\S)")
_CAPITALISED = re.compile(r"[A-Z][^\W\d_]{2,}(?:-[A-Z][a-z]+)?")
_PAIR = re.compile(r"[A-Z][a-z]+ [A-Z][a-z]+(?: [A-Z][a-z]+)?")
# In Danish, from Polish or Portuguese: no article before, no noun behind.
_SPOKEN = re.compile(
    r"\b(?:in|into|for|from|sp(?:eaks?|oken?|eaking)|learn(?:s|ed|ing)?|taught|teaches|studied|studying) "
    r"(?P<spoken>[A-Z][a-z]+(?:(?:, | or | and |, or |, and )[A-Z][a-z]+){0,6})"
    r"(?= (?:and|but|at|as|to) [a-zA-Z]|[,.;:!?)\u201d\"\n]|$)"
)
_HYPHENED = re.compile(r"-[^\W\d_]\w*")
_WORD_BEFORE = re.compile(r"(?:^|(?<=[\s(\"\u201c]))(?P<word>[^\W\d_a-z][^\W\d_]*[^\W\d_A-Z]) $")
_AT = re.compile(r"\b(?:[Ii]n|[Aa]t|[Nn]ear|[Tt]o) $")
_BEFORE_HYPHEN = re.compile(r"(?<!\w)[^\W\d_]\w*-$")
_TITLES_ALONE = frozenset("dr mr mrs ms mme mlle prof rev col gen lt sgt capt gov sen rep".split())
MOST_EXPANSIONS = 200  # of one text
LONGEST_KEPT = 60  # characters of a name whose edges are remembered: the same names come all day
TOLD = 0.9  # score of a name that our own table tells
_DANGLING = re.compile(r" (?:and|or|of|the|in|for|at)$")
_TRIBAL = re.compile(r" (?:Tribes?|Nations?|Bands?|Reservations?|Country|Affairs|Health Service|Pueblo)(?!\w)")
_ABBREVIATED = re.compile(r"\.(?= ?[a-z0-9(\u2014\u2013-]|[,;:'\u2019)])")
_SHORTENED = tuple(" Co, Inc, Corp, Ltd, Bros, CO, INC, CORP, LTD, St, Ave, Blvd".split(","))
_EDGE = " \t\n\"'\u2018\u2019\u201c\u201d\u00ab\u00bb.,;:!?()[]{}<>\u2013\u2014-*/|"


class Mentions:
    """See the module."""

    name = "mentions"
    revision = "9"
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
                read: list[Mention] = []
                for field in _FIELDS:
                    table = resources.gazetteer if language == "en" else None
                    there = doc.tokens.there if field == "body_text" else None
                    here = mentions(doc.text_of(field), field, next(spans), resources.lexicon, table, there)
                    if language == "en":
                        tokens = doc.tokens if field == "body_text" else Tokens(doc.title)
                        here = bodies(here, tokens, field, resources.lexicon)
                        if field == "body_text":
                            here = datelined(here, doc.body_text, resources.gazetteer.find)
                        here = _with_things(here, doc.text_of(field), field, resources.lexicon)
                        here = _with_groups(here, doc.text_of(field), field, resources.lexicon)
                    read += here
                if language == "en":
                    read = surnames(read, doc.text_of, resources.lexicon)
                found: list[Mention] = []
                for field in _FIELDS:
                    here = [mention for mention in read if mention.field == field]
                    found += _with_own(here, doc.text_of(field), field, resources.own)
                doc.mentions = tuple(found[:MAX_MENTIONS])


def _read(text: str) -> str:
    """The part of a text that is read, cut between two words where there are words."""
    cut = len(text) if len(text) <= READ else text.rfind(" ", 0, READ)
    return text[: cut if cut > 0 else READ]


def mentions(
    text: str,
    field: TextField,
    spans: Iterable[SpanLike],
    lexicon: Lexicon,
    gazetteer: Gazetteer | None = None,
    there: Set[str] | None = None,
) -> list[Mention]:
    """What a tagger found, as mentions: each span made to hold the name alone, in order, without overlaps.

    `there` are the words of the text, where it was cut already.
    """
    found: list[Mention] = []
    last = 0
    whole = _whole(text, spans, lexicon)
    if gazetteer:
        whole = beside(text, mended(text, whole, lexicon, gazetteer.find, there), lexicon, gazetteer.find)
    for start, end, label, score in whole:
        start, end = trim(text, max(start, last), min(end, len(text)), lexicon, person=label == "person")
        name = text[start:end]
        short = name.endswith(_SHORTENED) or (len(name) > 2 and name.capitalize() in lexicon.us_states)
        cut = short and _ABBREVIATED.match(text, end)
        if cut or (name.endswith((" Jr", " Sr")) and text.startswith(".", end)):
            end, name = end + 1, name + "."
        if name.lower() in _TITLES_ALONE:
            continue
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
        start, end = max(0, span.start), min(len(text), span.end)
        if start >= end:
            continue
        while at < len(dotted) and dotted[at][1] <= start:
            at += 1
        if at < len(dotted) and dotted[at][0] <= start and dotted[at][1] >= end:
            start, end = dotted[at]
        if whole and start < whole[-1][1]:
            continue
        if label != "place":
            start, end = _hyphened(text, start, end)
        if whole and (start <= whole[-1][1] or (text[whole[-1][1] : start] == "-" and label != "place")):
            start = whole.pop()[0]
        if label == "person":
            start = _given_before(text, start, whole[-1][1] if whole else 0, lexicon)
        torn = whole and (
            _torn(text, whole[-1], start, label, lexicon) or _placed(text, whole[-1], (start, end), label, lexicon)
        )
        if torn:
            before = whole.pop()
            start = before[0]
        whole.append((start, end, label, float(span.score)))
    return _expanded(text, ended(text, whole, lexicon))


def _hyphened(text: str, start: int, end: int) -> tuple[int, int]:
    """The span with the other half of a hyphenated name: Seppälä|-Koivu, Dobrowolska-|Lis; not US-|based."""
    while text.startswith("-", end) and (match := _HYPHENED.match(text, end)) and text[end + 1].isupper():
        end = match.end()
    if start and text[start - 1] == "-" and (match := _BEFORE_HYPHEN.search(text[max(0, start - 40) : start])):
        before = start - len(match.group())
        start = before if text[before].isupper() else start
    return start, end


def _expanded(text: str, whole: list[tuple[int, int, EntityType, float]]) -> list[tuple[int, int, EntityType, float]]:
    """The spans with those put together, or told of, that an acronym in parentheses shows to be one name."""
    for name in islice(expansions(text), MOST_EXPANSIONS):
        parts = [span for span in whole if span[0] < name.end and span[1] > name.start]
        short = next((span for span in whole if span[0] < name.short_end and span[1] > name.short_start), None)
        if not (parts or short) or any(span[2] == "person" and span[0] < name.start for span in parts):
            continue
        types = {span[2] for span in parts} or {short[2] if short else "organisation"}
        label: EntityType = "place" if types == {"place"} and len(parts) < 2 else "organisation"
        score = max(span[3] for span in [*parts, *([short] if short else [])])
        start = min([name.start, *(span[0] for span in parts)])
        whole = [span for span in whole if span not in parts and span != short]
        whole += [(start, name.end, label, score), (name.short_start, name.short_end, label, score)]
    return sorted(whole)


def _torn(
    text: str, before: tuple[int, int, EntityType, float], start: int, label: EntityType, lexicon: Lexicon
) -> bool:
    """Whether the span before, one everyday word right in front of this one, is the beginning of the same name."""
    if text[before[1] : start] != " " or "person" in (label, before[2]):
        return False
    return lexicon.is_common(text[before[0] : before[1]].lower())


def _given_before(text: str, start: int, free: int, lexicon: Lexicon) -> int:
    """Where a person's name begins: with the given name right before it that the tagger did not know, if any."""
    if not text.startswith(" ", start - 1) or text[max(free, start - 30) : start].islower():
        return start
    match = _WORD_BEFORE.search(text, max(free, start - 30), start)
    if match is None:
        return start
    word = match["word"]
    known = word in lexicon.given_names or fold(word).capitalize() in lexicon.given_names
    return match.start("word") if known else start


def _placed(
    text: str, before: tuple[int, int, EntityType, float], span: tuple[int, int], label: EntityType, lexicon: Lexicon
) -> bool:
    """Whether the place before begins the organisation's name: Alder| County Board; not: in Paris| Unesco."""
    if label != "organisation" or before[2] != "place" or text[before[1] : span[0]] != " ":
        return False
    last = text[span[0] : span[1]].rpartition(" ")[2].lower()
    return last in lexicon.organisation_words and not _AT.search(text[max(0, before[0] - 8) : before[0]])


def _settled(name: str, label: EntityType, lexicon: Lexicon) -> EntityType:
    """Taggers waver on countries (their governments act) and nationalities; by name they are what they are."""
    if name in lexicon.demonyms:
        return "group"
    return "place" if label == "organisation" and name in lexicon.countries["en"] else label


def trim(text: str, start: int, end: int, lexicon: Lexicon, *, person: bool) -> tuple[int, int]:
    """The name alone: no punctuation at its edges, no article, honorific, possessive. `start >= end`: nothing left."""
    if text.startswith(("'s", "\u2019s"), end - 2) and f"{text[start : end - 2]}'s" in lexicon.named_after:
        return start, end  # McDonald's
    first, last = (_kept if end - start <= LONGEST_KEPT else _bare)(text[start:end], lexicon.titles, person)
    return start + first, start + last


def _bare(text: str, titles: frozenset[str], person: bool) -> tuple[int, int]:
    """Where the name alone begins and ends in what a tagger found."""
    start, end = 0, len(text)
    while start < end and text[start] in _EDGE:
        start += 1
    while end > start and text[end - 1] in _EDGE and not _closes(text, start, end):
        end -= 1
    if match := _ARTICLE.match(text, start, end):
        start = match.end()
    end -= end - start - len(without_possessive(text[start:end]))
    if match := _DANGLING.search(text, start, end):
        end = match.start()
    while person and (cut := _honorific(text[start:end], titles)):
        start += cut
    return start, end


_kept = lru_cache(maxsize=8192)(_bare)


def _closes(text: str, start: int, end: int) -> bool:
    """Whether the last character is the full stop of an abbreviation or closes a parenthesis: U.S., Inc., X (Y)."""
    if text[end - 1] == ".":
        word = text[start:end].rsplit(" ", 1)[-1]
        return "." in word[:-1] or word in ("Inc.", "Corp.", "Co.", "Ltd.", "Jr.", "Sr.", "Bros.")
    return text[end - 1] == ")" and "(" in text[start : end - 1]


def _honorific(name: str, titles: frozenset[str]) -> int:
    """How many characters of titles a person's name starts with; 0 when nothing else would be left."""
    words = name.split(" ", 3)
    for count in (3, 2, 1):
        if len(words) > count and " ".join(words[:count]).lower().replace(".", "") in titles:
            return len(" ".join(words[:count])) + 1
    return 0


def _with_things(found: list[Mention], text: str, field: TextField, lexicon: Lexicon) -> list[Mention]:
    """Events, works and products by rule."""
    told = [Mention(field, a, z, text[a:z], kind, score) for a, z, kind, score in things(text, lexicon.demonyms)]
    return _rather(told, found)


def _with_own(found: list[Mention], text: str, field: TextField, own: OwnNames) -> list[Mention]:
    """The operator's own names, which are sure."""
    told = [Mention(field, a, z, text[a:z], entity.type, 1.0) for a, z, entity in own.find(_read(text))]
    return _rather(told, found)


def _rather(told: list[Mention], found: list[Mention]) -> list[Mention]:
    """Both, in order; where they meet those told of, but for a longer name that was found around one of them."""
    if not told:
        return found
    kept: list[Mention] = []
    spoilt: set[Mention] = set()
    at = 0
    for mention in found:
        while at < len(told) and told[at].end <= mention.start:
            at += 1
        meets = list(takewhile(lambda one: one.start < mention.end, islice(told, at, None)))  # noqa: B023 - used at once
        if all(mention.start <= one.start and one.end <= mention.end for one in meets) and not any(
            (one.start, one.end) == (mention.start, mention.end) for one in meets
        ):
            kept.append(mention)
            spoilt.update(meets)
    return sorted([*kept, *(one for one in told if one not in spoilt)], key=lambda mention: mention.start)


def _with_groups(found: list[Mention], text: str, field: TextField, lexicon: Lexicon) -> list[Mention]:
    """Nationalities and peoples where the tagger found nothing; it keeps the words that are part of longer names."""
    groups: list[Mention] = []
    shouted = text.isupper()

    @cache
    def spoken() -> list[tuple[int, int]]:
        """Where languages stand, not those who speak them; looked for where there is such a name at all."""
        return [match.span("spoken") for match in _SPOKEN.finditer(text)]

    if any(mention.type == "group" for mention in found):
        found = [mention for mention in found if mention.type != "group" or not _within(mention.start, spoken())]
    at = 0
    for match in _CAPITALISED.finditer(text):
        while at < len(found) and found[at].end <= match.start():
            at += 1
        if at < len(found) and found[at].start < match.end():
            continue
        if groups and match.start() < groups[-1].end:  # North Korean
            continue
        name = match.group()
        pair = _PAIR.match(text, match.start())
        if pair and pair.group() in lexicon.demonyms and (at == len(found) or found[at].start >= pair.end()):
            name = pair.group()
        if name == "Indian" and _TRIBAL.match(text, match.end()):
            continue
        told = name in lexicon.demonyms or (shouted and name.capitalize() in lexicon.demonyms)
        if told and not _within(match.start(), spoken()):
            groups.append(Mention(field, match.start(), match.start() + len(name), name, "group", TOLD))
    return sorted([*found, *groups], key=lambda mention: mention.start) if groups else found


def _within(place: int, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether a place lies in one of some spans in order."""
    at = bisect_right(spans, place, key=lambda span: span[0]) - 1
    return at >= 0 and spans[at][0] <= place < spans[at][1]
