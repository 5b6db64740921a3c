"""What was said and who said it: quotation marks near a verb of saying, the speaker from the entities beside it.

A pair of marks without such a verb is kept only when it holds a whole sentence: single words in quotation marks are
titles, nicknames or doubt. A pronoun stands for the person read last. A sentence in quotation marks without a verb of
its own goes on with the quote before it in the same paragraph, and has its speaker.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.enrich.document import Document, Entity, Quote
from services.enrich.lexicons import Lexicon
from services.enrich.names.speakers import Speakers
from services.enrich.resources import Resources
from services.enrich.steps.reported import reported

LONGEST = 1_500  # characters of one quote
MOST = 100  # of one article
NEAR = 120  # characters behind a quote in which the verb and the speaker are looked for,
BEFORE = 240  # and before it: what introduces a quote is longer
NEAR_BEFORE = 300  # characters between a quote and the next of which "it" is the same speaker
SHORTEST_SAID, SHORTEST_ALONE = 2, 5  # words with a verb of saying, and without one
_CLOSE = {
    mark: re.compile(f"[{close}\n]")
    for mark, close in {
        "\u201c": "\u201d\u201c",
        "\u00ab": "\u00bb",
        "\u201e": "\u201c\u201d",
        '"': '"\u201d',
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
_TURN = re.compile(r"^(?:[A-Z][A-Z.'\u2019-]+ ){0,4}[A-Z][A-Z'\u2019-]+(?=: \S)", re.MULTILINE)
FEWEST_TURNS = 3  # paragraphs that begin with a speaker's name, for a transcript
_STOP = re.compile(r"[.!?\u2026]\s|\n")
_STOP_BEFORE = re.compile(r"[.!?\u2026][\"\u201d\u2019]?\s|\n")  # what ends in quotation marks, ends too


class Quotes:
    """Provides `quotes`, in reading order."""

    name = "quotes"
    revision = "7"
    needs = frozenset({"body_text", "language", "entities"})
    provides = frozenset({"quotes"})
    languages = frozenset(_CUES)

    def run(self, docs: Sequence[Document], resources: Resources) -> None:
        """Find each document's own."""
        for doc in docs:
            doc.quotes = tuple(quotes(doc, resources.lexicon))


def quotes(doc: Document, lexicon: Lexicon) -> list[Quote]:
    """The speech of a document in a language with verbs of saying known here; reported speech in English alone."""
    verbs = _VERBS.get(doc.language.code if doc.language else "")
    if verbs is None:
        return []
    speakers = Speakers(doc, lexicon)
    found: list[Quote] = []
    last: Entity | None = None
    english = doc.language is not None and doc.language.code == "en"
    at, text = 0, doc.body_text
    open_since = -1  # the first of several paragraphs of one quote, which only the last one closes
    while len(found) < MOST and (match := _OPEN.search(text, at)):
        start = match.end()
        opens = match.group() != '"' or _STRAIGHT.match(text, match.start())
        end = _close(text, match.group(), start) if opens else -1
        if end < 0:
            at, open_since = start, -1
            continue
        at = end + 1
        said, goes_over = text[start:end], text[end] == "\n"
        words = len(said.split())
        around = _said(text, match.start(), end if goes_over else end + 1, verbs)
        whole = said[:1].isupper() and said[-1:] in ".,!?\u2026"
        goes_on = open_since >= 0 or (found and whole and not around and "\n" not in text[found[-1].end : start])
        least = SHORTEST_SAID if around or goes_on or goes_over else SHORTEST_ALONE
        if around and whole and text.endswith(": ", 0, match.start()):  # X said: "No."
            least = 1
        if words >= least and (around or whole):
            speakers.quoted.append((start, end))
            speakers.spoke = last if found and start - found[-1].end < NEAR_BEFORE else None
            if around:
                speaker = speakers.near(*around, back=match.start())
            elif goes_on:
                speaker = last
            else:
                speaker = speakers.alone(match.start(), end + 1) if english and said[-1] != "," else None
            last = speaker
            found.append(_quote(said, speaker, start, end))
            if open_since >= 0 and speaker:  # who is named behind the last paragraph said the others too
                found[open_since:] = [
                    one if one.speaker else _quote(one.text, speaker, one.start, one.end) for one in found[open_since:]
                ]
            open_since = -1 if not goes_over else open_since if open_since >= 0 else len(found) - 1
    speakers.spoke = None
    if english:
        found = sorted([*found, *_turns(doc, speakers, found)], key=lambda quote: quote.start)[:MOST]
        found = sorted([*found, *reported(doc, speakers.near, found)], key=lambda quote: quote.start)
    return found


def _quote(text: str, speaker: Entity | None, start: int, end: int) -> Quote:
    return Quote(text, speaker.name if speaker else None, speaker.id if speaker else None, start, end)


def _close(text: str, mark: str, start: int) -> int:
    """Where the quote ends; -1 where its paragraph does first, unless the next paragraph opens with the mark again."""
    match = _CLOSE[mark].search(text, start, start + LONGEST)
    if match is None or match.start() == start:
        return -1
    goes_over = re.compile(rf"\n+{mark}(?=\S)").match(text, match.start()) if match.group() == "\n" else None
    return match.start() if goes_over or match.group() != "\n" else -1


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


def _turns(doc: Document, speakers: Speakers, found: Sequence[Quote]) -> list[Quote]:
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
