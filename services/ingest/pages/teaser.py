"""Which articles want their page: those whose feed gives a teaser and an address of its own. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from services.ingest.items import Item
from shared.errors import AddressRefused
from shared.urls import host_key

WHOLE = 120  # words; half the articles of news pages have more than 500, half the texts of news feeds fewer than 22
CUT = 400  # words of a text that ends as cut texts do
UNSPACED_PER_WORD = 2  # characters of scripts without spaces that count as one word, as enrichment counts

_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0eff\u1780-\u17ff]")
_CUT_OFF = re.compile(r"(?:…|\.\.\.|\[…\]|\[\.\.\.\]|read more|continue reading|weiterlesen|lire la suite)\W*\Z", re.I)
_CUES = ("…", "...", "read more", "continue reading", "weiterlesen", "lire la suite")
_NO_PAGE = re.compile(r"\.(?:pdf|mp3|m4a|ogg|mp4|m4v|webm|mov|jpe?g|png|gif|webp|zip|epub|docx?|xlsx?)\Z", re.I)


def page_host(item: Item) -> str | None:
    """`host:port` of the page that the item wants; None where the feed gives the text, or no address of its own."""
    if item.names.url is None or not item.teaser or _NO_PAGE.search(urlsplit(item.url).path):
        return None
    try:
        return host_key(item.url)
    except AddressRefused:
        return None


def is_teaser(text: str) -> bool:
    """Whether what a feed gives, as tidy text, is less than the article."""
    words = _words(text)
    return words < WHOLE or (words < CUT and _is_cut_off(text[-80:]))


def _is_cut_off(end: str) -> bool:
    low = end.lower()
    return any([cue in low for cue in _CUES]) and _CUT_OFF.search(end) is not None


def _words(text: str) -> int:
    """Tidy text has one blank or line end between any two of its words."""
    spaced = text.count(" ") + text.count("\n") + 1 if text else 0
    return spaced if text.isascii() else spaced + len(_UNSPACED.findall(text)) // UNSPACED_PER_WORD
