"""`/v1/articles/{id}/similar`: near articles, found by entities and keywords they share, ordered by likeness."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from services.api import params, shape
from services.api import store as articles
from services.api.answers import JSON, Body, answer, negotiate
from services.api.articles import article_id_of, unknown
from services.api.deps import Connection, resources
from services.api.openapi import described
from services.api.params import Param
from services.api.search import condition as conditions
from services.api.search import directory, likeness, store
from services.api.search.models import Similar
from services.api.search.store import Stored
from shared import facts, words

router = APIRouter(prefix="/v1/articles", tags=["articles"])

NEAR = timedelta(days=30)  # articles from this long before and after
FEATURES = 8  # entities that near articles are looked for by, the rarest of the salient ones
EACH = 80  # articles looked at for each of them
SALIENT = 15
TAKES: tuple[Param, ...] = (params.limit(50, 10),)


@router.get("/{article_id}/similar", **described(Similar, takes=TAKES, fails=("not_found", "not_acceptable")))
async def similar(request: Request, article_id: str) -> Response:
    """Articles like this one from around its time. `because` says what they share."""
    negotiate(request, (JSON,))
    held = resources(request)
    v = params.read(request.scope["query_string"], TAKES)
    async with held.reading() as conn:
        row = (await store.articles(conn, [article_id_of(article_id)], rest=False)).get(article_id_of(article_id))
        if row is None:
            raise unknown(article_id)
        found = await _near(conn, row)
    items = [
        shape.with_members(one.kept.card, one.position, {"similarity": round(like, 4), "because": because})
        for like, because, one in found[: v["limit"]]
    ]
    return answer(request, Body(shape.page(items, None, held.hub.head)))


async def _near(conn: Connection, row: Stored) -> list[tuple[float, list[str], Stored]]:
    card: dict[str, Any] = orjson.loads(row.kept.card)
    named = sorted(card.get("entities") or (), key=lambda e: e.get("salience") or 0, reverse=True)[:SALIENT]
    known = await directory.entities(conn, [e["id"] for e in named])
    counts = {one.id: one.articles for one in known.values()}
    rarest = sorted((e["id"] for e in named), key=lambda name: counts.get(name, 1))[:FEATURES]
    days = conditions.days(row.sort_at - NEAR, row.sort_at + NEAR)
    ids = set(await store.sharing(conn, row.article_id, [facts.fact("entity", one) for one in rarest], days, EACH))
    language = words.analyser(facts.language_of(card))
    asked = likeness.lookup_query([k["text"] for k in card.get("keywords") or ()], language)
    if asked:
        ids |= set(await store.worded_like(conn, row.article_id, asked, days, 2 * EACH))
    stored = await store.articles(conn, list(ids), rest=False)
    vectors = await articles.vectors(conn, [row.article_id, *ids])
    total = max(counts.values(), default=1) * 10
    mine = likeness.weights(card, counts, total)
    found = []
    for one in stored.values():
        overlap, because = likeness.shared(mine, likeness.weights(orjson.loads(one.kept.card), counts, total))
        like = likeness.likeness(overlap, vectors.get(row.article_id), vectors.get(one.article_id))
        found.append((like, because or ["text"], one))
    found.sort(key=lambda told: (told[0], told[2].article_id), reverse=True)
    return found
