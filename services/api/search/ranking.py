"""The order of relevance: how much an article is about what was asked, and how new it is. Pure.

    score = (title + text) x age

`title` is how many of the terms stand in the title, twice; `text` how often each stands anywhere, with each time more
telling less, against the length of the text (BM25's saturation). Age halves what is a week old, and takes no more than
three quarters.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.api.query import Ranked
from services.api.search.textquery import in_language
from shared.words import BREAK

SATURATION = 1.2  # BM25's k1
USUAL_CHARS = 2500  # of the words of an article of 4 KB
FRESH_DAYS = 7.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article that may be ranked, by its words."""

    article_id: int
    sort_at: datetime
    lang: str
    words: str


def best(
    found: Iterable[Candidate], questions: Sequence[str], now: datetime, last: Ranked | None, most: int
) -> list[Ranked]:
    """The best `most` after a place, best first, each with its place. `now` is the moment that age counts from."""
    pool = list(found)
    if not pool:
        return []
    floor = last.floor if last else min((c.sort_at, c.article_id) for c in pool)
    scored = [(_score(c, questions, now), (c.sort_at, c.article_id)) for c in pool]
    if last is not None:
        scored = [one for one in scored if one < (last.rank, last.at)]
    scored.sort(reverse=True)
    return [Ranked(score, at, floor, now) for score, at in scored[:most]]


def _score(one: Candidate, questions: Sequence[str], now: datetime) -> float:
    title = one.words[: one.words.find(BREAK)]
    total = 0.0
    for question in questions:
        for group in in_language(question, one.lang) or ():
            for term in group:
                if term.minus:
                    continue
                often = one.words.count(term.needle)
                weight = SATURATION * (0.25 + 0.75 * len(one.words) / USUAL_CHARS)
                total += 2.0 * (term.needle in title) + often * (SATURATION + 1) / (often + weight)
    age_days = max(0.0, (now - one.sort_at).total_seconds() / 86400)
    return total * max(0.25, math.pow(0.5, age_days / FRESH_DAYS))
