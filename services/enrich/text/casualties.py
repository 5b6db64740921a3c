"""Killed, injured and missing people in English text, with bounds: "at least 12 dead", "killing about 270".

    verb before    killed 12 people · leaving nine workers dead · claimed five lives · the death toll rose to 43
    verb behind    three people were killed · 14 others injured · eight fishermen are missing · 31 deaths

What only may happen ("could kill"), what is no person ("200 cattle") and what is a subject ("two gunmen killed three
people": two are not counted) is left out.
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
_ALONE = rf"(?P<q>{QUANTITY})(?:{_WHO}|{_ENDS})"
_HARM = r"killed|injured|wounded|hurt|dead|missing|drowned|unaccounted for"
_HOW = (
    r"(?: (?:also|still|feared|confirmed|reported|reportedly|presumed|believed|declared|seriously|critically|severely"
    r"|slightly|lightly|badly|shot|stabbed|burned|beaten|pronounced|known to be|to have been|to be|left))*"
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
        rf"(?<!\w)(?P<v>[Kk]ill(?:ed|ing|s)|[Ii]njur(?:ed|ing|es)|[Ww]ound(?:ed|ing|s)|[Hh]urt(?:ing|s)?)(?: all)?"
        rf" {_ALONE}",
        "dead injured wounded missing hurt":
        rf"(?<!\w)[Ll](?:eft|eaves|eaving) {_Q}{_WHO}? (?P<v>dead|injured|wounded|missing|hurt)(?!\w)",
        "lives":
        rf"(?<!\w)(?P<v>[Cc]laim|[Tt]ak|[Tt]ook|[Cc]ost|lost)(?:ed|ing|s|en|es)? (?:the lives of )?{_Q}(?: lives"
        rf"| {_BETWEEN}(?:{_PEOPLE})(?= their lives))",
        "lives Lives bodies Bodies death Death deaths Deaths":
        rf"(?P<v>[Ll]ives of|[Bb]odies of|[Dd]eaths? of) {_Q}{_WHO}",
        "death Death number Number":
        rf"(?P<v>[Dd]eath toll|[Nn]umber of (?:the )?(?:dead|deaths|people killed|those killed))[^.;!?\n]{{0,80}}? "
        rf"(?P<past>to|at|of|is|was|reached|hit|stands at|past|passed|topped|exceeded) {_ALONE}",
    }
)  # fmt: skip
_BEHIND = _rules(
    {
        "killed injured wounded hurt dead missing drowned unaccounted died die dies perished":
        rf"(?<![\w$\u20ac\u00a3.,-]){_Q}{_WHO}?(?: (?:who|in the \w+|on board|aboard))?"
        rf"(?P<aux> (?:have been|has been|had been|were|was|are|is|have|has|had|remain|remained|went|still))?{_HOW}"
        rf" (?P<v>{_HARM}|died|dies?|perished)(?![\w-])(?(aux)|{_ENDS}){_ACTIVE}",
        "killed dead injured wounded missing":
        rf"(?<![\w$\u20ac\u00a3.,-]){_Q} (?P<v>killed|dead|injured|wounded|missing) {_BETWEEN}(?:{_PEOPLE})(?!\w)",
        "deaths fatalities injuries":
        rf"(?<![\w$\u20ac\u00a3.,-]){_Q}(?: confirmed| reported)? (?P<v>deaths|fatalities|injuries)(?!\w)",
        "killed injured wounded died drowned missing":
        rf"(?<!\w)(?P<q>[Aa]n?|[Oo]ne) (?:(?!{_NOT})[\w'\u2019-]+ ){{0,2}}?(?:{_ONE})"
        rf"(?: (?:in (?:his|her) \w+|aged \d+|from \w+))?(?P<aux> (?:was|has been|had been|is))?{_HOW}"
        rf" (?P<v>killed|injured|wounded|died|drowned|missing)(?![\w-]){_ACTIVE}",
    }
)  # fmt: skip
# The words that say what became of people; some only with what stands behind them.
_ANCHORS = {
    word: (" for" if word == "unaccounted" else " of" if word in ("bodies", "Bodies", "number") else "")
    for word in [
        *f"{_HURT} injuries dead missing death deaths bodies".split(),
        *f"{_HURT} injuries dead missing death deaths bodies".title().split(),
        *("drowned", "die", "died", "dies", "perished", "fatalities", "lives", "unaccounted", "number"),
    ]
}
REACH = 160  # characters between a number and the word that says what became of so many
_MAYBE = re.compile(
    r"(?:could|would|might|may|can|if|not|to|nearly) (?:have |be )?$|(?<!\w)(?:[Nn]o|[Nn]either|every) $"
)
_OUTCOMES: dict[str, Outcome] = {
    "injur": "injured", "wound": "injured", "hurt": "injured", "missi": "missing", "unacc": "missing",
}  # fmt: skip


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
        if words.isdisjoint(tokens.stands):
            continue
        for match in chain.from_iterable(pattern.finditer(tokens.text, *part) for part in parts):
            toll = _toll(match)
            if toll and not any(toll.start < one.end and one.start < toll.end for one in found.values()):
                found[toll.start] = toll
    yield from (found[start] for start in sorted(found))


def _anchors(tokens: Tokens) -> Iterator[tuple[int, int]]:
    for word, start in tokens.places(_ANCHORS):
        behind, end = _ANCHORS[word], start + len(word)
        if not behind or re.compile(rf"{behind}(?!\w)").match(tokens.text, end):
            yield start, end + len(behind)


def _toll(match: re.Match[str]) -> Toll | None:
    words, start = match["q"], match.start("q")
    if _MAYBE.search(match.string[max(0, match.start() - 20) : match.start()]):
        return None
    amount = Range(1, 1) if words.lower() in ("a", "an") else quantity(words)
    if amount is None or _is_year(match):
        return None
    told = match.groupdict()
    if told.get("past") in ("past", "passed", "topped", "exceeded"):
        amount = Range(amount.low, None)
    return Toll(start, match.end("q"), amount, _OUTCOMES.get(match["v"][:5].lower(), "killed"))


def _is_year(match: re.Match[str]) -> bool:
    words, before = match["q"], match.string[max(0, match.start("q") - 6) : match.start("q")].lower()
    return (
        len(words) == 4 and words.isdigit() and 1800 <= int(words) < 2100 and before.endswith(("in ", "since ", "of "))
    )
