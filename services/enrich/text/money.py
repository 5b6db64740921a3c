"""Sums of money in English text: "€2.1 billion", "about 640,000 euros", "KES 1.5 million", with ISO 4217 codes.

A currency that several countries have is told by the people before it ("Kenyan shillings"), else by the countries
given, surest first; a dollar without more is the publisher's own, else the United States'. Nothing told: no code.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from services.enrich.lexicons import People
from services.enrich.text.quantities import BOUND, NUMBER, OPENS, Range, quantity, whole, windows

REACH = 70  # characters between a sum's ends and its currency
#: Words of small sums that mostly mean something else: matches won, crowns of kings.
_OTHERWISE = ("won", "lei", "crown", "crowns", "dong", "dram", "drams", "bucks", "buck", "leva")
_WEIGHT = re.compile(r" (?:of|in weight|heavier|lighter|overweight|a week lighter)\b")


@dataclass(frozen=True, slots=True)
class Sum:
    """Money at `text[start:end]`; `currency` None where several could be meant."""

    start: int
    end: int
    amount: Range
    currency: str | None


@dataclass(frozen=True)
class Currencies:
    """The table: currency code -> countries, signs and words (plural, lower case)."""

    rows: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]]

    @cached_property
    def by_sign(self) -> dict[str, str]:
        """Sign or code before a number -> code."""
        signs = {sign: code for code, (_, signs, _) in self.rows.items() for sign in signs}
        return signs | {code: code for code in self.rows}

    @cached_property
    def by_word(self) -> dict[str, list[str]]:
        """Word behind a number, singular too -> codes."""
        found: dict[str, list[str]] = defaultdict(list)
        for code, (_, _, words) in self.rows.items():
            for word in words:
                for form in {word, word.removesuffix("s")}:
                    found[form].append(code)
        return dict(found)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Sign and number, or number and word with at most one people's name between them."""
        signs = "|".join(re.escape(sign) for sign in sorted(self.by_sign, key=len, reverse=True))
        words = "|".join(sorted(self.by_word, key=len, reverse=True))
        signed = rf"(?<![\w$€£])(?P<sign>{signs}) ?"
        return re.compile(
            rf"(?<!\w){self._opens}(?P<bound>(?:[Bb]etween |(?i:{BOUND}))?)"
            rf"(?:{signed}(?P<one>{_FIGURED})(?:(?P<join> to | and |[\u2013-])(?:{signs})? ?(?P<other>{_FIGURED}))?"
            rf"|(?<!\w)(?P<number>(?i:{NUMBER}))(?:(?P<dash> to |[\u2013-])(?P<more>(?i:{NUMBER})))?"
            rf" (?:(?P<people>[A-Z][a-z]+) )?(?P<word>{words})(?![\w-]))"
        )

    @cached_property
    def _opens(self) -> str:
        """What a sum begins with, told by a letter or two: the engine tries the rest at few words."""
        marks = "".join(sorted({sign[0] for sign in self.by_sign if not sign[0].isalpha()}))
        letters = [sign for sign in self.by_sign if sign[0].isalpha()]
        first, second = ("".join(sorted({sign[at] for sign in letters})) for at in (0, 1))
        words: dict[str, list[str]] = defaultdict(list)
        for word in sorted(OPENS, key=len, reverse=True):
            words[word[0]].append(word[1:])
        said = "|".join(f"[{one}{one.upper()}](?i:{'|'.join(rest)})" for one, rest in words.items())
        return rf"(?=[\d{re.escape(marks)}]|[{first}][{re.escape(second)}]|(?:{said})(?!\w))"

    @cached_property
    def anchors(self) -> tuple[re.Pattern[str], ...]:
        """What is in every text that holds money: the last character of a sign, a code before a number, a word."""
        signs = "".join(sorted({sign[-1] for sign in self.by_sign if not sign[-1].isalpha()}))
        codes = _choice(sign for sign in self.by_sign if sign[-1].isalpha())
        words = rf" {_choice(self.by_word)}(?![\w-])"
        return re.compile(rf"[{re.escape(signs)}](?= ?\d)"), re.compile(rf"{codes}(?= ?\d)"), re.compile(words)


def _choice(words: Iterable[str]) -> str:
    """A pattern of any of the words, grouped by first letter, which is tried ten times as fast."""
    groups: dict[str, list[str]] = defaultdict(list)
    for word in sorted(words, key=len, reverse=True):
        groups[word[0]].append(re.escape(word[1:]))
    return "(?:" + "|".join(f"{re.escape(first)}(?:{'|'.join(rest)})" for first, rest in groups.items()) + ")"


_FIGURED = (
    r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
    r"(?:[ -]?(?:thousand|million|billion|trillion|lakh|crore|k|mn?|mln|bn|tn|trn)(?!\w))*"
)


def sums(
    text: str, table: Currencies, peoples: Mapping[str, People], countries: Sequence[str], home: str | None
) -> Iterator[Sum]:
    """The sums in a text. `countries` and `home` are alpha-2."""
    anchors = (match.span() for anchor in table.anchors for match in anchor.finditer(text))
    found = (table.pattern.finditer(text, *part) for part in windows(text, anchors, REACH))
    for match in chain.from_iterable(found):
        told = match.groupdict()
        amount = _amount(told)
        if amount is None or (told["word"] and not _is_money(match, amount)):
            continue
        start = match.start()
        if told["sign"]:
            code: str | None = table.by_sign[told["sign"]]
            if told["sign"] == "$" and home:
                code = next((one for one in table.by_word["dollars"] if home in table.rows[one][0]), code)
        else:
            code = _coded(told["word"], told["people"], table, peoples, countries, home)
        yield Sum(start, match.end(), amount, code)


def _amount(told: Mapping[str, str | None]) -> Range | None:
    first, last = told["one"] or told["number"] or "", told["other"] or told["more"]
    joined = told["join"] or told["dash"]
    if last and joined == " and " and not (told["bound"] or "").lower().startswith("between"):
        return None
    words = f"{told['bound']}{first}" if last is None else f"{first}{' to ' if joined else ''}{last}"
    found = quantity(words)
    if found and found.low is not None:
        return Range(whole(found.low), found.high, found.approximate)
    return found


def _is_money(match: re.Match[str], amount: Range) -> bool:
    """Whether a word that is also something else means money: pounds of beans, crowns of kings."""
    word, behind = match["word"], match.string[match.end() : match.end() + 30]
    size = amount.high or amount.low or 0
    if word in ("pound", "pounds"):
        return size >= 10_000 and not _WEIGHT.match(behind)
    return word not in _OTHERWISE or size >= 100


def _coded(
    word: str,
    people: str | None,
    table: Currencies,
    peoples: Mapping[str, People],
    countries: Sequence[str],
    home: str | None,
) -> str | None:
    codes = table.by_word[word]
    if len(codes) == 1:
        return codes[0]
    named = (
        [known.country]
        if people and (known := peoples.get(people)) and known.country
        else [*countries, *([home] if home else [])]
    )
    for country in named:
        for code in codes:
            if country in table.rows[code][0]:
                return code
    return codes[0] if word in ("dollars", "dollar", "pounds", "pound") else None
