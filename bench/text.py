"""News-like text of any length, the same every time: written here, so that nothing is borrowed."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from itertools import accumulate
from pathlib import Path

ROOT = Path(__file__).parent.parent
_STARTED = datetime.now(UTC)  # so that items are fresh: a feed of old ones is a quiet feed

PEOPLE = (
    "Maria Duarte",
    "Tomas Hejda",
    "Aisha Bello",
    "Henrik Solberg",
    "Lucia Ferrante",
    "Kenji Morita",
    "Ruth Adeyemi",
)
PLACES = ("Lisbon", "Tournai", "Nairobi", "Gdansk", "Porto", "Canberra", "Ottawa", "Quito", "Hanoi", "Bergen")
BODIES = ("Dockers' Union", "Coastal Transport Authority", "Northern Rail", "Ministry of Health", "Vantor Group")
ACTS = (
    "said the plan would cost {n} million euros over {m} years",
    "told reporters that {n} people had been moved from their homes",
    "rejected the proposal on Tuesday and asked for new talks",
    "promised a report by the end of the month",
    "warned that repairs could take {m} weeks",
    "welcomed the ruling and thanked the volunteers who had worked through the night",
)
PLAIN = (
    "The decision follows months of argument over who should pay for the works.",
    "Residents had complained about noise and dust since the summer.",
    "Rain is expected to ease over the weekend, but the river remains high.",
    "No one was hurt, and the line reopened in the early evening.",
    "Analysts expect little change before the next budget is agreed.",
)


def sentence(rng: random.Random) -> str:
    """One sentence, with a name in two of three."""
    if rng.random() < 0.34:
        return rng.choice(PLAIN)
    act = rng.choice(ACTS).format(n=rng.randint(2, 900), m=rng.randint(2, 12))
    who = rng.choice(
        (rng.choice(PEOPLE), f"{rng.choice(PEOPLE)} of the {rng.choice(BODIES)}", f"The {rng.choice(BODIES)}")
    )
    return f"{who} {act} in {rng.choice(PLACES)}."


def headline(seed: int) -> str:
    """A headline of about nine words, different for every seed."""
    rng = random.Random(seed)
    return f"{rng.choice(BODIES)} and {rng.choice(PLACES)} council agree on plan {seed}"


def article(words: int, seed: int) -> list[str]:
    """Paragraphs that hold `words` words, give or take a sentence."""
    rng = random.Random(seed)
    paragraphs: list[str] = []
    count = 0
    while count < words:
        paragraph = " ".join(sentence(rng) for _ in range(4))
        paragraphs.append(paragraph)
        count += len(paragraph.split())
    return paragraphs


def english(words: int, seed: int) -> list[str]:
    """Paragraphs of about so many words, drawn as often as running English has them; names in one sentence of four.

    One word in twenty is new, as about so many are in news after half a million words.
    """
    rng = random.Random(seed)
    known, weights = vocabulary()
    paragraphs: list[str] = []
    count = 0
    while count < words:
        told = [sentence(rng) if rng.random() < 0.25 else _drawn(rng, known, weights) for _ in range(4)]
        paragraphs.append(" ".join(told))
        count += len(paragraphs[-1].split())
    return paragraphs


def _drawn(rng: random.Random, known: list[str], weights: list[float]) -> str:
    drawn = rng.choices(known, cum_weights=weights, k=16)
    seldom = [_rare(rng) if rng.random() < 0.05 else word for word in drawn]
    return f"{' '.join(seldom[:9]).capitalize()}, {' '.join(seldom[9:])}."


def _rare(rng: random.Random) -> str:
    return "".join(rng.choices("aeiou", k=4) + rng.choices("bdfgklmnprst", k=4))


@cache
def vocabulary() -> tuple[list[str], list[float]]:
    """Words and their running weights, out of the counts that the enrichment reads (log10 per billion)."""
    words: list[str] = []
    weights: list[float] = []
    for line in (ROOT / "services/enrich/lexicons/words_en.txt").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            value, *found = line.split()
            words += found
            weights += [10 ** float(value)] * len(found)
    return words, list(accumulate(weights))


def rss_item(seed: int, words: int, base: str) -> str:
    """One RSS item with its whole text."""
    body = "".join(f"&lt;p&gt;{p}&lt;/p&gt;" for p in article(words, seed))
    date = format_datetime(_STARTED - timedelta(minutes=seed % 600))
    return (
        f"<item><guid isPermaLink='false'>b{seed}</guid><title>{headline(seed)}</title><link>{base}/a/{seed}</link>"
        f"<pubDate>{date}</pubDate><content:encoded>{body}</content:encoded></item>"
    )


def rss(items: list[str], title: str) -> bytes:
    """An RSS 2.0 feed of ready items."""
    return (
        "<?xml version='1.0' encoding='utf-8'?><rss version='2.0' xmlns:content='http://purl.org/rss/1.0/modules/content/'>"
        f"<channel><title>{title}</title><link>http://{title}.example/</link><description>bench</description>"
        f"{''.join(items)}</channel></rss>"
    ).encode()
