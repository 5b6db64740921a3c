"""`wiredesk keys`: who may use the API. Needs a key of scope `admin` (or an open API)."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from wiredesk.cli.output import show_json, show_rows
from wiredesk.cli.session import AsJson, connect

app = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)


@app.command()
def create(
    ctx: typer.Context,
    name: str,
    scope: Annotated[list[str] | None, typer.Option(help="read, write or admin; repeatable. [default: read]")] = None,
    expires_at: Annotated[str | None, typer.Option(help="RFC 3339 time; never, if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. It is shown only this once."""
    with connect(ctx) as desk:
        key = desk.keys.create(name, scope or ["read"], expires_at=expires_at)
    if as_json:
        show_json(key)
    else:
        print(key.key)
        typer.echo(f"wiredesk: key {key.id} is shown only this once", err=True)


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """All keys, without their secrets."""
    with connect(ctx) as desk:
        found = list(desk.keys.list())
    if as_json:
        show_json(found)
    else:
        rows = ((k.id, k.scopes, k.expires_at, k.last_used_at, k.name) for k in found)
        show_rows(("ID", "SCOPES", "EXPIRES", "LAST USED", "NAME"), rows)


@app.command()
def audit(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Who changed what, by which key, and how it ended."""
    with connect(ctx) as desk:
        found = list(islice(desk.ops.audit(), limit))
    if as_json:
        show_json(found)
    else:
        rows = ((a.at, a.status, a.key_name or a.key_id, a.method, a.path) for a in found)
        show_rows(("AT", "STATUS", "KEY", "METHOD", "PATH"), rows)


@app.command()
def revoke(ctx: typer.Context, key_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Make a key useless from now on."""
    with connect(ctx) as desk:
        desk.keys.revoke(key_id)
