"""The texts that are served and that every offset counts in: title, description, body."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from services.enrich.document import BodySource, Document, Link
from services.enrich.resources import Resources
from services.enrich.text.clean import clean_line
from services.enrich.text.markup import paragraphs, parse

PAGE_WINS = 1.3  # a page must hold this many times the feed's words: feeds cut, pages bring captions and teasers along
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|[A-Za-z]{2,8});")
_WORD = re.compile(r"\w+(?:['\u2019-]\w+)*")
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0eff\u1780-\u17ff]")
UNSPACED_PER_WORD = 2  # characters of scripts without spaces that count as one word
# Paragraphs that feeds and publishing systems set around the text.
_BOILERPLATE = re.compile(
    r"(?:The post .{1,300} (?:appeared first|first appeared) on .{1,200}\.?|(?:Continue reading"
    r"|Read (?:more|the full)|Keep reading|Lire la suite|Weiterlesen|Leer más|Sigue leyendo|Leia mais"
    r"|Continua a leggere|Lees verder)\b.{0,120}"
    r"|(?:Advertisement|Anzeige|Publicité|Publicidad|Pubblicità|Advertentie|Comments|Share this:?"
    r"|\[\s*(?:\u2026|\.\.\.)\s*\]))",
    re.IGNORECASE,
)


class Text:
    """Provides the clean texts and the body's links. The description stands in where there is no body."""

    name = "text"
    revision = "1"
    needs = frozenset({"article", "page"})
    provides = frozenset({"title", "subtitle", "description", "body_text", "body_source", "links", "word_count"})
    languages = None

    def run(self, docs: Sequence[Document], resources: Resources) -> None:
        """Clean every document."""
        for doc in docs:
            article = doc.article
            doc.title = clean_title(article.title, article.source.name)
            doc.subtitle = _plain(article.subtitle)
            doc.description = _plain(article.description)
            doc.body_text, doc.body_source, doc.links = body(doc)
            doc.word_count = word_count(doc.body_text)


def clean_title(title: str, source: str) -> str:
    """The headline alone: entities that were escaped twice read, the publication's own name at its end taken off."""
    line = _plain(title) or ""
    for separator in (" | ", " - ", " \u2013 ", " \u2014 "):
        head, found, tail = line.rpartition(separator)
        if found and head and source and tail.casefold() == source.casefold():
            return head.rstrip()
    return line


def body(doc: Document) -> tuple[str, BodySource | None, tuple[Link, ...]]:
    """The better of the feed's text and the page's, by how much of it there is; else the description."""
    text, links = _feed_body(doc.article.body_html)
    if doc.page and word_count(doc.page.body_text) >= PAGE_WINS * word_count(text):
        return doc.page.body_text, "page", doc.page.links
    if text:
        return text, "feed", links
    return (doc.description, "feed", ()) if doc.description else ("", None, ())


def word_count(text: str) -> int:
    """Words as readers count them; two characters of Chinese, Japanese, Thai, Lao or Khmer count as one word."""
    unspaced = 0 if text.isascii() else len(_UNSPACED.findall(text))
    if unspaced * 2 > len(text):
        return max(1, unspaced // UNSPACED_PER_WORD)
    return len(_WORD.findall(text))


def _feed_body(markup: str | None) -> tuple[str, tuple[Link, ...]]:
    root = parse(markup) if markup else None
    if root is None:
        return "", ()
    text, links = paragraphs(root)
    kept = [part for part in text.split("\n\n") if len(part) > 700 or not _BOILERPLATE.fullmatch(part)]
    return "\n\n".join(kept), links


def _plain(text: str | None) -> str | None:
    if not text:
        return None
    if _ENTITY.search(text):
        text = html.unescape(text)
    return clean_line(text) or None
