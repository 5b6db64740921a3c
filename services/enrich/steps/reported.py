"""Reported speech in English: what somebody is said to have said, without quotation marks.

    According to X, CLAUSE

    X said [on Monday] (that) CLAUSE          CLAUSE, X said          CLAUSE, according to X

Kept only with a speaker who is named (or a pronoun for one) right beside the verb, and a clause with a verb of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from services.enrich.document import Document, Entity, Quote
from services.enrich.text.dateline import opening
from services.enrich.text.sentences import sentence_spans

Speaker = Callable[[int, int, int], Entity | None]  # start and end of a stretch of the body, and the verb in it

MOST = 60  # of one article
READ = 40_000  # characters
FAR = 70  # characters between a speaker and the verb
FEWEST = 4  # words of a clause
_VERBS = (
    "said|says|told|telling|added|adds|announced|argued|argues|claimed|claims|confirmed|declared|denied|explained|insisted|insists"
    "|noted|reported|stated|suggested|warned|warns|predicted|admitted|acknowledged|estimated|believes|wrote"
)
_CUES = frozenset(_VERBS.split("|"))
_CUES_OR_ACCORDING = _CUES | {"according", "According"}
_DAY = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_OPENS = re.compile(
    rf"(?: (?:late |early )?(?:on )?{_DAY}(?: (?:morning|afternoon|evening|night))?| yesterday| earlier| later"
    r"| in an? (?:statement|interview|report|letter|post|paper|speech|study)(?: [^,.]{0,30}?)?)?"
    r"(?P<that>,? that)? (?=\S)"
)
_TOLD = re.compile(
    r" (?:[\w.'\u2019-]+ ){1,6}?that (?=\S)"
    r"| (?:reporters|journalists|lawmakers|parliament)(?: in [A-Z]\w+)?(?: on \w+day)? (?=\S)"
)
_FINITE = re.compile(
    r"(?<!\w)(?:is|are|cannot|stood|lay|lies|needs?|wants?|costs?|takes?|makes?|remains?|stays?|was|were|be|been|has|have|had|will|would|can|could|may|might|should|must|do|does|did"
    r"|\w{3,}ed|\w+n['\u2019]t|hit|took|came|went|left|made|gave|fell|rose|cost|lost|kept|held|saw|found|began|put|met|led|paid|sold|sent|won|ran"
    r"|grew|spoke|drove|wrote|built|bought|brought|broke|spent|struck|flew|sank|shot|stole|caught|fought|sought|thought|taught"
    r"|threw|drew|knew|withdrew|chose|froze|shook|ate|sat|stayed"
    r"|\w{3,}s(?= (?:the|an?|its|his|her|their|our|only|more|less|military)(?!\w)))(?!\w)"
)
_TAIL = re.compile(
    rf"(?:[^,]{{2,80}}?(?:, [^,]{{2,60}},)? (?:{_VERBS})|(?:{_VERBS}) .{{2,80}}?|according to .{{2,100}}?)"
    rf"(?: (?:late |early )?(?:on )?{_DAY}| in (?:an? [\w ]{{3,30}}|[A-Z][\w.]+(?: [A-Z]\w+)?))?[.]"
)
_ACCORDING = re.compile(r"According to [^,]{2,80}(?:, [^,]{2,60})?, (?=\S)")
COMMAS = 5  # of a sentence, from its end, behind which the speaker may begin
SHORTEST = 20  # characters of a clause in front
_MARKS = re.compile('["\u201c\u201d\u201e\u00ab\u00bb]')
_NOT_A_CLAUSE = re.compile(
    r"(?:to|of|by|for|about|nothing|so|no|yes|[a-z]+ing|\d+ (?:for|points|goals|runs|more|in))(?!\w)"
)


def reported(doc: Document, speaker: Speaker, direct: Sequence[Quote]) -> list[Quote]:
    """The reported speech of an English document, in reading order; none inside or beside direct speech."""
    text = doc.body_text[:READ]
    quoted = [(quote.start, quote.end) for quote in direct]
    found: list[Quote] = []
    cues = doc.tokens.places(_CUES_OR_ACCORDING)
    if not cues:
        return []
    begins = opening(text)
    at = 0
    for start, end in sentence_spans(text):
        if start < begins < end:
            start = begins
        if len(found) == MOST:
            break
        here: list[tuple[str, int]] = []
        while at < len(cues) and cues[at][1] < end:
            here += [cues[at]] if cues[at][1] >= start else []
            at += 1
        if not here:
            continue
        if any(one < end and start < other for one, other in quoted) or _MARKS.search(text, start, end):
            continue
        quote = _opened(text, start, end, speaker) or _behind(text, start, end, speaker)
        if quote := quote or _before(text, start, end, here, speaker):
            found.append(quote)
    return found


def _opened(text: str, start: int, end: int, speaker: Speaker) -> Quote | None:
    """The source comes first: According to X, CLAUSE."""
    match = _ACCORDING.match(text, start, end)
    who = speaker(start, match.end(), start) if match else None
    stop = end - 1 if text[end - 1] in ".!?" else end
    return _quote(text, match.end(), stop, who) if match and who and _is_clause(text[match.end() : stop]) else None


def _behind(text: str, start: int, end: int, speaker: Speaker) -> Quote | None:
    """The clause comes first: CLAUSE, X said."""
    comma = end
    for _ in range(COMMAS):
        comma = text.rfind(", ", start + SHORTEST, comma)
        if comma < 0:
            return None
        if _TAIL.fullmatch(text, comma + 2, end) and _is_clause(text[start:comma]):
            who = speaker(comma + 2, end, comma + 2)
            if who:
                return _quote(text, start, comma, who)
    return None


def _before(text: str, start: int, end: int, cues: Sequence[tuple[str, int]], speaker: Speaker) -> Quote | None:
    """The speaker comes first: X said (that) CLAUSE. `cues` are the words of saying in it and their places."""
    for cue, at in cues:
        if cue not in _CUES:
            continue
        who = speaker(max(start, at - FAR), at + len(cue), at)
        if who is None:
            continue
        opens = (_TOLD if cue in ("told", "telling") else _OPENS).match(text, at + len(cue), end)
        if opens is None:
            continue
        stop = end - 1 if text[end - 1] in ".!?" else end
        clause = text[opens.end() : stop]
        if _is_clause(clause) and not _NOT_A_CLAUSE.match(clause):
            semicolon = text.find("; ", opens.end(), stop)  # another clause, by somebody else
            return _quote(text, opens.end(), semicolon if semicolon > 0 else stop, who)
    return None


def _is_clause(clause: str) -> bool:
    return len(clause.split()) >= FEWEST and _FINITE.search(clause) is not None


def _quote(text: str, start: int, end: int, who: Entity) -> Quote:
    return Quote(text[start:end], who.name, who.id, start, end, direct=False)
