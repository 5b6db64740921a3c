"""Characters: one form for every text that is served, so that offsets counted here hold everywhere."""

from __future__ import annotations

import re
import unicodedata

# Tab, line ends and the other ASCII/Latin-1 separators count as whitespace; the rest of C0/C1 go, and with them what
# has no width and no meaning in running text: soft hyphen, zero-width space, word joiner, byte order mark and the
# bidirectional embeddings, overrides and isolates (they can make served text read otherwise than it is stored). Zero-
# width joiner and non-joiner stay: Persian and emoji need them. Lone surrogates cannot be encoded at all.
_DROPPED = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_SPACE = re.compile(r"\s+")
_MARK = "".join(
    chr(code)
    for start, stop in ((0x300, 0x3100), (0xA66F, 0xAC00), (0xFE20, 0xFE30))
    for code in range(start, stop)
    if unicodedata.combining(chr(code))
)
# Unicode's Stream-Safe Text Format (UAX 15) allows 30 combining marks in a row: longer runs carry no language and make
# normalisation quadratic.
_TOO_MANY_MARKS = re.compile(f"([{_MARK}]{{30}})[{_MARK}]+")


def clean_line(text: str) -> str:
    """One line: NFC, no control or invisible characters, single spaces, trimmed."""
    if text.isascii():
        return " ".join((text if text.isprintable() else _DROPPED.sub("", text)).split())
    text = _TOO_MANY_MARKS.sub(r"\1", _DROPPED.sub("", text))
    return unicodedata.normalize("NFC", _SPACE.sub(" ", text).strip())


def clean_paragraphs(lines: list[str]) -> str:
    """Paragraphs, each one clean line, with a blank line between them; empty ones and repetitions in a row go."""
    kept: list[str] = []
    for line in map(clean_line, lines):
        if line and (not kept or kept[-1] != line):
            kept.append(line)
    return "\n\n".join(kept)
