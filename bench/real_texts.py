"""Real news texts beside the checkout, as the enricher sees them: feed items, and the beginnings of article pages.

A text is named by its file under ``shared/data`` and its item: the number of a feed's item, or a page's key. Nothing of
it is kept in the project; `quality_real` keeps where its names stand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path

from bench.quality_things import article
from services.enrich.document import Document
from services.enrich.steps.text import body as body_of
from services.enrich.steps.text import clean_title
from services.enrich.text.clean import clean_line, clean_paragraphs
from services.ingest.parse import Job, parse

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
PAGES = "articles/aeb-half/ground-truth.json"
LONGEST = 100  # words of a body, then on to the end of the sentence
NOW = datetime(2026, 2, 20, tzinfo=UTC)  # the captures are of February 2026
_WORD = re.compile(r"\S+")
_SENTENCE_END = re.compile(r"[.!?][\"'\u201d\u2019)]*(?=\s)|\n")


@dataclass(frozen=True, slots=True)
class Text:
    """A headline (none of a page) and the beginning of its body."""

    title: str
    body: str

    @property
    def whole(self) -> str:
        """Both, with a line end between them: what marks count in."""
        return f"{self.title}\n{self.body}" if self.title else self.body

    @property
    def sha256(self) -> str:
        """What tells that the text is the one that was marked."""
        return sha256(self.whole.encode()).hexdigest()


def texts(path: str, data: Path = DATA) -> dict[str, Text]:
    """All texts of a file, by item."""
    return dict(_pages(data / path) if path == PAGES else _items(data / path))


@cache
def _blank() -> Document:
    return Document(article(1, ""))


def _items(path: Path) -> Iterator[tuple[str, Text]]:
    found = parse(path.read_bytes(), Job(feed_id=1, url="https://real.example/", content_type=None, now=NOW))
    for number, item in enumerate(found.items):
        given = replace(_blank().article, title=item.title, description=item.description, body_html=item.body_html)
        doc = Document(given, description=clean_line(item.description or "") or None)
        yield str(number), Text(clean_title(item.title, found.title or ""), begin(body_of(doc)[0]))


def _pages(path: Path) -> Iterator[tuple[str, Text]]:
    for key, told in json.loads(path.read_text(encoding="utf-8")).items():
        yield key, Text("", begin(clean_paragraphs(told["articleBody"].split("\n"))))


def begin(body: str) -> str:
    """The first words of a body, whole sentences."""
    words = list(_WORD.finditer(body))
    if len(words) <= LONGEST:
        return body
    end = _SENTENCE_END.search(body, words[LONGEST - 1].start())
    return body[: end.end()].rstrip() if end else body
