"""One form for one name: look-alike letters, diacritics, case, possessives and honorifics taken away.

`fold` is what keys, identifiers and look-ups compare; `look_alikes` keeps every code point where it is, so that a
tagger can read the repaired text and its offsets still hold in the original.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache

# Letters of Cyrillic and Greek drawn like Latin ones (after Unicode's confusables, UTS 39; the subset that fonts of
# news sites really do not tell apart).
_TO_LATIN = str.maketrans(
    "аеорсухіјѕһԁԛԝкАВЕКМНОРСТУХІЈЅԚԜοανικρυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϳ",
    "aeopcyxijshdqwkABEKMHOPCTYXIJSQWoavikpuxABEZHIKMNOPTYXCj",
)
_TO_CYRILLIC = str.maketrans("aeopcyxijskABEKMHOPCTYXIJS", "аеорсухіјѕкАВЕКМНОРСТУХІЈЅ")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")
_OTHER = re.compile("[\u0370-\u03ff\u0400-\u052f]")
_MIXED = re.compile("[A-Za-z\u00c0-\u024f][\u0370-\u052f]|[\u0370-\u052f][A-Za-z\u00c0-\u024f]")
_WORD = re.compile(r"\w+")
_NOT_WORD = re.compile(r"[\W_]+")
APOSTROPHES = frozenset("'\u2019\u02bc")
_POSSESSIVE = re.compile(r"['\u2019\u02bc](?:s|S)?$")
_SPECIAL = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"})


def look_alikes(text: str) -> str:
    """The same text, code point for code point, with the minority script of each mixed word put right."""
    if text.isascii() or not _MIXED.search(text):
        return text
    return _WORD.sub(_put_right, text)


def _put_right(match: re.Match[str]) -> str:
    word = match.group()
    if word.isascii() or not _MIXED.search(word):
        return word
    latin, other = len(_LATIN.findall(word)), len(_OTHER.findall(word))
    return word.translate(_TO_LATIN if latin >= other else _TO_CYRILLIC)


@lru_cache(maxsize=8192)
def fold(name: str) -> str:
    """The comparing form: words in lower case without diacritics, joined by single spaces; other scripts stay."""
    text = unicodedata.normalize("NFKC", look_alikes(name)).casefold().translate(_SPECIAL)
    if not text.isascii():
        text = "".join(map(_bare, text))
    return _NOT_WORD.sub(" ", text.replace("'", "").replace("\u2019", "").replace(".", "")).strip()


def _bare(char: str) -> str:
    """A Latin, Greek or Cyrillic letter without its diacritics; й and ё are letters of their own and stay."""
    if ord(char) < 0xC0 or ord(char) > 0x1FFF or char in "йёўї":
        return char
    parts = unicodedata.normalize("NFD", char)
    return parts[0] if len(parts) > 1 and not 0x590 <= ord(char) < 0x1E00 else char


def slug(name: str) -> str:
    """The part of a local entity id that names the thing: `maria-duarte`, `мария-дуарте`. At most 80 characters."""
    return (
        fold(name).replace(" ", "-")[:80].strip("-")
        or "x" + hashlib.blake2b(name.encode("utf-8", "ignore"), digest_size=6).hexdigest()
    )


def name_hash(folded: str) -> int:
    """A 64-bit hash of a folded name, the same in every process and on every machine."""
    return int.from_bytes(hashlib.blake2b(folded.encode("utf-8", "ignore"), digest_size=8).digest(), "big")


def without_possessive(name: str) -> str:
    """`Duarte's` and `Dockers'` without what belongs to the grammar, not to the name."""
    return name if APOSTROPHES.isdisjoint(name[-3:]) else _POSSESSIVE.sub("", name)
