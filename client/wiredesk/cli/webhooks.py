"""`wiredesk webhooks`: signed push to other systems."""

from __future__ import annotations

from typing import Annotated

import typer

from wiredesk.cli.output import show_json, show_members, show_rows
from wiredesk.cli.session import AsJson, connect
from wiredesk.models import Webhook

app = typer.Typer(help="Push events to other systems, signed and in order.", no_args_is_help=True)
WebhookId = Annotated[str, typer.Argument(metavar="ID")]
Repeat = "May be repeated."


def _show(found: list[Webhook]) -> None:
    rows = (
        (w.id, w.status, w.position, w.url if not w.status_reason else f"{w.url} — {w.status_reason}") for w in found
    )
    show_rows(("ID", "STATUS", "POSITION", "URL"), rows)


@app.command()
def add(
    ctx: typer.Context,
    url: str,
    kind: Annotated[list[str] | None, typer.Option("--type", help=f"Event type. {Repeat}")] = None,
    lang: Annotated[list[str] | None, typer.Option(help=f"Language. {Repeat}")] = None,
    source: Annotated[list[str] | None, typer.Option(help=f"Source id. {Repeat}")] = None,
    entity: Annotated[list[str] | None, typer.Option(help=f"Entity id. {Repeat}")] = None,
    after: Annotated[int | None, typer.Option(help="Begin after this position; else with the next event.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Send whole articles, not cards.")] = False,
    as_json: AsJson = False,
) -> None:
    """Subscribe an address. The secret for checking signatures is shown only this once."""
    given = {"type": kind, "lang": lang, "source": source, "entity": entity}
    filters = {name: values for name, values in given.items() if values}
    with connect(ctx) as desk:
        made = desk.webhooks.add(url, after=after, include="full" if full else None, filters=filters or None)
    if as_json:
        show_json(made)
    else:
        _show([made])
        print(f"secret: {made.secret}")


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """All subscriptions."""
    with connect(ctx) as desk:
        found = list(desk.webhooks.list())
    show_json(found) if as_json else _show(found)


@app.command()
def remove(ctx: typer.Context, webhook_id: WebhookId) -> None:
    """Unsubscribe."""
    with connect(ctx) as desk:
        desk.webhooks.remove(webhook_id)


@app.command()
def pause(ctx: typer.Context, webhook_id: WebhookId, as_json: AsJson = False) -> None:
    """Send nothing until it is resumed; nothing is lost."""
    _set_status(ctx, webhook_id, "paused", as_json)


@app.command()
def resume(ctx: typer.Context, webhook_id: WebhookId, as_json: AsJson = False) -> None:
    """Go on where it stopped, whoever stopped it, at once."""
    _set_status(ctx, webhook_id, "active", as_json)


def _set_status(ctx: typer.Context, webhook_id: str, status: str, as_json: bool) -> None:
    with connect(ctx) as desk:
        changed = desk.webhooks.update(webhook_id, status=status)
    show_json(changed) if as_json else _show([changed])


@app.command()
def rotate(ctx: typer.Context, webhook_id: WebhookId, as_json: AsJson = False) -> None:
    """A new secret, shown this once. The old one signs as well for a day."""
    with connect(ctx) as desk:
        made = desk.webhooks.rotate(webhook_id)
    show_json(made) if as_json else show_members(made)


@app.command()
def test(ctx: typer.Context, webhook_id: WebhookId, as_json: AsJson = False) -> None:
    """Send a signed ping now; exit code 1 if the receiver does not take it."""
    with connect(ctx) as desk:
        outcome = desk.webhooks.test(webhook_id)
    show_json(outcome) if as_json else show_members(outcome)
    if not 200 <= (outcome.status_code or 0) < 300:
        raise typer.Exit(1)


@app.command()
def deliveries(ctx: typer.Context, webhook_id: WebhookId, as_json: AsJson = False) -> None:
    """The last attempts and their outcomes."""
    with connect(ctx) as desk:
        page = desk.webhooks.deliveries(webhook_id)
    if as_json:
        show_json(page.items)
    else:
        rows = ((d.at, d.position, d.attempt, d.status_code, d.took_ms, d.error or "") for d in page.items)
        show_rows(("AT", "POSITION", "ATTEMPT", "STATUS", "MS", "ERROR"), rows)
