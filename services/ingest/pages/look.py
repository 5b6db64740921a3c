"""What a fetched page is, by its head and its headers: an article, or what stands in its place. Pure.

Only the beginning is looked at, by patterns that take linear time whatever it holds. The article itself is read by
enrichment, which may still find that there is none.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from urllib.parse import urlsplit

from services.ingest.charsets import python_name
from shared.urls import resolve

HEAD = 200_000  # bytes looked at
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_CHARSET = re.compile(r"""charset\s{0,20}=\s{0,20}["']?\s{0,20}([A-Za-z0-9._:\-]{2,40})""", re.I)

_WITH_VALUE = ("max-snippet", "max-image-preview", "max-video-preview", "unavailable_after")  # of a robots directive

_TAG = re.compile(r"<(meta|link)\s([^<>]{1,2000})>", re.I)
_ATTRIBUTE = re.compile(
    r"""([a-z][a-z:_\-]{1,30})\s{0,5}=\s{0,5}(?:"([^"]{0,2000})"|'([^']{0,2000})'|([^\s"'>]{1,2000}))""", re.I
)
_TITLE = re.compile(r"<title[^<>]{0,200}>([^<]{0,300})", re.I)
_NOT_FREE = re.compile(r'"isAccessibleForFree"\s{0,20}:\s{0,20}"?false', re.I)

_CONSENT_HOST = re.compile(
    r"\A(?:[a-z0-9-]+\.)?(?:consent|guce|cmp|privacy|myprivacy|gdpr|cookies?|cookiewall)\.", re.I
)
_CONSENT_PATH = re.compile(
    r"/(?:consent|cookie-?(?:wall|consent|gate)|privacy-?(?:wall|gate)|gdpr|collectconsent)\b", re.I
)
_CONSENT_TITLE = re.compile(
    r"before you continue|cookie (?:consent|wall|settings)|your (?:privacy|cookie) (?:choices|settings)"
    r"|privacy (?:gate|wall)|bevor sie fortfahren|cookie-?(?:zustimmung|einstellungen)|datenschutz-?einstellungen"
    r"|avant de continuer|antes de continuar|prima di continuare|privacy-?instellingen|consent required",
    re.I,
)
_BLOCKED_TITLE = re.compile(
    r"\A\W*(?:just a moment|attention required|access denied|are you (?:a )?(?:human|robot)|robot check|security check"
    r"|captcha|verify you are|pardon our interruption|please (?:log|sign) in|log ?in|sign ?in)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Look:
    """What a page is. `charset` is a name that Python's codecs know; `canonical_url` what the page names as its own."""

    outcome: str
    charset: str = "utf-8"
    canonical_url: str | None = None


def look(body: bytes, headers: Mapping[str, str], asked: str, final: str) -> Look:
    """Judge a page that was answered with success. `asked` is the article's address, `final` where it came from."""
    content_type = headers.get("content-type", "")
    if not _is_html(content_type, body):
        return Look("not_html")
    if not body.strip():
        return Look("empty")
    charset = charset_of(body, content_type)
    head = body[:HEAD].decode(charset, "replace")
    tags = list(_tags(head))
    if reserved(headers, tags):
        return Look("reserved", charset)
    canonical = _canonical(tags, final)
    outcome = _stands_before(head, asked, final) or ("paywall" if _paywalled(body, tags) else "article")
    return Look(outcome, charset, canonical)


def charset_of(body: bytes, content_type: str) -> str:
    """Mark, then valid UTF-8, then what the server says, then what the page says, then Windows-1252."""
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return encoding
    declared = [_CHARSET.search(text) for text in (content_type, body[:4096].decode("latin-1"))]
    names = [name for found in declared if found and (name := python_name(found[1])) is not None]
    seven_bit = next((name for name in names if name.startswith("iso2022") or name in ("hz", "utf_7")), None)
    if seven_bit:
        return seven_bit
    try:
        body.decode()
    except UnicodeDecodeError as error:
        if error.start > len(body) - 4:  # cut off within a letter
            return "utf-8"
    else:
        return "utf-8"
    return next((name for name in names if name != "utf-8"), "utf-8" if "utf-8" in names else "cp1252")


def reserved(headers: Mapping[str, str], tags: list[dict[str, str]]) -> bool:
    """Whether the publisher asks that no copy is kept: `noarchive` (for all robots or ours), TDM reservation."""
    named = [tag for tag in tags if tag.get("name", "").lower() in ("robots", "wiredesk")]
    rules = [headers.get("x-robots-tag", ""), *[tag.get("content", "") for tag in named]]
    for rule in rules:
        agent = ""
        for part in rule.lower().split(","):
            name, colon, directive = part.strip().partition(":")
            if colon and name.strip() not in _WITH_VALUE:
                agent, name = name.strip(), directive
            if agent in ("", "robots", "wiredesk") and name.strip() == "noarchive":
                return True
    if headers.get("tdm-reservation", "").strip() == "1":
        return True
    return any(tag.get("name", "").lower() == "tdm-reservation" and tag.get("content") == "1" for tag in tags)


def _is_html(content_type: str, body: bytes) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml"):
        return True
    start = body[:512].lstrip().lower()
    return kind in ("", "text/plain", "application/octet-stream") and start.startswith((b"<!doctype html", b"<html"))


def _tags(head: str) -> Iterator[dict[str, str]]:
    for found in _TAG.finditer(head):
        attributes = {m[1].lower(): unescape(m[2] or m[3] or m[4] or "") for m in _ATTRIBUTE.finditer(found[2])}
        yield {"": found[1].lower(), **attributes}


def _canonical(tags: list[dict[str, str]], final: str) -> str | None:
    for tag in tags:
        if tag[""] == "link" and "canonical" in tag.get("rel", "").lower().split() and tag.get("href"):
            url = resolve(final, tag["href"].strip())
            return url[:2048] if url and url.startswith(("http://", "https://")) else None
    return None


def _stands_before(head: str, asked: str, final: str) -> str | None:
    was, now = urlsplit(asked), urlsplit(final)
    moved = (was.hostname, was.path) != (now.hostname, now.path)
    host = now.hostname or ""
    if moved and (_CONSENT_HOST.match(host) or _CONSENT_PATH.search(now.path)):
        return "consent"
    found = _TITLE.search(head)
    title = unescape(found[1]).strip() if found else ""
    if _CONSENT_TITLE.search(title) and len(title) < 120 and "<article" not in head:
        return "consent"
    if _BLOCKED_TITLE.match(title) and len(title) < 80 and "<article" not in head:
        return "blocked"
    if now.path in ("", "/") and not now.query and was.path not in ("", "/"):
        return "front_page"
    return None


def _paywalled(body: bytes, tags: list[dict[str, str]]) -> bool:
    """By schema.org `isAccessibleForFree`, or the content tier that publishers tell Facebook."""
    if any(tag.get("property") == "article:content_tier" and tag.get("content") == "locked" for tag in tags):
        return True
    return _NOT_FREE.search(body[: HEAD * 5].decode("latin-1")) is not None
