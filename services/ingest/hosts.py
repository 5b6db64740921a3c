"""Hosts and the domains they belong to, as politeness counts them. Pure."""

from __future__ import annotations

from shared.urls import registrable_domain


def domain_of(host: str) -> str | None:
    """The registrable domain of a `host:port`; None for addresses and bare names."""
    return registrable_domain(host.rpartition(":")[0])
