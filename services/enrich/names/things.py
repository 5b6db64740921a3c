"""Events, works and products in English text, by rules that are right when they speak and silent otherwise.

    event    storms with a name, wars and battles, contests, meetings, holidays
    work     a title beside what says that it is one: the film "..."
    product  vessels and vehicles, weapons by their type numbers, lines of goods that everybody knows

Each rule needs a word of its own that says what kind of thing it is (`lexicons/things.toml`). A model trained on free
data cannot tell these types: the sets that mark them are not free to train on.
"""

# ruff: noqa: SIM905 - lists of words read best as text

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import ahocorasick

from services.enrich import lexicons
from services.enrich.document import EntityType

SURE = 0.85  # score of a name by rule
MOST = 500  # names of one text by one rule
MOST_STORMS = 10

_LISTS: dict[str, list[str]] = tomllib.loads(
    (Path(lexicons.__file__).parent / "things.toml").read_text(encoding="utf-8")
)


def _any(name: str) -> str:
    """One of a list's entries, the longest that fits."""
    return "(?:" + "|".join(sorted(_LISTS[name], key=len, reverse=True)) + ")"


class Thing(NamedTuple):
    """A name at `text[start:end]`, its kind and how sure, 0 to 1."""

    start: int
    end: int
    label: EntityType
    score: float


def _cues(name: str) -> tuple[str, ...]:
    """What each entry of a list begins with: a text without any of them holds none."""
    return tuple(sorted({_HEAD.sub("", entry) for entry in _LISTS[name]}))


_HEAD = re.compile(r"(?:\w\?|[^\w '’-]).*")  # from the first letter that may be absent


# One word with a capital, and what may hang on it: O'Neill, Franco-German. Its length is bounded and two never touch,
# so that no pattern here takes more than a fixed number of tries from one place.
_CAP = r"[^\W\d_a-z][\w’'-]{0,30}"
_NAME = rf"{_CAP}(?: (?:of the |of |de la |de |do |da |du |des |del |the )?{_CAP})"
_TITLE = r"[“\"‘'](?P<name>[^\W_a-z][^“”\"\n]{0,80}?)[,.]?[”\"’'](?!\w)"

# Words without one of which no rule of a list can hold; looking for all of them at once is far cheaper than the rules.
_CUES = {name: _cues(name) for name in _LISTS} | {
    "quoted": ("“", '"', " ‘", " '"),
    "fought": ("War", "Battle", "Siege", "Fall of"),
    "afloat": ("ship", "vessel", "boat"),
    "space": ("space", "Space", "unar", "rbit", "Moon", "comet", "asteroid"),
    "telescopes": ("Telescope", "Space Station"),
}


def _automaton() -> ahocorasick.Automaton:
    made = ahocorasick.Automaton()
    for cue in {cue for cues in _CUES.values() for cue in cues if cue}:
        made.add_word(cue, frozenset(name for name, cues in _CUES.items() if cue in cues))
    made.make_automaton()
    return made


_FINDER = _automaton()

_STORM = re.compile(rf"\b{_any('storms')}s? (?P<name>{_CAP})")
_HELD = re.compile(rf"\b(?P<name>(?:{_CAP} (?:of |de |& |and )?){{1,4}}{_any('held')}(?: \d{{4}})?)\b(?! {_CAP})")
_KNOWN = re.compile(rf"\b{_any('events')}(?!\w)")
_WAR = re.compile(
    r"\b(?:(?:First|Second|Third) World War|World Wars? (?:I{1,3}|One|Two)|(?:Cold|Gulf|Civil|Great) War"
    rf"|(?:(?!\w+['’]s ){_CAP} ){{1,3}}(?:Civil )?War(?: of Independence)?"
    rf"|(?:Battle|Siege|Fall) of (?:the )?{_CAP}(?: {_CAP})?)\b"
)
_TITLES = (
    re.compile(rf"\b{_any('works')}s?,? (?:(?:called|titled|entitled|named|version of|adaptation of) )?{_TITLE}"),
    re.compile(rf"\b{_any('made')} {_TITLE}"),
    re.compile(rf"{_TITLE},? which (?:she|he|they) (?:directed|wrote|composed)"),
    re.compile(rf"{_TITLE},? an? (?:\d{{4}} )?(?:\w+ )?{_any('works')}\b"),
)
# Her book, The Shore Before This One, appeared: no quotation marks, so three words at least, between commas.
_BETWEEN = re.compile(
    rf"\b{_any('works')}, (?P<name>{_CAP}(?: (?:of|the|a|an|and|in|to|for|on|at|with|by|from|{_CAP})){{2,8}})(?=, )"
)
_PREFIXED = re.compile(rf"\b{_any('ships')} {_CAP}(?: {_CAP}){{0,2}}")
_CODED = re.compile(rf"\b{_any('codes')}\b")
_GOODS = re.compile(
    rf"\b{_any('products')}(?: \d{{1,2}}(?!\d))?(?: (?:Pro|Max|Plus|Ultra|Mini|One|Series [XS])(?!\w)){{0,2}}(?!\w)"
)
_TELESCOPE = re.compile(rf"\b(?!The ){_CAP} (?:{_CAP} )?(?:Space Telescope|Telescope|Space Station)\b")
_VESSEL = re.compile(rf"\b{_any('vessels')}s?,? (?:the )?(?P<name>{_NAME}{{0,3}})")
_CRAFT = re.compile(rf"\b(?P<name>{_CAP}(?: {_CAP}| \d{{1,3}}){{0,2}})(?:['’]s)? {_any('crafts')}s?\b")
_ABOARD = re.compile(
    r"\b(?:(?:aboard|on board) (?:the )?|[Tt]he (?=[^.]{4,60}? (?:was|lay|had) [^.]{0,30}nautical miles))"
    rf"(?P<name>{_NAME}{{0,2}})"
)
_MISSION = re.compile(rf"\b(?P<name>{_CAP}(?: {_CAP}| \d{{1,3}})?) (?:mission|probe|capsule|module)\b")

