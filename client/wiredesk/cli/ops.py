"""`wiredesk sources`, `wiredesk reenrich`: for operators, beside the commands about the queue."""

from __future__ import annotations

from typing import Annotated

import typer

from wiredesk.cli.output import show_json, show_members, show_rows
from wiredesk.cli.session import AsJson, connect


def register(app: typer.Typer) -> None:
    """Put the commands into the tree."""
    app.command()(sources)
    app.command()(reenrich)


def sources(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Every source, the busiest first, and what became of the items of its feeds."""
    with connect(ctx) as desk:
        found = sorted(desk.sources(), key=lambda one: -one.articles)
    if as_json:
        show_json(found)
        return
    kinds = ("new", "corrected", "unchanged", "duplicate", "refused", "capped")
    rows = ((s.id, s.articles, s.newest_at, *(s.outcomes.get(kind, 0) for kind in kinds), s.name) for s in found)
    show_rows(("ID", "ARTICLES", "NEWEST", *(kind.upper() for kind in kinds), "NAME"), rows)


def reenrich(
    ctx: typer.Context,
    request: Annotated[int | None, typer.Option(help="Show how far this request is, instead of making one.")] = None,
    ids: Annotated[list[int] | None, typer.Option("--id", help="Only these articles; may be repeated.")] = None,
    source: Annotated[list[str] | None, typer.Option(help="Only of this source; may be repeated.")] = None,
    feed: Annotated[list[int] | None, typer.Option(help="Only of this feed; may be repeated.")] = None,
    lang: Annotated[list[str] | None, typer.Option(help="Only in this language; may be repeated.")] = None,
    after: Annotated[str | None, typer.Option("--from", help="Only published at or after this RFC 3339 time.")] = None,
    before: Annotated[str | None, typer.Option("--to", help="Only published before this RFC 3339 time.")] = None,
    step: Annotated[
        list[str] | None, typer.Option(help="Only what this step would read otherwise; repeatable.")
    ] = None,
    force: Annotated[bool, typer.Option(help="Read also what no step would read otherwise.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Count what would be read, and read nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Have a slice of the store read again, behind all news. All that is given must hold."""
    with connect(ctx) as desk:
        told = (
            desk.ops.reenrichment(request)
            if request is not None
            else desk.ops.reenrich(
                ids=ids or None,
                source=source or None,
                feed=feed or None,
                lang=lang or None,
                published_from=after,
                published_to=before,
                steps=step or None,
                force=force,
                dry_run=dry_run,
            )
        )
    show_json(told) if as_json else show_members(told)
