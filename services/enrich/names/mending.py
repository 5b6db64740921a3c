"""What a text itself says about the names a tagger found in it: spans put right, dropped, added. Pure.

(Dar) es Salaam, United (States)   →  the place of the table that the words around complete
Brighton & (Hove Albion)           →  one organisation;      (Paris) Films too
(Ralph Lauren Corp), (Hugo Boss)   →  organisations, though they read like people
(Rs 2), (Deputy Inspector General) →  no names;              Mvita (MP): the place
Kharkiv, a person?                 →  a place, where no person of that name is in the text
Georgian Dream party, the BJP-led, Sindh Chief Minister  →  names that stand beside what tells it
"""

# ruff: noqa: SIM905 - lists of words read best as text

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence, Set
from functools import lru_cache
from typing import NamedTuple

from services.enrich.document import EntityType
from services.enrich.gazetteer import PlaceRow
from services.enrich.lexicons import Lexicon
from services.enrich.names.fold import fold
from services.enrich.text.tokens import Tokens

Span = tuple[int, int, EntityType, float]  # start, end, type, score
Find = Callable[[str], Sequence[PlaceRow]]

TOLD = 0.7  # score of a name that only its surroundings tell
LONGEST_KEPT = 60  # characters of a name of which is remembered what it tells: the same names come all day
LARGE = 500_000  # people of a city whose name alone is rather the city than a person
_NEXT = re.compile(r"((?: (?:[a-z]{2,4} )?[^\W\d_a-z][\w'\u2019-]*){1,3})")
_BEFORE = re.compile(r"(?<![\w'\u2019-])([^\W\d_a-z][\w'\u2019-]* )$")
_WORD_LAST = re.compile(r"(?<!\w)([^\W\d_]+)\.?$")
_IN_WORD = re.compile(r"\w")
_MONEY = re.compile(
    r"(?:(?:Rs|Re|K?Sh|Ksh|Tk)\.?|(?:US|A|C|NT|HK)\$) ?[\d.,]*(?: ?(?:crore|lakh|million|billion|bn|m))?"
)
_ROLE_BEHIND = re.compile(r" (?:MP|MPs|MCA|MLA|MLC|TD|MEP|MSP|MS|OCPD|OCS|Cllr)$")
_ROLE_BETWEEN = re.compile(_ROLE_BEHIND.pattern.removesuffix("$") + " ")
_OF_A_STATE = re.compile(
    r" (?:Premier|Governor|Gov\.|Chief Minister|Republican|Democrat|Attorney General|Senator|Sen\.)(?!\w)"
)
_LEGAL = re.compile(r" (?:Corp|Inc|Ltd|LLC|PLC|plc|Co|Corporation|Company|Limited|GmbH|Holdings|Technologies)\.?$")
_PLACE_WORDS = frozenset(
    "county river lake mountain mountains island islands valley street avenue road park bridge bay beach province"
    " square district stadium arena airport station peninsula sea ocean desert forest harbour harbor castle hill hills"
    " city town village canal coast region state territory line house palace tower"
    " gardens garden hall court lane".split()
)
_STUDIO = re.compile(r" (?:Films|Pictures|Records|Airlines|Airways|Motors)(?!\w| [A-Z])")
# People and things that belong to a place and not to a club or a company of its name.
OF_A_PLACE = re.compile(
    r" (?:traders|residents|police|voters|officials|court|hospital|man|woman|men|women|boy|girl|teenager|family|schools"
    r"|pupils|farmers|streets|airport|port|governor|mayor|council)(?!\w)"
)
_DISTRICT = re.compile(r", D\.?C\.?(?!\w)")
# A capital first, and what must stand before it told behind it: the engine tries nothing at other characters. The empty
# group at the end of a rule says which it is. Tried only where a text holds one of the words it cannot do without.
_ADDED = {
    r"(?:(?<=[Tt]he [A-Z])|(?<=ruling [A-Z])|(?<=opposition [A-Z]))"
    r"[\w\u2019'-]+ (?:[A-Z][\w\u2019'-]+ ){0,2}[A-Z][\w\u2019'-]+(?= party(?!\w))(?P<party>)": ("party",),
    r"(?<=[Tt]he [A-Z])[\w\u2019'-]+ (?:[A-Z][\w\u2019'-]+ ){0,2}(?:Tribe|Nation|Pueblo)(?![\w-]| [A-Z])"
    r"(?P<tribe>)": ("Tribe", "Nation", "Pueblo"),
    r"(?<=[A-Z])(?<![\w.-][A-Z])[A-Z]{2,6}(?=-(?:led|backed|ruled|run)|['\u2019]s | (?:general secretary|leader|chief"
    r"|spokes\w+|party|government|candidate|lawmaker|official)s?(?!\w))(?P<short>)": (),
    r"(?<=[A-Z])(?<![\w-][A-Z])[a-z]+(?: [A-Z][a-z]+)?(?= (?:Premier|Governor|Gov\.|Chief Minister|Republican"
    r"|Democrat|Attorney General|Senator|Sen\.)(?!\w))(?P<state>)": (
        "Premier", "Governor", "Gov", "Chief", "Republican", "Democrat", "Attorney", "Senator", "Sen",
    ),
    r"(?:(?<=[\u201d\"] said [^\W\d_a-z])|(?<=[\u201d\"] says [^\W\d_a-z])|(?<=[\u201d\"] added [^\W\d_a-z]))"
    r"[\w'\u2019-]+(?: (?:de |da |van |von |der |al |el |bin )?[^\W\d_a-z][\w'\u2019-]+){1,3}(?=[,.])(?P<person>)": (
        "said", "says", "added",
    ),
}  # fmt: skip
_OFFICES = frozenset(
    "Education Health Home Foreign Defence Defense Justice Finance Interior Transport Environment Energy".split()
)
_OFFICER = re.compile(r" (?:and \w+ )?(?:secretary|minister|ministry)(?!\w)")
_TELLS: dict[str, EntityType] = {"state": "place", "person": "person"}
_NO_SHORT = frozenset(
    "CEO CFO COO CTO GDP DNA RNA HIV AIDS PhD USA GMT UTC BST EST PST FAQ LIVE NEWS CCTV COVID UPDATE".split()
)


