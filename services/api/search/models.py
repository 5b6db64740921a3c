"""The public objects of counts, the directory of entities and near articles. Pure."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from services.api.schemas import ArticleCard, EntityType, Page, Served

Interval = Literal["hour", "day", "week", "month"]
INTERVALS: tuple[Interval, ...] = ("hour", "day", "week", "month")
FacetField = Literal["lang", "source", "feed", "entity", "entity_type", "place", "topic", "author", "has"]
FACET_FIELDS: tuple[FacetField, ...] = (
    "lang", "source", "feed", "entity", "entity_type", "place", "topic", "author", "has",
)  # fmt: skip


class Estimate(Served):
    """How the counts came about."""

    total: Annotated[int, Field(description="articles that pass; estimated unless `exact`")]
    exact: Annotated[bool, Field(description="whether every article was counted")]
    sampled: Annotated[float, Field(gt=0, le=1, description="the share of all articles that was counted, by chance")]


class FacetValue(Served):
    """One value, as the filter of that name takes it, and how many articles have it."""

    value: str
    name: str | None = None
    count: int


class Facet(Served):
    """The commonest values of one field."""

    field: FacetField
    values: list[FacetValue]


class Facets(Estimate, Page):
    """Counts by field. Beyond some thousand articles a sample is counted, and the counts are estimates."""

    items: list[Facet]


class Bucket(Served):
    """How many articles one interval has. `start` is inclusive, `end` exclusive, both in UTC."""

    start: AwareDatetime
    end: AwareDatetime
    count: int


class TimeSeries(Estimate, Page):
    """Counts over time, without a gap: intervals of UTC, weeks from Monday."""

    interval: Interval
    items: list[Bucket]


class DirectoryEntity(Served):
    """One real thing that articles name. `articles` counts those that did when they were first enriched."""

    id: str
    type: EntityType
    name: str
    ids: dict[str, Any]
    articles: int
    first_seen_at: AwareDatetime
    last_seen_at: AwareDatetime | None = None
    aliases: list[str] = Field(default=[], description="what else it was called, at most 20 forms")


class EntityChange(Served):
    """A merge of one id into another, or a split of the two, with the reason."""

    at: AwareDatetime
    kind: Literal["merged", "split"]
    id: str
    into_id: str
    why: Literal["operator", "acronym"]
    evidence: str
    articles: Annotated[int, Field(description="that were to be read again for it")]


class EntityWhole(DirectoryEntity):
    """One entity; asked for by an id that was merged, it is the one that answers for it now."""

    former_ids: list[str] = Field(default=[], description="ids that were merged into this one")
    changes: list[EntityChange] = Field(default=[], description="its merges and splits, the newest first")


class DirectoryPage(Page):
    """Entities, the most named first."""

    items: list[DirectoryEntity]


class RelatedEntity(Served):
    """An entity that the same articles name."""

    id: str
    type: EntityType
    name: str
    count: Annotated[int, Field(description="articles that name both")]
    share: Annotated[float, Field(description="of the articles that name the first, those that name this one too")]
    lift: Annotated[float, Field(description="how many times as often as in all articles")]


class Related(Estimate, Page):
    """Entities named together with one, the most surprising company first."""

    items: list[RelatedEntity]


class SimilarArticle(ArticleCard):
    """An article like another, with how like it is and in what."""

    similarity: Annotated[float, Field(ge=0, le=1)]
    because: Annotated[
        list[str], Field(description="entities and keywords they share; `text` where their vectors say so")
    ]


class Similar(Page):
    """Articles like one, the most like it first."""

    items: list[SimilarArticle]
