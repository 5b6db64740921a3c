"""Where a name ends: what spelling tells where a tagger stopped too early, went too far or took the kind wrongly.

    Liberal Party| of |Canada          the body and its place        City of| |Port Elm      what "of" was cut from
    Council on| the Arctic Sea         what follows the small word   Rights Watch and|       a small word too many
    T. S. |Eliot, Kevin A|. |Boone     the initials                  CCNG|, Inc.             the legal form
    Italian |Labour Party              the nationality               Cape Elm| Opera House   the body behind the place
    Royal Festival Hall                a building, no body           Attorney General        a title, no name

Nothing here names anyone: the words are kinds of bodies and of buildings, titles, nationalities and small words.
"""

# ruff: noqa: SIM905 - lists of words read best as text

from __future__ import annotations

import re
from collections.abc import Iterable

from services.enrich.document import EntityType
from services.enrich.lexicons import Lexicon

Name = tuple[int, int, EntityType, float]

FARTHEST = 8  # characters between two parts of one name
_SMALLS = frozenset("of on for and in at the as to by with de & from or".split())
_SMALL = re.compile(rf"(?:[ ,]+(?:{'|'.join(sorted(_SMALLS))}))+$")
_OPEN = re.compile(r"(?<!South)(?<!North)(?<!East)(?<!West) (?:of|on|for|of the|for the|on the)$")
_OF = re.compile(r" of (?:the )?")
_ON = re.compile(r" (?:the )?")
_LETTERS = re.compile(r"\.? ?(?:[A-Z]\. ?){0,2}")
_INITIALS = re.compile(r"(?:^|(?<=[\s(\"\u201c]))(?:[A-Z]\. ?){1,3}$")
_CUT_INITIAL = re.compile(r"(?<= )[A-Z]$")
_DATED = r"(?!(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|(?:Jan|Febr)uary|March|April|May |June|July|August|\w+ber )"
_CAPITALS = re.compile(rf" (?:the )?{_DATED}[A-Z][\w-]+(?: [A-Z][\w-]+){{0,3}}")
_LED = re.compile(
    rf" (?:of|for|(?<=Council )on|(?<=Commission )on|(?<=Committee )on|(?<=Conference )on) (?:the )?{_DATED}[A-Z][\w-]+"
    r"(?: [A-Z][\w-]+){0,3}"
)
_RUN = re.compile(r"(?: [A-Z][\w-]+){1,3}")
_ADJECTIVE = re.compile(r"(?:^|(?<=[\s(\"\u201c]))(?P<word>[A-Z][a-z]+(?:-[A-Z][a-z]+)?) $")
_FORM = re.compile(r",? (?:Inc|Ltd|Corp|Co|LLC|LLP|PLC|plc|GmbH|AG|SA|NV|Pty Ltd|Limited)(?![\w-])\.?")
_PARTY = re.compile(r" party(?!\w)")
#: Words of conviction, which name a party only together with that word.
_CONVICTIONS = frozenset(
    """republican democratic democrat labour labor liberal conservative socialist communist nationalist green unionist
    progressive reform workers people's populist libertarian islamist""".split()
)
_BUILDINGS = frozenset(
    """airport bridge building stadium arena street road avenue boulevard square tower palace prison jail harbour
    harbor port island islands river lake mountain mountains valley bay beach park gardens hall theatre theater
    auditorium hotel cathedral mosque temple monument
    cemetery tunnel highway reservoir dam""".split()
)
_REALM_OF = re.compile(r"(?<!\w)(?:Port|Republic|Kingdom|Gulf|Bay|Isle|Duchy|Straits?|Sea|Emirate) of (?:the )?$")
_REALMS = frozenset("republic kingdom port gulf bay isle duchy city state states province strait sea emirate".split())


def ended(text: str, names: Iterable[Name], lexicon: Lexicon) -> list[Name]:
    """The names of a text, in order and without overlaps, each with the ends and the kind that spelling tells."""
    found: list[Name] = []
    for name in names:
        before = found[-1] if found else None
        if before and name[0] - before[1] <= FARTHEST and (joined := _joined(text, before, name, lexicon)):
            found[-1] = joined
        elif name[2] == "person":
            found.append((_with_initials(text, name[0], before[1] if before else 0), *name[1:]))
        else:
            found.append(name)
    made: list[Name] = []
    for number, name in enumerate(found):
        free = (made[-1][1] if made else 0, found[number + 1][0] if number + 1 < len(found) else len(text))
        if name[2] == "organisation" and (told := _titled(text, name, lexicon)):
            name = told
        elif name[2] == "organisation":
            name = _body(text, _trimmed(text, name, free[1], lexicon), free, lexicon)
        else:
            name = _trimmed(text, name, 0, lexicon)
            name = _seat(text, name, free, lexicon) if name[2] == "place" else name
        alone = text[name[0] : name[1]]
        titled = name[2] == "person" and alone.lower() in lexicon.titles and not _borne(text, found, alone)
        if name[0] < name[1] and not titled:
            made.append(name)
    return made


