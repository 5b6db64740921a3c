"""An entry as its feed gave it into an item as readers may see it. Pure; runs in the parse pool, for new items only.

A feed that gives one text gives a teaser or the whole article under the same name. A short text is the description; a
long one is the body, and its first paragraph describes it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from services.ingest.dates import read_date
from services.ingest.items import Entry, Item, Names
from services.ingest.markup import sanitise, shorten, text_of, text_of_clean, tidy, title_of
from services.ingest.pages.teaser import is_teaser
from services.ingest.twins.notices import headline, is_withdrawn
from shared.errors import AddressRefused
from shared.packing import pack_words
from shared.settled import settled, settled_html
from shared.urls import canonical

TITLE_LIMIT = 1_000  # characters, as are all of these
DESCRIPTION_LIMIT = 5_000
BODY_LIMIT = 1_000_000
NAME_LIMIT = 200
GUID_LIMIT = 2_048
LIST_LIMIT = 50
TEASER = 1_000  # a single text longer than this is the article itself
DERIVED_TITLE = 120

_KIND = re.compile(r"[^!-~]+")  # what a media type cannot hold
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*\Z")


def clean(entry: Entry, names: Names, item_hash: str, base: str, feed_language: str | None, now: datetime) -> Item:
    """The item. `base` is the feed's site or own address: an item without a link is read there."""
    url = entry.link or entry.elsewhere or base
    description, body_html, body_text = _texts(entry, url)
    title = shorten(title_of(entry.title, entry.title_is_text), TITLE_LIMIT)
    if not title:
        title = shorten(" ".join((description or body_text).split()), DERIVED_TITLE) or url[:TITLE_LIMIT]
    authors = _short_list(entry.authors)
    published_at, precision = read_date(entry.published, now)
    modified_at, _ = read_date(entry.updated, now)
    return Item(
        names=names,
        item_hash=item_hash,
        content_hash=content_hash(title, description, body_html, authors),
        guid=tidy(entry.guid)[:GUID_LIMIT] if entry.guid else None,
        url=url,
        canonical_url=_canonical(url),
        title=title,
        description=description,
        body_html=body_html,
        authors=authors,
        language=language_tag(entry.language) or language_tag(feed_language),
        published_at=published_at,
        published_precision=precision,
        published_raw=tidy(entry.published)[:NAME_LIMIT] if entry.published else None,
        modified_at=None if modified_at == published_at else modified_at,
        images=[_picture(image) for image in entry.images[:LIST_LIMIT]],
        media=[_medium(medium) for medium in entry.media[:LIST_LIMIT]],
        categories=_short_list(entry.categories),
        withdrawn=is_withdrawn(title, entry.pubstatus),
        teaser=is_teaser(body_text if body_html else description or ""),
        packed=pack_words(description, body_html).hex() if body_html else None,
        headline=headline(title),
    )


def content_hash(title: str, description: str | None, body_html: str | None, authors: Sequence[str] = ()) -> str:
    """32 hex digits of the words a reader would see and of who wrote them, but for what a site changes by itself."""
    lines = (settled(description or ""), settled_html(body_html or ""))  # without blanks that tell nothing
    told = (_on_one_line(title), *(text.replace("\n", " ") for text in lines), _on_one_line("\n".join(sorted(authors))))
    seen = "\0".join(told)
    return sha256(seen.encode()).hexdigest()[:32]


def _on_one_line(text: str) -> str:
    line = text.replace("\n", " ")
    return " ".join(line.split()) if "  " in line or not line.isprintable() else line.strip()


def _texts(entry: Entry, base: str) -> tuple[str | None, str | None, str]:
    """(description, sanitised body, the body's text)."""
    summary, content = entry.summary, entry.content
    if content is None or (summary is not None and len(summary) > len(content)):
        summary, content = content, summary
    if content is None:
        return None, None, ""
    alone = summary is None or summary == content
    if alone and len(content) <= TEASER * 20:
        text = text_of(content)
        if len(text) <= TEASER:
            return text or None, None, ""
    body_html = sanitise(content[:BODY_LIMIT], base)
    body_text = text_of_clean(body_html)
    if not alone and summary:
        description = text_of(summary[:BODY_LIMIT])
        if description == body_text and len(body_text) <= TEASER:
            return description or None, None, ""
    else:
        description = shorten(body_text.partition("\n")[0], TEASER)
    return shorten(description, DESCRIPTION_LIMIT) or None, body_html or None, body_text


def _canonical(url: str) -> str:
    try:
        return canonical(url)
    except AddressRefused:
        return url


def _short_list(texts: list[str]) -> list[str]:
    tidied = (shorten(title_of(text, False), NAME_LIMIT) for text in texts[: LIST_LIMIT * 4])
    return list(dict.fromkeys(text for text in tidied if text))[:LIST_LIMIT]


def language_tag(tag: str | None) -> str | None:
    """A language as BCP 47 writes it; None where it is none."""
    tag = (tag or "").strip()
    return tag.replace("_", "-") if len(tag) <= 35 and _LANGUAGE.match(tag) else None


def _picture(image: dict[str, Any]) -> dict[str, Any]:
    texts = {name: shorten(text_of(image[name]), TITLE_LIMIT) for name in ("caption", "credit") if image.get(name)}
    sizes = {name: image[name] for name in ("width", "height") if 0 < image.get(name, 0) < 100_000}
    return {"url": image["url"], **sizes, **texts}


def _medium(medium: dict[str, Any]) -> dict[str, Any]:
    kind = medium.get("type")
    return {**medium, "type": _KIND.sub("", kind)[:NAME_LIMIT] or None} if kind else medium
