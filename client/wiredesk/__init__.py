"""Python client of Wiredesk: search enriched news, manage feeds, and follow the event stream without missing a thing.

with Wiredesk("http://127.0.0.1:8080") as desk:
    for event in desk.follow(lang="en", resume=FileState("position")):
        print(event.article.title)
"""

from wiredesk.aio import AsyncWiredesk
from wiredesk.calls import Filters
from wiredesk.errors import (
    ApiError,
    NotAllowed,
    NotFound,
    StreamReset,
    TryLater,
    Unexpected,
    Unreachable,
    WiredeskError,
)
from wiredesk.models import Article, Entity, Event, Feed, Mention, Page, SavedSearch, Webhook
from wiredesk.resume import FileState, MemoryState, ResumeState
from wiredesk.sync import Wiredesk

__all__ = [
    "ApiError",
    "Article",
    "AsyncWiredesk",
    "Entity",
    "Event",
    "Feed",
    "FileState",
    "Filters",
    "MemoryState",
    "Mention",
    "NotAllowed",
    "NotFound",
    "Page",
    "ResumeState",
    "SavedSearch",
    "StreamReset",
    "TryLater",
    "Unexpected",
    "Unreachable",
    "Webhook",
    "Wiredesk",
    "WiredeskError",
]
