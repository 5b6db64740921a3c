"""Paragraphs around an article that are none of it: invitations, repeated captions, notes on the author. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from services.enrich.names.fold import fold

LONGEST = 300  # characters of a paragraph that may be one
ENDING = 4  # paragraphs in which notes on the author stand
_AROUND = re.compile(
    r"(?:"
    r"(?:advertisement|advert|anzeige|publicité|publicidad|pubblicità|advertentie|sponsored)\b.{0,40}"
    r"|(?:follow|like|join|find) us (?:on|at)\b.*"
    r"|(?:sign up|subscribe|register)\b.{0,80}\b(?:newsletter|e-?mail|inbox|alerts?|briefing|updates|here|now"
    r"|today)\b.*"
    r"|(?:click|tap) (?:here|on)\b.*|share (?:this|on)\b.{0,80}|print this\b.{0,60}"
    r"|(?:read (?:more|also|next|the full)|also read|see also|more on this(?: story)?|related(?: (?:stories"
    r"|articles|topics|content))?"
    r"|recommended(?: for you)?|you (?:may|might) also like|more from\b.{0,40}|trending(?: now)?|most read"
    r"|watch(?: now)?|listen)"
    r"\s*(?::.*|\W{0,3})"
    r"|(?:lire aussi|à lire|weiterlesen|lesen sie auch|mehr zum thema|leer más|lea también|te puede interesar"
    r"|leia (?:mais|também)"
    r"|veja também|leggi anche|lees ook)\b.*"
    r"|image (?:source|caption|copyright),? .*|media caption,? .*|this video (?:can ?not|cannot) be played.*"
    r"|(?:copyright|\u00a9|\(c\)) .{0,200}|.{0,80}\ball rights reserved\b.{0,80}"
    r"|(?:photo(?:graph)?|image|picture|foto|bild|credit|file photo)s?(?: (?:by|credit|courtesy of))?\s?[:/].{0,120}"
    r"|getty images|shutterstock|comments?(?: \(\d+\))?|\d+ comments?|loading(?:\.\.\.|\u2026)?"
    r"|(?:have|got) (?:a )?(?:story|news tip|tips?)\b.{0,200}|.{0,60}\bcookies?\b.{0,60}\b(?:accept|consent"
    r"|settings)\b.*"
    r"|last (?:updated|modified)\b.{0,60}|(?:published|updated|posted)(?: on| at)?:? .{0,60}\d{4}.{0,30}"
    r"|our standards: .*"
    r")",
    re.IGNORECASE,
)
_NOTE = re.compile(
    r"(?:is (?:a|an|the|our|based)|are|was|writes|covers|reports|has (?:covered|written|reported)"
    r"|can be (?:reached|contacted)"
    r"|ist|schreibt|est|es|é|è)\b",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"(?:about the authors?\b.{0,40}|follow \S+ on (?:twitter|x|facebook|instagram)\b.{0,80}|follow (?:him|her"
    r"|them)\b.{0,80}"
    r"|e-?mail (?:him|her|them|the author|\S+@\S+).{0,80}|contact (?:him|her|the author)\b.{0,100}"
    r"|[\w.+-]+@[\w.-]+\.\w{2,10}"
    r"|@\w{2,30})",
    re.IGNORECASE,
)


def without_boilerplate(parts: Sequence[str], captions: Iterable[str] = (), authors: Sequence[str] = ()) -> list[str]:
    """The paragraphs of the article itself. `captions` (and credits) are known already and repeated in the text."""
    shown = {key for caption in captions if len(key := fold(caption)) >= 12}
    kept = [part for part in parts if not _is_around(part) and not (len(part) <= 700 and fold(part) in shown)]
    while kept and len(kept) > 1 and _about_author(kept[-1], authors):
        kept.pop()
    body, tail = kept[:-ENDING], kept[-ENDING:]
    return body + [part for n, part in enumerate(tail) if n == 0 or not _about_author(part, authors)]


def _is_around(part: str) -> bool:
    return len(part) <= LONGEST and _AROUND.fullmatch(part) is not None


def _about_author(part: str, authors: Sequence[str]) -> bool:
    if len(part) > 2 * LONGEST:
        return False
    if _ABOUT.fullmatch(part):
        return True
    for name in authors:
        if name and part.casefold().startswith(name.casefold()):
            rest = part[len(name) :].lstrip(" ,")
            if not rest or _NOTE.match(rest):
                return True
    return False
