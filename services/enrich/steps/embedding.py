"""A vector for each article, near those of articles on the same matter."""

from __future__ import annotations

from collections.abc import Sequence

from services.enrich.document import Document
from services.enrich.embedding import packed
from services.enrich.resources import Resources

LEAD = 500  # characters of the body: the lead says what an article is about, the rest wanders off


class Embed:
    """Provides `embedding`, None where the text has no word that the table knows."""

    name = "embedding"
    revision = "1"
    needs = frozenset({"title", "body_text", "language"})
    provides = frozenset({"embedding"})
    languages = frozenset({"en"})

    def run(self, docs: Sequence[Document], resources: Resources) -> None:
        """Title and lead of every document."""
        vectors = resources.embedding.unit([f"{doc.title}. {doc.body_text[:LEAD]}" for doc in docs])
        for doc, vector in zip(docs, vectors, strict=True):
            doc.embedding = packed(vector)
