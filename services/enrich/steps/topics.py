"""The article's IPTC Media Topics, by its words, its likeness to seed words and what the publisher calls its section.

Words and likeness are English; in other languages the publisher's category, the address and the feed's name tell alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from services.enrich.document import Document, Topic
from services.enrich.resources import Resources

FOLDERS = 3  # of the address, from the left: /2026/sport/football/
_PART = re.compile(r"\s+[-\u2013\u2014|:\u00bb>]\s+|: |\s*[|\u00bb>]\s*")
_NUMBER = re.compile(r"[\d_.-]+")


class Topics:
    """Provides `topics`, at most three, the surest first."""

    name = "topics"
    revision = "1"
    needs = frozenset({"article", "title", "description", "body_text", "language"})
    provides = frozenset({"topics"})
    languages = None

    def run(self, docs: Sequence[Document], resources: Resources) -> None:
        """Judge each document by itself."""
        for doc in docs:
            english = doc.language is not None and doc.language.code == "en"
            body = doc.body_text if doc.description in (None, doc.body_text) else f"{doc.description}\n{doc.body_text}"
            doc.topics = tuple(
                Topic(found.id, found.name, found.path, found.score)
                for found in resources.topic_model.topics(doc.title, body, list(sections(doc)), english)
            )


def sections(doc: Document) -> Iterator[str]:
    """What the publisher calls the part of the paper it stands in: categories, folders of the address, feeds' names."""
    yield from doc.article.categories
    folders = [part for part in urlsplit(doc.article.canonical_url).path.split("/") if part]
    yield from (part for part in folders[:-1][:FOLDERS] if not _NUMBER.fullmatch(part))
    for feed in doc.article.feeds:
        yield from _PART.split(feed.title)
