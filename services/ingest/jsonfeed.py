"""JSON Feed 1.0 and 1.1 (jsonfeed.org) into `Feed`. Pure. Members of the wrong type are left out, items are kept."""

from __future__ import annotations

import json
import re
from html import escape
from typing import Any

import orjson

from services.ingest.items import Entry, Feed
from services.ingest.refusals import NotAFeed
from shared.urls import resolve

_VERSION = re.compile(r"jsonfeed\.org/version/(\d+(?:\.\d+)?)")
_MEMBERS = frozenset(("id", "url", "title", "content_html", "content_text", "summary"))
_HALF = re.compile(
    rb"\\(?:\\|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2}))"
)


def read_json(document: bytes, url: str) -> Feed:
    """The feed in a JSON document. Raises `NotAFeed` for other JSON, and with code `rss_in_json` for RSS as JSON."""
    data = _read(document)
    if _is_rss(data):
        raise NotAFeed(
            "this is RSS written as JSON, which is not read; look for the site's RSS, Atom or JSON Feed address",
            code="rss_in_json",
        )
    version = _VERSION.search(_text(data.get("version")) or "") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not (version or any(_is_item(item) for item in _list(data.get("items")))):
        raise NotAFeed("this is JSON, but no JSON Feed: it has neither a JSON Feed version nor items")
    items = data.get("items")
    site_url = resolve(url, _text(data.get("home_page_url")) or "") if data.get("home_page_url") else None
    base = site_url or url
    authors = _authors(data)
    return Feed(
        format=f"json{version.group(1) if version else ''}",
        entries=[_entry(item, base, authors) for item in items if isinstance(item, dict)]
        if isinstance(items, list)
        else [],
        title=_text(data.get("title")),
        site_url=site_url,
        language=_text(data.get("language")),
        hub=_hub(data.get("hubs"), url),
        older=resolve(url, older) if (older := _text(data.get("next_url"))) else None,
        topic=resolve(url, topic) if (topic := _text(data.get("feed_url"))) else None,
    )


def _read(document: bytes) -> Any:
    """The document, also where characters stand in it that JSON wants escaped, or halves of characters."""
    try:
        return orjson.loads(document)
    except orjson.JSONDecodeError as error:
        try:
            return json.loads(_HALF.sub(_whole, document).decode("utf-8", "replace"), strict=False)
        except (ValueError, RecursionError):
            raise NotAFeed(f"the body begins like JSON but cannot be read: {error}", code="unreadable") from error


def _whole(found: re.Match[bytes]) -> bytes:
    """An escape as it is, but for one half of a character."""
    return found.group() if found.group(1) is None else b"\\ufffd"


def _is_rss(data: Any) -> bool:
    """RSS-in-JSON (github.com/scripting/Scripting-News, "rss in json"), in its object or in a list."""
    if isinstance(data, list):
        return bool(data) and _is_rss(data[0])
    if not isinstance(data, dict):
        return False
    channel = data.get("channel")
    return isinstance(data.get("rss"), dict) or (isinstance(channel, dict) and ("item" in channel or "link" in channel))


def _is_item(item: Any) -> bool:
    return isinstance(item, dict) and not _MEMBERS.isdisjoint(item)


def _entry(item: dict[str, Any], base: str, feed_authors: list[str]) -> Entry:
    guid = _text(item.get("id"))
    link, external = _text(item.get("url")), _text(item.get("external_url"))
    if link is None and guid and guid.startswith(("http://", "https://")):
        link = guid
    plain = _text(item.get("content_text"))
    summary = _text(item.get("summary"))
    picture = _text(item.get("image")) or _text(item.get("banner_image"))
    return Entry(
        guid=guid,
        link=resolve(base, link) if link else None,
        elsewhere=resolve(base, external) if external and external != link else None,
        title=_text(item.get("title")) or "",
        title_is_text=True,
        summary=escape(summary, quote=False) if summary else None,
        content=_text(item.get("content_html")) or (_paragraphs(plain) if plain else None),
        authors=_authors(item) or feed_authors,  # jsonfeed.org/version/1.1, "authors"
        published=_text(item.get("date_published")),
        updated=_text(item.get("date_modified")),
        language=_text(item.get("language")),
        images=[{"url": found}] if picture and (found := resolve(base, picture)) else [],
        media=[m for a in _list(item.get("attachments")) if (m := _attachment(a, base))],
        categories=[c for tag in _list(item.get("tags")) if (c := _text(tag))],
        pubstatus=_text(item.get("pubstatus")),
    )


def _authors(item: dict[str, Any]) -> list[str]:
    people = _list(item.get("authors")) or [item.get("author")]
    return [name for person in people if isinstance(person, dict) and (name := _text(person.get("name")))]


def _attachment(value: Any, base: str) -> dict[str, Any] | None:
    if not isinstance(value, dict):
        return None
    url = resolve(base, _text(value.get("url")) or "") if value.get("url") else None
    size = value.get("size_in_bytes")
    length = int(size) if isinstance(size, int | float) and 0 < size < 1e15 else None
    return {"url": url, "type": _text(value.get("mime_type")), "length": length} if url else None


def _hub(hubs: Any, url: str) -> str | None:
    for hub in _list(hubs):
        if isinstance(hub, dict) and hub.get("type") == "WebSub" and isinstance(hub.get("url"), str):
            return resolve(url, hub["url"])
    return None


def _paragraphs(text: str) -> str:
    blocks = (escape(block, quote=False).replace("\n", "<br>") for block in text.strip().split("\n\n"))
    return "".join(f"<p>{block}</p>" for block in blocks)


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return str(value)  # ids are often numbers, against the specification
    return value.strip() or None if isinstance(value, str) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def looks_like_json(document: bytes) -> bool:
    """Whether a body is meant as JSON, whatever its content type says."""
    return document[:256].lstrip()[:1] in (b"{", b"[")
