"""The article's language, from its text, with what its feed declares as prior."""

from __future__ import annotations

from collections.abc import Sequence

from services.enrich.document import Document
from services.enrich.resources import Resources


class DetectLanguage:
    """Provides `language`, None where neither text nor feed says anything."""

    name = "language"
    revision = "2"
    needs = frozenset({"article", "title", "body_text"})
    provides = frozenset({"language"})
    languages = None

    def run(self, docs: Sequence[Document], resources: Resources) -> None:
        """Body first: its sentences tell more than a headline, which often holds little but names."""
        for doc in docs:
            text = doc.body_text if len(doc.body_text) >= 200 else f"{doc.title} {doc.body_text}"
            doc.language = resources.language_model.detect(text, doc.article.language)
