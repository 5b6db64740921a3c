"""`wiredesk searches`: filters kept under a name and served as feeds."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from wiredesk.cli.output import show_json, show_members, show_rows
from wiredesk.cli.session import AsJson, connect
from wiredesk.models import SavedSearch

app = typer.Typer(help="Keep searches under a name; each is served and pushed as a feed.", no_args_is_help=True)
SearchId = Annotated[int, typer.Argument(metavar="ID")]
Words = Annotated[str | None, typer.Option("--q", help='Words, "phrases", OR, -minus.')]
Langs = Annotated[list[str] | None, typer.Option("--lang", help="Language, such as en; may be repeated.")]
Sources = Annotated[list[str] | None, typer.Option("--source", help="Source id; may be repeated.")]
Entities = Annotated[list[str] | None, typer.Option("--entity", help="Entity id; may be repeated.")]
Topics = Annotated[list[str] | None, typer.Option("--topic", help="Media Topic, medtop:…; may be repeated.")]
Places = Annotated[list[str] | None, typer.Option("--place", help="Place id or country; may be repeated.")]


def _filters(q: str | None, **many: list[str] | None) -> dict[str, Any]:
    given = ({"q": q} if q else {}) | {name: values for name, values in many.items() if values}
    if not given:
        raise typer.BadParameter("say what to look for: --q, --lang, --source, --entity, --topic or --place")
    return given


def _asked(search: SavedSearch) -> str:
    """The filters on one line, as a query string reads."""
    told = {name: value if isinstance(value, list) else [value] for name, value in search.filters.items()}
    return " ".join(f"{name}={','.join(map(str, values))}" for name, values in told.items())


def _show(found: list[SavedSearch]) -> None:
    show_rows(("ID", "NAME", "FEED", "FILTERS"), ((s.id, s.name, s.feeds.get("atom"), _asked(s)) for s in found))


@app.command()
def add(
    ctx: typer.Context,
    name: str,
    q: Words = None,
    lang: Langs = None,
    source: Sources = None,
    entity: Entities = None,
    topic: Topics = None,
    place: Places = None,
    as_json: AsJson = False,
) -> None:
    """Keep a search; from then on it is a feed."""
    filters = _filters(q, lang=lang, source=source, entity=entity, topic=topic, place=place)
    with connect(ctx) as desk:
        made = desk.searches.add(name, filters)
    show_json(made) if as_json else _show([made])


@app.command()
def preview(
    ctx: typer.Context,
    q: Words = None,
    lang: Langs = None,
    source: Sources = None,
    entity: Entities = None,
    topic: Topics = None,
    place: Places = None,
    days: Annotated[int, typer.Option(help="How many days back, 1 to 90.")] = 7,
    as_json: AsJson = False,
) -> None:
    """What a search would have found over the last days, without keeping it."""
    filters = _filters(q, lang=lang, source=source, entity=entity, topic=topic, place=place)
    with connect(ctx) as desk:
        told = desk.searches.preview(filters, days=days).model_dump(mode="json")
    if as_json:
        show_json(told)
        return
    show_rows(("DAY", "ARTICLES"), ((day["start"][:10], day["count"]) for day in told.get("days", ())))
    print(f"{told.get('total')} in all{'' if told.get('exact') else ', estimated'}")
    for one in told.get("sample", ()):
        show_members({one["id"]: one["title"]})
    for other in told.get("overlap", ()):
        show_members({"also found by": f"{other['name']} ({other['share']:.0%})"})


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """All saved searches."""
    with connect(ctx) as desk:
        found = list(desk.searches.list())
    show_json(found) if as_json else _show(found)


@app.command()
def show(ctx: typer.Context, search_id: SearchId, as_json: AsJson = False) -> None:
    """One saved search, with the addresses of its feeds."""
    with connect(ctx) as desk:
        found = desk.searches.get(search_id)
    show_json(found) if as_json else show_members(found)


@app.command()
def delete(ctx: typer.Context, search_id: SearchId) -> None:
    """Forget a search; its feeds are gone, and nobody is pushed to any more."""
    with connect(ctx) as desk:
        desk.searches.remove(search_id)
