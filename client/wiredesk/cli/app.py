"""The command tree, its common options, and the commands about articles and the stream."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from wiredesk.cli import feeds, keys, ops, searches, server, webhooks
from wiredesk.cli.output import plain, show_json, show_json_line, show_members, show_rows
from wiredesk.cli.session import AsJson, connect, remember
from wiredesk.errors import StreamReset
from wiredesk.models import Article, Event
from wiredesk.resume import FileState
from wiredesk.sync import DEFAULT_URL

app = typer.Typer(
    name="wiredesk",
    help="Search enriched news, follow it live, manage feeds.",
    epilog="Exit codes: 0 done, 1 refused, 2 wrong usage, 3 not found, 4 not allowed, 5 not reachable, 6 try later.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(feeds.app, name="feeds")
app.add_typer(keys.app, name="keys")
app.add_typer(searches.app, name="searches")
app.add_typer(webhooks.app, name="webhooks")
server.register(app)
ops.register(app)

Langs = Annotated[list[str] | None, typer.Option("--lang", help="Language, such as en; may be repeated.")]
Sources = Annotated[list[str] | None, typer.Option("--source", help="Source id, such as example.org; repeatable.")]
Entities = Annotated[list[str] | None, typer.Option("--entity", help="Entity id; may be repeated.")]


@dataclass(frozen=True, slots=True)
class _Shown:
    """The columns of one article in a list."""

    article: Article

    def cells(self) -> tuple[object, ...]:
        a = self.article
        when = a.published_at or a.discovered_at
        return (a.id, when, a.language.code if a.language else None, a.source.id if a.source else None, a.title)


@app.callback()
def options(
    ctx: typer.Context,
    url: Annotated[str, typer.Option(envvar="WIREDESK_URL", help="Address of the API.")] = DEFAULT_URL,
    key: Annotated[str, typer.Option(envvar="WIREDESK_KEY", help="API key.", show_default=False)] = "",
) -> None:
    """Search enriched news, follow it live, manage feeds."""
    remember(ctx, url, key)


@app.command()
def mcp(ctx: typer.Context) -> None:
    """Serve an assistant over stdin and stdout by the Model Context Protocol (needs wiredesk[mcp])."""
    try:
        from wiredesk.mcp import server as mcp_server
    except ModuleNotFoundError as error:
        raise typer.BadParameter(
            f"{error.name} is not installed: pip install 'wiredesk[mcp]' (or ./client[mcp])"
        ) from error
    target = ctx.find_root().obj
    mcp_server(target.url, target.key or None).run("stdio")


@app.command()
def search(
    ctx: typer.Context,
    q: Annotated[str, typer.Argument(help='Words, "phrases", OR, -minus; nothing: the newest.')] = "",
    lang: Langs = None,
    source: Sources = None,
    entity: Entities = None,
    limit: Annotated[int, typer.Option(help="How many, 1 to 200.")] = 20,
    sort: Annotated[str | None, typer.Option(help="newest or relevance.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find articles."""
    with connect(ctx) as desk:
        page = desk.search(q or None, lang=lang or [], source=source or [], entity=entity or [], limit=limit, sort=sort)
    if as_json:
        show_json(page)
    else:
        show_rows(("ID", "PUBLISHED", "LANG", "SOURCE", "TITLE"), (_Shown(a).cells() for a in page.items))


@app.command()
def article(
    ctx: typer.Context, article_id: Annotated[int, typer.Argument(metavar="ID")], as_json: AsJson = False
) -> None:
    """Show the whole of one article."""
    with connect(ctx) as desk:
        found = desk.article(article_id)
    if as_json:
        show_json(found)
        return
    print(plain(found.title))
    source = found.source.name or found.source.id if found.source else None
    lang = found.language.code if found.language else None
    print(" · ".join(plain(x) for x in (source, found.published_at, lang, found.url) if x))
    for paragraph in (found.body_text or found.description or "").splitlines():
        print(f"\n{plain(paragraph)}" if paragraph.strip() else "", end="\n" if paragraph.strip() else "")
    print()
    show_rows(("ENTITY", "TYPE", "COUNT", "ID"), ((e.name, e.type, e.count, e.id) for e in found.entities))


