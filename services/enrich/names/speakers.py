"""Who speaks: the person or organisation beside a verb of saying, behind a pronoun, or in the sentence before. Pure.

Duarte, who met Keane, said     →  Duarte          "...," Duarte, the union's head, told Keane  →  Duarte
a spokesman for Harbour Lines   →  Harbour Lines   an official of Harbour Lines                 →  nobody who is named
she said                        →  the subject of the sentence read last that may be a she
Reis was careful. "..."         →  Reis            "..." Those were the words of Reis           →  Reis
"...," it added                 →  the organisation that spoke just before
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right

from services.enrich.document import Document, Entity
from services.enrich.lexicons import Lexicon, Pronoun
from services.enrich.names.pronouns import pronoun, told

Named = tuple[int, int, Entity]  # start and end of a mention, and who it is

# Those who are not named and do not speak for the body that they belong to.
_PEOPLE = (
    r"(?:officials?|sources?|officers?|aides?|advis[eo]rs?|diplomats?|executives?|lawyers?|researchers?|scientists?"
    r"|employees?|workers?|staff|insiders?|delegates?|members?|analysts?|economists?|lawmakers?)"
)
_UNNAMED = re.compile(rf" {_PEOPLE}(?!\w)")
_UNNAMED_OF = re.compile(rf"(?<!\w){_PEOPLE} (?:of|at|from|for|with|in|inside)(?: the)? $")
# Whose it is that speaks, but for what speaks in one's name: Duarte's deputy, not Duarte's office.
_OWNER = re.compile(
    r"(?:['\u2019]s|(?<=s)['\u2019]) (?!own )"
    r"(?![^.,]{0,30}?(?:office|team|campaign|camp|party|government|administration|spokes\w+|statement|report|website"
    r"|letter|filing|account|release|post|article|study)(?!\w))[a-z]"
)
_UNBROKEN = re.compile(r"s? [a-z][a-z -]*")
_SUBJECT = re.compile(r"(?<!\w)(?P<who>[Hh]e|[Ss]he)(?: (?:also|later|then|once|has|had))? $")
_PRONOUN = re.compile(r"(?<!\w)(?P<who>he|she|He|She)(?!\w)")
_IT = re.compile(r"(?<!\w)(?:it|It)(?: (?:also|later|then|had|has))? $")
# Verbs behind which stands who is spoken to.
_TO_SOMEBODY = re.compile(r"(?:told|tells|telling|asked|urged|warned|thanked|reminded)(?!\w)")
_STOP = re.compile(r"[.!?\u2026][\"\u201d\u2019]?\s|\n")
_NO_SUBJECT = re.compile(
    r"(?<!\w)(?:of|to|by|for|with|about|from|against|whether|if|than|after|before|and|told|asked|met|at|on|like|over|between|under|called"
    r"|knew|saw|joined|replaced|beat|defended|sued|quoted|backed|thanked|accused)(?: the)? $",
    re.IGNORECASE,
)
_OPENS = re.compile(
    r"(?:(?:But|And|Yet|So|Then|For|Still|However,|Meanwhile,) )?(?:[A-Z][\w'\u2019.-]+ ){0,4}$"
    r"|(?:The|Its|His|Her|An?) [^.,]{3,40}, $"
)
_WORDS_OF = re.compile(
    r" ?(?:Those|These|Such) (?:are|were) the words of(?: [a-z]+){0,3} $"
    r"|(?: ?That|It) (?:is|was) the (?:view|verdict|message|warning|promise|answer|hope|claim) of(?: [a-z]+){0,3} $"
)
_SPEAKING = re.compile(r" (?:was|were|is) (?:speaking|talking|addressing|writing)(?!\w)")
FARTHEST = 40  # names that a pronoun is looked for among
SENTENCE = 400  # characters of one that are looked at


class Speakers:
    """The people and organisations of a document by where they stand in the body."""

    def __init__(self, doc: Document, lexicon: Lexicon) -> None:
        self._mentions: list[Named] = sorted(
            (
                (mention.start, mention.end, entity)
                for entity in doc.entities
                if entity.type in ("person", "organisation")
                for mention in entity.mentions
                if mention.field == "body_text"
            ),
            key=lambda item: item[0],
        )
        self._starts = [item[0] for item in self._mentions]
        self._text, self._lexicon = doc.body_text, lexicon
        self._pronouns: dict[str, Pronoun | None] = {}
        self.quoted: list[tuple[int, int]] = []  # words of others, in order
        self.spoke: Entity | None = None  # whose the quote before was

    def at(self, start: int, end: int) -> Entity | None:
        """The person named inside a stretch of the body."""
        return next((item[2] for item in self._inside(start, end) if item[2].type == "person"), None)

    def near(self, start: int, end: int, verb: int, back: int | None = None) -> Entity | None:
        """Who is named next to the verb inside the clause; a pronoun there means somebody named before it.

        `back` is where a quote opens behind which the clause stands: who is named in it, does not speak of himself.
        """
        subject = _SUBJECT.search(self._text, max(start, verb - 20), verb)
        first = min(start, back) if back is not None else start
        if subject:
            return self._meant(subject["who"].lower(), first)
        if inside := self._inside(start, end):
            return self._beside(inside, verb)
        if self.spoke and self.spoke.type == "organisation" and _IT.search(self._text, max(start, verb - 16), verb):
            return self.spoke
        found = _PRONOUN.search(self._text, start, end)
        return self._meant(found["who"].lower(), first) if found else None

    def alone(self, start: int, end: int) -> Entity | None:
        """Whose a quote is that stands by itself: of the sentence before it, or as the one behind it says."""
        if match := next((one for one in self._inside(end, end + 120) if one[2].type == "person"), None):
            if _WORDS_OF.fullmatch(self._text, end, match[0]):
                return match[2]
            if match[0] - end < 3 and _SPEAKING.match(self._text, match[1]):
                return match[2]
        stop = start - 1
        while stop > 0 and self._text[stop - 1].isspace():
            stop -= 1
        if not stop or self._text[stop - 1] not in ".!?":
            return None
        begin = self._sentence(stop - 1)
        people = [item for item in self._inside(begin, stop) if item[2].type == "person"]
        if not people or len({item[2].id for item in people}) > 1 or self._is_quoted(stop - 2):
            return None
        opens = self._text[begin : people[0][0]]
        owned = self._text[people[0][1] : people[0][1] + 2] in ("'s", "\u2019s")
        return people[0][2] if _OPENS.fullmatch(opens) and not owned else None

    def _inside(self, start: int, end: int) -> list[Named]:
        return self._mentions[bisect_left(self._starts, start) : bisect_left(self._starts, end)]

    def _beside(self, inside: list[Named], verb: int) -> Entity | None:
        last = next((item for item in reversed(inside) if item[1] <= verb), None)
        if last and _OWNER.match(self._text, last[1]) and _UNBROKEN.fullmatch(self._text, last[1] + 1, verb):
            return None  # Duarte's lawyer said, whoever else is named
        inside = [item for item in inside if not self._belongs(item)]
        if not inside:
            return None
        people = [item for item in inside if item[2].type == "person"] or inside
        before = [item for item in people if item[1] <= verb]
        if before and self._text.endswith(", ", 0, verb):  # X, who met Y, said
            starts = {item[0] for item in people}
            held = [item for item in before if self._text.startswith(", ", item[1]) and item[1] + 2 not in starts]
            if held:
                return held[0][2]
        if before and _TO_SOMEBODY.match(self._text, verb):
            people = before
        return min(people, key=lambda item: min(abs(item[0] - verb), abs(item[1] - verb)))[2]

    def _belongs(self, item: Named) -> bool:
        """Whether a name only says whose somebody is who has none here: a Commission official, Duarte's deputy."""
        if _OWNER.match(self._text, item[1]):
            return True
        if item[2].type != "organisation":
            return False
        return bool(
            _UNNAMED.match(self._text, item[1]) or _UNNAMED_OF.search(self._text, max(0, item[0] - 30), item[0])
        )

    def _meant(self, who: str, before: int) -> Entity | None:
        """The person whom "he" or "she" means: of the sentence read last with one that may be, the subject."""
        stop = bisect_right(self._starts, before)
        for index in range(stop - 1, max(-1, stop - FARTHEST - 1), -1):
            if not self._may_be(self._mentions[index], who):
                continue
            begin = self._sentence(self._mentions[index][0])
            here = [item for item in self._mentions[: index + 1][-8:] if item[0] >= begin and self._may_be(item, who)]
            acts = [item for item in here if not _NO_SUBJECT.search(self._text, max(0, item[0] - 20), item[0])]
            return (acts or here[-1:])[0][2]
        return None

    def _may_be(self, item: Named, who: str) -> bool:
        entity = item[2]
        if entity.type != "person" or self._is_quoted(item[0]):
            return False
        if entity.id not in self._pronouns:
            beside = [told(self._text, one.start, one.end) for one in entity.mentions[:20] if one.field == "body_text"]
            self._pronouns[entity.id] = pronoun((entity.name, *entity.aliases_seen), beside, self._lexicon)
        return self._pronouns[entity.id] in (None, who)

    def _is_quoted(self, place: int) -> bool:
        at = bisect_right(self.quoted, (place, place + 1)) - 1
        return any(one <= place < other for one, other in self.quoted[max(0, at - 1) : at + 2])

    def _sentence(self, place: int) -> int:
        """Where the sentence begins in which a place is."""
        start = max(0, place - SENTENCE)
        for stop in _STOP.finditer(self._text, start, place):
            if not self._text.endswith(
                ("Mr.", "Mrs.", "Ms.", "Dr.", "St.", "Sen.", "Gov.", "Rep."), 0, stop.start() + 1
            ):
                start = stop.end()
        return start
