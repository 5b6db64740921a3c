"""Text as search sees it: the same folding when an article is indexed and when a query is asked."""

from __future__ import annotations

import unicodedata


def fold(text: str) -> str:
    """Case and accents away: `Éva Müller` and `eva muller` become the same. Length may change; not for offsets.

    NFKD splits letters from their marks, marks of the Latin, Greek and Cyrillic kind are dropped, NFKC joins the rest
    again (so that Hangul and Indic vowel signs survive); casefold as the Unicode Standard, section 3.13, defines it.
    """
    if text.isascii():
        return text.lower()
    split = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFKC", "".join(c for c in split if not "\u0300" <= c <= "\u036f"))
