"""What was said and who said it: quotation marks near a verb of saying, the speaker from the entities beside it.

A pair of marks without such a verb is kept only when it holds a whole sentence: single words in quotation marks are
titles, nicknames or doubt. A pronoun stands for the person read last. A sentence in quotation marks without a verb of
its own goes on with the quote before it in the same paragraph, and has its speaker.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

from services.enrich.document import Document, Entity, Quote
from services.enrich.resources import Resources
from services.enrich.steps.reported import reported

LONGEST = 1_500  # characters of one quote
MOST = 100  # of one article
_UNNAMED = re.compile(
    r" (?:officials?|spokes(?:man|woman|person|people)|sources?|officers?|aides?|advis[eo]rs?|diplomats?|executives?"
    r"|lawyers?|researchers?|scientists?|employees?|workers?|staff|insiders?|delegates?)(?!\w)"
)
NEAR = 120  # characters behind a quote in which the verb and the speaker are looked for,
BEFORE = 240  # and before it: what introduces a quote is longer
SHORTEST_SAID, SHORTEST_ALONE = 2, 5  # words with a verb of saying, and without one
_CLOSE = {
    mark: re.compile(f"[{close}\n]")
    for mark, close in {
        "\u201c": "\u201d\u201c",
        "\u00ab": "\u00bb",
        "\u201e": "\u201c\u201d",
        '"': '"',
        "\u300c": "\u300d",
    }.items()
}
_OPEN = re.compile('[\u201c\u00ab\u201e\u300c"]')
_STRAIGHT = re.compile(r'(?<![\w.,!?\u2026])"(?=\S)')  # a mark that opens looks like one that closes
_CUES = {
    "en": "said says say told tells added adds announced argued asked asserted claimed confirmed continued declared"
    " denied explained insisted noted recalled remarked replied reported stated suggested urged warned wrote tweeted"
    " admitted complained conceded joked predicted reckoned thanked written",
    "fr": "dit déclaré déclare affirmé affirme expliqué explique estime estimé ajouté ajoute assure assuré souligne",
    "de": "sagte sagt erklärte erklärt betonte meinte teilte fügte warnte kritisierte schrieb hieß",
    "es": "dijo dice afirmó afirma aseguró declaró explicó señaló agregó añadió indicó sostuvo advirtió escribió",
    "pt": "disse diz afirmou afirma declarou explicou garantiu acrescentou destacou escreveu alertou",
    "it": "detto dice dichiarato dichiara spiegato spiega aggiunto affermato sottolinea scritto",
}
_BACK = r"|(?<!\w)(?:shot|hit|fired) back(?!\w)"
_VERBS = {
    code: re.compile(r"(?<!\w)(?:" + "|".join(words.split()) + r")(?!\w)" + (_BACK if code == "en" else ""))
    for code, words in _CUES.items()
}
# The sentence around words that somebody only calls something: hailed the vote as "a good day for ferries".
_CALLED = re.compile(
    r"(?<!\w)(?:called|described|dubbed|branded|hailed|denounced|labelled|labeled|condemned|dismissed)"
    r" (?:[\w'\u2019-]+ ){1,8}$"
)
_SUBJECT = re.compile(r"(?<!\w)(?:[Hh]e|[Ss]he)(?: (?:also|later|then|once|has|had))? $")
_TURN = re.compile(r"^(?:[A-Z][A-Z.'\u2019-]+ ){0,4}[A-Z][A-Z'\u2019-]+(?=: \S)", re.MULTILINE)
FEWEST_TURNS = 3  # paragraphs that begin with a speaker's name, for a transcript
_PRONOUN = re.compile(r"(?<!\w)(?:he|she|He|She)(?!\w)")
_STOP = re.compile(r"[.!?\u2026]\s|\n")
_STOP_BEFORE = re.compile(r"[.!?\u2026][\"\u201d\u2019]?\s|\n")  # what ends in quotation marks, ends too


class Quotes:
    """Provides `quotes`, in reading order."""

    name = "quotes"
    revision = "5"
    needs = frozenset({"body_text", "language", "entities"})
    provides = frozenset({"quotes"})
    languages = frozenset(_CUES)

    def run(self, docs: Sequence[Document], resources: Resources) -> None:
        """Find each document's own."""
        for doc in docs:
            doc.quotes = tuple(quotes(doc))


def quotes(doc: Document) -> list[Quote]:
    """The speech of a document in a language with verbs of saying known here; reported speech in English alone."""
    verbs = _VERBS.get(doc.language.code if doc.language else "")
    if verbs is None:
        return []
    speakers = _Speakers(doc)
    found: list[Quote] = []
    last: Entity | None = None
    at = 0
    while len(found) < MOST and (match := _OPEN.search(doc.body_text, at)):
        start = match.end()
        opens = match.group() != '"' or _STRAIGHT.match(doc.body_text, match.start())
        end = _close(doc.body_text, match.group(), start) if opens else -1
        if end < 0:
            at = start
            continue
        at = end + 1
        text = doc.body_text[start:end]
        words = len(text.split())
        around = _said(doc.body_text, match.start(), end + 1, verbs)
        whole = text[:1].isupper() and text[-1:] in ".,!?\u2026"
        goes_on = found and whole and not around and "\n" not in doc.body_text[found[-1].end : start]
        if words >= (SHORTEST_SAID if around or goes_on else SHORTEST_ALONE) and (around or whole):
            speakers.quoted = [(quote.start, quote.end) for quote in found[-3:]] + [(start, end)]
            speaker = speakers.near(*around, back=match.start()) if around else last if goes_on else None
            last = speaker
            name, key = (speaker.name, speaker.id) if speaker else (None, None)
            found.append(Quote(text, name, key, start, end))
    if doc.language and doc.language.code == "en":
        found = sorted([*found, *_turns(doc, speakers, found)], key=lambda quote: quote.start)[:MOST]
        found = sorted([*found, *reported(doc, speakers.near, found)], key=lambda quote: quote.start)
    return found


