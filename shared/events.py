"""The public event contract: CloudEvents 1.0 in JSON, one `position` for every channel.

An event's `data` is the object it tells of as it was then: an article's card, or a feed's state. Within a version
(`.v1`) the contract changes only by addition: readers must ignore members and types they do not know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

EventType = Literal[
    "wiredesk.article.enriched.v1",
    "wiredesk.article.corrected.v1",
    "wiredesk.article.reannotated.v1",
    "wiredesk.article.merged.v1",
    "wiredesk.article.withdrawn.v1",
    "wiredesk.story.started.v1",
    "wiredesk.story.grew.v1",
    "wiredesk.story.merged.v1",
    "wiredesk.feed.failing.v1",
    "wiredesk.feed.recovered.v1",
    "wiredesk.feed.quiet.v1",
]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)
STREAM_RESET = "wiredesk.stream.reset"

STREAM_KEY = "wiredesk:events"
STREAM_FIELD = "event"


@dataclass(frozen=True, slots=True)
class NewEvent:
    """What a service hands to the log. `data` is a JSON object without `position`.

    Of an article at a `version`, `data` is what stands beside the card, if anything. `card` is that card, packed; None:
    the article's row has it, and gets the position of this event in the same transaction.
    """

    type: EventType
    subject: str
    data: str | None
    article_id: int | None = None
    version: int | None = None
    card: bytes | None = None


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One row of the log."""

    position: int
    at: datetime
    type: str
    subject: str
    article_id: int | None
    data: bytes


class CloudEvent(BaseModel):
    """An event as subscribers see it. `id` is the position as a string; (`source`, `id`) is unique for ever."""

    model_config = ConfigDict(extra="allow")

    specversion: Literal["1.0"] = "1.0"
    id: str = Field(pattern=r"^[1-9][0-9]*$", description="the position, as a string")
    source: str = Field(description="the deployment that tells: urn:wiredesk:<id>")
    type: EventType
    subject: str = Field(description="what it tells of: articles/{id}, feeds/{id}, stories/{id}")
    time: AwareDatetime
    datacontenttype: Literal["application/json"] = "application/json"
    data: dict[str, Any]


def with_position(data: bytes, position: int) -> bytes:
    """A JSON object with `position` as its first member: ready JSON is spliced, never parsed again."""
    return b'{"position":%d%s' % (position, b"}" if data == b"{}" else b"," + data[1:])


def joined(data: bytes, further: bytes | None) -> bytes:
    """A JSON object with the members of another one at its end: spliced like `position`."""
    return b"%b,%b" % (data[:-1], further[1:]) if further else data


def source_of(deployment: str) -> str:
    """The CloudEvents `source` of a deployment id."""
    return f"urn:wiredesk:{deployment}"


def envelope(event: LoggedEvent, source: str) -> bytes:
    """The structured-mode CloudEvent of a logged event, as bytes."""
    head = orjson.dumps(
        {
            "specversion": "1.0",
            "id": str(event.position),
            "source": source,
            "type": event.type,
            "subject": event.subject,
            "time": event.at,
            "datacontenttype": "application/json",
        },
        option=orjson.OPT_UTC_Z,
    )
    return head[:-1] + b',"data":' + with_position(event.data, event.position) + b"}"


def batch(envelopes: Sequence[bytes]) -> bytes:
    """The CloudEvents JSON batch of ready envelopes."""
    return b"[" + b",".join(envelopes) + b"]"
