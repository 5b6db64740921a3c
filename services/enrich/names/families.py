"""Persons whose names are places: Valeska (Paris), (Paris) Hilton, Denzel (Washington), Jack London in (London). Pure.

What stands where a place stands, or behind what only places have, is the place; else who was named in full before is
meant. Before that, for a given name, and for a country, which acts itself ("Israel said"), a person must be told by
more: an age, what only people do or have, or "his" or "her" in the sentence of which the name is the subject.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from services.enrich.document import Mention, TextField
from services.enrich.lexicons import Lexicon
from services.enrich.names.mending import OF_A_PLACE

# Where somebody is, goes or comes from, and words for a part of a place; "at" and "by" may stand before both.
_WHERE = re.compile(
    r"(?<![\w-])(?:[Ii]n|[Tt]o|[Ff]rom|[Nn]ear|[Aa]round|[Aa]cross|[Tt]hroughout|[Oo]utside|[Ii]nside|[Ii]nto|[Vv]ia|[Aa]bove"
    r"|[Bb]etween|[Tt]owards?|visit(?:ed|s|ing)?|reach(?:ed|es|ing)?|left|leav(?:es|ing)"
    r"|(?:[Cc]entral|[Dd]owntown|[Gg]reater|[Nn]orth(?:ern)?|[Ss]outh(?:ern)?|[Ee]ast(?:ern)?|[Ww]est(?:ern)?)"
    r"|(?:city|capital|streets|suburbs?|outskirts|mayor|people|residents|university) of) $"
)
# Told, thanked, gave or sent to: a person may stand behind "to" as well.
_TO_WHOM = re.compile(
    r"(?<!\w)(?:said|spoke|speaks?|speaking|talk(?:ed|s|ing)?|listen(?:ed|ing)?|gave|given|paid|wrote|written|belong(?:s|ed)?"
    r"|married|according|loyal|close|letters?|thanks) to $"
)
_PART = re.compile(
    r", [A-Z][a-z]|-based|-born"
    r"|(?: (?:city|county|state)|['\u2019]s (?:streets|airport|mayor|suburbs|skyline|river))(?!\w)"
)
_PERSON = re.compile(
    r", (?:\d{1,2}|who|whose)(?!\w)"
    r"|(?: also| later)? (?:told|said|says|testified|added|recalled|replied|thanked|pleaded|married|scored|wrote|joked"
    r"|laughed)(?!\w)"
    r"|['\u2019]s (?:wife|husband|mother|father|son|daughter|lawyer|lawyers|family|widow)(?!\w)"
)
# An age where no bearer is named in full: no place and no team has one.
_AGED = re.compile(
    r", \d{2}, (?:who|was|is|has|had|of|from|said|told|died|denies|denied|pleaded|appeared|lives)(?!\w)"
    r"|['\u2019]s (?:wife|husband|widow|widower|girlfriend|boyfriend)(?!\w)"
)
_STARTS = re.compile(r"(?:^|[.!?:]\s|\n)(?:[\"\u201c]|But |And |Yet |Then |Now |So )?$")
_HIS = re.compile(r" (?:[\w'\u2019$,-]+ ){1,12}?(?:his|her|herself|himself|she|he)(?!\w)")
TITLE: TextField = "title"


def surnames(found: Sequence[Mention], text_of: Callable[[TextField], str], lexicon: Lexicon) -> list[Mention]:
    """The mentions of an article, in order, places that are somebody's name made persons."""
    if not any(mention.type == "place" for mention in found):
        return list(found)
    found = _without_headline_persons(found)
    families, givens = _bearers(found)
    text = text_of("body_text")
    people = [mention for mention in found if mention.field != TITLE and mention.type == "person"]
    body = [_one(one, text, families, givens, people, lexicon) for one in found if one.field != TITLE]
    if not families and not givens:
        return [*(one for one in found if one.field == TITLE), *body]
    votes: dict[str, int] = defaultdict(int)
    for mention in body:
        votes[mention.text] += {"person": 1, "place": -1}.get(mention.type, 0)
    persons = {mention.text for mention in body if mention.type == "person"}
    named = {name: 0 for name in families if name in persons}
    title = [
        replace(one, type="person")
        if one.start == 0
        and one.type == "place"
        and one.text in named
        and votes[one.text] > 0
        and _is_free(one, text_of)
        else _one(one, text_of(TITLE), named, frozenset(), (), lexicon)
        for one in found
        if one.field == TITLE
    ]
    return [*title, *body]


def _is_free(mention: Mention, text_of: Callable[[TextField], str]) -> bool:
    """Whether nothing behind a name makes it a part of a place, or of a name that the tagger did not see."""
    text = text_of(mention.field)
    return not (_PART.match(text, mention.end) or OF_A_PLACE.match(text, mention.end))


def _without_headline_persons(found: Sequence[Mention]) -> Sequence[Mention]:
    """Capitals join what a headline only sets side by side: (Georgia) Pecan Growers, where the body has that place."""
    if not any(mention.field == TITLE and mention.type == "person" and " " in mention.text for mention in found):
        return found
    places = {mention.text for mention in found if mention.field != TITLE and mention.type == "place"}
    people = {
        mention.text.rpartition(" ")[2] for mention in found if mention.field != TITLE and mention.type == "person"
    }
    made = []
    for mention in found:
        first, _, last = mention.text.partition(" ")
        if mention.field == TITLE and mention.type == "person" and first in places and last and last not in people:
            mention = replace(mention, text=first, end=mention.start + len(first), type="place")
        made.append(mention)
    return made


def _bearers(found: Iterable[Mention]) -> tuple[dict[str, int], frozenset[str]]:
    """Where each family name first stands in a full name of the body, 0 if the title has it; and the given names."""
    families: dict[str, int] = {}
    givens = set()
    for mention in found:
        first, _, last = mention.text.rpartition(" ")
        if mention.type == "person" and first:
            at = 0 if mention.field == TITLE else mention.start
            families[last] = min(at, families.get(last, at))
            givens.add(mention.text.partition(" ")[0])
    return families, frozenset(givens)


def _one(
    mention: Mention,
    text: str,
    families: dict[str, int],
    givens: frozenset[str],
    people: Sequence[Mention],
    lexicon: Lexicon,
) -> Mention:
    if mention.type != "place":
        return mention
    at = families.get(mention.text)
    if at is None and mention.text not in givens:
        return replace(mention, type="person") if _AGED.match(text, mention.end) else mention
    before = text[max(0, mention.start - 24) : mention.start]
    where = _WHERE.search(before) and not _TO_WHOM.search(before)
    if where or _PART.match(text, mention.end) or OF_A_PLACE.match(text, mention.end):
        return mention
    if _PERSON.match(text, mention.end) or _has_pronoun(mention, text, people):
        return replace(mention, type="person")
    later = at is not None and mention.start >= at and mention.start > 0
    return replace(mention, type="person") if later and mention.text not in lexicon.countries["en"] else mention


def _has_pronoun(mention: Mention, text: str, people: Sequence[Mention]) -> bool:
    """Whether a name is the subject of a sentence that goes on with "his" or "her", and has nobody else before that."""
    if mention.start and not _STARTS.search(text, max(0, mention.start - 12), mention.start):
        return False
    match = _HIS.match(text, mention.end)
    return match is not None and not any(mention.end <= one.start < match.end() for one in people)
