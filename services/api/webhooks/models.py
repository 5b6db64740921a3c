"""What `/v1/webhooks` reads and serves."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints

from services.api.schemas import Asked, ErrorObject, Moment, Page, Served

Status = Literal["active", "paused", "disabled"]
Address = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Batch = Annotated[int, Field(ge=1, le=1000, strict=True)]
Position = Annotated[int, Field(ge=0, le=2**63 - 1, strict=True)]


class WebhookIn(Asked):
    """A subscription to make. Without `after` it begins with the next event."""

    model_config = ConfigDict(
        extra="forbid",
        str_strip_whitespace=True,
        json_schema_extra={"examples": [{"url": "https://desk.example/hook", "filters": {"lang": ["en", "es"]}}]},
    )

    url: Address
    filters: dict[str, Any] = Field(default_factory=dict)
    include: Literal["full"] | None = None
    after: Position | None = None
    batch: Batch | None = None


class WebhookPatch(Asked):
    """What to change; a member left out stays. `status` active also tries again at once what failed."""

    url: Address | None = None
    filters: dict[str, Any] | None = None
    include: Literal["full"] | None = None
    batch: Batch | None = None
    status: Literal["active", "paused"] | None = None


class ReplayIn(Asked):
    """A stretch to send again: positions, or times; `after` is exclusive, `until` inclusive."""

    after: Position | Moment
    until: Position | Moment | None = None


class WebhookObject(Served):
    """A subscription. `position` is how far it got; `failures` counts attempts in a row that failed."""

    id: int
    url: str
    filters: dict[str, Any]
    include: Literal["full"] | None
    batch: int | None
    status: Status
    status_reason: str | None
    position: int
    failures: int
    next_attempt_at: AwareDatetime | None
    replays: int
    created_at: AwareDatetime


class WebhookMade(WebhookObject):
    """The new subscription with its secret, told only now."""

    secret: str


class WebhookPage(Page):
    """All subscriptions, oldest first."""

    items: list[WebhookObject]


class DeliveryObject(Served):
    """One attempt. `webhook_id` is the header of that name: the same whenever the same is tried again."""

    webhook_id: str
    position: int | None
    attempt: int
    at: AwareDatetime
    status_code: int | None
    took_ms: int
    error: ErrorObject | None = None


class DeliveryPage(Page):
    """The last attempts, newest first."""

    items: list[DeliveryObject]


class Rotated(Served):
    """The new secret. The old one signs as well until `old_until`."""

    secret: str
    old_until: AwareDatetime


class ReplayAsked(Served):
    """The stretch that will be sent again, before anything newer."""

    after: int
    until: int
