"""A filter as conditions on `l` (article_lookup). Pure; values are parameters.

There are two ways to ask the same: `direct` looks at a row, `indexed` lets the index find it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from services.api.filters import Filter
from services.api.search.textquery import Asked, Groups, Meant, index_says_all, meaning, tsquery
from shared import facts, words

# Member of the filter -> kind of fact. What is mostly rare comes first: the index compares what it has of each with the
# next in this order, so that of the longest lists it reads only around what passed all others.
KINDS = {
    "entity": "entity", "author": "author", "feed": "feed", "source": "source", "place": "place", "topic": "topic",
    "entity_type": "type", "lang": "lang", "has": "has",
}  # fmt: skip
# What passes a filter by these has the part, so that `has` need not be asked.
PARTS = {"entity": "entity", "entity_type": "entity", "place": "place", "topic": "topic", "author": "author"}
_LAST = datetime(9999, 12, 30, tzinfo=UTC)
NEAR = 20_000  # events back from the head that `since` is answered out of the log for


@dataclass(slots=True)
class Condition:
    """Conditions joined by AND; `true` where nothing is asked."""

    facts: str = "true"
    words: str = ""
    lexemes: str = ""
    since: str = ""
    sure: bool = True  # the lexemes alone decide about the words
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether every article passes."""
        return self.facts == "true" and not self.words and not self.since

    @property
    def direct(self) -> str:
        """By looking at the row: facts first, they are at hand."""
        return " AND ".join(filter(None, (self.facts, self.words, self.since)))

    @property
    def named(self) -> str:
        """By the index: what it names may not pass in the end, unless it is sure."""
        return " AND ".join(filter(None, (self.facts, self.lexemes, self.since)))

    @property
    def indexed(self) -> str:
        """By the index, and at the row only what the index cannot say."""
        return " AND ".join(filter(None, (self.named, "" if self.sure else self.words)))


def condition(asked: Filter, *, without: Sequence[str] = ()) -> Condition:
    """What an article must fulfil, but for bounds of time."""
    made = Condition()
    told = []
    implied = {part for member, part in PARTS.items() if getattr(asked, member) and member not in without}
    for member, kind in KINDS.items():
        wanted = getattr(asked, member)
        if member == "has" and implied & set(wanted):
            continue
        if wanted and member not in without:
            made.values[f"f_{member}"] = [facts.fact(kind, value) for value in wanted]
            told.append(f"l.facts && %(f_{member})s::text[]")
    made.facts = " AND ".join(told) or "true"
    if asked.q:
        languages = sorted({words.analyser(lang) for lang in asked.lang} | {""}) if asked.lang else words.LANGUAGES
        _words(made, meaning(asked.q, languages))
    if asked.since is not None:
        made.values["since"] = asked.since
        made.since = """EXISTS (SELECT 1 FROM enriched_articles p
                                WHERE p.article_id = l.article_id AND p.position > %(since)s)"""
    return made


def _words(made: Condition, meant: Meant) -> None:
    needles: dict[str, str] = {}
    told = []
    for n, (questions, languages) in enumerate(meant.items()):
        made.values[f"wl{n}"] = languages
        either = " OR ".join(_all_of(groups, needles) for groups in questions)
        told.append(f"(l.lang = ANY(%(wl{n})s) AND ({either}))")
    made.values |= {name: needle for needle, name in needles.items()}
    made.words = f"({' OR '.join(told)})" if told else "false"
    query = tsquery(meant)
    if query:
        made.values["lexemes"] = query
        made.lexemes = "lookup_lexemes(l.lang, l.words) @@ %(lexemes)s::tsquery"
    made.sure = bool(query) and index_says_all(meant)


def _all_of(groups: Groups, needles: dict[str, str]) -> str:
    return "(" + " AND ".join("(" + " OR ".join(_one(t, needles) for t in group) + ")" for group in groups) + ")"


def _one(term: Asked, needles: dict[str, str]) -> str:
    name = needles.setdefault(term.needle, f"w{len(needles)}")
    return f"strpos(l.words, %({name})s) {'=' if term.minus else '>'} 0"


def bounds(asked: Filter, before: tuple[datetime, int] | None = None) -> tuple[str, dict[str, Any]]:
    """The bounds of time of a filter, and of a place in the list, as conditions on `l`."""
    told, values = [], dict[str, Any]()
    if asked.start is not None:
        told.append("l.sort_at >= %(start)s")
        values["start"] = asked.start
    if asked.end is not None:
        told.append("l.sort_at < %(end)s")
        values["end"] = asked.end
    if before is not None:
        told.append("(l.sort_at, l.article_id) < (%(after_at)s, %(after_id)s)")
        values |= {"after_at": before[0], "after_id": before[1]}
    return " AND ".join(told) or "true", values


def days(since: datetime, until: datetime) -> list[str]:
    """The facts of every day from one moment to another, and that of the days to come."""
    first, last = since.astimezone(UTC).date(), min(until, _LAST).astimezone(UTC).date()
    named = [facts.fact("day", date.fromordinal(n).isoformat()) for n in range(first.toordinal(), last.toordinal() + 1)]
    return [*named, facts.LATER]
