"""Questions in web-search syntax: words, "phrases", OR between two, -minus before one. Pure.

    text → Question: groups, all of which must be met, each by one of its terms → per language: stems → lookup or match

OR binds the two terms beside it: `"climate summit" OR cop31 -football` asks for either of the first two, without the
third. Anything else between words is passed over. Function words count only where nothing else is asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from shared import words

_PART = re.compile(r'(-?)"([^"]*)"?|(\S+)')
MAX_TERMS = 60


@dataclass(frozen=True, slots=True)
class Term:
    """One word or phrase, as asked."""

    text: str
    minus: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A term in one language: stems that stand next to each other. `begins`: the last is the beginning of a pair."""

    stems: tuple[str, ...]
    minus: bool
    begins: bool

    @property
    def needle(self) -> str:
        """What the words of an article that answers contain."""
        return f" {' '.join(self.stems)}{'' if self.begins else ' '}"


Groups = tuple[tuple[Asked, ...], ...]
Meant = dict[tuple[Groups, ...], list[str]]


@lru_cache(maxsize=1000)
def parse(question: str) -> tuple[tuple[Term, ...], ...]:
    """The groups of a question."""
    groups: list[list[Term]] = []
    either = False
    for match in list(_PART.finditer(question))[:MAX_TERMS]:
        minus, phrase, word = match.groups()
        if word in ("OR", "|"):
            either = bool(groups)
            continue
        if phrase is None:
            minus, phrase = ("-", word[1:]) if word.startswith("-") and len(word) > 1 else ("", word)
        term = Term(phrase, bool(minus))
        if not words.tokens(phrase):
            continue
        if either:
            groups[-1].append(term)
        else:
            groups.append([term])
        either = False
    return tuple(tuple(group) for group in groups)


@lru_cache(maxsize=20_000)
def in_language(question: str, language: str) -> Groups | None:
    """What a question means in a language; None where nothing answers it."""
    groups = parse(question)
    told = _compiled(groups, language, whole=False) or _compiled(groups, language, whole=True)
    return told or None


def _compiled(groups: tuple[tuple[Term, ...], ...], language: str, *, whole: bool) -> Groups:
    found = []
    for group in groups:
        terms = tuple(asked for term in group if (asked := _term(term, language, whole=whole)))
        if terms:
            found.append(terms)
    if not whole and all(term.minus for group in found for term in group) and len(found) < len(groups):
        return ()  # only exclusions are left of a question that asked for more
    return tuple(found)


def _term(term: Term, language: str, *, whole: bool) -> Asked | None:
    kept = words.tokens_for(term.text, language)
    if not whole:
        kept = [token for token in kept if not words.is_function_word(token, language)]
    if not kept:
        return None
    # The last letter of a run of an unspaced script begins a pair in longer runs.
    begins = words.is_pair(kept[-1]) and len(kept[-1]) == 1
    if begins and len(kept) > 1 and words.is_pair(kept[-2]) and kept[-2][-1] == kept[-1]:
        kept, begins = kept[:-1], False
    return Asked(tuple(words.stems(kept, language)), term.minus, begins)


def meaning(questions: Sequence[str], languages: Sequence[str] = words.LANGUAGES) -> Meant:
    """The languages by what the questions, any of which may be answered, mean in them."""
    found: Meant = {}
    for language in languages:
        told = tuple(groups for q in questions if (groups := in_language(q, language)) is not None)
        if told:
            found.setdefault(told, []).append(language)
    return found


def matches(question: str, language: str, text: str) -> bool:
    """Whether an article's words (as `words.indexed` made them) answer a question."""
    groups = in_language(question, language)
    return groups is not None and all(any((t.needle in text) is not t.minus for t in group) for group in groups)


def index_says_all(meant: Meant) -> bool:
    """Whether the index alone can say. It knows which stems an article has: not which stand next to each other, and
    a stem's absence only beside the presence of another.
    """
    return all(
        any(not t.minus for group in groups for t in group)
        and all(len(t.stems) == 1 and (not t.minus or len(group) == 1) for group in groups for t in group)
        for told in meant
        for groups in told
    )


def tsquery(meant: Meant) -> str:
    """The stems to look up, of every language, as the text of a tsquery; empty where the index is of no help."""
    told: list[str] = []
    for questions, languages in meant.items():
        for groups in questions:
            if all(any(t.minus for t in group) for group in groups):
                return ""
            told += [f"({_all_of(groups, language)})" for language in languages]
    return " | ".join(dict.fromkeys(told))


def _all_of(groups: Groups, language: str) -> str:
    return " & ".join(one for group in groups if (one := _any_of(group, language)))


def _any_of(group: tuple[Asked, ...], language: str) -> str:
    if any(term.minus for term in group) and (len(group) > 1 or len(group[0].stems) > 1):
        return ""  # an article may have all words of an excluded phrase, apart
    told = []
    for term in group:
        one = " & ".join(_lexeme(f"{language}:{stem}") for stem in term.stems) + (":*" if term.begins else "")
        told.append(f"!{one}" if term.minus else f"({one})")
    return f"({' | '.join(told)})"


def _lexeme(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
