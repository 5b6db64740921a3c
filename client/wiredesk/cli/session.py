"""What the commands share: the address and key given, and the connection made from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from wiredesk.sync import Wiredesk

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect."""

    url: str
    key: str


def remember(ctx: typer.Context, url: str, key: str) -> None:
    """Keep the common options for the command that follows."""
    if not url.startswith(("http://", "https://")):
        raise typer.BadParameter(f"{url!r} is no http(s) address", param_hint="--url / WIREDESK_URL")
    ctx.obj = Target(url, key)


def connect(ctx: typer.Context) -> Wiredesk:
    """A client for the address and key given."""
    target = ctx.find_root().obj
    return Wiredesk(target.url, target.key or None)
