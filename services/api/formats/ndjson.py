"""Newline-delimited JSON: the articles' own JSON, one a line. Pure."""

from __future__ import annotations

from services.api.formats.listing import Listing

MEDIA_TYPE = "application/x-ndjson"


def render(listing: Listing) -> bytes:
    """The lines; none for no article."""
    return b"".join(one + b"\n" for one in listing.ready)
