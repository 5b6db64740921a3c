"""Bytes to UTF-8 bytes: byte order marks, declarations right and wrong, and none at all. Pure.

A body that is valid UTF-8 with letters beyond ASCII is UTF-8, whatever it declares: other text is so by accident about
never. Then the mark, the document's own declaration and the content type are tried in this order (RFC 7303 puts the
content type before the declaration, but servers add one by default that authors never see), then Windows-1252.
"""

from __future__ import annotations

import codecs
import re

from services.ingest.charsets import python_name

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Without a mark, by how the first `<` or `{` of a document stands among zeros.
_UNMARKED = (
    (re.compile(rb"(?:[\t\n\r ]\0\0\0)*[<{]\0\0\0"), "utf-32-le"),
    (re.compile(rb"(?:\0\0\0[\t\n\r ])*\0\0\0[<{]"), "utf-32-be"),
    (re.compile(rb"(?:[\t\n\r ]\0)*[<{]\0[^\0]"), "utf-16-le"),
    (re.compile(rb"(?:\0[\t\n\r ])*\0[<{]\0"), "utf-16-be"),
)
_DECLARATION = re.compile(rb"\A\s*<\?xml[^>]*>", re.IGNORECASE)
_DECLARED = re.compile(rb"""encoding\s*=\s*["']?\s*([A-Za-z0-9._:\-]+)""", re.IGNORECASE)
_CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([A-Za-z0-9._:\-]+)""", re.IGNORECASE)
# Each with a literal beginning and no flags: such a search costs next to nothing where nothing is found.
_C1_REFERENCE = re.compile(rb"&#(?:(1[2-5]\d)|[xX]([89][0-9a-fA-F]));")
_HALF_REFERENCE = re.compile(
    rb"&(?:amp;)?#0{0,8}(?:(5[5-7]\d{3})|[xX]0{0,8}([dD][89a-fA-F][0-9a-fA-F]{2}))(?:;|(?![0-9a-fA-F]))"
)
_C1 = re.compile(rb"\xc2([\x80-\x9f])")


def to_utf8(body: bytes, content_type: str | None) -> tuple[bytes, bool]:
    """(the document in UTF-8 without its XML declaration and mark, whether it had declared something wrong)."""
    wide = _wide(body)
    if wide is not None:
        return _without_declaration(wide), False
    body = body.removeprefix(codecs.BOM_UTF8)
    found = _DECLARATION.match(body[:1024])
    declared = _DECLARED.search(found.group()) if found else None
    charset = _CHARSET.search(content_type or "")
    names = [python_name(m) for m in (declared and declared.group(1).decode(), charset and charset.group(1)) if m]
    seven_bit = next((n for n in names if n and (n.startswith("iso2022") or n in ("hz", "utf_7"))), None)
    if seven_bit is None and _is_utf8(body):
        wrong = not body.isascii() and bool(names) and names[0] not in ("utf-8", None)
        return _without_declaration(body), wrong
    for candidate in (seven_bit, *names):
        if candidate is None or (candidate.startswith("utf-") and candidate != "utf-7"):
            continue  # it is no UTF-8, and nothing with a wide form begins like this
        try:
            return _without_declaration(body.decode(candidate).encode()), False
        except (UnicodeError, LookupError):
            continue
    return _without_declaration(_patched(body).encode()), True


def _wide(body: bytes) -> bytes | None:
    """What is written in UTF-16 or UTF-32, marked or not; None for all else."""
    for mark, name in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace").encode("utf-8", "replace")
    if b"\0" in body[:4]:
        for beginning, name in _UNMARKED:
            if beginning.match(body):
                return body.decode(name, "replace").encode("utf-8", "replace")
    return None


def _is_utf8(body: bytes) -> bool:
    if body.isascii():
        return True
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _patched(body: bytes) -> str:
    """UTF-8 with stray bytes of Windows-1252 in it; where most of it is no UTF-8, all of it as Windows-1252."""
    text = body.decode("utf-8", "surrogateescape")
    stray = sum(1 for c in text if "\udc80" <= c <= "\udcff")
    proper = sum(1 for c in text if c > "\x7f") - stray
    if proper <= stray:
        return body.decode("cp1252", "replace")
    return "".join(_stray(c) if "\udc80" <= c <= "\udcff" else c for c in text)


def _stray(char: str) -> str:
    return bytes([ord(char) - 0xDC00]).decode("cp1252", "replace")


def _without_declaration(document: bytes) -> bytes:
    found = _DECLARATION.match(document[:1024])
    document = document[found.end() :] if found else document
    if b"#" in document:
        document = _C1_REFERENCE.sub(_referred, _paired(document))
    return document if document.isascii() else _C1.sub(_meant, document)


def _paired(document: bytes) -> bytes:
    """References to the two halves of a character, as software writes that thinks in UTF-16, as that character."""
    halves, count = _HALF_REFERENCE.subn(_half, document)
    if not count:
        return document
    text = halves.decode("utf-8", "surrogatepass")
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _half(match: re.Match[bytes]) -> bytes:
    decimal, hexadecimal = match.groups()
    number = int(decimal) if decimal else int(hexadecimal, 16)
    return chr(number).encode("utf-8", "surrogatepass") if 0xD800 <= number <= 0xDFFF else match.group()


def _referred(match: re.Match[bytes]) -> bytes:
    decimal, hexadecimal = match.groups()
    number = int(decimal) if decimal else int(hexadecimal, 16)
    return _windows(number) if 128 <= number <= 159 else match.group()


def _meant(match: re.Match[bytes]) -> bytes:
    return _windows(match.group(1)[0])


def _windows(number: int) -> bytes:
    """C1 control characters are Windows-1252 by another door, raw or as references (HTML, "numeric references")."""
    return bytes([number]).decode("cp1252", "replace").encode()
