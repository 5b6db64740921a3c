"""How like two articles are: by what they share, and by their vectors where both have one. Pure.

    likeness = 0.6 x cosine of the vectors + 0.4 x shared entities and keywords       (or these alone)

What is shared counts by salience and by how rare it is among all articles.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from operator import mul
from typing import Any

from shared import words

BY_VECTOR = 0.6
KEYWORDS = 6


def weights(card: Mapping[str, Any], counts: Mapping[str, int], total: int) -> dict[str, float]:
    """What an article is about: entity ids and `keyword:…` with their weights. `counts` are articles by entity id."""
    told = {
        str(e["id"]): float(e.get("salience") or 0.1) * math.log(1 + total / max(counts.get(str(e["id"]), 1), 1))
        for e in card.get("entities") or ()
    }
    for keyword in (card.get("keywords") or ())[:KEYWORDS]:
        told[f"keyword:{' '.join(words.tokens(keyword['text']))}"] = 0.5 * float(keyword.get("score") or 0.1)
    return told


def shared(one: Mapping[str, float], other: Mapping[str, float]) -> tuple[float, list[str]]:
    """How much two articles share, 0 to 1 (cosine of the weights), and what, the most telling first."""
    both = sorted(one.keys() & other.keys(), key=lambda key: one[key] * other[key], reverse=True)
    length = math.sqrt(sum(w * w for w in one.values()) * sum(w * w for w in other.values()))
    return (sum(one[key] * other[key] for key in both) / length if length else 0.0), both


def likeness(overlap: float, one: bytes | None, other: bytes | None) -> float:
    """Likeness, 0 to 1. Vectors are packed, a signed byte a number."""
    if one is None or other is None or len(one) != len(other):
        return overlap
    a, b = array("b", one), array("b", other)
    length = math.sqrt(sum(map(mul, a, a)) * sum(map(mul, b, b)))
    cosine = sum(map(mul, a, b)) / length if length else 0.0
    return BY_VECTOR * max(cosine, 0.0) + (1 - BY_VECTOR) * overlap


def lookup_query(keywords: list[str], language: str) -> str:
    """A tsquery for articles that have two of the keywords; empty where there are fewer than two."""
    told = []
    for keyword in keywords[:KEYWORDS]:
        found = words.stems(words.tokens_for(keyword, language), language)
        if found:
            told.append(
                " & ".join("'" + f"{language}:{stem}".replace("\\", "\\\\").replace("'", "''") + "'" for stem in found)
            )
    pairs = [f"({one} & {other})" for n, one in enumerate(told) for other in told[n + 1 :]]
    return " | ".join(pairs)
