"""Bodies whose names are made of ordinary words, which taggers read over: by the word that names a kind of body. Pure.

Berrien County Health |Department     World Economic |Forum      Kenya |Union of Post Primary Education |Teachers
Georgia Pecan |Growers                |Friends of the River      |Doctors Without Borders      |Save the Children
shipyard |Cardama, drugmaker |Veloxa  PID, a person?             University of Lagos and | Kano State University

Words of a body stand with a capital beside others with one; where every word has one, as in headlines, nothing is told.
"""

# ruff: noqa: SIM905 - lists of words read best as text

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace

from services.enrich.document import Mention, TextField
from services.enrich.lexicons import Lexicon
from services.enrich.text.tokens import Tokens

TOLD = 0.7  # score of a name that the words of it tell
MOST, LONGEST = 500, 9  # names told of one text, words of one
REACH = 300  # characters of a line that are looked at
_KINDS = frozenset(
    """Academy Agency Alliance Assembly Association Authority Board Bureau Chamber Coalition Commission Committee
    Confederation Congress Consortium Constabulary Corps Corporation Council Department Directorate Federation Forum
    Foundation Guild Inspectorate Institute Institution League Ministry Network Organisation Organization Partnership
    Police Secretariat Society Syndicate Tribunal Trust Union University Workers""".split()
)
#: People of one calling, who are a body where the word has a capital.
_CALLINGS = frozenset(
    """Growers Producers Farmers Brewers Distillers Millers Fishermen Teachers Nurses Doctors Physicians Surgeons
    Midwives Pharmacists Lawyers Journalists Broadcasters Writers Pilots Drivers Transporters Traders Retailers
    Manufacturers Employers Builders Contractors Engineers Architects Scientists Breeders Beekeepers Ramblers Veterans
    Pensioners Tenants Landlords""".split()
)
#: Who stands together for, of or against something.
_PEOPLE = frozenset(
    """Friends Mothers Parents Citizens Sons Daughters Doctors Reporters Lawyers Engineers Teachers Workers Students
    Veterans Artists Scientists Physicians Architects Women Writers Families Neighbours Neighbors Youth""".split()
)
_FOR = re.compile(
    r" (?:of the|for the|of|for|against|Against|without|Without) "
    r"(?P<what>[A-Z][\w\u2019'-]+(?:(?: of| in)? [A-Z][\w\u2019'-]+){0,3})"
)
_SAVE = frozenset("Save Stop Protect Free Keep Defend Rescue Feed".split())
_WHAT = re.compile(r" (?:the|Our|our) [A-Z][\w\u2019'-]+(?: [A-Z][\w\u2019'-]+){0,2}")
_LED = re.compile(
    r" (?:of|for|on|against) (?:the )?(?!(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)[A-Z][\w\u2019'-]+"
    r"(?:(?: and| of| of the)? [A-Z][\w\u2019'-]+){0,5}"
)
#: Small words inside a name; what stands before one with a capital of its own.
_SMALL = frozenset("of for and the".split())
_DAYS = frozenset(
    """Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June July August
    September October November December Former""".split()
)
# Companies by what they make and sell; behind these words stands the name of one, whatever it reads like.
_MAKERS = frozenset(
    """carmaker automaker drugmaker chipmaker planemaker truckmaker steelmaker shipbuilder shipyard housebuilder brewer
    distiller retailer grocer insurer lender broadcaster airline pollster brokerage supermarket startup conglomerate
    smelter refiner publisher consultancy nonprofit charity watchdog thinktank""".split()
)
_CALLED = re.compile(r" (?P<name>[A-Z][\w\u2019&-]*[\w&](?: (?:& )?[A-Z][\w\u2019-]*\w){0,3})(?![\w\u2019'-])")
_INITIALS = re.compile(r"[A-Z]{3,5}")
_GOES_ON = re.compile(r" [A-Z]")
_NAMED_BEHIND = re.compile(r":| [A-Z]")  # JOHNSON: what is said; SP Ana Reis
_PEOPLE_BY_INITIALS = frozenset(
    "JFK RFK FDR LBJ MLK AOC MBS MBZ DSK SBF SRK MGR PNS NTR KCR YSR HDK BSY ABV MIA RIP DUI".split()
)
_LAWS = frozenset(
    """Act Treaty Amendment Testament Protocol Accord Accords Constitution Disease Syndrome Fever Virus Influenza
    Cancer""".split()
)
_INFLAMED = re.compile(r"[A-Z]?[a-z]+itis")
_NUMBERED = frozenset(
    """Wave Phase Section Figure Table Chapter Article Stage Tier Level Grade Round Page Season Episode Type Category
    Gate Appendix Annex""".split()
)
_NUMBER = re.compile(r"\d+|[IVX]+|[A-Z]")
_TWO = re.compile(
    r"(?P<one>(?:University|College|Bank|Government|Parliament|Church|State) of [A-Z][\w-]+)"
    r" and (?P<other>(?:[A-Z][\w-]+ ){1,3}[A-Z][\w-]+)"
)


