"""Names in English text by rule: capitalised sequences, read with word lists. The `rules` tier.

One pass over the words of a text gathers sequences of capitalised words; each is then explained by the first rule that
fits: organisation word, place table, nationality, title or given name, the words around it. What no rule explains is
left out: this tier is for precision. Linear in the length of the text.
"""

# ruff: noqa: SIM905 - lists of words read best as text

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from itertools import accumulate, compress
from operator import itemgetter
from typing import NamedTuple

from services.enrich.gazetteer import Gazetteer, PlaceRow
from services.enrich.lexicons import Lexicon
from services.enrich.names.fold import APOSTROPHES, fold, without_possessive
from services.enrich.names.tagger import Found
from services.enrich.text.tokens import is_plain

MAX_WORDS = 10  # of one name
SHORT = 3  # letters of words whose capitals are not counted
PROVINCE = 1_000_000  # people in the cities of a first-level division whose name alone is believed
_TOKEN = re.compile(r"([^\W\d_](?:(?<=[A-Z])\.(?:[A-Z]\.)+|\w*+(?:['\u2019-]\w++)*+))")
_TOKEN_PLAIN = re.compile(r"([A-Za-z](?:(?<=[A-Z])\.(?:[A-Z]\.)+|[A-Za-z0-9_]*+(?:['\u2019-][A-Za-z0-9_]++)*+))")
_SENTENCE_END = re.compile(r"[.!?:;\n\u2026]|[\"\u201c\u201d\u2018\u00ab]\s*$")
_TITLE = re.compile(r"[A-Z\u00c0-\u00de\u0100-\u017d][^\W\d_A-Z]+(?:['\u2019-][^\W\d_]+)*|[A-Z]")
_LINKS = frozenset(
    "of for de da do dos das del della di du des la le el van von der den ter al bin ibn bint e y and the".split()
)
_NAME_LINKS = frozenset("de da do dos das del della di du van von der den ter al bin ibn bint la le el".split())
_BEFORE_PLACE = frozenset(
    "in at from near to of outside around across towards toward into via inside over through off".split()
)
_PLACE_WORDS = frozenset(
    "county river lake mountain mountains island islands valley street avenue road park bridge bay beach province"
    " district stadium arena airport station square peninsula sea ocean desert forest harbour harbor castle hill hills"
    " city town village canal coast region state territory".split()
)
_PLACE_HEADS = frozenset({"Lake", "Mount", "Cape", "Port", "Fort", "Camp", "Isle", "Saint", "St"})
_SPEECH = frozenset(
    "said says told tells added adds announced argued asked claimed confirmed declared denied explained insisted noted"
    " warned wrote tweeted replied resigned stated acknowledged who whose".split()
)
_NOT_ACRONYMS = frozenset(
    "CEO CFO COO CTO GDP TV PM AM MP MPs DNA RNA HIV AIDS AI IT PhD VIP UFO USD GBP EUR GMT UTC BST EST PST OK ID FAQ"
    " PR QA UPDATE LIVE BREAKING NEWS VIDEO WATCH EXCLUSIVE COVID SUV ATM GPS PDF CCTV DJ II III IV VI VII VIII IX"
    " XI XII NGO NGOs IPO VAT ESG LGBT LGBTQ A B C D E F G H I J K L M N O P Q R S T U V W X Y Z".split()
)


class _Words(NamedTuple):
    """The words of a text, a list for each of their parts."""

    text: list[str]
    start: list[int]
    end: list[int]
    gap: list[str]  # what stands before each, and behind the last
    capital: list[bool]
    opens: list[bool]  # the first word of a sentence (told of capitalised words only)


