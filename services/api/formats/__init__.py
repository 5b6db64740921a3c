"""The forms in which articles are served beside Wiredesk's own JSON: pure renderers, one file each.

A list form takes a `Listing`, an article form an `Item`; both give bytes. `LISTS` and `ARTICLES` are all there are, by
extension: a new form is a file here and a line below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.api.formats import atom, csv, jsonfeed, jsonld, ndjson, ninjs, rss
from services.api.formats.listing import Item, Listing

__all__ = ["ARTICLES", "LISTS", "ArticleForm", "Item", "ListForm", "Listing"]


@dataclass(frozen=True, slots=True)
class ListForm:
    """A form of a list. `chooses`: whether `fields` means anything in it; `needs`: the members it cannot do without."""

    extension: str
    media_type: str
    about: str
    render: Callable[[Listing], bytes]
    chooses: bool = False
    needs: tuple[str, ...] = ()

    @property
    def schema(self) -> dict[str, Any]:
        """What its bytes are, in a JSON schema."""
        return _schema(self.media_type, self.about)


@dataclass(frozen=True, slots=True)
class ArticleForm:
    """A form of one article."""

    extension: str
    media_type: str
    about: str
    render: Callable[[Item], bytes]

    @property
    def schema(self) -> dict[str, Any]:
        """What its bytes are, in a JSON schema."""
        return _schema(self.media_type, self.about)


def _schema(media_type: str, about: str) -> dict[str, Any]:
    return {"type": "object" if media_type.endswith("+json") else "string", "description": about}


LISTS: Mapping[str, ListForm] = {
    form.extension: form
    for form in (
        ListForm("rss", rss.MEDIA_TYPE, "RSS 2.0", rss.render),
        ListForm("atom", atom.MEDIA_TYPE, "Atom (RFC 4287)", atom.render),
        ListForm("jsonfeed", jsonfeed.MEDIA_TYPE, "JSON Feed 1.1", jsonfeed.render),
        ListForm("ndjson", ndjson.MEDIA_TYPE, "one JSON object a line", ndjson.render, True),
        ListForm("csv", csv.MEDIA_TYPE, "CSV with a header line (RFC 4180)", csv.render, True, csv.NEEDS),
        ListForm("ninjs", ninjs.MEDIA_TYPE, "IPTC ninjs 3.1: a composite of the articles", ninjs.render_list),
    )
}
ARTICLES: Mapping[str, ArticleForm] = {
    form.extension: form
    for form in (
        ArticleForm("ninjs", ninjs.MEDIA_TYPE, "IPTC ninjs 3.1", ninjs.render),
        ArticleForm("jsonld", jsonld.MEDIA_TYPE, "schema.org NewsArticle as JSON-LD", jsonld.render),
    )
}