def _close(text: str, mark: str, start: int) -> int:
    """Where the quote ends; -1 where its paragraph ends first."""
    match = _CLOSE[mark].search(text, start, start + LONGEST)
    return match.start() if match and match.group() != "\n" and match.start() > start else -1


def _said(text: str, opened: int, closed: int, verbs: re.Pattern[str]) -> tuple[int, int, int] | None:
    """(start, end, position of the verb) of the clause beside a quote that has a verb of saying; behind it first.

    Behind a quote that ends with a full stop a new sentence begins, and tells of something else.
    """
    after = _STOP.search(text, closed, closed + NEAR)
    end = after.start() if after else min(len(text), closed + NEAR)
    if text[closed - 2] == "." and text[closed : closed + 2].strip()[:1].isupper():
        end = closed
    behind = verbs.search(text, closed, end)
    if behind and not text[opened + 1 : opened + 2].islower():
        return closed, end, behind.start()
    start = max(0, opened - BEFORE)
    for stop in _STOP_BEFORE.finditer(text, start, opened):
        start = stop.end()
    before = list(verbs.finditer(text, start, opened))
    if before:  # a part of a sentence belongs to the verb that it follows: X told Y that it was "small", the paper said
        return start, opened, before[-1].start()
    if behind:
        return closed, end, behind.start()
    if text.endswith(": ", 0, opened):  # X was less sure: "..."
        return start, opened, opened
    called = _CALLED.search(text, start, opened) if text[opened + 1 : opened + 2].islower() else None
    return (start, opened, called.start()) if called else None


def _turns(doc: Document, speakers: _Speakers, found: Sequence[Quote]) -> list[Quote]:
    """What is said in a transcript: paragraphs that begin with a name in capitals and a colon."""
    turns = [match for match in _TURN.finditer(doc.body_text) if speakers.at(match.start(), match.end())]
    if len(turns) < FEWEST_TURNS or doc.body_text.isupper():
        return []
    quotes: list[Quote] = []
    for match in turns:
        start = match.end() + 2
        stop = doc.body_text.find("\n", start)
        end = min(stop if stop >= 0 else len(doc.body_text), start + LONGEST)
        speaker = speakers.at(match.start(), match.end())
        if speaker and not any(quote.start < end and start < quote.end for quote in found):
            quotes.append(Quote(doc.body_text[start:end], speaker.name, speaker.id, start, end))
    return quotes


class _Speakers:
    """The people and organisations of a document by where they stand in the body."""

    def __init__(self, doc: Document) -> None:
        here = [
            (mention.start, mention.end, entity)
            for entity in doc.entities
            if entity.type in ("person", "organisation")
            for mention in entity.mentions
            if mention.field == "body_text"
        ]
        self._mentions = sorted(here, key=lambda item: item[0])
        self._starts = [item[0] for item in self._mentions]
        self._text = doc.body_text
        self.quoted: list[tuple[int, int]] = []  # words of others in the same place

    def at(self, start: int, end: int) -> Entity | None:
        """The person named inside a stretch of the body."""
        inside = self._mentions[bisect_right(self._starts, start - 1) : bisect_right(self._starts, end - 1)]
        return next((item[2] for item in inside if item[2].type == "person"), None)

    def _belongs(self, item: tuple[int, int, Entity]) -> bool:
        """Whether an organisation only says whose somebody is that the text does not name: a Commission official."""
        return item[2].type == "organisation" and _UNNAMED.match(self._text, item[1]) is not None

    def near(self, start: int, end: int, verb: int, back: int | None = None) -> Entity | None:
        """Who is named next to the verb inside the clause; a pronoun there means the person read last before it.

        `back` is where a quote opens behind which the clause stands: who is named in it, does not speak of himself.
        """
        pronoun = _SUBJECT.search(self._text, max(start, verb - 20), verb)
        inside = (
            []
            if pronoun
            else self._mentions[bisect_right(self._starts, start - 1) : bisect_right(self._starts, end - 1)]
        )
        if inside:
            inside = [item for item in inside if not self._belongs(item)]
            if not inside:
                return None
            best = min(
                inside, key=lambda item: (item[2].type != "person", min(abs(item[0] - verb), abs(item[1] - verb)))
            )
            return best[2]
        if not _PRONOUN.search(self._text, start, end):
            return None
        first = min(start, back) if back is not None else start
        for index in range(bisect_right(self._starts, first) - 1, -1, -1):
            begin, _, entity = self._mentions[index]
            if entity.type == "person" and not any(one <= begin < other for one, other in self.quoted):
                return entity
        return None