class RulesTagger:
    """English names by rule. Labels person, organisation, place, group; scores are rough and say which rule it was."""

    revision = "rules-3"

    def __init__(self, lexicon: Lexicon, gazetteer: Gazetteer) -> None:
        """Both are only read."""
        self._lexicon = lexicon
        self._gazetteer = gazetteer
        self._titles: dict[str, list[int]] = {}  # first word -> how many words titles that begin so have, most first
        for length, word in sorted({(-title.count(" ") - 1, title.split()[0]) for title in lexicon.titles}):
            self._titles.setdefault(word, []).append(-length)

    def tag(self, texts: list[str]) -> list[list[Found]]:
        """The names of each text, in order, without overlaps."""
        return [self._tag(text) for text in texts]

    def _tag(self, text: str) -> list[Found]:
        words = _words(text)
        long = list(compress(words.capital, map(SHORT.__lt__, map(len, words.text))))
        titled = 0 < sum(long) > 0.7 * len(long)  # a headline in Title Case or capitals says nothing by its capitals
        return list(self._explain(text, words, list(compress(range(len(words.text)), words.capital)), titled))

    def _explain(self, text: str, words: _Words, capitals: list[int], titled: bool) -> Iterator[Found]:
        known = {words.text[index] for index in capitals if not words.opens[index]}
        index = 0
        for first in capitals:
            if first < index:
                continue
            end = self._sequence_end(words, first)
            index, found = self._name(text, words, first, end, known, titled)
            if found:
                yield found

    def _sequence_end(self, words: _Words, first: int) -> int:
        """The index after the last word of the capitalised sequence that starts at `first`."""
        last = first
        while last + 1 < len(words.text) and last - first < MAX_WORDS:
            gap = words.gap[last + 1]
            if words.capital[last + 1] and self._joins(words, first, last, gap):
                last += 1
            elif gap == " " and (step := self._link(words, first, last)):
                last = step
            else:
                break
        return last + 1

    def _joins(self, words: _Words, first: int, last: int, gap: str) -> bool:
        word = words.text[last]
        if gap == " ":
            possessive = word.endswith(("'s", "\u2019s"))
            return not possessive or self._ends_organisation(words.text[last + 1])
        if gap in ("' ", "\u2019 "):  # a plural possessive holds a name together: Dockers' Union
            return word.endswith("s") and self._ends_organisation(words.text[last + 1])
        if gap == ". ":
            return len(word) == 1 or word.lower() in self._lexicon.titles
        return gap == " & "

    def _link(self, words: _Words, first: int, last: int) -> int:
        """The index of the next capitalised word behind small linking words, 0 where they do not belong to the name."""
        at = last + 1
        while at < len(words.text) and at - last <= 2 and words.text[at] in _LINKS and words.gap[at + 1][:1] == " ":
            at += 1
        if at in (last + 1, len(words.text)) or not words.capital[at] or words.gap[at] != " ":
            return 0
        links = set(words.text[last + 1 : at])
        head = words.text[last].lower() in self._lexicon.organisation_heads
        if links <= _NAME_LINKS and not head:
            return at if words.text[first] in self._lexicon.given_names or last > first else 0
        return at if head and links & {"of", "for"} else 0

    def _name(
        self, text: str, words: _Words, first: int, end: int, known: set[str], titled: bool
    ) -> tuple[int, Found | None]:
        """What the sequence `words[first:end]` names, and the index to go on from."""
        person = self._title_before(words, first)
        while first < end:
            skip = self._title_length(words, first, end)
            if skip and first + skip < end:
                first, person = first + skip, True
            elif words.opens[first] and self._lexicon.is_common(words.text[first].lower()) and not person:
                if (words.text[first] in known and end - first == 1) or self._opens_name(words, first, end):
                    break
                first += 1
            elif words.text[first] in self._lexicon.stopwords["en"] or words.text[first].lower() in _CALENDAR:
                first += 1
            else:
                break
        if first >= end:
            return end, None
        stop, label, score = self._label(text, words, first, end, known, titled, person)
        if not label:
            return stop, None
        start, finish = words.start[first], words.end[stop - 1]
        finish -= len(text[start:finish]) - len(without_possessive(text[start:finish]))
        return stop, Found(start, finish, label, score)

    def _opens_name(self, words: _Words, first: int, end: int) -> bool:
        """Whether a common word at the head of a sentence belongs to the name behind it: United States, New York."""
        if words.text[first] in self._lexicon.stopwords["en"]:
            return False
        return any(
            self._gazetteer.find(fold(" ".join(words.text[first : first + length])))
            for length in range(2, min(4, end - first) + 1)
        )

    def _label(
        self, text: str, words: _Words, first: int, end: int, known: set[str], titled: bool, person: bool
    ) -> tuple[int, str, float]:
        """`(index after the name, label, score)` by the first rule that fits; no label: no name."""
        sequence = words.text[first:end]
        if not APOSTROPHES.isdisjoint(text[words.start[first] : words.end[end - 1]]):
            sequence = list(map(without_possessive, sequence))
        size, name = len(sequence), " ".join(sequence)
        if size > 1 and (self._ends_organisation(sequence[-1]) or self._headed(sequence)) and not person:
            return end, "organisation", 0.8
        for length in (2, 1):  # a nationality at the head is a name of its own: "Portuguese President ..."
            if size >= length and " ".join(sequence[:length]) in self._lexicon.demonyms:
                return first + length, "group", 0.9
        if not person and (place := self._place(words, first, end, sequence, titled)):
            return place
        if size > 1 and not person and (sequence[-1].lower() in _PLACE_WORDS or sequence[0] in _PLACE_HEADS):
            return end, "place", 0.7
        given = sequence[0] in self._lexicon.given_names
        if size <= 4 and ((given and size > 1) or person) and not titled:
            return end, "person", 0.9 if person and given else 0.8
        if titled:
            return self._titled(words, first, end, sequence)
        if size == 1 and sequence[0].isupper():
            acronym = 2 <= len(sequence[0].replace(".", "")) <= 6 and sequence[0] not in _NOT_ACRONYMS
            return end, "organisation" if acronym else "", 0.6
        alone = size == 1 and words.opens[first] and sequence[0] not in known
        spoken = self._near_speech(text, words, first, end)
        if size <= 3 and not alone and (spoken or (given and not words.opens[first])) and not name.isupper():
            return end, "person", 0.6
        plain = all(_TITLE.fullmatch(word) and word.lower() not in self._lexicon.zipf for word in sequence)
        if plain and size <= 2 and words.text[first - 1] in ("in", "near") and self._after_preposition(words, first):
            return end, "place", 0.55
        if 2 <= size <= 3 and plain:
            return end, "person", 0.5
        return end, "", 0.0

    def _titled(self, words: _Words, first: int, end: int, sequence: list[str]) -> tuple[int, str, float]:
        """In a headline where every word is capitalised only a given name with its surname is believed."""
        if (
            len(sequence) > 1
            and sequence[0] in self._lexicon.given_names
            and not self._lexicon.is_common(sequence[1].lower())
        ):
            return first + 2, "person", 0.6
        return first + 1, "", 0.0

    def _place(
        self, words: _Words, first: int, end: int, sequence: list[str], titled: bool
    ) -> tuple[int, str, float] | None:
        for length in range(min(len(sequence), 5), 0, -1):
            name = " ".join(sequence[:length])
            if length < len(sequence) and (sequence[0] in self._lexicon.given_names or not titled):
                continue
            rows = [
                row for row in self._gazetteer.find(fold(name)) if row.kind != "admin" or row.population >= PROVINCE
            ]
            if rows and self._trusted(words, first, first + length, name, rows):
                return first + length, "place", 0.9 if rows[0].kind != "city" else 0.75
        return None

    def _trusted(self, words: _Words, first: int, end: int, name: str, rows: list[PlaceRow]) -> bool:
        best = rows[0]
        if best.kind != "city":
            return name not in self._lexicon.given_names or self._after_preposition(words, first)
        word = name.lower()
        before = self._after_preposition(words, first)
        if words.gap[end].startswith(", ") and end < len(words.text) and words.capital[end]:
            follow = self._gazetteer.find(fold(words.text[end]))
            if any(row.kind != "city" and row.country in {city.country for city in rows} for row in follow):
                return True
        if self._lexicon.is_common(word) or (word in self._lexicon.zipf and not before):
            return False
        if before:
            return True
        if name in self._lexicon.given_names:
            return best.population > 1_000_000
        return best.population > 200_000 or (" " in name and best.population > 50_000)

    def _after_preposition(self, words: _Words, first: int) -> bool:
        return first > 0 and words.text[first - 1].lower() in _BEFORE_PLACE and words.gap[first] == " "

    def _near_speech(self, text: str, words: _Words, first: int, end: int) -> bool:
        after = end < len(words.text) and words.text[end] in _SPEECH and words.gap[end] in (" ", ", ")
        before = first > 0 and words.text[first - 1] in _SPEECH and words.gap[first] == " "
        aged = words.gap[end].startswith(", ") and text[words.end[end - 1] + 2 : words.end[end - 1] + 4].isdigit()
        return after or before or aged

    def _title_before(self, words: _Words, first: int) -> bool:
        return (
            first > 0
            and not words.opens[first]
            and words.text[first - 1].lower() in self._lexicon.titles
            and words.gap[first] in (" ", ". ")
        )

    def _title_length(self, words: _Words, first: int, end: int) -> int:
        for length in self._titles.get(words.text[first].lower(), ()):
            if first + length <= end and " ".join(words.text[first : first + length]).lower() in self._lexicon.titles:
                return length
        return 0

    def _ends_organisation(self, word: str) -> bool:
        return word.lower() in self._lexicon.organisation_words

    def _headed(self, sequence: list[str]) -> bool:
        """Whether an organisation's head word is followed by its "of" or "for"."""
        return ("of" in sequence or "for" in sequence) and any(
            word.lower() in self._lexicon.organisation_heads and following in ("of", "for")
            for word, following in itertools.pairwise(sequence)
        )


