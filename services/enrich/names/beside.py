"""What stands beside a name, and how it is written, where a tagger took it wrongly or did not see it. Pure.

AI, OPVs, (Hang Seng Index), 176 (Hong Kong) dollars   →  no names
" (Said Joe Yonan)                                     →  without the verb that a headline's capitals hide
in (Davos), a company?                                 →  the place, where the tagger wavers
(TikTok), a place?      (Buckingham Palace) said       →  those who run it, or sit in it
US president, U.S.-(Iran) talks                        →  countries, always
told TIME, the newspaper Público, Macy(’s)             →  organisations
"""

# ruff: noqa: SIM905 - lists of words read best as text

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from services.enrich.lexicons import Lexicon
from services.enrich.names.fold import fold
from services.enrich.names.mending import TOLD, Find, Span

# Scores up to which where a name stands is believed over the tagger, with the table of places and without it.
WAVERS, UNSURE = 0.75, 0.6
ACTS = 0.95  # score of a body that does what only those in it can do
_COMMON = frozenset("AI IPO IPOs GDP GNP CEO CFO COO CTO TV DNA RNA VAT ETF PDF GPS LED LNG EV HIV AIDS COVID".split())
_PLURAL = re.compile(r"[A-Z]{2,5}s")  # NGOs, MPs: kinds, nobody's name
_SHARES = (" Composite", " Index", " Average")
_APOSTROPHES = ("'", "\u2019")
_SPOKEN = frozenset("stwvaSTWVA")  # what the next begins with
_MONEY = re.compile(r" (?:dollars?|pesos?|rupees?|shillings?)(?!\w)", re.IGNORECASE)
_SPOKE = re.compile(r"(?:Says|Tells|Warns|Vows|Told|Added|Asked|(?<=[\"\u201d\u2019'] )Said) (?=[A-Z])", re.IGNORECASE)
_CAMEL = re.compile(r"(?!Ma?c[A-Z]|Fitz|De|La|Le|Du|Di|Van|San|El)[A-Z][a-z]+[A-Z]\w*")
_ACTS = re.compile(r" (?:has |had |also )?(?:said|says|told|confirmed|announced|declined|denied|insisted)(?!\w)")
_IN = re.compile(r"(?<!\w)[Ii]n $")
_OWNED = re.compile(
    r"(?:stakes?|shares?|invest\w*|confidence|trust|faith|interests?|holdings?|stocks?|bonds?|belie\w+|bets?|jobs?)"
    r" in $",
    re.IGNORECASE,
)
_HALF = re.compile(r"\.?[-\u2013](?P<name>[^\W\d_a-z][^\W\d_]+)(?!\w)")
_COUNTRY = re.compile(r"U(?<![\w.$&]U)(?:S|K|AE)(?=['\u2019][sS]?(?!\w)|[- ,;:)\n]|\.?$|\. )")
_NEAR = re.compile(r"[^\W\d_]+")
_SHORT = re.compile(r"[A-Z]{3,6}(?![\w.-])")
_CALLED = re.compile(
    r"(?:[Tt]he (?=[A-Z]))?(?P<name>[A-Z][\w\u2019'-]+(?: (?:of |the |de |la |do )?[A-Z][\w\u2019'-]+){0,3})"
)
#: What stands before a name that it tells, and the name's form.
_TELLS = (
    *((f"{word} ", _SHORT) for word in ("told", "Told", "tells", "Tells", "tell", "Tell", "telling")),
    *((f" {word} ", _CALLED) for word in "magazine newspaper tabloid journal broadcaster weekly".split()),
)
_NO_MEDIUM = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august"
    " september october november december he she it they we i in on at the a an".split()
)


def beside(text: str, spans: Sequence[Span], lexicon: Lexicon, find: Find) -> list[Span]:
    """The spans of one text, in order and without overlaps, put right. `find` gives the places of a folded name."""
    kept: list[Span] = []
    dropped = -1  # where a name ended that is none: its symbol in parentheses is none either
    for span in spans:
        if dropped >= 0 and text[dropped : span[0]] == " (":
            continue
        one = _read(text, span, lexicon, find)
        if one is None:
            dropped = span[1]
        else:
            kept.append(one)
    return _with(kept, text, lexicon)


