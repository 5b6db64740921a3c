"""`/v1/articles`: search, one article, its versions and its way here; in every form that formats/ has."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from services.api import formats, params, query, shape, store
from services.api.answers import JSON, Body, answer, negotiate
from services.api.deps import Resources, resources
from services.api.formats import Item, ListForm, Listing
from services.api.openapi import described
from services.api.problems import InputError, Problem, not_ahead, refuse
from services.api.query import ArticleQuery
from services.api.schemas import EMBEDDING, ArticlePage, ArticleServed, Trace, Versions
from services.api.search import ranking
from services.api.search import store as lookup
from services.api.websub import asking

router = APIRouter(prefix="/v1/articles", tags=["articles"])


_LISTS = {f.media_type: f.schema for f in formats.LISTS.values()}
_ARTICLES = {f.media_type: f.schema for f in formats.ARTICLES.values()}
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


@router.get(
    "",
    **described(ArticlePage, takes=query.ARTICLES, also=_LISTS, fails=("not_acceptable", "too_slow", "position_ahead")),
)
async def search(request: Request) -> Response:
    """Articles, newest or best first. Following the event stream from the page's `position` misses nothing."""
    kind = negotiate(request, (JSON, *_LISTS))
    form = next((form for form in formats.LISTS.values() if form.media_type == kind), None)
    return await _listed(request, form)


async def _listed(request: Request, form: ListForm | None) -> Response:
    """A page in a form, by whichever address it was asked for; None is our own JSON, which alone is kept."""
    held = resources(request)
    pages: Pages = request.app.state.pages
    asked: bytes = request.scope["query_string"]
    if form is not None:
        return await _rendered(request, held, form, query.read_articles(asked))
    key = request.url.path.encode() + b"?" + asked
    kept = pages.get(key, held.hub.head) if held.hub.live else None
    if kept is None:
        until = time.monotonic() + KEPT_S
        items, following, head = await _read(request, held, query.read_articles(asked))
        kept = Kept(Body(shape.page(items, following, head)), following, head, until)
        pages.put(key, kept)
    return answer(request, kept.body, headers=_around(kept.following, request))


async def served(request: Request, form: ListForm | None, wanted: ArticleQuery, title: str) -> Response:
    """A page of what was read elsewhere, a saved search, in a form; None is our own JSON. Its address is a topic of
    the hub: the same with a query string is none.
    """
    held = resources(request)
    pushed = not request.scope["query_string"]
    if form is not None:
        return await _rendered(request, held, form, wanted, title, pushed=pushed)
    items, following, head = await _read(request, held, wanted)
    return answer(request, Body(shape.page(items, following, head)), headers=_around(following, request, pushed))


async def _rendered(
    request: Request,
    held: Resources,
    form: ListForm,
    wanted: ArticleQuery,
    title: str = "Wiredesk articles",
    *,
    pushed: bool = False,
) -> Response:
    fields = wanted.form.fields
    if fields and not form.chooses:
        raise refuse("bad_value", [InputError("query.fields", f"means nothing in {form.extension}")])
    if fields and form.needs:
        wanted = replace(wanted, form=replace(wanted.form, fields=tuple(sorted({*fields, *form.needs}))))
    items, following, head = await _read(request, held, wanted)
    base = str(request.base_url).rstrip("/")
    listing = Listing(
        title=title,
        self_url=base + _path(request),
        home_url=base + "/",
        next_url=base + following if following else None,
        origin=held.log.source,
        ready=items,
        fields=fields,
        hub_url=base + asking.PATH if pushed else None,
    )
    headers = _around(following, request, pushed) | {"Wiredesk-Position": str(head)}
    return answer(request, Body(form.render(listing)), media_type=form.media_type, headers=headers)


async def _read(request: Request, held: Resources, wanted: ArticleQuery) -> tuple[list[bytes], str | None, int]:
    """The articles of a page, the address of the next, and the head of the log they were read at."""
    rest, now = shape.needs_rest(wanted.form), datetime.now(UTC)
    cut = None
    async with held.reading() as conn:
        if wanted.relevance:
            head, ranked = await lookup.candidates(conn, wanted, now, held.hub.head)
            since = wanted.ranked_after.now if wanted.ranked_after else now
            order = ranking.best(ranked, wanted.filter.q, since, wanted.ranked_after, wanted.limit + 1)
            stored = await lookup.articles(conn, [one.at[1] for one in order], rest=rest)
            rows = [(query.encode_ranked(one), stored[one.at[1]]) for one in order if one.at[1] in stored]
        else:
            found = await lookup.newest(conn, wanted, now, held.hub.head, rest=rest)
            head, cut = found.head, found.cut
            rows = [(query.encode_cursor(row.sort_at, row.article_id), row) for row in found.rows]
        not_ahead(wanted.filter.since, head)
        asked = [row.article_id for _, row in rows] if EMBEDDING in wanted.form.fields else []
        vectors = await store.vectors(conn, asked) if asked else {}
        told = await lookup.versions(conn, [row.article_id for _, row in rows]) if wanted.form.versions else {}
    following = None
    if cut is not None:
        following = query.with_values(request.url.path, request.scope["query_string"], cursor=query.encode_cursor(*cut))
    if len(rows) > wanted.limit:
        rows = rows[: wanted.limit]
        following = query.with_values(request.url.path, request.scope["query_string"], cursor=rows[-1][0])
    items = [
        shape.article(r.kept, r.position, wanted.form, vectors.get(r.article_id), told.get(r.article_id))
        for _, r in rows
    ]
    return items, following, head


