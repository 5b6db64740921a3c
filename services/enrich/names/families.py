"""Persons whose family names are places: Valeska (Paris), Denzel (Washington), Jack London sold in (London). Pure.

What stands where a place stands, or behind what only places have, is the place; else who was named in full before is
meant. Countries act themselves ("Israel said"), so there a person must be told by more than a full name.
"""

from __future__ import annotations

import re
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
TITLE: TextField = "title"


def surnames(found: Sequence[Mention], text_of: Callable[[TextField], str], lexicon: Lexicon) -> list[Mention]:
    """The mentions of an article, in order, places that are somebody's family name made persons."""
    if not any(mention.type == "place" for mention in found):
        return list(found)
    found = _without_headline_persons(found)
    families = _families(found)
    if not families:
        return list(found)
    body = [_one(mention, text_of(mention.field), families, lexicon) for mention in found if mention.field != TITLE]
    told = {mention.text for mention in body if mention.type == "person"}
    title = [
        _one(mention, text_of(TITLE), {name: 0 for name in families if name in told}, lexicon)
        for mention in found
        if mention.field == TITLE
    ]
    return [*title, *body]


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


def _families(found: Iterable[Mention]) -> dict[str, int]:
    """Of each family name that stands in a full name, where it first does in the body; 0 if the title has it."""
    families: dict[str, int] = {}
    for mention in found:
        first, _, last = mention.text.rpartition(" ")
        if mention.type == "person" and first:
            at = 0 if mention.field == TITLE else mention.start
            families[last] = min(at, families.get(last, at))
    return families


def _one(mention: Mention, text: str, families: dict[str, int], lexicon: Lexicon) -> Mention:
    at = families.get(mention.text) if mention.type == "place" else None
    if at is None or mention.start < at:
        return mention
    before = text[max(0, mention.start - 24) : mention.start]
    told = _PERSON.match(text, mention.end)
    where = _WHERE.search(before) and not _TO_WHOM.search(before)
    if where or mention.start == 0 or _PART.match(text, mention.end) or OF_A_PLACE.match(text, mention.end):
        return mention
    country = mention.text in lexicon.countries["en"]
    return replace(mention, type="person") if told or not country else mention