def _read(text: str, span: Span, lexicon: Lexicon, find: Find) -> Span | None:
    """One span put right; None where it is no name."""
    start, end, label, score = span
    if text[end : end + 1] in _APOSTROPHES and text.startswith("s", end + 1):
        known = f"{text[start:end]}'s" in lexicon.named_after
        return (start, end + 2, "organisation", score) if known else span
    if label == "organisation":
        name = text[start:end]
        if name in _COMMON or _PLURAL.fullmatch(name) or name.endswith(_SHARES):
            return None
        where = score <= WAVERS and _is_where(text, start, name, score <= UNSURE, lexicon, find)
        return (start, end, "place", TOLD) if where else span
    if label == "person":
        spoke = text[start] in _SPOKEN and _SPOKE.match(text, start, end)
        return (spoke.end(), end, label, score) if spoke else span
    return _place(text, span, find) if label == "place" else span


def _place(text: str, span: Span, find: Find) -> Span | None:
    """What was taken for a place; None for a currency's."""
    start, end, _, score = span
    if text[max(0, start - 2) : start - 1].isdigit() and _MONEY.match(text, end):
        return None
    name = text[start:end]
    if not name[1:].islower() and _CAMEL.fullmatch(name) and not find(fold(name)):
        return start, end, "organisation", score
    if name.endswith((" Palace", " Street")) and _ACTS.match(text, end):
        return start, end, "organisation", ACTS
    return span


def _is_where(text: str, start: int, name: str, unsure: bool, lexicon: Lexicon, find: Find) -> bool:
    """Whether something is in a place of that name here: in Davos, not a stake in Santander."""
    before = text[max(0, start - 20) : start]
    if not _IN.search(before) or _OWNED.search(before) or " " in name or not name.istitle():
        return False
    folded = fold(name)
    return folded not in lexicon.zipf and (unsure or any(fold(row.name) == folded for row in find(folded)))


def _with(kept: list[Span], text: str, lexicon: Lexicon) -> list[Span]:
    """The spans, and names that none was found of."""
    starts = [span[0] for span in kept]

    def free(span: Span) -> bool:
        at = bisect_left(starts, span[1])
        return at == 0 or kept[at - 1][1] <= span[0]

    told = [*_halves(kept, text, lexicon), *_countries(text)]
    if not text.isupper():
        told += _media(text, lexicon)
    added = [span for span in dict.fromkeys(told) if free(span)]
    return sorted([*kept, *added]) if added else kept


def _halves(kept: Sequence[Span], text: str, lexicon: Lexicon) -> Iterator[Span]:
    """The country behind another's hyphen: the U.S.-|Iran talks."""
    for span in kept:
        if span[2] == "place" and (half := _HALF.match(text, span[1])):
            name = half["name"]
            if (name.capitalize() if name.isupper() else name) in lexicon.countries["en"]:
                yield (*half.span("name"), "place", TOLD)


def _countries(text: str) -> Iterator[Span]:
    """Countries that two or three capitals stand for; among capitals only where "us" cannot stand."""
    for match in _COUNTRY.finditer(text):
        start, end = match.span()
        before = text[max(0, start - 12) : start]
        after = _NEAR.match(text, end + 1) if text[end : end + 1] == " " else None
        words = _NEAR.findall(before)
        shouted = (after is not None and after.group().isupper() and len(after.group()) > 1) or (
            bool(words) and words[-1].isupper() and len(words[-1]) > 1 and before.endswith(" ")
        )
        sure = start == 0 or before.endswith(("THE ", "the ")) or text[end : end + 1] in ("-", "'", "\u2019")
        if sure or not shouted or match.group() != "US":
            yield (start, end, "place", TOLD)


def _media(text: str, lexicon: Lexicon) -> Iterator[Span]:
    """Who was told something, and what is called a newspaper."""
    for cue, form in _TELLS:
        at = text.find(cue)
        while at >= 0:
            at += len(cue)
            match = form.match(text, at)
            if match and form is _SHORT:
                yield (*match.span(), "organisation", TOLD)
            elif match and not _is_other(match["name"].partition(" ")[0], lexicon):
                yield (*match.span("name"), "organisation", TOLD)
            at = text.find(cue, at)


def _is_other(first: str, lexicon: Lexicon) -> bool:
    """Whether a name that begins with this word is none of a newspaper: told the newspaper Monday, Editor Ana Reis."""
    return first.lower() in _NO_MEDIUM or first in lexicon.given_names or first.lower() in lexicon.title_words
