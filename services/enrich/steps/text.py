"""The texts that are served and that every offset counts in: title, description, body."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from services.enrich.document import BodySource, Document, Link
from services.enrich.resources import Resources
from services.enrich.text.clean import clean_line
from services.enrich.text.markup import paragraphs, parse
from services.enrich.text.tokens import Tokens

SAME = 0.5  # share of the feed's runs of four words that must stand in the page: else the page is another text
TEASER = 120  # words: a shorter text of the feed may be a summary in words of its own
TEASED = 2.0  # times its words that the page then must have
ADDS = 1.1  # times the feed's words from which on the page has more of the same text than its clutter could be
_CUT = re.compile(
    r"(?:\u2026|\.\.\.|\[\s*(?:\u2026|\.\.\.|\+\d+ chars)\s*\]"
    r"|\b(?:read more|continue reading|lire la suite|weiterlesen|leer m\u00e1s|leia mais|continua a leggere"
    r"|lees verder)\b.{0,40})\W*$",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|[A-Za-z]{2,8});")
_WORD = re.compile(r"\w+(?:['\u2019-]\w+)*")
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0eff\u1780-\u17ff]")
RUNS = 20_000  # characters of a text that are compared
UNSPACED_PER_WORD = 2  # characters of scripts without spaces that count as one word
# Paragraphs that feeds and publishing systems set around the text.
_BOILERPLATE = re.compile(
    r"(?:The post .{1,300} (?:appeared first|first appeared) on .{1,200}\.?|(?:Continue reading"
    r"|Read (?:more|the full)|Keep reading|Lire la suite|Weiterlesen|Leer más|(?:Sigue|Seguir) leyendo|Leia mais"
    r"|Continua a leggere|Lees verder)\b.{0,120}"
    r"|(?:Advertisement|Anzeige|Publicité|Publicidad|Pubblicità|Advertentie|Comments|Share this:?"
    r"|\[\s*(?:\u2026|\.\.\.)\s*\]))",
    re.IGNORECASE,
)
# What a publishing system puts in place of itself before readers see it, and its feed does not: [player id="7"],
# [two_columns], [/two_columns]; not what editors put in brackets.
_SHORTCODE = re.compile(
    r"\[/?[a-z][a-z0-9]*(?:_[a-z0-9]+)+\]"
    r"|\[[a-z][\w-]* [\w-]+=[\"'\u2018\u2019\u201c\u201d\u2032\u2033][^\[\]\n]{0,6000}\]"
)


class Text:
    """Provides the clean texts and the body's links. The description stands in where there is no body."""

    name = "text"
    revision = "4"
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
            doc.word_count = word_count(doc.body_text, doc.tokens)


def clean_title(title: str, source: str) -> str:
    """The headline alone: entities that were escaped twice read, the publication's own name at its end taken off."""
    line = _plain(title) or ""
    for separator in (" | ", " - ", " \u2013 ", " \u2014 "):
        head, found, tail = line.rpartition(separator)
        if found and head and source and tail.casefold() == source.casefold():
            return head.rstrip()
    return line


def body(doc: Document) -> tuple[str, BodySource | None, tuple[Link, ...]]:
    """The better of the feed's text and the page's; else the description."""
    text, links = _feed_body(doc.article.body_html)
    if doc.page and page_is_better(text, doc.page.body_text):
        return doc.page.body_text, "page", doc.page.links
    if text:
        return text, "feed", links
    return (doc.description, "feed", ()) if doc.description else ("", None, ())


def page_is_better(feed: str, page: str) -> bool:
    """Whether a page has the article and the feed not, or only a part of it.

    A page that does not say what the feed says is another text (a consent wall, an error, a front page), unless the
    feed's is a summary. A whole text of the feed is preferred: nothing stands around it.
    """
    mine, theirs = word_count(feed), word_count(page)
    if not mine or not theirs:
        return bool(theirs)
    shared = _shared(feed, page)
    if shared < SAME:
        return mine <= TEASER and theirs >= TEASED * mine
    return theirs > mine if _CUT.search(feed[-200:]) else theirs >= ADDS * mine


def _shared(one: str, other: str) -> float:
    """The share of a text's runs of four words (characters of unspaced scripts) that another has, 0 to 1."""
    mine, theirs = _runs(one), _runs(other)
    return len(mine & theirs) / len(mine) if mine else 0.0


def _runs(text: str) -> set[tuple[str, ...]]:
    words = _WORD.findall(_UNSPACED.sub(r" \g<0> ", text[:RUNS].lower()))
    return {tuple(words[at : at + 4]) for at in range(max(1, len(words) - 3))}


def word_count(text: str, tokens: Tokens | None = None) -> int:
    """Words as readers count them; two characters of Chinese, Japanese, Thai, Lao or Khmer count as one word.

    `tokens` are the text's, where it was cut already.
    """
    unspaced = 0 if text.isascii() else len(_UNSPACED.findall(text))
    if unspaced * 2 > len(text):
        return max(1, unspaced // UNSPACED_PER_WORD)
    return (tokens or Tokens(text)).count


def _feed_body(markup: str | None) -> tuple[str, tuple[Link, ...]]:
    root = parse(markup) if markup else None
    if root is None:
        return "", ()
    text, links = paragraphs(root)
    if "[" in text and "]" in text:
        text = "\n\n".join(filter(None, (clean_line(_SHORTCODE.sub(" ", part)) for part in text.split("\n\n"))))
    kept = [part for part in text.split("\n\n") if len(part) > 700 or not _BOILERPLATE.fullmatch(part)]
    return "\n\n".join(kept), links


def _plain(text: str | None) -> str | None:
    if not text:
        return None
    if _ENTITY.search(text):
        text = html.unescape(text)
    return clean_line(text) or None
