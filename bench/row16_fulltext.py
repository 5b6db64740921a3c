"""Row 16: full text at a million articles, any word, newest first, with facets beside; `reader` at 30,000 entries."""

from __future__ import annotations

import json
import random
import subprocess
import tempfile

import httpx

from bench import many_articles
from bench.made_articles import VOCABULARY, letters, paragraphs
from bench.report import Row, percentile, spread
from bench.rival import python

MANY = 1_000_000
EACH = 60
RIVAL = """
import json, sys, time
from reader import make_reader
reader = make_reader(sys.argv[1])
reader.add_feed("http://wire.example/feed")
reader.enable_search()
text = open(sys.argv[2]).read().split("\\n")
for n in range(30_000):
    entry = dict(feed_url="http://wire.example/feed", id=str(n), title=f"entry {n}", summary=text[n % len(text)])
    reader.add_entry(entry)
reader.update_search()
times = []
for word in sys.argv[3:]:
    begun = time.perf_counter()
    found = list(reader.search_entries(word, sort="recent", limit=50))
    times.append((time.perf_counter() - begun) * 1000)
print(json.dumps(times))
"""


def _words(rng: random.Random, least: int, most: int) -> list[str]:
    return [letters(rng.randint(least, most)) for _ in range(EACH)]


def questions(rng: random.Random) -> dict[str, list[str]]:
    """Questions by kind."""
    common, middling, rare = _words(rng, 1, 20), _words(rng, 200, 3000), _words(rng, 20_000, VOCABULARY)
    own = [f"{word}x1" for word in _words(rng, 1, MANY)]
    told = paragraphs()
    phrases = [" ".join(rng.choice(told).split()[9:11]) for _ in range(EACH)]
    return {
        "common word": common,
        "middling word": middling,
        "rare word": rare,
        "word of one article": own,
        "phrase": [f'"{phrase}"' for phrase in phrases],
        "phrase of two common words that nowhere stand together": [
            f'"{a} {b}"' for a, b in zip(common, reversed(common), strict=True)
        ],
        "common and rare, without a third": [f"{a} {b} -{c}" for a, b, c in zip(common, rare, middling, strict=True)],
        "either of two": [f"{a} OR {b}" for a, b in zip(rare, middling, strict=True)],
    }


def _rival(words: list[str]) -> list[float]:
    texts = paragraphs()[:5000]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file, tempfile.TemporaryDirectory() as folder:
        file.write("\n".join(" ".join(texts[n : n + 8]) for n in range(0, len(texts), 2)))
        file.flush()
        command = [python(), "-c", RIVAL, f"{folder}/reader.sqlite", file.name, *words]
        found: list[float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def run() -> Row:
    """Each question as a list and as facets; the rival's commonest words last."""
    engine = many_articles.filled(MANY)
    rng = random.Random(7)
    asked = questions(rng)
    figures: dict[str, float | int | str] = {}
    lists: list[float] = []
    counts: list[float] = []
    with many_articles.api(engine) as base, httpx.Client(base_url=base, timeout=30) as client:

        def ask(path: str, some: list[str], **more: str) -> list[float]:
            return many_articles.timed(
                client, [str(httpx.URL(path, params={"q": q, "lang": "en", **more})) for q in some]
            )

        for some in asked.values():
            ask("/v1/articles", some[:10])
        for kind, some in asked.items():
            times, faceted = ask("/v1/articles", some, has="body"), ask("/v1/facets", some, field="source")
            best = ask("/v1/articles", some[:20], sort="relevance")
            lists += times
            counts += faceted
            told, by, ranked = spread(times), spread(faceted), spread(best)
            figures[kind] = (
                f"p50 {told['p50']} p99 {told['p99']} max {told['max']} ms; facets {by['p50']} / {by['max']};"
                f" by relevance {ranked['p50']} / {ranked['max']}"
            )
    rival = _rival(asked["common word"][:5])
    p99 = percentile(lists, 0.99)
    figures |= {
        "p99 of all ms": round(p99, 1),
        "worst ms": round(max(lists), 1),
        "p99 of facets ms": round(percentile(counts, 0.99), 1),
        "reader, 30,000 entries, common word ms": round(sorted(rival)[len(rival) // 2]),
    }
    reached = p99 <= 150 and max(lists) <= 300 and percentile(counts, 0.99) <= 150
    target = "p99 <= 150 ms, worst <= 300 ms; facets p99 <= 150 ms"
    return Row(16, f"full text at {MANY:,} articles", target, figures, reached)
