"""What is rendered: an article with the name of the deployment it comes from, and a list of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import orjson

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What XML 1.0 (2.2) does not allow, not even as a reference.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_URI = "!#$%&'()*+,/:;=?@[]~"


@dataclass(frozen=True, slots=True)
class Item:
    """One article: the public object (`told`), and the deployment's urn (`origin`), which makes its id unique."""

    told: dict[str, Any]
    origin: str

    @property
    def uri(self) -> str:
        """The article's name for the whole world, the same in every form and at every version."""
        return f"{self.origin}:articles:{self.told['id']}"

    @property
    def first(self) -> str:
        """When it came out, as far as known."""
        at: str = self.told.get("published_at") or self.told["discovered_at"]
        return at

    @property
    def latest(self) -> str:
        """When its text last changed, as far as known."""
        return self.told.get("modified_at") or self.first


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of articles as ready JSON, and the addresses around it. `fields` were asked for by name, if any were."""

    title: str
    self_url: str
    home_url: str
    next_url: str | None
    origin: str
    ready: Sequence[bytes]
    fields: tuple[str, ...] = ()
    hub_url: str | None = None  # where it can be had pushed

    @property
    def items(self) -> list[Item]:
        """The articles."""
        return [Item(orjson.loads(one), self.origin) for one in self.ready]


def moment(text: str) -> datetime:
    """A time of the public object."""
    return datetime.fromisoformat(text)


def newest(items: Sequence[Item]) -> datetime:
    """When the newest of them last changed; the epoch for none, since no clock is read: equal lists are equal bytes."""
    return max((moment(item.latest) for item in items), default=EPOCH)


def xml_text(text: str) -> str:
    """A text without what XML cannot carry."""
    return _NOT_XML.sub("", text)


def uri(address: str) -> str:
    """An address as a URI (RFC 3986): what may not stand in one is percent-encoded, what is encoded stays."""
    return quote(address, safe=_URI)


def whole_numbers(value: float) -> int:
    """A share from 0 to 1 as whole per cent."""
    return round(min(max(value, 0.0), 1.0) * 100)


def present(members: dict[str, Any]) -> dict[str, Any]:
    """The members that say something: absent ones are left out, as the standards want it."""
    return {name: value for name, value in members.items() if value is not None and value not in ("", [], {})}