_CALENDAR = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday january february march april june july august september"
    " october november december mon tue wed thu fri sat sun jan feb mar apr jun jul aug sep sept oct nov dec christmas"
    " easter".split()
)


def _words(text: str) -> _Words:
    cut = (_TOKEN_PLAIN if is_plain(text) else _TOKEN).split(
        text
    )  # gap, word, gap, word, ..., gap: cheaper than a match object a word
    found, gaps, places = cut[1::2], cut[::2], list(accumulate(map(len, cut)))
    capital = list(map(str.isupper, map(itemgetter(0), found)))
    opens = [False] * len(found)
    for at in compress(range(len(found)), capital):
        gap = gaps[at]
        if at == 0 or (gap != " " and _SENTENCE_END.search(gap) and not _abbreviated(found[at - 1], gap)):
            opens[at] = True
    return _Words(found, places[:-1:2], places[1::2], gaps, capital, opens)


def _abbreviated(word: str, gap: str) -> bool:
    """Whether the full stop behind a word belongs to it: `Mr. Costa`, `J. Smith`, `U.S. officials`."""
    return (
        gap.startswith(".")
        and gap.strip() == "."
        and (len(word) == 1 or word in ("Mr", "Mrs", "Ms", "Dr", "Sen", "Rep", "Gov", "Prof", "St", "Gen", "Col"))
    )
