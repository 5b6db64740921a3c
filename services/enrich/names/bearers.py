"""Which of several people of one family a bare name means: Mrs Duarte, Speaker Johnson, Johnson, the mayor. Pure.

A title, a word for kin or an office beside the name speak for the one beside whose full name they stand too. Where
nothing does, whoever was named in full last is meant within a paragraph, and in a paragraph of its own the one whom the
text names first: the others were named for that one's sake.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from services.enrich.document import Mention, TextField
from services.enrich.lexicons import Lexicon, Pronoun
from services.enrich.names.pronouns import pronoun, told

_BEFORE = re.compile(r"(?:[\w.'\u2019-]+ ){1,3}$")
_BEHIND = re.compile(r", (?P<who>[^,.;:!?\n\"\u201c]{3,80})[,.]")
_WORD = re.compile(r"[^\W\d_]{3,}")
_GOES_ON = re.compile(r"(?: also| then| later)? (?:added|continued|went on|replied)(?!\w)| also(?!\w)")
_ACTS = re.compile(r" [a-z][\w'\u2019-]+(?: [a-z][\w'\u2019-]+){0,3} ")
MOST = 40  # full names, and mentions of one, that are looked at


class Bearers:
    """The people of one family in a text. `mentions` in reading order, each with its key."""

    def __init__(
        self,
        text_of: Callable[[TextField], str],
        mentions: Sequence[Mention],
        keys: Sequence[str],
        lexicon: Lexicon,
    ) -> None:
        self._text_of, self._mentions, self._keys, self._lexicon = text_of, mentions, keys, lexicon
        self._chosen: dict[int, str] = {}
        self._named: defaultdict[str, list[Mention]] = defaultdict(list)
        self._offices: dict[str, Counter[str]] = {}
        self._pronouns: dict[str, Pronoun | None] = {}

    def choose(self, index: int, known: Sequence[tuple[int, str]]) -> str:
        """Whom the mention at this index means, of the full names (index, key) that end as it does."""
        mention = self._mentions[index]
        text = self._text_of(mention.field)
        stop = bisect_left(known, (index, ""))
        # The first of all and those read last: a text that is nothing but names of one family costs no more.
        before = [*known[: stop > MOST], *known[max(0, stop - MOST) : stop]] if stop else known[:MOST]
        owners = self._fitting(text, mention, list(dict.fromkeys(key for _, key in before)))
        other = self._beside_another(index)
        owners = [key for key in owners if key != other] or owners
        chosen = owners[0]
        if len(owners) > 1 and stop:
            last_index, last = max(one for one in before if one[1] in owners)
            full = self._mentions[last_index]
            near = full.field == mention.field and "\n" not in text[full.end : mention.start]
            chosen = last if near or _GOES_ON.match(text, mention.end) else chosen
        self._chosen[index] = chosen
        return chosen

    def _beside_another(self, index: int) -> str | None:
        """Whom the same bare name means that stands just before: Johnson accuses Johnson, and not himself."""
        if not index or self._keys[index - 1] != self._keys[index]:
            return None
        before, mention = self._mentions[index - 1], self._mentions[index]
        between = self._text_of(mention.field)[before.end : mention.start] if before.field == mention.field else ""
        return self._chosen.get(index - 1) if _ACTS.fullmatch(between) else None

    def _fitting(self, text: str, mention: Mention, owners: list[str]) -> list[str]:
        """Those of whom nothing beside the mention says that they are not meant; all where nothing tells."""
        who = told(text, mention.start, mention.end)
        fit = [key for key in owners if who is None or self._pronoun(key) in (None, who)] or owners
        offices = self._beside(text, mention)
        points = {key: sum((self._office(key) & offices).values()) for key in fit} if offices else {}
        best = max(points.values(), default=0)
        return [key for key in fit if points[key] == best] if best else fit

    def _of(self, key: str) -> list[Mention]:
        if not self._named:
            for one, other in zip(self._mentions, self._keys, strict=True):
                self._named[other].append(one)
        return self._named[key][:MOST]

    def _pronoun(self, key: str) -> Pronoun | None:
        if key not in self._pronouns:
            here = self._of(key)
            beside = [told(self._text_of(one.field), one.start, one.end) for one in here]
            self._pronouns[key] = pronoun([one.text for one in here], beside, self._lexicon)
        return self._pronouns[key]

    def _office(self, key: str) -> Counter[str]:
        if key not in self._offices:
            found: Counter[str] = Counter()
            for one in self._of(key):
                found |= self._beside(self._text_of(one.field), one)
            self._offices[key] = found
        return self._offices[key]

    def _beside(self, text: str, mention: Mention) -> Counter[str]:
        """The titles in front of a name and the words of what stands behind it between commas."""
        words: Counter[str] = Counter()
        if match := _BEFORE.search(text, max(0, mention.start - 40), mention.start):
            titles = match.group().lower().replace(".", "").split()
            words.update(word for word in titles if len(word) > 3 and word in self._lexicon.title_words)
        if match := _BEHIND.match(text, mention.end):
            words.update(
                word for word in _WORD.findall(match["who"].lower()) if word not in self._lexicon.stopwords["en"]
            )
        return words