_NO_NAME = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august"
    " september october november december the a an this that his her its their our last next no two three four wind"
    " dust ice rain snow sand hail warning damage surge water front force king".split()
)


def things(text: str, peoples: Collection[str] = ()) -> list[Thing]:
    """The events, works and products named in `text`, in order, without overlaps.

    `peoples` are words such as "Russian", which are no name of a vessel or vehicle. Time grows with the length of the
    text, whatever it holds.
    """
    found: list[Thing] = []
    given: set[str] = set()
    for _, names in _FINDER.iter(text):
        given |= names
    rules: tuple[tuple[EntityType, Iterator[re.Pattern[str]]], ...] = (
        ("event", _events(given)),
        ("work", _works(given)),
        ("product", _goods(given)),
    )
    for kind, patterns in rules:
        for pattern in patterns:
            found += (_made(match, kind) for match in islice(pattern.finditer(text), MOST))
    found = [one for one in found if one.label != "work" or _titled(text[one.start : one.end])]
    found += [*(_storms(text) if "storms" in given else ()), *(_held(text) if "held" in given else ())]
    for pattern in _crafts(given):
        found += (one for match in islice(pattern.finditer(text), MOST) if (one := _craft(match, peoples)))
    return _apart(text, found)


def _events(given: set[str]) -> Iterator[re.Pattern[str]]:
    """The rules for events that a text gives reason to try."""
    if "events" in given:
        yield _KNOWN
    if "fought" in given:
        yield _WAR


def _works(given: set[str]) -> Iterator[re.Pattern[str]]:
    if "quoted" in given:
        yield from _TITLES
    if "works" in given:
        yield _BETWEEN


def _goods(given: set[str]) -> Iterator[re.Pattern[str]]:
    if "codes" in given:
        yield _CODED
    if "ships" in given:
        yield _PREFIXED
    if "products" in given:
        yield _GOODS
    if "telescopes" in given:
        yield _TELESCOPE


def _crafts(given: set[str]) -> Iterator[re.Pattern[str]]:
    if "vessels" in given:
        yield _VESSEL
    if "crafts" in given:
        yield _CRAFT
    if "vessels" in given or "afloat" in given:  # what only a text about a ship says so
        yield _ABOARD
    if "space" in given:
        yield _MISSION


def _made(match: re.Match[str], kind: EntityType) -> Thing:
    start, end = match.span("name") if "name" in match.re.groupindex else match.span()
    if kind == "event" and match.string.startswith("The ", start):
        start += len("The ")
    return _thing(start, end, kind)


def _thing(start: int, end: int, kind: EntityType) -> Thing:
    return Thing(start, end, kind, SURE)


def _storms(text: str) -> Iterator[Thing]:
    """Storms by their whole name, and by the name alone where the whole one was given before."""
    first: dict[str, int] = {}
    shouted = text.isupper()
    for match in islice(_STORM.finditer(text), MOST):
        name = match["name"]
        if name.lower() not in _NO_NAME and (shouted or not name.isupper()):
            yield _thing(match.start(), match.end(), "event")
            first.setdefault(name, match.end())
    if first:
        again = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, islice(first, MOST_STORMS))) + r")(?!\w)")
        known = (match for match in again.finditer(text) if match.start() >= first[match.group()])
        yield from (_thing(*match.span(), "event") for match in islice(known, MOST))


def _held(text: str) -> Iterator[Thing]:
    """Contests and meetings by their last word; small words that begin a sentence are not part of the name."""
    for match in islice(_HELD.finditer(text), MOST):
        start, end = match.span("name")
        words = match["name"].split(" ")
        while len(words) > 1 and words[0].lower() in _NO_NAME:
            start += len(words.pop(0)) + 1
        if len(words) > 1:
            yield _thing(start, end, "event")


def _titled(title: str) -> bool:
    """Whether words read like a title: few, and at least half of them with a capital."""
    words = re.findall(r"[^\W_][\w'’-]*", title)
    capital = sum(not word[0].islower() for word in words)
    return 0 < len(words) <= 10 and capital >= (len(words) + 1) // 2


def _craft(match: re.Match[str], peoples: Collection[str]) -> Thing | None:
    """A vessel or craft by the word beside its name, without whose it is: Europe's |Halcyon| spacecraft."""
    start, end = match.span("name")
    owner = re.match(r"[^ ]+['’]s ", match["name"])
    start += owner.end() if owner else 0
    name = match.string[start:end]
    first = name.split(" ")[0]
    if not name or first.lower() in _NO_NAME or first in peoples or name.isupper():
        return None
    return _thing(start, end, "product")


def _apart(text: str, found: Sequence[Thing]) -> list[Thing]:
    """Of names that overlap the longest, then the first."""
    taken = bytearray(len(text))
    kept: list[Thing] = []
    for one in sorted(set(found), key=lambda one: (one.start - one.end, one.start)):
        if not any(taken[one.start : one.end]):
            taken[one.start : one.end] = b"\1" * (one.end - one.start)
            kept.append(one)
    return sorted(kept, key=lambda one: one.start)
