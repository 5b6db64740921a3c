"""The document type of an XML document taken out before anybody reads it. Pure, and linear whatever it holds.

No feed needs one, and all that is dangerous in XML stands in it. Entities that stand for a few plain characters are
put in where they are used, as their author meant them; all others are refused: they are not expanded, nothing they
name is opened, and their references stay as they are written.
"""

from __future__ import annotations

import re
from html import unescape

from services.ingest.outside import in_markup

PLAIN = 64  # characters that an entity may stand for
MOST = 300  # entities that are put in

_PROLOG = re.compile(rb"\s+")
_ENTITY = re.compile(rb"<!ENTITY\s")
_PLAIN_ENTITY = re.compile(rb"""<!ENTITY\s+([A-Za-z_][\w.\-]{0,60})\s+(?:"([^"<%]*)"|'([^'<%]*)')\s*>""")
_REFERENCE = re.compile(rb"&([A-Za-z_][\w.\-]{0,60});")
_STANDARD = frozenset((b"amp", b"lt", b"gt", b"quot", b"apos"))


def without_doctype(document: bytes) -> tuple[bytes, bool]:
    """(the UTF-8 document without its document type, whether entities were refused)."""
    start = _start(document)
    if start is None:
        return document, False
    end = _end(document, start)
    doctype, rest = document[start:end], document[:start] + document[end:]
    declared = len(_ENTITY.findall(doctype))
    if not declared:
        return rest, False
    plain = _plain(doctype)
    if plain:
        rest = in_markup(rest, lambda piece: _REFERENCE.sub(lambda one: plain.get(one.group(1), one.group()), piece))
    return rest, len(plain) < declared


def _start(document: bytes) -> int | None:
    """Where the document type begins: after white space, comments and instructions, and nowhere else."""
    at = 0
    while True:
        if blank := _PROLOG.match(document, at):
            at = blank.end()
        closing = b"-->" if document.startswith(b"<!--", at) else b"?>" if document.startswith(b"<?", at) else None
        if closing is None:
            return at if document[at : at + 9].upper() == b"<!DOCTYPE" else None
        end = document.find(closing, at + 2)
        if end < 0:
            return None
        at = end + len(closing)


def _end(document: bytes, start: int) -> int:
    """Behind the document type; behind everything where it does not end."""
    at, inside = start + 9, False
    for found in re.finditer(rb"""["'\[\]>]|<!--""", document[start + 9 :]):
        here = start + 9 + found.start()
        if here < at:
            continue  # within what was skipped
        token = found.group()
        if token in (b'"', b"'", b"<!--"):
            end = document.find(b"-->" if token == b"<!--" else token, here + len(token))
            if end < 0:
                return len(document)
            at = end + (3 if token == b"<!--" else 1)
        elif token == b"[":
            inside = True
        elif token == b"]":
            inside = False
        elif not inside:
            return here + 1
    return len(document)


def _plain(doctype: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for name, double, single in _PLAIN_ENTITY.findall(doctype):
        text = unescape((double or single).decode("utf-8", "replace"))
        if name in _STANDARD:
            found[name] = b"&" + name + b";"
        elif len(text) <= PLAIN and "&" not in text and "<" not in text:
            found.setdefault(name, text.encode())
    return dict(list(found.items())[:MOST])