@app.command()
def tail(
    ctx: typer.Context,
    after: Annotated[int | None, typer.Option(help="Begin after this position (0: the beginning); else now.")] = None,
    kind: Annotated[list[str] | None, typer.Option("--type", help="Event type; may be repeated.")] = None,
    q: Annotated[str | None, typer.Option(help="Only articles that match.")] = None,
    lang: Langs = None,
    source: Sources = None,
    entity: Entities = None,
    resume: Annotated[Path | None, typer.Option(help="File that remembers the position between runs.")] = None,
    as_json: AsJson = False,
) -> None:
    """Follow the event stream; with --json one CloudEvent a line."""

    def note(text: str) -> None:
        typer.echo(f"wiredesk: {plain(text)}", err=True)

    def reset(told: StreamReset) -> None:
        note(str(told))

    with connect(ctx) as desk:
        for event in desk.follow(
            after,
            q=q,
            type=kind or [],
            lang=lang or [],
            source=source or [],
            entity=entity or [],
            resume=FileState(resume) if resume else None,
            on_reset=reset,
            on_break=lambda why, wait_s: note(f"{why}; connecting again in {wait_s:.1f} s"),
        ):
            if as_json:
                show_json_line(event)
            else:
                print(_line(event), flush=True)


@app.command()
def replay(
    ctx: typer.Context,
    after: Annotated[int, typer.Option(help="Begin after this position; 0: the beginning.")],
    until: Annotated[int | None, typer.Option(help="End with this position; else with the newest event.")] = None,
    webhook: Annotated[str | None, typer.Option(help="Send it to this webhook again, instead of printing it.")] = None,
    kind: Annotated[list[str] | None, typer.Option("--type", help="Event type; may be repeated.")] = None,
    q: Annotated[str | None, typer.Option(help="Only articles that match.")] = None,
    lang: Langs = None,
    source: Sources = None,
    entity: Entities = None,
    as_json: AsJson = False,
) -> None:
    """A stretch of the past again: printed as `tail` would, or sent to a webhook under the ids it had."""
    if webhook is not None and (q or kind or lang or source or entity):
        raise typer.BadParameter("a webhook has its own filters", param_hint="--webhook")
    with connect(ctx) as desk:
        if webhook is not None:
            asked = desk.webhooks.replay(webhook, after, until)
            show_json(asked) if as_json else show_members(asked)
            return
        end = desk.head() if until is None else until
        going = after < end
        while going:
            page = desk.events(
                after, q=q, type=kind or [], lang=lang or [], source=source or [], entity=entity or [], limit=1000
            )
            for event in page.items:
                if event.position <= end:
                    show_json_line(event) if as_json else print(_line(event))
            after = page.position or end
            going = page.next is not None and after < end


@app.command()
def trace(
    ctx: typer.Context, article_id: Annotated[int, typer.Argument(metavar="ID")], as_json: AsJson = False
) -> None:
    """Every step an article went through, with times."""
    with connect(ctx) as desk:
        found = desk.trace(article_id)
    show_json(found) if as_json else show_members(found)


@app.command()
def queue(ctx: typer.Context, as_json: AsJson = False) -> None:
    """How much waits, and for how long."""
    with connect(ctx) as desk:
        found = desk.ops.queues()
    show_json(found) if as_json else show_members(found)


@app.command()
def workers(ctx: typer.Context, as_json: AsJson = False) -> None:
    """The workers that enrich: busy or idle, how much done, how much memory."""
    with connect(ctx) as desk:
        found = desk.ops.workers().model_dump(mode="json")
    if as_json:
        show_json(found["items"])
        return
    show_rows(
        ("WORKER", "PID", "STATE", "SEEN", "MESSAGES", "ARTICLES", "FAILURES", "MEMORY"),
        (
            (
                worker["id"],
                one["pid"],
                one["state"],
                one["seen_at"],
                one["messages"],
                one["articles"],
                one["failures"],
                f"{one['rss_bytes'] // 2**20} MiB",
            )
            for worker in found["items"]
            for one in worker["processes"]
        ),
    )


@app.command()
def status(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Whether it serves, and how the pipeline runs; exit code 1 when it is not ready."""
    with connect(ctx) as desk:
        ready = desk.ops.ready()
        told = ready.model_dump(mode="json")
        if told.get("ready"):
            told["pipeline"] = desk.ops.pipeline().model_dump(mode="json")
    show_json(told) if as_json else show_members(told)
    if not told.get("ready"):
        raise typer.Exit(1)


def _line(event: Event) -> str:
    """One event on one line: position, time, what happened, in which language, source and title."""
    kind = event.type.removeprefix("wiredesk.").removesuffix(".v1")
    found = event.article
    if found is None:
        about = plain(event.data.get("title") or event.data.get("url") or event.subject)
    else:
        lang = found.language.code if found.language else None
        about = f"{plain(lang):<3} {plain(found.source.id if found.source else None):<24} {plain(found.title)}"
        names = ", ".join(plain(e.name) for e in found.entities[:4])
        about += f"  [{names}]" if names else ""
    return f"{event.position:>8}  {event.time:%H:%M:%S}  {kind:<20} {about}"
