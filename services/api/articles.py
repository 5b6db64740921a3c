"""`/v1/articles`: search, one article, its versions and its way here."""

from __future__ import annotations

import time
from dataclasses import dataclass

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from services.api import params, query, shape, store
from services.api.answers import JSON, Body, answer, negotiate
from services.api.deps import Resources, resources
from services.api.openapi import described
from services.api.problems import Problem
from services.api.query import ArticleQuery
from services.api.schemas import ArticlePage, ArticleWhole, Trace, Versions

router = APIRouter(prefix="/v1/articles", tags=["articles"])

KEPT_PAGES = 64
KEPT_S = 1.0  # a page made before its articles were removed is served no longer than this


@dataclass(frozen=True, slots=True)
class Kept:
    """A page, the head of the log it was read at, and until when it may be served."""

    body: Body
    following: str | None
    position: int
    until: float


class Pages:
    """The pages asked for last, each served until the log moves on: dashboards ask the same again and again."""

    def __init__(self) -> None:
        self._kept: dict[bytes, Kept] = {}

    def get(self, asked: bytes, head: int) -> Kept | None:
        """The page of a query string, if nothing has happened since it was read."""
        kept = self._kept.get(asked)
        return kept if kept and kept.position >= head and time.monotonic() < kept.until else None

    def put(self, asked: bytes, kept: Kept) -> None:
        """Keep a page."""
        if len(self._kept) >= KEPT_PAGES:
            self._kept.clear()
        self._kept[asked] = kept


@router.get("", **described(ArticlePage, takes=query.ARTICLES, fails=("not_acceptable", "too_slow")))
async def search(request: Request) -> Response:
    """Articles, newest first. Following the event stream from the page's `position` misses nothing."""
    held = resources(request)
    pages: Pages = request.app.state.pages
    negotiate(request, (JSON,))
    asked: bytes = request.scope["query_string"]
    kept = pages.get(asked, held.hub.head) if held.hub.live else None
    if kept is None:
        kept = await _read(held, query.read_articles(asked), asked)
        pages.put(asked, kept)
    link = {"Link": f'<{kept.following}>; rel="next"'} if kept.following else {}
    return answer(request, kept.body, headers=link)


async def _read(held: Resources, wanted: ArticleQuery, asked: bytes) -> Kept:
    until = time.monotonic() + KEPT_S
    async with held.reading() as conn:
        head, rows = await store.articles(conn, wanted, rest=shape.needs_rest(wanted.form))
    following = None
    if len(rows) > wanted.limit:
        rows = rows[: wanted.limit]
        cursor = query.encode_cursor(rows[-1].sort_at, rows[-1].article_id)
        following = query.with_values("/v1/articles", asked, cursor=cursor)
    items = [shape.article(r.card, r.rest, r.position, wanted.form) for r in rows]
    return Kept(Body(shape.page(items, following, head)), following, head, until)


@router.get("/{article_id}", **described(ArticleWhole, takes=query.ONE_ARTICLE, fails=("not_found", "not_acceptable")))
async def one(request: Request, article_id: str) -> Response:
    """One whole article."""
    held = resources(request)
    negotiate(request, (JSON,))
    wanted = params.read(request.scope["query_string"], query.ONE_ARTICLE)
    async with held.reading() as conn:
        row = await store.article(conn, _id(article_id))
    if row is None:
        raise _unknown(article_id)
    told = shape.only(shape.whole(row.card, row.rest, row.position), wanted["fields"] or ())
    return answer(request, Body(orjson.dumps(told)))


@router.get("/{article_id}/versions", **described(Versions, fails=("not_found", "not_acceptable")))
async def versions(request: Request, article_id: str) -> Response:
    """What was seen of the article, and when; each version with what changed in it."""
    held = resources(request)
    negotiate(request, (JSON,))
    params.read(request.scope["query_string"], ())
    async with held.reading() as conn:
        rows = await store.versions(conn, _id(article_id))
    if not rows:
        raise _unknown(article_id)
    names = ("version", "position", "seen_at", "title", "modified_at", "significant", "changes")
    items = [dict(zip(names, row, strict=True)) for row in rows]
    return answer(request, Body(orjson.dumps({"items": items}, option=orjson.OPT_UTC_Z)))


@router.get("/{article_id}/trace", **described(Trace, fails=("not_found", "not_acceptable")))
async def trace(request: Request, article_id: str) -> Response:
    """Every step the article went through, with its time."""
    held = resources(request)
    negotiate(request, (JSON,))
    params.read(request.scope["query_string"], ())
    async with held.reading() as conn:
        rows = await store.trace(conn, _id(article_id))
    if not rows:
        raise _unknown(article_id)
    items = [{"at": at, "step": step, **detail} for at, step, detail in rows]
    return answer(request, Body(orjson.dumps({"id": _id(article_id), "items": items}, option=orjson.OPT_UTC_Z)))


def _id(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise _unknown(text)
    return int(text)


def _unknown(article_id: str) -> Problem:
    return Problem("not_found", f"there is no article {article_id}")