def bodies(found: Sequence[Mention], tokens: Tokens, field: TextField, lexicon: Lexicon) -> list[Mention]:
    """The mentions of one English text, in order, put right and with the bodies that were read over."""
    text = tokens.text
    if text.isupper():
        return list(found)
    kept = [part for one in found for part in _read(one, text, lexicon)]
    told: list[tuple[int, int]] = []
    for word, start in tokens.places(_ALL)[:MOST]:
        span = _called(word, start, tokens, lexicon) if word in _MAKERS else _named(word, start, tokens, kept, lexicon)
        if span is None or _in_headline(text, span[0]):
            continue
        if not told or span[0] >= told[-1][1]:
            told.append(span)
        elif span[0] <= told[-1][0] and span[1] > told[-1][1]:  # Union of Primary Education| Teachers
            told[-1] = span
    return _with(kept, told, text, field) if told else kept


_IN_SMALL = re.compile(
    r"(?<![\w\u2019'-])(?!(?:from|with|over|into|than|that|after|amid|upon|under|about|near|against|without)(?!\w))[a-z]{4,}"
)
_ALL = _KINDS | _CALLINGS | _PEOPLE | _SAVE | _MAKERS


def _read(one: Mention, text: str, lexicon: Lexicon) -> Iterator[Mention]:
    """A mention as it is, as what it is, as the two that it holds, or not at all."""
    if one.type == "organisation":
        if _is_none(one.text):
            return
        two = _TWO.fullmatch(one.text)
        if two and two["other"].rpartition(" ")[2].lower() in lexicon.organisation_words:
            for name in ("one", "other"):
                start, end = two.span(name)
                yield replace(one, start=one.start + start, end=one.start + end, text=two[name])
            return
    initials = one.type == "person" and _INITIALS.fullmatch(one.text) and one.text not in _PEOPLE_BY_INITIALS
    alone = initials and not _NAMED_BEHIND.match(text, one.end) and one.text.capitalize() not in lexicon.given_names
    if alone:
        one = replace(one, type="organisation")
    yield one


def _is_none(name: str) -> bool:
    """Whether a law, an illness or a part of something is called so."""
    before, _, last = name.rpartition(" ")
    if last in _LAWS or (last.endswith("itis") and _INFLAMED.fullmatch(last)):
        return True
    return before in _NUMBERED and _NUMBER.fullmatch(last) is not None


def _in_headline(text: str, start: int) -> bool:
    """Whether words have capitals that are no names' in the line with this place: no longer one has none."""
    begins, ends = text.rfind("\n", 0, start) + 1, text.find("\n", start)
    return not _IN_SMALL.search(text, max(begins, start - REACH), min(ends if ends >= 0 else len(text), start + REACH))


def _called(word: str, start: int, tokens: Tokens, lexicon: Lexicon) -> tuple[int, int] | None:
    match = _CALLED.match(tokens.text, start + len(word))
    first = match["name"].split(" ")[0] if match else ""
    if match is None or _is_no_start(first, lexicon) or first.lower() in lexicon.title_words:
        return None
    return match.span("name") if first not in lexicon.given_names else None


