"""The article out of its stored page: what the page declares, and its text without what stands around it.

page ─▶ tree ─┬─▶ JSON-LD, meta elements ─▶ title, authors, dates, images, section, paywall   (where the feed is silent)
              └─▶ trafilatura ─▶ paragraphs ─▶ without captions, invitations, notes on the author
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from datetime import timedelta
from typing import cast

from lxml import etree

from services.enrich.document import Document, Link, PageText
from services.enrich.names.fold import fold
from services.enrich.resources import Resources
from services.enrich.text.boilerplate import without_boilerplate
from services.enrich.text.clean import clean_line, clean_paragraphs
from services.enrich.text.markup import paragraphs
from services.enrich.text.pagemeta import PageMeta, read_meta
from shared.articles import Article, Image

MAX_PAGE = 2_000_000  # characters: beyond it a page is no article, and extraction would take seconds
MOST_FIGURES = 30
DECLARED_MORE = 1.5  # times the words found that a declared articleBody must have to be taken in their place
AHEAD = timedelta(days=1)  # a page dated further ahead of its fetch is not believed
_CREDIT = re.compile(
    r"\s*[(\[|]?\s*(?:photo(?:graph)?(?: by)?|image|picture|credit|foto|bild|crédit photo|crédito)\s?[:/]\s*"
    r"(?P<one>[^()\[\]]{2,100})[)\]]?$"
    r"|\s*\((?P<other>[^()]{2,60}/[^()]{2,60})\)$",
    re.IGNORECASE,
)
_BREAK = re.compile(r"\n\s*\n|\n")
_TAG = re.compile(r"</?[a-zA-Z][^>]{0,300}>")


class Page:
    """Provides `page`, None where there is no article in the page. Fills in what the feed left out of `article`."""

    name = "page"
    revision = "3"
    needs = frozenset({"article"})
    provides = frozenset({"page"})
    languages = None

    def run(self, docs: Sequence[Document], resources: Resources) -> None:
        """Extract every stored page."""
        for doc in docs:
            html = doc.article.page_html
            found = read(html) if html else None
            doc.page = found[0] if found else None
            if found:
                doc.article = completed(doc.article, found[1])


def read(html: str) -> tuple[PageText | None, PageMeta] | None:
    """The text of a page's article, and what the page declares; None for what is no page."""
    root = _tree(html) if len(html) <= MAX_PAGE else None
    if root is None:
        return None
    meta = read_meta(root)
    figures = tuple(_figures(root))
    meta = replace(meta, images=_captioned(meta.images, figures))
    headings = {fold(" ".join(str(part) for part in node.itertext())) for node in root.iter("h1")}
    return _text(root, meta, figures, headings | {fold(meta.title or "")}), meta


def extract(html: str) -> PageText | None:
    """The text of a page's article alone."""
    found = read(html)
    return found[0] if found else None


def completed(article: Article, meta: PageMeta) -> Article:
    """The article with what its feed left out, as the page has it."""
    dated = article.published_at
    usable = meta.published_at is not None and meta.published_at <= article.fetched_at + AHEAD
    published = (meta.published_at, meta.published_precision) if usable else (None, "unknown")
    gated = article.page is not None and article.page.outcome == "paywall"
    return replace(
        article,
        title=article.title or meta.title or "",
        description=article.description or meta.description,
        authors=article.authors or meta.authors,
        published_at=dated or published[0],
        published_precision=article.published_precision if dated else published[1],
        modified_at=article.modified_at or meta.modified_at,
        language=article.language or meta.language,
        images=_captioned(article.images, meta.images) or meta.images,
        categories=article.categories or ((meta.section,) if meta.section else ()),
        paywalled=article.paywalled if article.paywalled is not None else True if gated else meta.paywalled,
    )


def _tree(html: str) -> etree._Element | None:
    import trafilatura  # 0.15 s that a worker without stored pages starts without

    root: etree._Element | None = trafilatura.load_html(html.replace("\x00", "").encode("utf-8", "ignore").decode())
    return root


def _text(root: etree._Element, meta: PageMeta, figures: Sequence[Image], headings: Set[str]) -> PageText | None:
    import trafilatura

    found = trafilatura.bare_extraction(
        root,
        include_comments=False,
        include_tables=True,
        include_links=True,
        include_images=False,
        favor_precision=True,
    )
    text, links = "", cast(tuple[Link, ...], ())
    if found is not None and not isinstance(found, dict) and found.body is not None:
        text, links = paragraphs(found.body, extracted=True)
    declared = clean_paragraphs(_BREAK.split(_TAG.sub("\n", meta.body))) if meta.body else ""
    if len(declared.split()) > DECLARED_MORE * len(text.split()):
        text, links = declared, ()
    captions = [line for image in (*meta.images, *figures) for line in (image.caption, image.credit) if line]
    kept = without_boilerplate(text.split("\n\n"), captions, meta.authors)
    if kept and fold(kept[0]) in headings:
        kept = kept[1:]
    return PageText("\n\n".join(kept), links) if any(kept) else None


def _figures(root: etree._Element) -> Iterator[Image]:
    """Pictures with the words under them. The address may be of a small form of the picture."""
    for count, figure in enumerate(root.iter("figure")):
        if count == MOST_FIGURES:
            return
        picture, caption = next(figure.iter("img"), None), next(figure.iter("figcaption"), None)
        if caption is None:
            continue
        told = clean_line(" ".join(str(part) for part in caption.itertext()))[:1_000]
        url = next((u for n in ("src", "data-src") if picture is not None and (u := picture.get(n))), "") or ""
        yield Image(url=url, caption=told or None, credit=_credit(told))


def _credit(caption: str) -> str | None:
    match = _CREDIT.search(caption)
    return (match["one"] or match["other"]).strip() if match else None


def _captioned(images: Sequence[Image], known: Sequence[Image]) -> tuple[Image, ...]:
    """Pictures with caption and credit from others of the same file name, where they have none of their own."""
    by_file = {_file(image.url): image for image in known if _file(image.url)}
    return tuple(
        replace(image, caption=image.caption or other.caption, credit=image.credit or other.credit)
        if (other := by_file.get(_file(image.url)))
        else image
        for image in images
    )


def _file(url: str) -> str:
    return url.partition("?")[0].rstrip("/").rsplit("/", 1)[-1].lower()
