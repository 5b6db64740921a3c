"""Reads the programme from disk: `publishers.toml`, and one Markdown file an article in `articles/`.

An article is TOML between two `+++` lines, then paragraphs parted by empty lines (`## ` a subheading, `> ` a
quotation). Front matter: title, feeds, lang, at ("-3h20m" before the start of the replay, "+4m30s" into it), kind, and
optionally summary (else the first paragraph), authors, section, tags, caption, credit, paywall, event (the same for
reports of one event), corrections [{after, title, edits, note}], withdrawn_after; and for an agency copy copy_of (slug
of the original), edits and keep (how many of its paragraphs), the file's own paragraphs coming last.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from deploy.samplewire.wire import LANGUAGES, Article, Correction, Feed, Publisher, Wire, edit

HERE = Path(__file__).parent
_DURATION = re.compile(r"([+-]?)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


class ArticleError(ValueError):
    """An article file that cannot be used; the message names the file and what is wrong."""


def load(folder: Path = HERE) -> Wire:
    """The programme in `folder`; raises ArticleError for a file that does not fit."""
    publishers = _publishers(folder / "publishers.toml")
    known = {feed.key for publisher in publishers for feed in publisher.feeds}
    files = sorted((folder / "articles").glob("*.md"))
    sources = {file.stem: _split(file) for file in files}
    articles = [_article(slug, sources, known) for slug in sources]
    return Wire(publishers, tuple(sorted(articles, key=lambda article: (article.at_s, article.slug))))


def seconds(duration: str) -> int:
    """Seconds of "-3h20m", "+4m30s", "90s"; raises ValueError for anything else."""
    match = _DURATION.fullmatch(duration)
    if not match or not any(match.groups()[1:]):
        raise ValueError(f"not a duration: {duration!r}")
    hours, minutes, rest = (int(part or 0) for part in match.groups()[1:])
    total = hours * 3600 + minutes * 60 + rest
    return -total if match[1] == "-" else total


def _publishers(file: Path) -> tuple[Publisher, ...]:
    rows = tomllib.loads(file.read_text(encoding="utf-8"))["publishers"]
    return tuple(
        Publisher(**{**row, "feeds": tuple(Feed(publisher=row["slug"], **feed) for feed in row["feeds"])})
        for row in rows
    )


def _split(file: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    head, front, body = re.split(r"^\+\+\+\n", file.read_text(encoding="utf-8"), maxsplit=2, flags=re.MULTILINE)
    if head.strip():
        raise ArticleError(f"{file.name}: text before the front matter")
    try:
        matter = tomllib.loads(front)
    except tomllib.TOMLDecodeError as error:
        raise ArticleError(f"{file.name}: {error}") from error
    return matter, tuple(" ".join(block.split()) for block in re.split(r"\n\s*\n", body) if block.strip())


def _article(slug: str, sources: dict[str, tuple[dict[str, Any], tuple[str, ...]]], known: set[str]) -> Article:
    matter, own = sources[slug]
    matter = dict(matter)
    paragraphs = _copied(slug, matter, sources) + own
    try:
        article = Article(
            slug=slug,
            feeds=tuple(matter.pop("feeds")),
            at_s=seconds(matter.pop("at")),
            summary=matter.pop("summary", "") or paragraphs[0],
            paragraphs=paragraphs,
            authors=tuple(matter.pop("authors", ())),
            tags=tuple(matter.pop("tags", ())),
            corrections=tuple(_correction(row) for row in matter.pop("corrections", ())),
            withdrawn_after_s=seconds(matter.pop("withdrawn_after")) if "withdrawn_after" in matter else None,
            **matter,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ArticleError(f"{slug}.md: {error}") from error
    _check(article, known)
    return article


def _copied(
    slug: str, matter: dict[str, Any], sources: dict[str, tuple[dict[str, Any], tuple[str, ...]]]
) -> tuple[str, ...]:
    """The paragraphs an agency copy takes over; the keys that say how are used up."""
    edits = [(old, new) for old, new in matter.pop("edits", ())]
    keep = matter.pop("keep", None)
    if not matter.get("copy_of"):
        return ()
    if matter["copy_of"] not in sources:
        raise ArticleError(f"{slug}.md: copies {matter['copy_of']!r}, which is not there")
    _, original = sources[matter["copy_of"]]
    _need(slug, edits, "\n".join(original[:keep]))
    return tuple(edit(text, edits) for text in original[:keep])


def _correction(row: dict[str, Any]) -> Correction:
    return Correction(
        after_s=seconds(row["after"]),
        title=row.get("title"),
        edits=tuple((old, new) for old, new in row.get("edits", ())),
        note=row.get("note", ""),
    )


def _check(article: Article, known: set[str]) -> None:
    unknown = set(article.feeds) - known
    if unknown or not article.feeds:
        raise ArticleError(f"{article.slug}.md: no such feed {sorted(unknown)}")
    if article.lang not in LANGUAGES:
        raise ArticleError(f"{article.slug}.md: no weekday names for language {article.lang!r}")
    text = "\n".join(article.paragraphs)
    for correction in article.corrections:
        _need(article.slug, correction.edits, text)
        text = edit(text, correction.edits)


def _need(slug: str, edits: list[tuple[str, str]] | tuple[tuple[str, str], ...], text: str) -> None:
    """An edit of words that are not there would silently change nothing."""
    for old, new in edits:
        if old not in text:
            raise ArticleError(f"{slug}.md: nothing to replace by {new!r}: {old!r} is not in the text")
        text = text.replace(old, new)