def mended(text: str, spans: Sequence[Span], lexicon: Lexicon, find: Find, there: Set[str] | None = None) -> list[Span]:
    """The spans of one text, in order and without overlaps, put right.

    `find` gives the places of a folded name; `there` are the words of the text, where it was cut already.
    """
    people = {word for start, end, label, _ in spans if label == "person" for word in _many(text[start:end])}
    kept: list[Span] = []
    for index, span in enumerate(spans):
        behind = spans[index + 1] if index + 1 < len(spans) else None
        one = _read(text, span, behind, people, lexicon, find)
        if one is None:
            continue
        start, end, label, score = one
        if kept and start < kept[-1][1]:
            if end <= kept[-1][1]:
                continue
            start = kept[-1][1]
        both = text[kept[-1][0] : end] if kept and text[kept[-1][1] : start] == " & " else ""
        if both in lexicon.named_after:
            label = "organisation"  # Marks & Spencer, whatever each was taken for
            kept[-1] = (kept[-1][0], kept[-1][1], label, kept[-1][3])
        if kept and label == "organisation" and kept[-1][2] != "person" and text[kept[-1][1] : start] == " & ":
            start, score = kept[-1][0], max(score, kept.pop()[3])  # Brighton & Hove Albion
        kept.append((start, end, label, score))
    return _with(kept, text, lexicon, find, Tokens(text).there if there is None else there)


def _many(name: str) -> list[str]:
    words = name.split()
    return words if len(words) > 1 else []


def _read(text: str, span: Span, behind: Span | None, people: set[str], lexicon: Lexicon, find: Find) -> Span | None:
    """One span put right; None where it is no name."""
    start, end, label, score = span
    name = text[start:end]
    form = (_form if len(name) <= LONGEST_KEPT else _formed)(name)
    if form.role:
        return None
    if label == "organisation" and " " not in name and _seat(text, end, behind) and find(fold(name)):
        return (start, end, "place", score)
    before_person = behind is not None and behind[2] == "person" and text[end : behind[0]] == " "
    if form.money or (before_person and _is_title(name, lexicon)):
        return None
    if form.cut and label == "person":
        constituency = name[: form.cut]
        return (start, start + form.cut, "place" if before_person and " " not in constituency else label, score)
    if label == "person" and (form.legal or name in lexicon.named_after):
        return (start, end, "organisation", score)
    alone = label == "person" and " " not in name and name not in people and name not in lexicon.given_names
    if alone and _large(name, find):
        return (start, end, label if _has_title(name, text, lexicon) else "place", score)
    if label == "organisation" and " " not in name and OF_A_PLACE.match(text, end) and _large(name, find):
        return (start, end, "place", score)
    if label == "organisation" and name in lexicon.us_states and text.endswith(", ", 0, start):
        return (start, end, "place", score)
    if label == "organisation" and name in _OFFICES and _OFFICER.match(text, end):
        return None
    if label == "organisation" and _OF_A_STATE.match(text, end) and any(r.kind != "city" for r in find(fold(name))):
        return (start, end, "place", score)
    if label != "place":
        return span
    if _is_person(name, lexicon, find):
        return (start, end, "person", score)
    start, end = _completed(text, start, end, find)
    if text[start:end] == "Washington" and (match := _DISTRICT.match(text, end)):
        return (start, match.end(), "place", score)
    studio = _STUDIO.match(text, end)
    if studio and (behind is None or behind[0] >= studio.end()):
        return (start, studio.end(), "organisation", score)
    return (start, end, "place", score)


