"""Looks into stored articles, and changes them as another enricher would have left them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import psycopg

from shared.stored import Kept, pack

Made = dict[str, Any]
Conn = psycopg.Connection[Any]


def kept(conn: Conn, article_id: int) -> Kept:
    """An article's row, and the HTML that ingest has of it now."""
    (row,) = conn.execute(
        "SELECT e.packed, e.card, e.rest, a.body_packed, a.body_html FROM enriched_articles e"
        " LEFT JOIN articles a ON a.id = e.article_id WHERE e.article_id = %s",
        (article_id,),
    ).fetchall()
    return Kept(*row)


def both(conn: Conn, article_id: int) -> tuple[Made, Made]:
    """Its card and its rest."""
    found = kept(conn, article_id)
    card: Made = orjson.loads(found.card)
    return card, found.rest(card)


def alter(conn: Conn, article_id: int, change: Callable[[Made, Made], object], html: str | None = None) -> None:
    """Write it again after `change` had its card and its rest; with `html`, its body beside that."""
    card, rest = both(conn, article_id)
    change(card, rest)
    conn.execute(
        "UPDATE enriched_articles SET packed = %s, card = NULL, rest = NULL WHERE article_id = %s",
        (pack(card, orjson.dumps(card), rest, html), article_id),
    )


def unpacked(conn: Conn) -> None:
    """Leave everything as a version of the product left it that packed nothing: HTML, articles and events as texts."""
    for article_id, position in conn.execute("SELECT article_id, position FROM enriched_articles").fetchall():
        found = kept(conn, article_id)
        card = orjson.loads(found.card)
        texts = (found.card.decode(), orjson.dumps(found.rest(card)).decode())
        conn.execute(
            "UPDATE events SET form = 0, version = NULL, card = NULL, data = %s WHERE position = %s AND form = 1",
            (texts[0], position),
        )
        conn.execute(
            "UPDATE enriched_articles SET packed = NULL, card = %s, rest = %s WHERE article_id = %s",
            (*texts, article_id),
        )
        html = found.publishers_html
        conn.execute("UPDATE articles SET body_packed = NULL, body_html = %s WHERE id = %s", (html, article_id))
