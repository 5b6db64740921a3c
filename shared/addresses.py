"""Which IP addresses outbound requests may reach: the one place that decides. Pure.

`ipaddress.is_global` calls some addresses global that lead elsewhere or nowhere: translated, tunnelled and multicast
ones. They are listed here beside it. Sources: RFC 6890 and the IANA special-purpose address registries.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NEVER: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "192.88.99.0/24",  # 6to4 relays, RFC 7526
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, with broadcast
        "64:ff9b::/96",  # NAT64: holds any IPv4 address, RFC 6052
        "64:ff9b:1::/48",  # NAT64 of local use, RFC 8215
        "2002::/16",  # 6to4: holds any IPv4 address, RFC 3056
        "2001::/32",  # Teredo: holds any IPv4 address, RFC 4380
        "fec0::/10",  # site-local, RFC 3879
        "ff00::/8",  # multicast
        "::/96",  # IPv4-compatible, RFC 4291
        "3fff::/20",  # documentation, RFC 9637
    )
)
_GIVEN_OUT = ipaddress.IPv6Network("2000::/3")  # all of IPv6 that IANA gives out for use on the Internet


@dataclass(frozen=True, slots=True)
class Allowances:
    """What the operator lets through the private-address guard: networks, and exact `(address, port)` pairs."""

    networks: tuple[Network, ...] = ()
    endpoints: frozenset[tuple[str, int]] = frozenset()

    @classmethod
    def of(cls, networks: Sequence[Network] = (), samplewire: str = "") -> Allowances:
        """The allowances of the settings `allow_private` and `samplewire` (`ADDRESS:PORT`, or empty)."""
        host, _, port = samplewire.rpartition(":")
        pairs = frozenset({(str(ipaddress.ip_address(host.strip("[]"))), int(port))}) if host else frozenset()
        return cls(tuple(networks), pairs)


NOTHING_PRIVATE = Allowances()


@lru_cache(maxsize=8192)
def may_reach(address: str, port: int, allowances: Allowances = NOTHING_PRIVATE) -> bool:
    """Whether a connection to this address (textual, a zone allowed) and port may be made."""
    ip = _unwrap(ipaddress.ip_address(address.partition("%")[0]))
    if (str(ip), port) in allowances.endpoints or any(ip in network for network in allowances.networks):
        return True
    if isinstance(ip, ipaddress.IPv6Address) and ip not in _GIVEN_OUT:
        return False  # among others IPv4 addresses translated (RFC 2765, 2.1) and what nobody has been given
    return ip.is_global and not any(ip in network for network in _NEVER)


def _unwrap(ip: Address) -> Address:
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return mapped or ip
