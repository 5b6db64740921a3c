"""Makes the dictionaries that stored JSON and texts are packed with: `python -m training.packing OUT`.

    sample wire ─▶ articles ─▶ the product's own steps ─▶ cards, rests ─▶ what recurs in them           json-1.dict
                └▶ HTML + the words of English, the commonest last ─────────────────────────────────▶ text-1.dict

They are made of the project's own: the invented articles of the sample wire and its word list. A dictionary that was
shipped never changes, since what was packed with it is read with it: another one gets another number in
`shared/packing.py`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from zstandard import train_dictionary

from deploy.samplewire.programme import load
from deploy.samplewire.render import body_html
from deploy.samplewire.wire import Wire, dated, wire_at
from services.enrich.document import Document
from services.enrich.pipeline import enrich, load_resources
from services.enrich.present import as_json, card, rest
from shared.articles import Article, FeedRef, Source
from shared.slim import slim

WORDS = Path(__file__).resolve().parents[2] / "services/enrich/lexicons/words_en.txt"
STARTED = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
EVER_S = 10.0**9
JSON_BYTES = 64_000


def main() -> None:
    """Entry: write both dictionaries into a folder."""
    out = Path(sys.argv[1])
    articles = list(_articles(load()))
    documents = enrich(articles, load_resources("default"), clock=time.perf_counter)
    (out / "json-1.dict").write_bytes(_of_json(documents))
    (out / "text-1.dict").write_bytes(_of_text(articles))


def _articles(wire: Wire) -> Iterator[Article]:
    for n, edition in enumerate(wire_at(wire.articles, EVER_S), 1):
        item = dated(edition, STARTED)
        publisher = wire.publisher(item.article.publisher)
        assert publisher is not None
        url = f"https://{publisher.domain}{item.article.path}"
        yield Article(
            id=1000 + 37 * n,
            version=1,
            url=url,
            canonical_url=url,
            title=item.title,
            subtitle=None,
            description=item.summary,
            authors=item.article.authors,
            language=publisher.lang,
            published_at=item.published,
            published_precision="second",
            modified_at=None,
            discovered_at=item.published + timedelta(seconds=61.3017 * n),
            fetched_at=item.published + timedelta(seconds=61.1023 * n),
            body_html=body_html(item.paragraphs),
            page_html=None,
            source=Source(publisher.domain, publisher.name, publisher.domain, publisher.country),
            feeds=(FeedRef(n % 40, publisher.name, url),),
            images=(),
            media=(),
            categories=(),
            status="usable",
            paywalled=None,
        )


def _of_json(documents: Sequence[Document]) -> bytes:
    samples = []
    for document in documents:
        told = card(document, document.article.discovered_at + timedelta(seconds=0.8713))
        samples += [as_json(slim(told, rest(document))), as_json(told)]
    return train_dictionary(JSON_BYTES, samples).as_bytes()


def _of_text(articles: Sequence[Article]) -> bytes:
    """What stands last is reached by the shortest references."""
    foreign = [a.body_html or "" for a in articles if a.language != "en"]
    english = [a.body_html or "" for a in articles if a.language == "en"]
    return "\n".join([*foreign, *english, " ".join(_words()), ""]).encode()


def _words() -> list[str]:
    """The words of English, the commonest last: lines of a logarithm of how often, and words."""
    found: list[tuple[float, str]] = []
    for line in WORDS.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            often, *words = line.split()
            found += [(float(often), word) for word in words]
    return [word for _, word in sorted(found, key=lambda one: one[0])]


if __name__ == "__main__":
    main()
