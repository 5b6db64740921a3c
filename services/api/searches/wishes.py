"""What a saved search asks for: the filters of the query string, said in JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from services.api import query
from services.api.problems import Problem, refuse
from services.api.query import ArticleQuery
from services.api.webhooks.wishes import in_body, pairs

NAMES = frozenset(p.name for p in query.ASKED if p.name != "since")
# What the address of a saved search takes beside: where to read on, and how much of it.
PAGE = tuple(p for p in query.ARTICLES if p.name in {"since", "limit", "cursor", "include", "fields"})


def asked(filters: Mapping[str, Any]) -> ArticleQuery:
    """The articles that filters stand for. Raises `Problem` 422 naming the member of the body that is wrong."""
    told = urlencode(pairs(filters, NAMES)).encode()
    try:
        return query.read_articles(told)
    except Problem as problem:
        raise refuse("bad_body", in_body(problem)) from problem


def kept(filters: Mapping[str, Any], page: bytes = b"") -> ArticleQuery:
    """The same for filters that were read before, and a query string of `PAGE`. Raises `Problem` for the latter."""
    return query.read_articles(b"&".join(filter(None, (urlencode(pairs(filters, NAMES)).encode(), page))))
