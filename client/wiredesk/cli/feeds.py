"""`wiredesk feeds`: what is subscribed, and how it fares."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from wiredesk.cli.output import plain, show_json, show_members, show_rows
from wiredesk.cli.session import AsJson, connect
from wiredesk.models import Feed

app = typer.Typer(help="Subscribe to feeds and see how they fare.", no_args_is_help=True)
FeedId = Annotated[int, typer.Argument(metavar="ID")]


def _row(feed: Feed) -> tuple[object, ...]:
    state = feed.state
    trouble = f"{state.error.code}: {state.error.message}" if state.error else ""
    about = " — ".join(x for x in (feed.title or "", feed.url, trouble) if x)
    return (feed.id, state.status, state.last_polled_at, state.next_poll_at, state.articles_total, about)


def _show(feeds: list[Feed]) -> None:
    show_rows(("ID", "STATUS", "LAST POLL", "NEXT POLL", "ARTICLES", "FEED"), map(_row, feeds))


@app.command()
def add(
    ctx: typer.Context,
    url: str,
    title: Annotated[str | None, typer.Option(help="Its name here.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
    priority: Annotated[str | None, typer.Option(help="normal, breaking or backfill.")] = None,
    paused: Annotated[bool, typer.Option("--paused", help="Do not poll it yet.")] = False,
    country: Annotated[str | None, typer.Option(help="Where its publisher is at home (ISO 3166 alpha-2).")] = None,
    admin1: Annotated[str | None, typer.Option(help="And in which part of it (GeoNames code: GA, ENG).")] = None,
    as_json: AsJson = False,
) -> None:
    """Subscribe to a feed; it is polled at once."""
    home = {name: value for name, value in (("country", country), ("admin1", admin1)) if value}
    with connect(ctx) as desk:
        feed = desk.feeds.add(
            url, title=title, tags=tag or None, priority=priority, paused=paused or None, source=home or None
        )
    show_json(feed) if as_json else _show([feed])


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """All feeds and their state."""
    with connect(ctx) as desk:
        found = list(desk.feeds.list())
    show_json(found) if as_json else _show(found)


@app.command()
def explain(ctx: typer.Context, feed_id: FeedId, as_json: AsJson = False) -> None:
    """Why a feed's next poll is when it is, rule by rule."""
    with connect(ctx) as desk:
        told = desk.feeds.explain(feed_id)
    if as_json:
        show_json(told)
        return
    print(f"next poll: {plain(told.next_poll_at)}, interval {plain(told.interval_s)} s")
    rows = (("*" if rule.decided else "", rule.rule, rule.vote_s, rule.input) for rule in told.rules)
    show_rows(("", "RULE", "VOTE", "INPUT"), rows)


@app.command()
def poll(
    ctx: typer.Context,
    feed_id: FeedId,
    wait: Annotated[int, typer.Option(help="Seconds to wait for the outcome, 0 to 60.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Poll a feed now and tell what came of it."""
    with connect(ctx) as desk:
        outcome = desk.feeds.poll(feed_id, wait_s=wait)
    if outcome is None:
        typer.echo("asked for; its outcome is not known yet", err=True)
    if as_json:
        show_json(outcome)
    elif outcome:
        show_members(outcome)


@app.command()
def doctor(ctx: typer.Context, url: str, as_json: AsJson = False) -> None:
    """Examine an address before adding it: is it a feed, how good is one, which feeds has its site."""
    with connect(ctx) as desk:
        found = desk.feeds.doctor(url)
    if as_json:
        show_json(found)
    else:
        what = f"{found.format}, {found.entries} items" if found.format else "no feed"
        typer.echo(plain(f"{found.verdict}: {found.url} ({what})"))
        show_rows(("SEVERITY", "CODE", "FINDING"), ((f.severity, f.code, f.message) for f in found.findings))
        for candidate in found.candidates:
            typer.echo(plain(f"feed of this site: {candidate}"))
    if found.verdict == "refused":
        raise typer.Exit(1)


@app.command()
def remove(ctx: typer.Context, feed_id: FeedId) -> None:
    """Unsubscribe; its articles stay."""
    with connect(ctx) as desk:
        desk.feeds.remove(feed_id)


@app.command("import")
def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="OPML file; - reads standard input.", allow_dash=True)],
    as_json: AsJson = False,
) -> None:
    """Subscribe to all feeds of an OPML file; folders become tags."""
    try:
        opml = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise typer.BadParameter(plain(f"{file}: {error.strerror}")) from error
    with connect(ctx) as desk:
        outcome = desk.feeds.import_opml(opml)
    show_json(outcome) if as_json else show_members(outcome)


@app.command()
def export(ctx: typer.Context) -> None:
    """Print all feeds as OPML."""
    with connect(ctx) as desk:
        opml = desk.feeds.export_opml()
    sys.stdout.buffer.write(opml)
    sys.stdout.flush()
