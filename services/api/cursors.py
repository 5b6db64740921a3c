"""Cursors of lists in order of a text: opaque, and refused where they were not made here. Pure."""

from __future__ import annotations

import base64
import binascii

from services.api.params import Param, text

_MOST = 2000  # characters


def encode(place: str) -> str:
    """The cursor that stands for a place in the list."""
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def decode(cursor: str) -> str:
    """The place that a cursor stands for. Raises `ValueError`."""
    text(_MOST)(cursor)
    try:
        place = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("utf-8")
        if encode(place) != cursor or "\x00" in place:
            raise ValueError
        return place
    except (ValueError, binascii.Error):
        raise ValueError("is not a cursor of this list; start again without it") from None


CURSOR = Param("cursor", "where the page before ended; taken from `next`", decode)
