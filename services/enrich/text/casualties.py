"""Killed, injured and missing people in English text, with bounds: "at least 12 dead", "killing about 270".

    verb before    killed 12 people · leaving nine dead · claimed five lives · the toll rose to 43 · found 27 bodies
    verb behind    three people were killed · 14 others injured · eight fishermen are missing · 27 bodies were found
    between        three people, two of them children, were killed · 12 soldiers and three civilians were killed
    part of        two of the five wounded died: two are dead · one of 11 people killed: 11 are

What only may happen ("could kill"), what did not ("none of the 176 was hurt"), who is no person ("200 cattle") and who
is a subject ("two gunmen killed three people": two are not counted) is left out. So is the toll of before ("from 38").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from services.enrich.text.quantities import QUANTITY, Range, quantity, windows
from services.enrich.text.tokens import Tokens

Outcome = Literal["killed", "injured", "missing"]

_SINGLE = re.findall(
    r"\w+",
    "person man woman boy girl child baby infant toddler teenager pensioner passenger driver pilot soldier officer "
    "policeman policewoman civilian worker miner fisherman student pupil teacher nurse doctor journalist reporter "
    "firefighter rescuer guard protester demonstrator migrant refugee villager resident tourist climber skier hiker "
    "cyclist motorcyclist pedestrian swimmer sailor farmer patient prisoner inmate hostage worshipper pilgrim fighter "
    "militant insurgent rebel gunman attacker bystander victim casualty survivor crew member employee",
)
_IRREGULAR = {
    "person": "people", "man": "men", "woman": "women", "child": "children", "baby": "babies", "policeman": "policemen",
    "policewoman": "policewomen", "fisherman": "fishermen", "gunman": "gunmen", "casualty": "casualties",
    "crew": "crew",
}  # fmt: skip
_ONE = "|".join(_SINGLE)
_PEOPLE = "|".join([*(_IRREGULAR.get(word, word + "s") for word in _SINGLE), "troops", "police", "persons", "others"])
# No word between a number and the people counted: what is counted is something else.
_NOT = (
    r"(?:of|in|on|at|to|from|for|by|with|after|before|when|while|as|and|or|but|that|who|which|were|was|are|is|had|has|have|been|per"
    r"|hours?|days?|weeks?|months?|years?|minutes?|seconds?|times?|miles?|km|metres?|meters?|percent|cents?)(?![\w-])"
)
_BETWEEN = rf"(?:(?!{_NOT})[\w'\u2019-]+ ){{0,3}}?"
_OF = r"(?: of(?: the| its| his| her| their| our| these| those)?)?"
_WHO = rf"(?:{_OF} {_BETWEEN}(?:{_PEOPLE})(?![\w-])| more(?! than)| of (?:them|those|whom))"
# What may follow a number that counts people without saying so.
_ENDS = (
    r"(?= ?[.,;:!?)\u2014\u2013\"\u201d\n]|$| (?:and|or|in|on|at|near|when|after|as|while|during|since|with|by"
    r"|before|outside|inside|across|from|last|this|early|late|over|overnight|so far|more|dead|were|was"
    r"|yesterday|today)(?!\w)| -)"
)
_Q = rf"(?P<q>{QUANTITY})"
_NO_SUM = r"(?<![\w$\u20ac\u00a3.,-])"
_PERSON = rf"(?:(?!{_NOT})[\w'\u2019-]+ ){{0,3}}?(?:{_ONE})(?!\w)"
_BODIES = r"(?: more)?(?: (?:charred|burned|dead|decomposed|mutilated))? bodies(?!\w)"
_ALONE = rf"(?P<q>{QUANTITY})(?:{_WHO}|{_ENDS})"
_KILLED = "electrocuted executed massacred slain slaughtered beheaded suffocated asphyxiated"
_SLAIN = (
    rf"{'|'.join(_KILLED.split())}"
    r"|(?:burned|burnt|crushed|trampled|stabbed|beaten|hacked|starved|frozen|shot|choked) to death"
)
_HARM = rf"killed|injured|wounded|hurt|dead|missing|drowned|unaccounted for|{_SLAIN}"
_WOUNDS = r"(?:[\w-]+ ){0,3}?(?:injuries|burns|wounds|fractures)(?!\w)"
_FOUND = r"found|recovered|pulled|retrieved|discovered|exhumed|unearthed|counted|dug|washed"
_STANDS = r"(?P<past>to|at|of|is|was|reached|hit|stands at|past|passed|topped|exceeded)"
# What stands between a number and its verb: three people, two of them children, were killed.
_APART = r"(?:, (?:including|among them|[\w-]+ of (?:them|whom))[^,.;\n]{0,60},)?"
_HOW = (
    r"(?: (?:also|still|feared|confirmed|reported|reportedly|presumed|believed|declared|seriously|critically|severely"
    r"|slightly|lightly|badly|fatally|mortally|shot|stabbed|burned|beaten|pronounced"
    r"|known to be|to have been|to be|left))*"
)
_ACTIVE = rf"(?! (?:{QUANTITY}|the|a|an|his|her|its|their|him|them|himself|herself|off|all|several|many|some)(?!\w))"

_HURT = "killed killing kills injured injuring injures wounded wounding wounds hurt hurting hurts"
_Rules = tuple[tuple[frozenset[str], re.Pattern[str]], ...]


def _rules(patterns: dict[str, str]) -> _Rules:
    """Patterns with the words without one of which none of them can hold."""
    return tuple((frozenset(words.split()), re.compile(pattern)) for words, pattern in patterns.items())


_BEFORE = _rules(
    {
        f"{_HURT} {_HURT.title()}":
        rf"(?<!\w)(?P<v>[Kk]ill(?:ed|ing|s)|[Ii]njur(?:ed|ing|es)|[Ww]ound(?:ed|ing|s)|[Hh]urt(?:ing|s)?)"
        rf"(?: all| (?:him|her|them)sel(?:f|ves) and)? (?:{_ALONE}|(?P<one>an?) {_PERSON})",
        "dead injured wounded missing hurt":
        rf"(?<!\w)[Ll](?:eft|eaves|eaving) {_Q}{_WHO}? (?P<v>dead|injured|wounded|missing|hurt)(?!\w)",
        "lives":
        rf"(?<!\w)(?P<v>[Cc]laim|[Tt]ak|[Tt]ook|[Cc]ost|lost)(?:ed|ing|s|en|es)? (?:the lives of )?{_Q}(?: lives"
        rf"| {_BETWEEN}(?:{_PEOPLE})(?= their lives))",
        "lives Lives bodies Bodies remains death Death deaths Deaths":
        rf"(?P<v>[Ll]ives of|[Bb]odies of|[Rr]emains of|[Dd]eaths? of) {_Q}{_WHO}",
        "life":
        rf"(?P<v>(?:claimed|took|taken|claiming|taking|cost) the life of) (?P<one>an?|one)"
        rf" {_PERSON}",
        "bodies":
        rf"(?<!\w)(?P<v>{_FOUND})(?: up| out| another)? {_Q}{_BODIES}",
        "left injuries burns wounds leaving":
        rf"(?<!\w)[Ll](?:eft|eaving) {_Q}{_WHO} with (?P<v>{_WOUNDS})",
        "toll":
        rf"(?P<v>[Dd]eath toll|toll)[^.;!?\n]{{0,80}}? {_STANDS} {_ALONE}",
        "number Number":
        rf"(?P<v>[Nn]umber of (?:the )?(?:people )?(?:dead|deaths|killed|injured|wounded|missing|those killed))"
        rf"[^.;!?\n]{{0,80}}? {_STANDS} {_ALONE}",
    }
)  # fmt: skip
_BEHIND = _rules(
    {
        "wounded injured missing hurt":
        rf"{_NO_SUM}{_Q} of (?:the|those) (?:{QUANTITY} )?(?:[\w-]+ )?(?:wounded|injured|missing|hurt)"
        rf"(?: [^,.;\n]{{0,50}}?)? (?:have |had |has |later |since )*(?P<v>died|succumbed)(?!\w)",
        f"killed injured wounded hurt dead missing drowned unaccounted died die dies perished death {_KILLED}":
        rf"{_NO_SUM}{_Q}(?! of (?:the |those |some |about |at least |more than )?(?:{QUANTITY}))"
        rf"{_WHO}?(?: (?:who|in the \w+|on board|aboard))?{_APART}"
        rf"(?P<aux> (?:have been|has been|had been|were|was|are|is|have|has|had|remain|remained|went|still))?{_HOW}"
        rf" (?P<v>{_HARM}|died|dies?|perished)(?![\w-])(?(aux)|{_ENDS}){_ACTIVE}",
        "killed dead injured wounded missing":
        rf"{_NO_SUM}{_Q} (?P<v>killed|dead|injured|wounded|missing) {_BETWEEN}(?:{_PEOPLE})(?!\w)",
        "bodies":
        rf"{_NO_SUM}{_Q}{_BODIES}"
        rf"(?: (?:have been|has been|had been|were|are|being|that were|so far))* (?P<v>{_FOUND})(?!\w)",
        "lives":
        rf"{_NO_SUM}{_Q}{_WHO}?{_APART}(?: (?:have|has|had))? (?P<v>lost their lives)(?!\w)",
        "life":
        rf"(?<!\w)(?P<q>[Aa]n?|[Oo]ne) {_PERSON}(?: (?:has|had))? (?P<v>lost (?:his|her) life)(?!\w)",
        "injuries burns wounds fractures":
        rf"{_NO_SUM}{_Q}{_WHO}?(?: (?:have|has|had|were|was|been|also|others?))*"
        r" (?:sustained|suffered|received|taken to hospital with|hospitali[sz]ed with|treated for|admitted with)"
        rf" (?P<v>{_WOUNDS})",
        "deaths fatalities injuries":
        rf"{_NO_SUM}{_Q}(?: confirmed| reported)? (?P<v>deaths|fatalities|injuries)(?!\w)",
        "killed injured wounded died drowned missing":
        rf"(?<!\w)(?P<q>[Aa]n?|[Oo]ne) (?:(?!{_NOT})[\w'\u2019-]+ ){{0,2}}?(?:{_ONE})"
        rf"(?: (?:in (?:his|her) \w+|aged \d+|from \w+))?(?P<aux> (?:was|has been|had been|is))?{_HOW}"
        rf" (?P<v>killed|injured|wounded|died|drowned|missing)(?![\w-]){_ACTIVE}",
    }
)  # fmt: skip
# The words that say what became of people; some only with what stands behind them.
_BEHIND_ANCHOR = {
    "unaccounted": " for",
    "remains": " of",
    "number": " of",
    "life": " of",
    "lost": " (?:his|her|their) (?:life|lives)",
}
_ANCHORS = {
    word: re.compile(rf"{_BEHIND_ANCHOR[word]}(?!\w)") if word in _BEHIND_ANCHOR else None
    for word in [
        *f"{_HURT} injuries dead missing death deaths bodies".split(),
        *f"{_HURT} injuries dead missing death deaths bodies".title().split(),
        *("drowned", "die", "died", "dies", "perished", "fatalities", "lives", "toll", *_BEHIND_ANCHOR),
        *(*_KILLED.split(), "burns", "wounds", "fractures"),
    ]
}
REACH = 160  # characters between a number and the word that says what became of so many
_AND = re.compile(rf"{_NO_SUM}{_Q}{_WHO},? and $")
_MAYBE = re.compile(
    r"(?:could|would|might|may|can|if|not|never|to|nearly) (?:have |be )?$|(?<!\w)(?:[Nn]o|[Nn]either|every) $"
    r"|(?<!\w)(?:[Nn]one|[Nn]either|[Nn]ot one) of (?:the|its|their|those|all) $"
)
_OUTCOMES: dict[str, Outcome] = {
    "injur": "injured", "wound": "injured", "hurt": "injured", "missi": "missing", "unacc": "missing",
}  # fmt: skip
_WOUNDED = re.compile(_WOUNDS)
_FATAL = re.compile(r"(?:fatally|mortally) ")
# A toll is one of people only where the text has such a word too: bridges and roads have tolls.
_TOLLS = (
    "dead",
    "death",
    "deaths",
    "killed",
    "died",
    "bodies",
    "victims",
    "casualties",
    "injured",
    "wounded",
    "missing",
)


@dataclass(frozen=True, slots=True)
class Toll:
    """How many people, at `text[start:end]`, and what became of them."""

    start: int
    end: int
    amount: Range
    outcome: Outcome


def tolls(tokens: Tokens) -> Iterator[Toll]:
    """The casualties in a text, in reading order, none twice."""
    parts = list(windows(tokens.text, _anchors(tokens), REACH))
    if not parts:
        return
    found: dict[int, Toll] = {}
    for words, pattern in chain(_BEFORE, _BEHIND):
        if words.isdisjoint(tokens.there):
            continue
        for match in chain.from_iterable(pattern.finditer(tokens.text, *part) for part in parts):
            road = match["v"] == "toll" and (
                tokens.there.isdisjoint(_TOLLS) or match.string[match.start() - 1].isalpha()
            )
            toll = None if road else _toll(match)
            if toll and not any(toll.start < one.end and one.start < toll.end for one in found.values()):
                found[toll.start] = toll
                if other := _and_before(tokens.text, toll):
                    found.setdefault(other.start, other)
    yield from (found[start] for start in sorted(found))


def _and_before(text: str, toll: Toll) -> Toll | None:
    """Those named before with an "and": |12 soldiers and |three civilians were killed."""
    match = _AND.search(text, max(0, toll.start - 60), toll.start) if text.endswith("and ", 0, toll.start) else None
    amount = quantity(match["q"]) if match else None
    return Toll(match.start("q"), match.end("q"), amount, toll.outcome) if match and amount else None


def _anchors(tokens: Tokens) -> Iterator[tuple[int, int]]:
    for word, start in tokens.places(_ANCHORS):
        behind, end = _ANCHORS[word], start + len(word)
        match = behind.match(tokens.text, end) if behind else None
        if match or not behind:
            yield start, match.end() if match else end


def _toll(match: re.Match[str]) -> Toll | None:
    told = match.groupdict()
    group = "q" if told.get("q") else "one"
    words, start = match[group], match.start(group)
    if _MAYBE.search(match.string[max(0, match.start() - 24) : match.start()]):
        return None
    amount = Range(1, 1) if words.lower() in ("a", "an") else quantity(words)
    if amount is None or _is_year(words, match.string[max(0, start - 6) : start].lower()):
        return None
    if told.get("past") in ("past", "passed", "topped", "exceeded"):
        amount = Range(amount.low, None)
    fatal = _FATAL.search(match.string, max(0, match.start() - 9), match.end())
    return Toll(start, match.end(group), amount, "killed" if fatal else _outcome(match["v"].lower()))


def _outcome(verb: str) -> Outcome:
    if verb.startswith("number of"):
        verb = verb.split()[-1]
    return "injured" if _WOUNDED.fullmatch(verb) else _OUTCOMES.get(verb[:5], "killed")


def _is_year(words: str, before: str) -> bool:
    return (
        len(words) == 4 and words.isdigit() and 1800 <= int(words) < 2100 and before.endswith(("in ", "since ", "of "))
    )
