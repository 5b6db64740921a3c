"""What `/v1/searches` reads and serves. Pure."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints

from services.api.schemas import ArticleCard, Asked, Page, Served
from services.api.search.models import Bucket, Estimate

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Filters = Annotated[
    dict[str, Any], Field(min_length=1, description="filters of `/v1/articles`: a value or a list each")
]
MOST_DAYS = 90


class SearchIn(Asked):
    """A search to keep."""

    model_config = ConfigDict(
        extra="forbid",
        str_strip_whitespace=True,
        json_schema_extra={
            "examples": [{"name": "Bridges", "filters": {"q": "bridge OR ferry", "lang": ["en", "pt"]}}]
        },
    )

    name: Name
    filters: Filters


class SearchPatch(Asked):
    """What to change; a member left out stays."""

    name: Name | None = None
    filters: Filters | None = None


class PreviewIn(Asked):
    """A search to look at before it is kept."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"filters": {"q": "bridge OR ferry"}, "days": 7}]}
    )

    filters: Filters
    days: Annotated[int, Field(ge=1, le=MOST_DAYS, strict=True)] = 30


class SearchObject(Served):
    """A saved search; `feeds` are its addresses by extension.

    `readers` have them pushed by the hub; the last push to `readers_failing` of them was not taken.
    """

    id: int
    name: str
    filters: dict[str, Any]
    feeds: dict[str, str]
    created_at: AwareDatetime
    updated_at: AwareDatetime
    readers: int
    readers_failing: int


class SearchPage(Page):
    """The saved searches, oldest first."""

    items: list[SearchObject]


class Overlap(Served):
    """How many of the articles looked at another saved search finds as well."""

    id: int
    name: str
    count: int
    share: float


class Preview(Estimate):
    """What a search would have found: by day (UTC, without a gap), the newest, and what other searches find too.

    Overlap is counted among the newest `looked_at` articles that it finds.
    """

    days: list[Bucket]
    sample: list[ArticleCard]
    looked_at: int
    overlap: list[Overlap]
    position: int
