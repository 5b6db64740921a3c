"""Made-up articles by number, as rows that enrichment's own statements write. Pure.

Values follow Zipf's law (k is taken about 1/k times as often as the first), as words, names and sources do: a word of
the commonest kind is in eight of ten articles, the rarest in one. An article has 385 words after its function words, as
4 KB of English have: 8 of 40,000 paragraphs and a few words of its own. A bare one has its title and a short card only.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from hashlib import md5
from typing import Literal

from services.enrich.store import Enriched, Lookup
from shared.stored import pack

Kind = Literal["whole", "bare"]
DAYS = 30  # over which they are spread evenly
PARAGRAPHS, VOCABULARY, CARDS = 40_000, 60_000, 500
_DIGITS = str.maketrans("0123456789", "ghijklmnop")
_LANGUAGES = ("en", "en", "en", "en", "en", "en", "es", "fr", "de", "pt")


@cache
def letters(n: int) -> str:
    """A word made of a number; the digit at its end keeps stemmers from it."""
    return md5(str(n).encode()).hexdigest().translate(_DIGITS)[: 4 + n % 5] + str(n % 10)


def zipf(rng: random.Random, most: int, shift: int) -> int:
    """A number from 1 to `most`."""
    return int(math.exp(math.log(shift) + rng.random() * math.log((most + shift) / shift))) - shift + 1


@cache
def paragraphs() -> list[str]:
    """What texts are put together of."""
    rng = random.Random(1)
    return [" ".join(letters(zipf(rng, VOCABULARY, 30)) for _ in range(47)) for _ in range(PARAGRAPHS)]


@cache
def _cards() -> list[str]:
    rng = random.Random(2)
    return [
        f'"url":"https://source.example/{n}","description":"'
        + " ".join(letters(zipf(rng, VOCABULARY, 30)) for _ in range(240))
        + '"'
        for n in range(CARDS)
    ]


@dataclass(frozen=True, slots=True)
class Store:
    """So many articles of a kind, the newest at `now`."""

    articles: int
    kind: Kind
    now: datetime

    def rows(self, number: int) -> tuple[Enriched, Lookup]:
        """The rows of an article, numbered from 1."""
        rng = random.Random(number)
        at = self.now - timedelta(days=DAYS * (1 - number / self.articles))
        lang, source = rng.choice(_LANGUAGES), f"source{zipf(rng, 2000, 3)}.example"
        facts = [f"author={letters(zipf(rng, 20_000, 10))}", f"day={at:%Y-%m-%d}", f"feed={zipf(rng, 5000, 5)}"]
        facts += ["has=author", "has=body", "has=entity", "has=place", f"lang={lang}", f"sample={number % 256}"]
        facts += [f"source={source}", f"topic=medtop:{zipf(rng, 17, 2):02}000000", "type=person"]
        facts += sorted({f"entity=person:{letters(zipf(rng, 200_000, 8))}" for _ in range(8)})
        facts += sorted({f"place={chr(64 + zipf(rng, 26, 2))}{chr(64 + zipf(rng, 26, 2))}" for _ in range(2)})
        title = f"{letters(zipf(rng, VOCABULARY, 30))} {letters(number)}x1 {letters(zipf(rng, VOCABULARY, 30))}"
        body, card = "", '"url":"https://source.example/1"'
        if self.kind == "whole":
            told = paragraphs()
            body = " ".join(told[int(rng.random() * PARAGRAPHS)] for _ in range(8))
            card = _cards()[number % CARDS]
        card = f'{{"id":{number},"version":1,"title":"{letters(number)}",{card}}}'
        packed = pack({}, card.encode(), {"body_text": body} if body else {}, None)
        return (
            Enriched(number, 1, "r", at, lang, source, "usable", 0, packed, back=self.articles - number),
            Lookup(number, at, lang, "\n".join(facts), f" {title} | {body} "),
        )