def _is_no_start(word: str, lexicon: Lexicon) -> bool:
    """Whether a word with a capital only begins a sentence, or says when."""
    return word in _DAYS or word.lower() in lexicon.stopwords["en"]


def _named(word: str, start: int, tokens: Tokens, found: Sequence[Mention], lexicon: Lexicon) -> tuple[int, int] | None:
    """The name in which such a word stands."""
    text, end = tokens.text, start + len(word)
    if word in _SAVE:
        what = _WHAT.match(text, end)
        return (start, what.end()) if what and (start == 0 or text[start - 1] == " ") else None
    if word in _PEOPLE and (match := _FOR.match(text, end)) and match["what"].split(" ")[0] not in _DAYS:
        place = any(one.type == "place" and one.start == match.start("what") for one in found)
        return None if place and match.group().startswith(" of ") else (start, match.end())  # Citizens of Antigua
    if word not in _KINDS and word not in _CALLINGS:
        return None
    if _GOES_ON.match(text, end):  # goes on with another name, as in "Union President Ana Reis"
        return None
    begins = _begin(bisect_left(tokens.starts, start), tokens, found, lexicon)
    led = _LED.match(text, end) if word in _KINDS else None
    stop = (
        led.end()
        if led and not any(one.start < led.end() and one.end > end and one.type != "place" for one in found)
        else end
    )
    return (begins, stop) if begins < start or stop > end else None


def _begin(index: int, tokens: Tokens, found: Sequence[Mention], lexicon: Lexicon) -> int:
    """Where a name begins that ends with the word at this index: the capitals before it, and small words between."""
    text, words, starts = tokens.text, tokens.words, tokens.starts
    begins, at = index, index
    while at > 0 and index - at < LONGEST:
        word, gap = words[at - 1], text[starts[at - 1] + len(words[at - 1]) : starts[at]]
        if gap not in (" ", "-", " & ", "'", "\u2019"):
            break
        at -= 1
        if gap in "'\u2019" or word == "s":
            if words[at] != "s" and words[at + 1] != "s":
                break
            if word != "s" and not lexicon.is_common(word.lower()):
                break  # Kenya's Labour Ministry
        if word[0].isupper() and not _is_no_start(word, lexicon):
            begins = at
        elif (word not in _SMALL and word != "s") or at == 0 or not _leads(word, at - 1, tokens, found, lexicon):
            break
    while begins < index and (words[begins].lower() in lexicon.title_words or words[begins] in _SMALL):
        begins += 1
    return starts[begins]


def _leads(small: str, index: int, tokens: Tokens, found: Sequence[Mention], lexicon: Lexicon) -> bool:
    """Whether a name goes on before a small word, at this index: not "the Ministry and Kenya Police", "War of the"."""
    word, start = tokens.words[index], tokens.starts[index]
    if small == "and":
        behind = tokens.starts[index + 2]  # where another name begins, this one ends: detectives and (Affairs Bureau)
        parts = any(one.start <= start < one.end or one.start == behind for one in found)
        return word[0].isupper() and word not in _KINDS and not parts
    if small in ("of", "for"):
        return word in _CALLINGS or word.lower() in lexicon.organisation_words
    return True


def _with(found: list[Mention], told: Sequence[tuple[int, int]], text: str, field: TextField) -> list[Mention]:
    """The mentions and the bodies, which take the place of what they hold but of people and of several others."""
    made = list(found)
    for start, end in told:
        inside = [one for one in made if one.start < end and start < one.end]
        if any(one.start < start or one.end > end for one in inside):
            continue  # a part of a longer name
        same = next((one.type for one in inside if (one.start, one.end) == (start, end)), None)
        kinds = [one.type for one in inside]
        if same in ("organisation", "place") or kinds.count("organisation") > 1:
            continue  # Soviet Union
        if same is None and any(kind not in ("place", "organisation", "group") for kind in kinds):
            continue
        score = max([TOLD, *(one.score for one in inside)])
        made = [one for one in made if one not in inside]
        made.append(Mention(field, start, end, text[start:end], "organisation", score))
    return sorted(made, key=lambda one: one.start)
