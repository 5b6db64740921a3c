"""The article's text out of its stored page, without menus, teasers and comments (by trafilatura)."""

from __future__ import annotations

from collections.abc import Sequence

from services.enrich.document import Document, PageText
from services.enrich.resources import Resources
from services.enrich.text.markup import paragraphs

MAX_PAGE = 2_000_000  # characters: beyond it a page is no article, and extraction would take seconds


class Page:
    """Provides `page`, None where there is no stored page or no article in it."""

    name = "page"
    revision = "1"
    needs = frozenset({"article"})
    provides = frozenset({"page"})
    languages = None

    def run(self, docs: Sequence[Document], resources: Resources) -> None:
        """Extract every stored page."""
        for doc in docs:
            doc.page = extract(doc.article.page_html) if doc.article.page_html else None


def extract(html: str) -> PageText | None:
    """The paragraphs and links of a page's article."""
    if len(html) > MAX_PAGE:
        return None
    import trafilatura  # 0.15 s that a worker without stored pages starts without

    found = trafilatura.bare_extraction(
        html.replace("\x00", "").encode("utf-8", "ignore").decode(),
        include_comments=False,
        include_tables=True,
        include_links=True,
        include_images=False,
        favor_precision=True,
    )
    if found is None or isinstance(found, dict) or found.body is None:
        return None
    text, links = paragraphs(found.body, extracted=True)
    return PageText(text, links) if text else None
