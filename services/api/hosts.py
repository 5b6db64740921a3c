"""By which names an API that asks for no key is answered: a page whose own name leads here must not read it.

A browser lets a page of evil.example read evil.example, wherever that name leads: to 127.0.0.1 too, once its owner says
so (DNS rebinding). The header Host tells the name that was asked for, and no page can set it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from services.api import failures
from services.api.problems import InputError, Problem
from shared.settings import Settings

OPEN_TO_ALL = ("/healthz", "/readyz")  # probes ask by whatever name they know


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what is bound there."""
    if host == "localhost":
        return True
    address = _address(host)
    return address is not None and address.is_loopback


def name_of(header: str) -> str:
    """The name or address in a Host header, lower case, without port, brackets and final dot."""
    text = header.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return (text if text.count(":") > 1 else text.partition(":")[0]).removesuffix(".")


class Hosts:
    """ASGI middleware where no key is asked for: answers to names that lead here and nowhere else, and to those set.

    Loopback's names and addresses always do. Of an API that is open on another address every address does, for only a
    name can be made to lead elsewhere.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._addresses = not is_loopback(settings.host)
        self._own = settings.host.strip("[]").lower()
        self._allowed = settings.allowed_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 421."""
        if scope["type"] in ("http", "websocket") and scope["path"] not in OPEN_TO_ALL:
            asked = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
            wrong = next((host for host in asked if not self._answers(name_of(host))), None)
            if wrong is not None:
                await failures.answer(_misdirected(wrong))(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _answers(self, name: str) -> bool:
        if name == self._own or is_loopback(name) or name.endswith(".localhost"):  # RFC 6761: never anything else
            return True
        if self._addresses and _address(name) is not None:
            return True
        return is_among(name, self._allowed)


def is_among(name: str, allowed: Sequence[str]) -> bool:
    """Whether a name is one of these; `.example.org` stands for every name below it, `*` for any."""
    return any(name == one or one == "*" or (one.startswith(".") and name.endswith(one)) for one in allowed)


def _misdirected(host: str) -> Problem:
    told = host[:200]
    return Problem(
        "wrong_host",
        f"this API asks for no key, so it answers only where it is asked for by a name of this machine: {told!r}"
        " is none. Ask for 127.0.0.1, set WIREDESK_ALLOWED_HOSTS to the names that it is published under, or"
        " WIREDESK_AUTH=keys",
        errors=[InputError("header.Host", f"{told!r} is not a name that this API answers to")],
    )


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return None