def _borne(text: str, names: Iterable[Name], family: str) -> bool:
    """Whether one of the names is a whole one that ends with this family name."""
    return any(text[start:end].endswith(f" {family}") for start, end, _, _ in names)


def _joined(text: str, before: Name, name: Name, lexicon: Lexicon) -> Name | None:
    """Two names as one, where what stands between them says that they are."""
    start, end = before[0], name[1]
    head, between = text[start : before[1]], text[before[1] : name[0]]
    last = head.rpartition(" ")[2].lower()
    kinds = (before[2], name[2])
    if name[2] == "person":
        nation = last.endswith(("man", "woman")) or head in lexicon.demonyms or (head.isupper() and " " not in head)
        if before[2] == "person" and between == " " and head.rpartition(" ")[2][0].isupper() and not nation:
            return start, end, "person", min(before[3], name[3])
        letter = len(head) == 1 and head.isupper() and _LETTERS.fullmatch(between)
        middle = before[2] == "person" and _CUT_INITIAL.search(head) and between == ". "
        return (start, end, "person", min(before[3], name[3])) if letter or middle else None
    opened = _OPEN.search(head) and _ON.fullmatch(between)
    if kinds == ("place", "place") and (opened or (last in _REALMS and _OF.fullmatch(between))):
        return start, end, "organisation" if head.startswith("City ") else "place", before[3]
    if before[2] == "organisation" and (
        opened or (name[2] == "place" and last in lexicon.organisation_heads and _OF.fullmatch(between))
    ):
        return start, end, "organisation", before[3]
    return None


def _with_initials(text: str, start: int, free: int) -> int:
    match = _INITIALS.search(text, max(free, start - 9), start)
    return match.start() if match and match.group() != "P.S. " else start


def _trimmed(text: str, name: Name, free: int, lexicon: Lexicon) -> Name:
    """A name without small words at its end; with the capitals before `free` that such a word leads to, if any."""
    start, end, label, score = name
    _, space, last = text[start:end].rpartition(" ")
    match = _SMALL.search(text, start, end) if space and (last in _SMALLS or not last.isalpha()) else None
    if match is None:
        head = last.lower() in lexicon.organisation_heads
        more = _LED.match(text, end, free) if free and head else None
        return (start, more.end(), label, score) if more else name
    on = _CAPITALS.match(text, end, free) if free and _OPEN.search(text[start:end]) else None
    return start, on.end() if on else match.start(), label, score


def _body(text: str, name: Name, free: tuple[int, int], lexicon: Lexicon) -> Name:
    """An organisation with its nationality, legal form or the "party" that names a conviction; or a building."""
    start, end, label, score = name
    words = text[start:end].lower().split()
    if len(words) > 1 and words[-1] in _BUILDINGS:
        return start, end, "place", score
    if words and words[-1] in lexicon.organisation_words:
        match = _ADJECTIVE.search(text, max(free[0], start - 30), start)
        start = match.start("word") if match and match["word"] in lexicon.demonyms else start
    elif words and words[-1] in _CONVICTIONS and (match := _PARTY.match(text, end)):
        end = match.end()
    end = _grown(text, end, free[1], lexicon) or end
    if match := _FORM.match(text, end, free[1]):
        end = match.end()
    return start, end, label, score


def _titled(text: str, name: Name, lexicon: Lexicon) -> Name | None:
    """The person behind two or more words of a title, where an organisation was read: Police Chief |Mara Oyelun."""
    start, end, _, score = name
    words = text[start:end].split()
    titles = 0
    while titles < len(words) and words[titles].istitle() and words[titles].lower() in lexicon.title_words:
        titles += 1
    rest = words[titles:]
    if (
        titles < 2
        or len(rest) not in (2, 3)
        or not all(word.istitle() for word in rest)
        or rest[-1].lower() in lexicon.zipf
    ):
        return None
    return start + sum(len(word) + 1 for word in words[:titles]), end, "person", score


def _seat(text: str, name: Name, free: tuple[int, int], lexicon: Lexicon) -> Name:
    """A place, whole; or the organisation that is called after it, where the words behind say so."""
    start, end, label, score = name
    behind_of = text.endswith(("of ", "of the "), max(free[0], start - 20), start)
    realm = _REALM_OF.search(text, max(free[0], start - 20), start) if behind_of else None
    if realm:
        return realm.start(), end, label, score
    grown = _grown(text, end, free[1], lexicon)
    if grown:
        return start, grown, "organisation", score
    return start, end, label, score


def _grown(text: str, end: int, free: int, lexicon: Lexicon) -> int:
    """Where a name ends that goes on to a word for a body: Port Elm| City Council; 0 if it does not."""
    run = _RUN.match(text, end, free)
    words = run.group().split() if run else []
    while words:
        if words[-1].lower() in lexicon.organisation_words and words[-1].lower() not in _BUILDINGS:
            return end + sum(len(word) + 1 for word in words)
        words.pop()
    return 0