def _around(following: str | None, request: Request, pushed: bool = False) -> dict[str, str]:
    base = str(request.base_url).rstrip("/")
    told = [f'<{following}>; rel="next"'] if following else []
    told += [asking.links(base, base + _path(request))] if pushed else []
    return {"Link": ", ".join(told)} if told else {}


def _path(request: Request) -> str:
    asked = request.scope["query_string"].decode("ascii")
    return f"{request.url.path}?{asked}" if asked else request.url.path


def _list_route(form: ListForm | None) -> Callable[[Request], Awaitable[Response]]:
    async def listed(request: Request) -> Response:
        return await _listed(request, form)

    return listed


for _form in (None, *formats.LISTS.values()):
    _extension, _about = (_form.extension, _form.about) if _form else ("json", "Wiredesk JSON")
    router.add_api_route(
        f".{_extension}",
        _list_route(_form),
        name=f"articles_{_extension}",
        description=f"The same list, whatever `Accept` says, as {_about}.",
        **described(
            None if _form else ArticlePage,
            takes=query.ARTICLES if _form is None or _form.chooses else query.WHOLE_ARTICLES,
            also={_form.media_type: _form.schema} if _form else {},
            fails=("too_slow", "position_ahead"),
        ),
    )


async def _one(request: Request, article_id: str, form: formats.ArticleForm | None) -> Response:
    """One whole article in a form, by whichever address it was asked for."""
    held = resources(request)
    wanted = params.read(request.scope["query_string"], () if form else query.ONE_ARTICLE)
    async with held.reading() as conn:
        row = (await lookup.articles(conn, [article_id_of(article_id)], rest=True)).get(article_id_of(article_id))
        asked = row is not None and EMBEDDING in (wanted.get("fields") or ())
        vectors = await store.vectors(conn, [article_id_of(article_id)]) if asked else {}
        with_versions = row is not None and any("versions" in names for names in wanted.get("include", ()))
        versions = await lookup.versions(conn, [article_id_of(article_id)]) if with_versions else {}
    if row is None:
        raise unknown(article_id)
    told = shape.whole(row.kept, row.position)
    if asked:
        told[EMBEDDING] = shape.numbers(vectors.get(row.article_id))
    told = shape.only(told, wanted.get("fields") or ())
    if versions:
        told["versions"] = versions[row.article_id]
    if form is not None:
        return answer(request, Body(form.render(Item(told, held.log.source))), media_type=form.media_type)
    return answer(request, Body(orjson.dumps(told, option=orjson.OPT_UTC_Z)))


def _one_route(form: formats.ArticleForm | None) -> Callable[[Request, str], Awaitable[Response]]:
    async def one(request: Request, article_id: str) -> Response:
        return await _one(request, article_id, form)

    return one


for _article_form in (None, *formats.ARTICLES.values()):  # before the route without extension, which takes any name
    _extension, _about = (_article_form.extension, _article_form.about) if _article_form else ("json", "Wiredesk JSON")
    router.add_api_route(
        f"/{{article_id}}.{_extension}",
        _one_route(_article_form),
        name=f"article_{_extension}",
        description=f"One whole article, whatever `Accept` says, as {_about}.",
        **described(
            None if _article_form else ArticleServed,
            takes=() if _article_form else query.ONE_ARTICLE,
            also={_article_form.media_type: _article_form.schema} if _article_form else {},
            fails=("not_found",),
        ),
    )


@router.get(
    "/{article_id}",
    **described(ArticleServed, takes=query.ONE_ARTICLE, also=_ARTICLES, fails=("not_found", "not_acceptable")),
)
async def one(request: Request, article_id: str) -> Response:
    """One whole article; as ninjs or JSON-LD where `Accept` prefers it."""
    kind = negotiate(request, (JSON, *_ARTICLES))
    return await _one(request, article_id, next((f for f in formats.ARTICLES.values() if f.media_type == kind), None))


@router.get("/{article_id}/versions", **described(Versions, fails=("not_found", "not_acceptable")))
async def versions(request: Request, article_id: str) -> Response:
    """What was seen of the article, and when; each version with what changed in it."""
    held = resources(request)
    negotiate(request, (JSON,))
    params.read(request.scope["query_string"], ())
    async with held.reading() as conn:
        rows = await store.versions(conn, article_id_of(article_id))
    if not rows:
        raise unknown(article_id)
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
        rows = await store.trace(conn, article_id_of(article_id))
    if not rows:
        raise unknown(article_id)
    items = [{"at": at, "step": step, **detail} for at, step, detail in rows]
    return answer(
        request, Body(orjson.dumps({"id": article_id_of(article_id), "items": items}, option=orjson.OPT_UTC_Z))
    )


def article_id_of(text: str) -> int:
    """The id in a path. Raises `Problem`: what is no number is no article."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise unknown(text)
    return int(text)


def unknown(article_id: str) -> Problem:
    """The problem that there is no such article."""
    return Problem("not_found", f"there is no article {article_id}")
