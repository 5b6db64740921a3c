"""Row 22: what each step of the enrichment costs at 30, 500 and 2,000 words, and on a page of 100 KB."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import replace

from bench.report import Row
from bench.row08_enrichment import LENGTHS, articles
from bench.text import article
from services.enrich.document import Document
from services.enrich.pipeline import load_resources
from services.enrich.steps import STEPS
from shared.articles import Article

AT_ONCE = 8  # articles, as in a worker's transaction
TRIES = 3
TEASER = "<p>The council and the operators agreed on a plan for the line.</p>"


def run() -> Row:
    """Each step over the same documents, in batches; the best of three rounds."""
    resources = load_resources("default")
    figures: dict[str, float | int | str] = {}
    sets = {f"{words} words": articles(words, count // 2) for words, count in LENGTHS.items()}
    sets["500 words on a page of 100 KB"] = [_paged(one) for one in articles(500, 16)]
    best: dict[str, dict[str, float]] = {}
    for name, some in sets.items():
        took: dict[str, float] = defaultdict(lambda: float("inf"))
        for _ in range(TRIES):
            docs = [Document(article=one, title=one.title) for one in some]
            for step in STEPS:
                begun = time.process_time()
                for start in range(0, len(docs), AT_ONCE):
                    step.run(docs[start : start + AT_ONCE], resources)
                took[step.name] = min(took[step.name], (time.process_time() - begun) / len(docs) * 1000)
        best[name] = took
    for step in STEPS:
        figures[step.name] = " / ".join(f"{best[name][step.name]:.2f}" for name in sets)
    figures["all"] = " / ".join(f"{sum(best[name].values()):.2f}" for name in sets)
    return Row(22, f"CPU ms an article by step: {' / '.join(sets)}", "none set", figures)


def _paged(one: Article) -> Article:
    menu = "".join(f"<li><a href='/s/{n}'>Section {n}</a></li>" for n in range(1500))
    body = "".join(f"<p>{part}</p>" for part in article(500, one.id))
    page = f"<html><body><nav><ul>{menu}</ul></nav><article><h1>{one.title}</h1>{body}</article></body></html>"
    return replace(one, body_html=TEASER, page_html=page)