class _Form(NamedTuple):
    """What a name's own letters tell, whatever it stands in."""

    role: bool  # it is a role alone: MP
    cut: int  # where a role behind a name begins, 0 without one
    money: bool
    legal: bool  # it ends in a company's legal form


def _formed(name: str) -> _Form:
    role = _ROLE_BEHIND.search(name)
    return _Form(
        _ROLE_BEHIND.fullmatch(f" {name}") is not None,
        role.start() if role else 0,
        _MONEY.fullmatch(name) is not None,
        _LEGAL.search(name) is not None,
    )


_form = lru_cache(maxsize=8192)(_formed)


def _seat(text: str, end: int, behind: Span | None) -> bool:
    """Whether the seat of a member of parliament ends here: Mvita| MP Ada Obi."""
    return behind is not None and behind[2] == "person" and bool(_ROLE_BETWEEN.fullmatch(text, end, behind[0]))


def _is_title(name: str, lexicon: Lexicon) -> bool:
    words = name.lower().replace(".", "").split()
    return bool(words) and all(word in lexicon.title_words for word in words)


def _has_title(name: str, text: str, lexicon: Lexicon) -> bool:
    """Whether somebody of that name stands anywhere behind a title: Justice Kennedy (a part of Bogotá, too)."""
    at = text.find(f" {name}")
    while at >= 0:
        end = at + 1 + len(name)
        before = _WORD_LAST.search(text, max(0, at - 30), at)
        if before and before[1].lower() in lexicon.title_words and not _IN_WORD.match(text, end):
            return True
        at = text.find(f" {name}", end)
    return False


def _large(name: str, find: Find) -> bool:
    """Whether a name is the first one of a country or of a city with many people."""
    folded = fold(name)
    return any(
        row.kind == "country" or (row.kind == "city" and row.population >= LARGE and fold(row.name) == folded)
        for row in find(folded)
    )


def _is_person(name: str, lexicon: Lexicon, find: Find) -> bool:
    """Whether what was taken for a place is a given name with a family name that is no word: Volodymyr Zelenskyy."""
    first, _, last = name.partition(" ")
    if not last or first not in lexicon.given_names or first in lexicon.demonyms:
        return False
    return not any(word.lower() in lexicon.zipf or word.lower() in _PLACE_WORDS for word in last.split()) and not find(
        fold(name)
    )


def _completed(text: str, start: int, end: int, find: Find) -> tuple[int, int]:
    """A place's name with the words around it that the table knows as one name."""
    around = text[max(0, start - 20) : start]
    before = None if around.islower() and around.isascii() else _BEFORE.search(text, max(0, start - 20), start)
    if before and find(fold(text[before.start(1) : end])):
        start = before.start(1)
    if match := _NEXT.match(text, end):
        stops = [end + place.end() for place in re.finditer(r"[^\W\d_a-z][^ ]*(?= |$)", match.group())]
        for stop in reversed(stops):
            if text[end + 1 : stop].strip() and find(fold(text[start:stop])):
                return start, stop
    return start, end


def _with(kept: list[Span], text: str, lexicon: Lexicon, find: Find, there: Set[str]) -> list[Span]:
    """The spans, and names that what stands beside them tells, where none was found."""
    if text.isupper():
        return kept
    starts = [span[0] for span in kept]
    added = [span for span in _told(text, lexicon, find, there) if _is_free(kept, starts, span)]
    return sorted([*kept, *added]) if added else kept


@lru_cache(maxsize=32)
def _any_of(rules: tuple[str, ...]) -> re.Pattern[str]:
    """The rules as one pattern; only that of persons reads capitals that are not ASCII's."""
    capital = r"[^\W\d_a-z]" if any("<person>" in rule for rule in rules) else "[A-Z]"
    return re.compile(rf"{capital}(?:{'|'.join(rules)})")


def _told(text: str, lexicon: Lexicon, find: Find, there: Set[str]) -> Iterator[Span]:
    last = 0
    shouted = any([len(word) > 2 for word in there if word.isupper()])  # an acronym may be there
    quoted = '"' in text or "\u201d" in text  # persons stand behind words in quotation marks
    rules = tuple(
        rule
        for rule, cues in _ADDED.items()
        if (not there.isdisjoint(cues) and (quoted or "<person>" not in rule)) or (not cues and shouted)
    )
    for match in _any_of(rules).finditer(text) if rules else ():
        start, end, kind = *match.span(), match.lastgroup or ""
        name = match.group()
        if start < last or (kind == "short" and name in _NO_SHORT):
            continue
        if kind == "person" and any(part.lower() in lexicon.zipf for part in name.split()[1:]):
            continue  # said The Ferry Post
        if kind == "state" and not any(row.kind != "city" for row in find(fold(name))):
            continue
        last = end
        yield (start, end, _TELLS.get(kind, "organisation"), TOLD)


def _is_free(kept: list[Span], starts: list[int], span: Span) -> bool:
    at = bisect_left(starts, span[1])
    return at == 0 or kept[at - 1][1] <= span[0]
