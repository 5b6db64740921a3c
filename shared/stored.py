"""How an article's ready JSON stands in the store: packed in one piece, nothing in it twice. Pure.

    card ──────────────▶ packed JSON               served as it is, without looking at the others
    rest ─ shared/slim ▶ packed JSON               what neither the card nor the body say already
    body ──────────────▶ how it differs from the   read beside the HTML of its version
                         publisher's HTML

A piece is `1`, the lengths of the first two (3 bytes each), then all three. Rows from before this stand as JSON texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from shared.packing import pack_json, pack_like, pack_text, unpack, unpack_text, words_of
from shared.slim import slim, whole_rest

Told = dict[str, Any]
FORM = 1
_HEAD = 7
_JSON = orjson.OPT_UTC_Z


@dataclass(frozen=True, slots=True)
class Kept:
    """An article as it stands in the store. Where only the card is wanted, the others may be left out.

    `html_packed` or `html` is the publisher's HTML of the article's version.
    """

    packed: bytes | None
    card_text: str | None = None
    rest_text: str | None = None
    html_packed: bytes | None = None
    html: str | None = None

    @property
    def card(self) -> bytes:
        """The card's JSON."""
        return (self.card_text or "{}").encode() if self.packed is None else unpack(card_part(self.packed))

    def rest(self, card: Mapping[str, Any]) -> Told:
        """The rest, beside its card. A body whose HTML is gone is null: retention empties one after the other."""
        if self.packed is None:
            told: Told = orjson.loads(self.rest_text or "{}")
            return told
        _, rest, body = _parts(self.packed)
        return whole_rest(card, orjson.loads(unpack(rest)), self._body(body))

    def whole(self) -> Told:
        """The whole object, without `position`: the card overlaid with the rest, whose members win."""
        card: Told = orjson.loads(self.card)
        return {**card, **self.rest(card)}

    def annotations(self) -> Told:
        """What the steps said of themselves, without how long they took."""
        told = orjson.loads((self.rest_text or "{}") if self.packed is None else unpack(_parts(self.packed)[1]))
        found: Told = told.get("annotations") or {}
        return found

    @property
    def publishers_html(self) -> str | None:
        """The HTML beside which the body is read."""
        return words_of(None, self.html, self.html_packed)[1]

    def _body(self, packed: bytes) -> str | None:
        if not packed:
            return None
        try:
            return unpack_text(packed, self.publishers_html)
        except ValueError:
            return None


def pack(card: Mapping[str, Any], card_json: bytes, rest: Mapping[str, Any], html: str | None) -> bytes:
    """The piece to store. `html`: the publisher's, where the body was made of it."""
    return pack_slim(card_json, slim(card, rest), rest.get("body_text"), html)


def pack_slim(card_json: bytes, rest: Mapping[str, Any], body: str | None, html: str | None) -> bytes:
    """The same of a rest that is slim already."""
    card_packed, rest_packed = pack_json(card_json), pack_json(orjson.dumps(rest, option=_JSON))
    packed = b"" if body is None else pack_like(body, html) if html else pack_text(body)
    return b"".join((bytes((FORM,)), _length(card_packed), _length(rest_packed), card_packed, rest_packed, packed))


def card_part(packed: bytes) -> bytes:
    """The card alone, still packed: what an event keeps of a card when another one takes its place."""
    return _parts(packed)[0]


def _length(part: bytes) -> bytes:
    return len(part).to_bytes(3, "big")


def _parts(packed: bytes) -> tuple[bytes, bytes, bytes]:
    if packed[0] != FORM:
        raise ValueError(f"an article stored in a way that is not known here: {packed[0]}")
    middle = _HEAD + int.from_bytes(packed[1:4], "big")
    end = middle + int.from_bytes(packed[4:_HEAD], "big")
    return packed[_HEAD:middle], packed[middle:end], packed[end:]
