"""Of whom a text speaks as "he" and of whom as "she": by titles, by words for kin and calling, by given names. Pure.

Mrs Duarte, spokeswoman Ana Reis, his wife Ana   →  she         Sir John, her brother Paulo   →  he
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from services.enrich.lexicons import Lexicon, Pronoun

_HER = (
    r"Mrs|Ms|Miss|Mme|Madam|Madame|Lady|Dame|Queen|Princess|Duchess|Baroness|Se\u00f1ora|Sra|Do\u00f1a|Frau|Shrimati|Smt"
    r"|[Ss]ister|[Mm]other|[Ww]ife|[Dd]aughter|[Aa]unt|[Nn]iece|[Gg]randmother|[Gg]irlfriend|[Ww]idow|[Aa]ctress|[Hh]eroine|[Nn]un"
    r"|[A-Z]?[a-z]*woman"
)
_HIM = (
    r"Mr|Sir|Lord|King|Prince|Duke|Baron|Emir|Sultan|Pope|Se\u00f1or|Don|Herr|Monsieur|Shri|Alhaji"
    r"|[Bb]rother|[Ff]ather|[Hh]usband|[Ss]on|[Uu]ncle|[Nn]ephew|[Gg]randfather|[Bb]oyfriend|[Ww]idower|[Ii]mam"
    r"|(?:gun|police|business|council|congress|Congress|Council|clergy|sports)?man"
)
_BEFORE = re.compile(rf"(?<![\w'\u2019-])(?:(?P<she>{_HER})|(?P<he>{_HIM}))\.?,? $")
_BEHIND = re.compile(
    r", (?:(?:an?|the|his|her|their) )?"
    r"(?:(?!(?:of|to|who|whose|for|with|and|by|from|at|in|on)(?!\w))[\w'\u2019-]+ ){0,3}"
    rf"(?:(?P<she>{_HER})|(?P<he>{_HIM}))(?![\w-])[^,.]{{0,60}}[,.]"
)
_REACH = 24  # characters before a name that are looked at


def told(text: str, start: int, end: int) -> Pronoun | None:
    """What stands right beside the name at `text[start:end]` tells."""
    match = _BEFORE.search(text, max(0, start - _REACH), start) or _BEHIND.match(text, end)
    return None if match is None else "she" if match["she"] else "he"


def pronoun(names: Iterable[str], beside: Iterable[Pronoun | None], lexicon: Lexicon) -> Pronoun | None:
    """How a text speaks of who bears these names: as what stands beside most of them says, else by a given name."""
    votes = Counter(one for one in beside if one)
    if votes:
        return votes.most_common(1)[0][0]
    first = (name.split()[0] for name in sorted(names, key=len, reverse=True) if " " in name)
    return next((known for name in first if (known := lexicon.pronouns.get(name))), None)
